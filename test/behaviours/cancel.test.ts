import {
  agent,
  CancelledError,
  defineJob,
  detached,
  Failure,
  type Job,
  local,
  NeverRetry,
  parallel,
  serial,
} from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { crashHolder, startDispatchers, twoUuids } from './dispatchers.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** Jobs that stop when they are asked to, and one that does not before the test opens its latch. */
async function setUp(makeStore: MakeStore) {
  const { hold, open, opened, started, signals } = makeControlledJobs();
  const { note, notes } = makeRecordingJobs();
  const listen = defineJob({
    name: 'listen',
    retry: { maxAttempts: 5, delay: '1m', jitter: 0 },
    run: async () => {
      const stopped = new Promise((_resolve, reject) => {
        local.signal.addEventListener('abort', () => reject(local.signal.reason));
      });
      return await stopped;
    },
  });
  const answer = defineJob({
    name: 'answer',
    run: async () => {
      await new Promise((resolve) => local.signal.addEventListener('abort', resolve));
      return 'the answer';
    },
  });
  const outer = defineJob({ name: 'outer', run: (inner: Job<unknown>) => inner });
  const once = defineJob({ name: 'once', retry: NeverRetry, run: () => local.sleep('1h') });
  const failing = defineJob({
    name: 'failing',
    retry: { maxAttempts: 5, delay: '1m', jitter: 0 },
    run: () => {
      throw new Error('no');
    },
  });
  const promise = defineJob({
    name: 'promise',
    run: () =>
      detached(
        new Promise((_resolve, reject) => {
          local.signal.addEventListener('abort', () => reject(local.signal.reason));
        }),
      ),
  });
  const jobs = [hold, note, listen, answer, outer, once, failing, promise];
  const testBox = await makeBox({ store: makeStore(), jobs, queues: [''] });
  const queue = testBox.box.queue();
  return {
    ...testBox,
    ...{ hold, open, opened, started, signals, note, notes, listen, answer, outer, once, failing, promise },
    queue,
  };
}

async function endOf(job: Job<unknown>) {
  const { status, ending, outcome } = await job.refresh();
  return { status, ending, name: outcome?.ok === false ? outcome.failure.name : outcome };
}

const cancelled = { status: 'COMPLETED', ending: 'cancelled', name: 'CancelledError' };

forEachStore('A cancelled job', (makeStore) => {
  it('that waits is COMPLETED in the commit of the cancel, and is never called', async () => {
    const { box, queue, note, notes, reactor } = await setUp(makeStore);
    const job = await queue.put(note('never'));

    expect(await job.cancel({ reason: 'not needed' })).toBe('cancelled');

    expect(await endOf(job)).toEqual(cancelled);
    expect(job.record.stop).toMatchObject({ cause: 'cancel', by: box.uuid, reason: 'not needed' });
    expect(await queue.length()).toBe(0);
    await box.start();
    await reactor.advance('1m');
    expect(notes).toEqual([]);
    expect(await job.place()).toEqual({ queue: null, dispatcher: null, agent: null });
  });

  it('that is held for later, or for a retry, ends at once', async () => {
    const { box, queue, note, failing, reactor } = await setUp(makeStore);
    await box.start();
    const later = await queue.put(note('later'), { beginAfter: '1h' });
    const retried = await queue.put(failing());
    await reactor.advance('5s');

    expect([await later.cancel(), await retried.cancel()]).toEqual(['cancelled', 'cancelled']);

    expect(await endOf(later)).toEqual(cancelled);
    expect(await endOf(retried)).toEqual(cancelled);
    await reactor.advance('2h');
    expect((await retried.refresh()).record.attempts).toBe(1);
  });

  it('that is NEW, or a callback that has not begun, ends at once', async () => {
    const { box, queue, note, notes, reactor } = await setUp(makeStore);
    const stored = await box.storeNew(note('stored'));
    const parent = note('parent');
    const callback = await parent.addCallback(note('callback'));
    await queue.put(parent);

    expect([await stored.cancel(), await callback.cancel()]).toEqual(['cancelled', 'cancelled']);

    await box.start();
    await reactor.runUntilIdle();
    expect(notes).toEqual([['parent']]);
    expect((await parent.refresh()).status).toBe('COMPLETED');
    expect(await endOf(callback)).toEqual(cancelled);
  });

  it('that runs is cancelling until its code stops; its signal says who and why', async () => {
    const { box, queue, listen, reactor } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(listen());
    await reactor.runUntilIdle();

    expect(await job.cancel({ reason: 'enough' })).toBe('cancelling');
    await reactor.runUntilIdle();

    expect(await endOf(job)).toEqual(cancelled);
    const { outcome } = job;
    expect(outcome?.ok === false && outcome.failure.message).toContain('enough');
    expect((await job.attempts()).at(-1)).toMatchObject({ attempt: 1, ending: 'cancelled' });
    await reactor.advance('1h');
    expect((await job.refresh()).record.attempts).toBe(1);
  });

  it('whose code returns a value all the same has succeeded, and keeps the request in its record', async () => {
    const { box, queue, answer, reactor } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(answer());
    await reactor.runUntilIdle();

    await job.cancel();
    await reactor.runUntilIdle();

    expect(await endOf(job)).toMatchObject({ ending: 'succeeded', name: { ok: true, value: 'the answer' } });
    expect(job.record.stop).toMatchObject({ cause: 'cancel' });
  });

  it('whose code does not stop goes on without it after the grace, and its worker stays taken', async () => {
    const { box, queue, hold, note, notes, open, reactor, logged } = await setUp(makeStore);
    await box.start({ agent: agent({ size: 1 }) });
    const job = await queue.put(hold('deaf'));
    await reactor.runUntilIdle();
    await job.cancel();
    const next = await queue.put(note('next'));

    await reactor.advance('4s');
    expect((await job.refresh()).status).toBe('ACTIVE');
    await reactor.advance('10s');

    expect(await endOf(job)).toEqual(cancelled);
    expect(logged('WARNING').filter((text) => text.includes('did not stop within 5 seconds'))).toHaveLength(
      1,
    );
    expect(box.getDispatcher()?.getStatusInfo().abandoned).toBe(1);
    expect([notes, (await next.refresh()).status]).toEqual([[], 'PENDING']);

    open('deaf', 'too late');
    await reactor.runUntilIdle();
    expect(await endOf(job)).toEqual(cancelled);
    expect(box.getDispatcher()?.getStatusInfo().abandoned).toBe(0);
    expect(notes).toEqual([['next']]);
  });

  it('that waits for another job ends at once, and that one with it, unless yet another job waits for it', async () => {
    const { box, queue, outer, hold, reactor } = await setUp(makeStore);
    await box.start({ agent: agent({ size: 9 }) });
    const own = await queue.put(hold('own'));
    const shared = await queue.put(hold('shared'));
    const [first, second, third] = await queue.putAll([outer(own), outer(shared), outer(shared)]);
    await reactor.runUntilIdle();

    expect([await first?.cancel(), await second?.cancel()]).toEqual(['cancelled', 'cancelled']);

    expect(await endOf(first as Job)).toEqual(cancelled);
    expect((await own.refresh()).record.state).toBe('active.cancelling');
    expect((await shared.refresh()).record.state).toBe('active.running');
    expect((await third?.refresh())?.record.state).toBe('active.waiting');
    await reactor.advance('6s');
    expect(await endOf(own)).toEqual(cancelled);
  });

  it('with cascade: false leaves what it waits for alone', async () => {
    const { box, queue, outer, hold, reactor } = await setUp(makeStore);
    await box.start();
    const inner = await queue.put(hold('inner'));
    const job = await queue.put(outer(inner));
    await reactor.runUntilIdle();

    expect(await job.cancel({ cascade: false })).toBe('cancelled');

    expect((await inner.refresh()).record.state).toBe('active.running');
  });

  it.each([
    ['serial', serial],
    ['parallel', parallel],
  ] as const)('that is made by %s ends with all its unfinished inner jobs', async (_name, join) => {
    const { box, queue, note, hold, notes, reactor } = await setUp(makeStore);
    await box.start({ agent: agent({ size: 9 }) });
    const inner = [note('first'), hold('second'), note('third').with({ beginAfter: '1h' }), hold('fourth')];
    const main = await queue.put(join(inner));
    await reactor.runUntilIdle();

    expect(await main.cancel()).toBe('cancelled');
    await reactor.advance('6s');

    expect(await endOf(main)).toEqual(cancelled);
    const ends = await Promise.all(inner.map(endOf));
    expect(ends.map(({ ending }) => ending)).toEqual(['succeeded', 'cancelled', 'cancelled', 'cancelled']);
    await reactor.advance('2h');
    expect(notes).toEqual([['first']]);
  });

  it('that waits for a promise is cancelling until that settles', async () => {
    const { box, queue, promise, reactor } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(promise());
    await reactor.runUntilIdle();

    expect(await job.cancel()).toBe('cancelling');
    await reactor.runUntilIdle();

    expect(await endOf(job)).toEqual(cancelled);
  });

  it('has its callbacks called with the failure, by a dispatcher, also when its caller is gone', async () => {
    const { box, queue, note, notes, reactor } = await setUp(makeStore);
    const job = note('never');
    await job.addCallback(note('after'));
    await queue.put(job);

    await job.cancel({ reason: 'no' });

    expect((await job.refresh()).status).toBe('CALLBACKS');
    expect(notes).toEqual([]);
    await box.start();
    await reactor.runUntilIdle();
    expect(notes).toEqual([['after', expect.stringMatching(/^CancelledError: /)]]);
    expect(await endOf(job)).toEqual(cancelled);
  });

  it('that has its outcome is left alone', async () => {
    const { box, queue, note, reactor } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(note('done'));
    await reactor.runUntilIdle();

    expect(await job.cancel()).toBe('ended');

    expect(await endOf(job)).toMatchObject({ ending: 'succeeded' });
  });

  it('is cancelled once: a second request changes nothing', async () => {
    const { box, queue, hold, reactor } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(hold('deaf'));
    await reactor.runUntilIdle();
    await job.cancel({ reason: 'first' });

    expect(await job.cancel({ reason: 'second' })).toBe('cancelling');

    await reactor.advance('6s');
    expect((await job.refresh()).record.stop?.reason).toBe('first');
    expect(await job.cancel()).toBe('ended');
  });

  it('frees its quota when it has its outcome, and not before', async () => {
    const { box, queue, hold, note, notes, reactor } = await setUp(makeStore);
    await queue.quotas.create('one', { size: 1 });
    await box.start({ agent: agent({ size: 9 }) });
    const job = await queue.put(hold('deaf'), { quotaNames: ['one'] });
    await reactor.runUntilIdle();
    await queue.put(note('next'), { quotaNames: ['one'] });

    await job.cancel();
    await reactor.advance('4s');
    expect(notes).toEqual([]);
    await reactor.advance('2s');

    expect(notes).toEqual([['next']]);
  });

  it('whose process is lost while it stops is ended by another one, and is not tried again', async () => {
    const { box, reactor, hold, queue, ...rest } = await setUp(makeStore);
    const testBox = { box, reactor, ...rest };
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const job = await queue.put(hold('deaf').with({ retryPolicy: { maxAttempts: 9 } }));
    await reactor.runUntilIdle();
    await job.cancel();

    await crashHolder(testBox, dispatchers, job);
    await reactor.advance('10m');

    expect(await endOf(job)).toEqual(cancelled);
    expect(job.record.attempts).toBe(1);
  });

  it('refuses a reason that is too long, and an unknown job', async () => {
    const { box, queue, note } = await setUp(makeStore);
    const job = await queue.put(note('x'));

    await expect(job.cancel({ reason: 'x'.repeat(1001) })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(job.cancel({ cascade: 'no' as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(box.job('nothing').cancel()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect((await job.refresh()).status).toBe('PENDING');
  });

  it('that is assigned and was not called yet ends at once', async () => {
    const { box, queue, once, reactor } = await setUp(makeStore);
    const job = await queue.put(once());
    const claimed = await queue.claim();
    expect([claimed?.id, (await job.refresh()).status]).toEqual([job.id, 'ASSIGNED']);

    expect(await job.cancel()).toBe('cancelled');

    expect(await endOf(job)).toEqual(cancelled);
    await box.start();
    await reactor.advance('1m');
    expect(job.record.attempts).toBe(0);
  });

  it('is known by its failure: a CancelledError with the reason', async () => {
    const { queue, note } = await setUp(makeStore);
    const job = await queue.put(note('x'));
    await job.cancel({ reason: 'why' });

    const { outcome } = await job.refresh();

    expect(outcome?.ok === false && outcome.failure).toBeInstanceOf(Failure);
    expect(outcome?.ok === false && outcome.failure.code).toBe('CANCELLED');
    expect(new CancelledError({ id: 'j', reason: 'why' }).reason).toBe('why');
  });
});
