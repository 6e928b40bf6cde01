import { agent, defineJob, detached, type Job, pollInstant } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { startDispatchers } from './dispatchers.ts';
import { forEachStore, makeBox, type TestBoxOptions } from './stores.ts';

forEachStore('The records of a dispatcher', (makeStore) => {
  async function makeTestBox(jobs: NonNullable<TestBoxOptions['jobs']> = []) {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({
      store: makeStore(),
      jobs: [controlled.hold, controlled.done, controlled.fail, ...jobs],
      queues: [''],
    });
    const { box, reactor } = testBox;
    return { ...controlled, testBox, box, reactor, queue: box.queue() };
  }

  it('[D-34] a poll record maps queues to agents to what was seen, and has its key and the instant of its end', async () => {
    const { testBox, box, queue, hold, reactor } = await makeTestBox();
    await box.createQueue('second');
    const job = await queue.put(hold('one'));
    const [a] = await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 2 }) } });

    const poll = a?.getPollInfo();

    const empty = { size: 2, len: 0, error: null, newJobs: [], claimed: 0, activeJobs: [] };
    expect(poll?.queues).toEqual({
      '': { main: { ...empty, newJobs: [job.names], claimed: 1 } },
      second: { main: empty },
    });
    expect(typeof poll?.key).toBe('bigint');
    expect(poll?.timestamp).toEqual(new Date(reactor.now()));
  });

  it('[D-35] a job is new in the poll that claimed it, and active in the later ones that find it held', async () => {
    const { testBox, queue, hold, open, reactor } = await makeTestBox();
    const job = await queue.put(hold('one'));
    const [a] = await startDispatchers(testBox, ['a']);
    await reactor.advance('5s');
    open('one');
    await reactor.advance('5s');

    const seen = [...(a?.polls ?? [])].reverse().map((poll) => {
      const { newJobs = [], activeJobs = [] } = poll.queues['']?.main ?? {};
      return { newJobs, activeJobs };
    });

    expect(seen).toEqual([
      { newJobs: [job.names], activeJobs: [] },
      { newJobs: [], activeJobs: [job.names] },
      { newJobs: [], activeJobs: [] },
    ]);
  });

  it('[D-36] poll keys are integers that fall as time passes, differ for records of one instant, and give the instant back', async () => {
    const { testBox, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const first = a?.getPollInfo();
    await reactor.advance('5s');
    const second = a?.getPollInfo();
    reactor.setNow(second?.timestamp ?? 0);
    await reactor.advance('4999ms');
    reactor.setNow((second?.timestamp.getTime() ?? 0) - 1);
    await reactor.advance('1ms');
    const third = a?.getPollInfo();

    const keys = [first, second, third].map((poll) => poll?.key ?? 0n);
    expect(keys[0]).toBeGreaterThan(keys[1] ?? 0n);
    expect(third?.timestamp).toEqual(second?.timestamp);
    expect(keys[2]).toBe((keys[1] ?? 0n) - 1n);
    expect(keys.every((key) => key > BigInt(Number.MAX_SAFE_INTEGER))).toBe(true);
    expect(keys.map((key) => new Date(pollInstant(key)))).toEqual(
      [first, second, third].map((poll) => poll?.timestamp),
    );
    expect(JSON.parse(JSON.stringify(third))).toMatchObject({ key: String(keys[2]) });
  });

  it('[D-37] only the newest polls and the newest started jobs are kept, and the oldest is dropped first', async () => {
    const { testBox, queue, hold, done, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a'], { jobsSize: 2, pollsSize: 3 });
    const start = reactor.now();
    const jobs: Job[] = [];
    for (const job of [hold('1'), done('2'), done('3')]) jobs.push(await queue.put(job));

    await reactor.advance('25s');

    expect([...(a?.polls ?? [])].map((poll) => poll.timestamp.getTime() - start)).toEqual([
      25_000, 20_000, 15_000,
    ]);
    expect([...(a?.jobs ?? [])].map(([id]) => id)).toEqual([jobs[2]?.id, jobs[1]?.id]);
    expect(() => a?.getJobInfo(jobs[0]?.id ?? '')).toThrow(/^Expected a record of job/);
  });

  it('[D-38] a job record is made at the claim, with all that is known then and null for the rest', async () => {
    const { testBox, queue, hold, reactor } = await makeTestBox();
    await queue.quotas.create('q', { size: 1 });
    const [a] = await startDispatchers(testBox, ['a']);
    const job = await queue.put(hold('one'), { quotaNames: ['q'] });
    await reactor.runUntilIdle();

    expect(a?.getJobInfo(job.id ?? '')).toEqual({
      result: null,
      failed: false,
      agent: 'main',
      queue: '',
      pollId: a?.getPollInfo().key,
      quotaNames: ['q'],
      call: String(job),
      started: new Date(reactor.now()),
      completed: null,
      thread: 'main:0',
      reassigned: false,
    });
  });

  it('[D-39] the worker fills in its name and the start, and at the end the result and the end', async () => {
    const { testBox, queue, hold, fail, open, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const job = await queue.put(hold('one'));
    await reactor.runUntilIdle();
    const started = new Date(reactor.now());
    expect(a?.getJobInfo(job.id ?? '')).toMatchObject({ thread: 'main:0', started, completed: null });

    await reactor.advance('7s');
    open('one', { answer: 42 });
    await reactor.runUntilIdle();
    expect(a?.getJobInfo(job.id ?? '')).toMatchObject({
      result: '{"answer":42}',
      failed: false,
      started,
      completed: new Date(reactor.now()),
    });

    const failing = await queue.put(fail('no'));
    await reactor.runUntilIdle();
    expect(a?.getJobInfo(failing.id ?? '')).toMatchObject({
      failed: true,
      completed: new Date(reactor.now()),
    });
  });

  it('[D-40] the result is text, of a failure its traceback, and is cut with a marker after 10,000 characters', async () => {
    const { testBox, queue, done, fail, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const [short, full, long, failed] = [
      await queue.put(done('short')),
      await queue.put(done('x'.repeat(9998))),
      await queue.put(done('x'.repeat(9999))),
      await queue.put(fail('went wrong')),
    ];
    await reactor.runUntilIdle();
    const resultOf = (job: { id: string | null }) => a?.getJobInfo(job.id ?? '').result ?? '';

    expect(resultOf(short)).toBe("'short'");
    expect(resultOf(full)).toBe(`'${'x'.repeat(9998)}'`);
    const [text, marker, ...more] = resultOf(long).split('\n');
    expect([text?.length, more]).toEqual([10_000, []]);
    expect(marker).toMatch(/TRUNCATED/);
    expect(resultOf(failed)).toMatch(/Error: went wrong\n\s+at /);
  });

  it('[D-41] a job that waits for another or for a promise has a completed record, since its worker is free', async () => {
    const controlled = makeControlledJobs();
    const outer = defineJob({ name: 'outer', run: () => controlled.hold('inner') });
    const promised = defineJob({ name: 'promised', run: () => detached(controlled.opened('promise')) });
    const testBox = await makeBox({
      store: makeStore(),
      jobs: [controlled.hold, outer, promised],
      queues: [''],
    });
    const { reactor } = testBox;
    const queue = testBox.box.queue();
    const [a] = await startDispatchers(testBox, ['a']);
    const [waiting, later] = [await queue.put(outer()), await queue.put(promised())];
    await reactor.advance('1s');

    const ended = new Date(reactor.now() - 1000);
    expect((await waiting.refresh()).status).toBe('ACTIVE');
    expect(a?.getJobInfo(waiting.id ?? '')).toMatchObject({
      completed: ended,
      result: expect.stringContaining('hold'),
    });
    expect((await later.refresh()).status).toBe('ACTIVE');
    expect(a?.getJobInfo(later.id ?? '')).toMatchObject({ completed: ended, result: 'null' });

    controlled.open('promise');
    await reactor.runUntilIdle();
    expect((await later.refresh()).status).toBe('COMPLETED');
    expect(a?.getJobInfo(later.id ?? '')).toMatchObject({ completed: ended, result: 'null' });
  });
});
