import { ConflictError, defineJob, type Job, type JobDefinition, local, RetryCommonForever } from 'signalbox';
import { expect, it } from 'vitest';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

async function setUp(makeStore: MakeStore, jobs: readonly JobDefinition<never, unknown>[] = []) {
  const recording = makeRecordingJobs();
  const { note, give } = recording;
  const testBox = await makeBox({ store: makeStore(), jobs: [note, give, ...jobs], queues: [''] });
  return { ...testBox, ...recording, queue: testBox.box.queue() };
}

forEachStore('What is stored', (makeStore) => {
  it('[J-145] arguments are copied when the job is put; jobs among them are references to what they are then', async () => {
    const seen: unknown[] = [];
    const look = defineJob({
      name: 'look',
      run: (value: { count: number }, job: Job<unknown>) => {
        seen.push(value.count, job.status, job.outcome);
      },
    });
    const { box, queue, give, reactor } = await setUp(makeStore, [look]);
    const value = { count: 1 };
    const other = give('other');
    await queue.put(look(value, other), { beginAfter: '1m' });
    value.count = 2;
    await queue.put(other);

    await box.start();
    await reactor.advance('2m');

    expect(seen).toEqual([1, 'COMPLETED', { ok: true, value: 'other' }]);
  });

  it('[J-145] what cannot be stored is refused when the job is put, with its path', async () => {
    const any = defineJob({ name: 'any', run: (..._input: unknown[]) => null });
    const { queue } = await setUp(makeStore, [any]);

    await expect(queue.put(any(1, { when: new Date(0) }))).rejects.toThrow(
      'Expected args[1].when to be a JSON value, got Date',
    );
    await expect(queue.put(any(() => 1))).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
    expect(await queue.length()).toBe(0);
  });

  it('[J-146] a result that cannot be stored is a commit error: the policy is asked, and it is the failure', async () => {
    const asked: string[] = [];
    const policy = {
      ...RetryCommonForever,
      name: 'asked',
      commitError: (failure: { readonly message: string }) => {
        asked.push(failure.message);
        return false;
      },
    };
    const bad = defineJob({ name: 'bad', run: (): unknown => ({ at: new Map() }) });
    const { box, queue, note, notes, reactor, logged } = await setUp(makeStore, [bad]);
    await box.start();
    const job = bad().with({ retryPolicy: policy });
    await job.addCallback(note.partial('callback'));

    await queue.put(job);
    await reactor.runUntilIdle();

    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('Expected result.at to be a JSON value, got Map');
    expect((await job.refresh()).outcome).toMatchObject({ ok: false, failure: { code: 'ARGS_NOT_JSON' } });
    expect(notes).toHaveLength(1);
    expect(logged('INFO').some((message) => message.includes('masks the outcome'))).toBe(true);
  });

  it('[J-147] what a job writes is committed with its result and dropped with its error; other effects are repeated', async () => {
    const effects: string[] = [];
    const writes = defineJob({
      name: 'writes',
      run: async (conflicts: number) => {
        effects.push('called');
        await local.getQueue().put(note('put by the job'));
        await local.getJob()?.setAnnotation('calls', effects.length);
        if (effects.length <= conflicts)
          throw new ConflictError({ subject: 'a row', expected: 'mine', actual: 'theirs' });
        return 'written';
      },
    });
    const fails = defineJob({
      name: 'fails',
      run: async () => {
        await local.getQueue().put(note('never seen'));
        throw new Error('no');
      },
    });
    const { box, queue, note, notes, reactor } = await setUp(makeStore, [writes, fails]);
    await box.start();

    const job = await queue.put(writes(2));
    await queue.put(fails());
    await reactor.runUntilIdle();

    expect(await job.result()).toBe('written');
    expect(effects).toHaveLength(3);
    expect(notes).toEqual([['put by the job']]);
    expect((await job.refresh()).annotations).toEqual({ calls: 3 });
    let lines = 0;
    for await (const { event, id, seq } of box.entries())
      if (event === 'job.finish' && id === job.id) lines = seq;
    const together: string[] = [];
    for await (const { event, seq } of box.entries(lines - 2)) if (seq <= lines) together.push(event);
    expect(together).toEqual(['job.put', 'annotation.set', 'job.finish']);
  });

  it('[J-148] a deadline bounds the start only: a job that started in time may take any time', async () => {
    let end: (value: string) => void = () => {};
    const long = defineJob({ name: 'long', run: () => new Promise<string>((resolve) => (end = resolve)) });
    const { box, queue, reactor } = await setUp(makeStore, [long]);
    await box.start();
    const job = await queue.put(long(), { beginBy: '1s' });
    await reactor.advance('1h');
    const during = (await job.refresh()).status;

    end('late but good');
    await reactor.runUntilIdle();

    expect(during).toBe('ACTIVE');
    expect(await job.result()).toBe('late but good');
  });

  it('[J-148] a stand-alone call ignores the deadline', async () => {
    const { box, give, reactor } = await setUp(makeStore);
    await box.start();
    const job = give('called').with({ beginAfter: reactor.now(), beginBy: '1s' });
    await reactor.advance('1h');

    expect(await box.call(job)).toBe('called');
  });
});
