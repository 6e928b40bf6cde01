import { agent, defineJob, type Job, NeverRetry } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

async function setUp(makeStore: MakeStore) {
  const { hold, started, open } = makeControlledJobs();
  const { note, notes } = makeRecordingJobs();
  const calls: unknown[][] = [];
  const send = defineJob({
    name: 'send',
    retry: NeverRetry,
    run: (to: string, count: number) => {
      calls.push([to, count]);
      if (count === 0) throw new Error('nothing to send');
      return count;
    },
    concurrency: { limit: 1, key: (to) => to, name: 'to' },
    tags: (to) => [`to:${to}`],
    deadline: '1h',
  });
  const jobs = [send, hold, note];
  const testBox = await makeBox({ store: makeStore(), jobs, queues: ['mail', 'other'] });
  const queue = testBox.box.queue('mail');
  const ended = async (job: Job<unknown>, options = {}) => {
    await queue.put(job, options);
    await testBox.reactor.runUntilIdle();
    return job.refresh();
  };
  await testBox.box.start({ agent: agent({ size: 4 }) });
  return { ...testBox, hold, started, open, note, notes, calls, send, queue, ended };
}

forEachStore('A retry of an ended job', (makeStore) => {
  it('is a new job with its arguments, its settings and its tags, without its callbacks, and both name each other', async () => {
    const { box, queue, send, note, notes, calls, reactor, ended } = await setUp(makeStore);
    await queue.quotas.create('disk', { size: 2 });
    const draft = send('ann', 0);
    await draft.addCallback(note.partial('called'));
    const settings = { priority: 3, beginBy: '1m', timeout: '5s', quotaNames: ['disk'] };
    const job = await ended(draft, settings);
    await reactor.advance('10m');

    const again = await job.retry();
    await reactor.runUntilIdle();
    await again.refresh();

    expect([again.putResult, calls, notes.length]).toEqual([
      'added',
      [
        ['ann', 0],
        ['ann', 0],
      ],
      1,
    ]);
    const { origin, priority, beginBy, timeout, quotaNames, keys, tags, deadline, beginAfter } = again.record;
    expect({ origin, priority, beginBy, timeout, quotaNames, keys, tags }).toEqual({
      origin: { retryOf: job.id },
      ...{
        priority: 3,
        beginBy: 60_000,
        timeout: 5000,
        quotaNames: ['disk'],
        keys: ['to/ann'],
        tags: ['to:ann'],
      },
    });
    expect(Number(deadline) - Number(beginAfter)).toBe(3_600_000);
    await job.refresh();
    expect([job.status, job.ending, job.annotations['signalbox.retriedAs']]).toEqual([
      'COMPLETED',
      'failed',
      again.id,
    ]);
    const commits = new Map<string, number>();
    for await (const { id, event, commit } of box.store.entries(1))
      if (event === 'job.put' || event === 'annotation.set') commits.set(`${event} ${id}`, commit);
    expect(commits.get(`job.put ${again.id}`)).toBe(
      commits.get(`annotation.set ${job.id}/signalbox.retriedAs`),
    );
  });

  it('may have other arguments and begin later; its keys follow from the arguments', async () => {
    const { send, calls, reactor, ended } = await setUp(makeStore);
    const job = await ended(send('ann', 0));

    const again = await job.retry({ args: ['bob', 2], at: '1h' });
    await reactor.runUntilIdle();
    expect([calls.length, again.record.keys]).toEqual([1, ['to/bob']]);
    await reactor.advance('61m');

    expect([calls.at(-1), (await again.refresh()).ending]).toEqual([['bob', 2], 'succeeded']);
  });

  it('is refused before the job has ended, of a callback, of what was in no queue, and of what is not there', async () => {
    const { box, queue, hold, open, note, send, reactor, ended } = await setUp(makeStore);
    const draft = hold('running');
    const callback = await draft.addCallback(note.partial('called'));
    await queue.put(draft);
    await reactor.runUntilIdle();
    await expect(draft.retry()).rejects.toThrow('Only a job that has ended can be tried again');
    open('running');
    await reactor.runUntilIdle();
    await expect(callback.retry()).rejects.toThrow('It is a callback');
    const called = note('called');
    await box.call(called);
    await expect(called.retry()).rejects.toThrow('It was in no queue');
    await expect(box.job('missing').retry()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    const job = await ended(send('ann', 0));
    await expect(job.retry({ args: 'ann' as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(job.retry({ args: [new Date(0)] as never })).rejects.toMatchObject({
      code: 'ARGS_NOT_JSON',
    });

    expect((await box.store.annotations(job.id ?? '')).length).toBe(0);
  });

  it('asks for its unique name as a put does, also where the definition is unknown', async () => {
    const store = makeStore();
    const { box, queue, note, reactor } = await setUp(() => store);
    const unique = { key: (id: string) => id };
    const job = await queue.put(note('a'), { unique });
    await reactor.runUntilIdle();
    const first = await job.retry({ at: '1h' });
    const second = await job.retry();
    expect([first.putResult, first.record.uniqueKey, second.putResult, second.id]).toEqual([
      'added',
      job.record.uniqueKey,
      'existing',
      first.id,
    ]);
    expect((await job.refresh()).annotations['signalbox.retriedAs']).toBe(first.id);
    await first.cancel();
    await box.stop();

    const other = await makeBox({ store });
    const handle = other.box.job(job.id ?? '');
    await expect(handle.retry({ args: ['b'] })).rejects.toMatchObject({ code: 'UNKNOWN_DEFINITION' });
    expect((await handle.retry()).putResult).toBe('added');
    expect((await handle.retry()).putResult).toBe('existing');
  });

  it('by an operator is noted with who did it, and one under a key is done once', async () => {
    const { box, send, ended } = await setUp(makeStore);
    const job = await ended(send('ann', 0));
    const operator = box.operate({ user: 'ada', reason: 'repaired', key: 'k1' });

    const answers = [await operator.retry(job.id ?? ''), await operator.retry(job.id ?? '')];

    expect(answers[0]).toEqual(answers[1]);
    expect((await box.job(answers[0]?.id ?? '').refresh()).record.origin).toEqual({ retryOf: job.id });
    const acted: unknown[] = [];
    for await (const { event, patch } of box.store.history('store', 'store'))
      if (event === 'operator.acted') acted.push(patch?.lastAction);
    expect(acted).toMatchObject([
      { action: 'retry', target: job.id, user: 'ada', reason: 'repaired', count: 1 },
    ]);
  });
});
