import { BadStatusError, defineJob, type Job, type Limits, local } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { crashHolder, startDispatchers, twoUuids } from './dispatchers.ts';
import { disconnect, Faults, faultyStore, has } from './faulty-store.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** A job that says how far it is as often as `steps` says, `pause` apart, and how a call of it may end. */
async function setUp(makeStore: MakeStore, limits: Partial<Limits> = {}) {
  const { open, opened } = makeControlledJobs();
  const faults = new Faults();
  let calls = 0;
  const count = async (steps: number, pause: string): Promise<void> => {
    for (let step = 1; step <= steps; step += 1) {
      local.progress(step, steps, `step ${step}`);
      await local.sleep(pause);
    }
  };
  const work = defineJob({
    name: 'work',
    run: async (steps: number, pause: string) => {
      await count(steps, pause);
      return steps;
    },
  });
  const beats = defineJob({ name: 'beats', heartbeat: '15s', run: count });
  const given = defineJob({
    name: 'given',
    run: async (latch: string, done: number, total: number, note: string) => {
      local.progress(done, total, note);
      await opened(latch);
    },
  });
  const deaf = defineJob({
    name: 'deaf',
    timeout: '10s',
    grace: '5s',
    run: async (latch: string) => {
      local.progress(1, 9);
      await opened(latch);
      local.progress(9, 9);
      await local.sleep('1m');
    },
  });
  const again = defineJob({
    name: 'again',
    retry: { maxAttempts: 2, delay: '1h', jitter: 0 },
    run: (how: string) => {
      calls += 1;
      local.progress(1, 9);
      local.progress(2, 9);
      if (how === 'snooze') return local.snooze('1h');
      throw new Error('not yet');
    },
  });
  const taken = defineJob({
    name: 'taken',
    retry: { maxAttempts: 3, delay: '1s' },
    run: async () => {
      calls += 1;
      const call = calls;
      local.progress(call, 9, 'began');
      await opened(`call ${call}`);
      local.progress(call, 9, 'goes on');
      await local.sleep('10s');
    },
  });
  const outer = defineJob({
    name: 'outer',
    run: (inner: Job<unknown>) => {
      local.progress(1);
      local.progress(2);
      return inner;
    },
  });
  const testBox = await makeBox({
    store: faultyStore(makeStore(), faults),
    jobs: [work, beats, given, deaf, again, taken, outer],
    queues: [''],
    limits,
  });
  const written = () => faults.commits.filter((commit) => has(commit, 'annotation.set'));
  return {
    ...testBox,
    work,
    beats,
    given,
    deaf,
    again,
    taken,
    outer,
    open,
    faults,
    written,
    calls: () => calls,
    queue: testBox.box.queue(),
  };
}

forEachStore('The progress of a job', (makeStore) => {
  it('is what its code said last; a job whose code has said nothing has none', async () => {
    const { box, queue, work, reactor } = await setUp(makeStore);
    const job = await queue.put(work(3, '1s'));
    expect(await job.progress()).toBeNull();

    await box.start();
    await reactor.advance('1s');

    expect(await job.progress()).toEqual({ done: 2, total: 3, note: 'step 2', at: expect.any(Number) });
    expect(await (await box.job(job.record.id).refresh()).progress()).toMatchObject({ done: 2 });
  });

  it('is written at once, then at most every half second, the newest one only', async () => {
    const { box, queue, work, reactor, written } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(work(1000, '10ms'));

    await reactor.advance('1ms');
    expect(await job.progress()).toMatchObject({ done: 1 });
    await reactor.advance('480ms');
    expect(written()).toHaveLength(1);
    await reactor.advance('20ms');
    expect(await job.progress()).toMatchObject({ done: 50 });
    await reactor.advance('4s');

    expect(written()).toHaveLength(10);
  });

  it('goes with the result where it is not written yet, and nothing is written later', async () => {
    const { box, queue, work, reactor, written, faults } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(work(20, '10ms'));

    await reactor.advance('10s');

    expect(await job.progress()).toMatchObject({ done: 20, total: 20 });
    expect(written()).toHaveLength(2);
    expect(faults.commits.find((commit) => has(commit, 'job.finish'))).toBe(written()[1]);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it.each(['snooze', 'retry'])('goes with a %s, too', async (how) => {
    const { box, queue, again, reactor, written, calls } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(again(how));

    await reactor.advance('1m');

    expect((await job.refresh()).status).toBe('PENDING');
    expect(await job.progress()).toMatchObject({ done: 2, total: 9 });
    expect([calls(), written().length]).toEqual([1, 2]);
  });

  it('goes with the wait for another job, too', async () => {
    const { box, queue, work, outer, reactor, written } = await setUp(makeStore);
    await box.start();
    const inner = await queue.put(work(0, '1s'), { beginAfter: '1h' });
    const job = await queue.put(outer(inner));

    await reactor.runUntilIdle();

    expect((await job.refresh()).record.state).toBe('active.waiting');
    expect(await job.progress()).toMatchObject({ done: 2, total: null, note: null });
    expect(written()).toHaveLength(2);
  });

  it('counts for no limit of annotations', async () => {
    const { box, queue, work, reactor } = await setUp(makeStore, { annotations: 1 });
    await box.start();
    const job = await queue.put(work(3, '1s').with({ annotations: { note: 'the only one' } }));

    await reactor.advance('1m');

    expect(await job.progress()).toMatchObject({ done: 3 });
    expect((await job.refresh()).ending).toBe('succeeded');
    await expect(job.setAnnotation('another', 1)).rejects.toMatchObject({ code: 'TOO_MANY' });
  });

  it('is a sign of life', async () => {
    const { box, queue, beats, reactor } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(beats(12, '10s'));
    const silent = await queue.put(beats(1, '16s'));

    await reactor.advance('5m');

    expect((await job.refresh()).ending).toBe('succeeded');
    expect((await silent.refresh()).record.stop?.cause).toBe('heartbeat');
  });

  it('is not changed by code that its job has gone on without', async () => {
    const { box, queue, deaf, reactor, open, written } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(deaf('latch'));
    await reactor.advance('1m');
    expect((await job.refresh()).ending).toBe('failed');

    open('latch');
    await reactor.advance('1m');

    expect(await job.progress()).toMatchObject({ done: 1 });
    expect(written()).toHaveLength(1);
  });

  it('is not changed by a process that has lost the job', async () => {
    const rest = await setUp(makeStore);
    const dispatchers = await startDispatchers(rest, twoUuids);
    const job = await rest.queue.put(rest.taken());
    await rest.reactor.runUntilIdle();
    await crashHolder(rest, dispatchers, job);
    await rest.reactor.advance('5m');
    expect(await job.progress()).toMatchObject({ done: 2, note: 'began' });

    rest.open('call 1');
    await rest.reactor.advance('1m');
    expect(await job.progress()).toMatchObject({ done: 2, note: 'began' });
    rest.open('call 2');
    await rest.reactor.advance('1m');

    expect(await job.progress()).toMatchObject({ done: 2, note: 'goes on' });
  });

  it('fails no job when the store refuses it, and is written when the store takes it', async () => {
    const { box, queue, work, reactor, faults, logged } = await setUp(makeStore);
    faults.refuse = (commit) => (has(commit, 'annotation.set') ? disconnect() : null);
    await box.start();
    const job = await queue.put(work(2, '10s'));
    await reactor.advance('5s');
    expect(await job.progress()).toBeNull();

    faults.refuse = () => null;
    await reactor.advance('1s');
    expect(await job.progress()).toMatchObject({ done: 1 });
    await reactor.advance('1m');

    expect((await job.refresh()).ending).toBe('succeeded');
    expect(await job.progress()).toMatchObject({ done: 2 });
    expect([...logged('ERROR'), ...logged('CRITICAL')]).toEqual([]);
  });

  it('refuses what is no progress before anything is written', async () => {
    const { box, queue, given, reactor, written } = await setUp(makeStore);
    await box.start();
    const wrong = [
      [-1, 1, ''],
      ['1', 1, ''],
      [1, -1, ''],
      [1, 2, 'x'.repeat(1001)],
    ] as unknown as [number, number, string][];
    const jobs = await queue.putAll(wrong.map(([done, total, note]) => given('latch', done, total, note)));

    await reactor.runUntilIdle();

    for (const job of jobs)
      expect((await job.refresh()).outcome).toMatchObject({ failure: { code: 'INVALID_OPTION' } });
    expect(jobs).toHaveLength(4);
    expect(written()).toEqual([]);
  });
});

it('progress outside a job is refused', () => {
  expect(() => local.progress(1)).toThrow(/local\.progress\(\) to be called while a job runs/);
});

it('the progress of a job that is not stored cannot be asked for', async () => {
  const draft = defineJob({ name: 'draft', run: () => null })();

  await expect(async () => draft.progress()).rejects.toThrow(BadStatusError);
});
