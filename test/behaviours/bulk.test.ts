import { agent, type BulkFilter, defineJob, type Job, type Signalbox } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const outage = { isOver: false };
const send = defineJob({
  name: 'mail.send',
  retry: { maxAttempts: 1 },
  run: (n: number) => {
    if (!outage.isOver) throw refused;
    return n;
  },
});
const ask = defineJob({ name: 'ask', run: (job: Job<number>) => job.id });

async function setUp(makeStore: MakeStore) {
  outage.isOver = false;
  const controlled = makeControlledJobs();
  const { hold } = controlled;
  const testBox = await makeBox({ store: makeStore(), jobs: [send, ask, hold], queues: ['', 'mail'] });
  const { box } = testBox;
  const queue = box.queue('mail');
  const puts = (count: number) => queue.putAll(Array.from({ length: count }, (_, n) => send(n)));
  return { ...testBox, ...controlled, queue, puts };
}

async function endingsOf(box: Signalbox, filter: BulkFilter = {}): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { ending, status } of box.jobs(filter)) {
    const is = ending ?? status;
    counts[is] = (counts[is] ?? 0) + 1;
  }
  return counts;
}

forEachStore('A bulk call', (makeStore, kind) => {
  it('cancels what waits, in pages, and leaves what was put later alone', async () => {
    const { box, reactor, queue, puts } = await setUp(makeStore);
    await queue.pause();
    const count = kind === 'postgres' ? 30 : 1200;
    await puts(count);
    const op = await box.bulk('cancel', { queue: 'mail', job: 'mail.*' }, { reason: 'wrong list' });
    const later = await queue.put(send(0));

    await box.start();
    await reactor.runUntilIdle();
    const result = await op.result();

    const until = expect.any(Number);
    expect(result).toEqual({ matched: count, done: count, skipped: 0, failed: [], until });
    expect(await op.progress()).toEqual({ matched: count, done: count, skipped: 0, failed: [] });
    expect(await endingsOf(box, { job: 'mail.*' })).toEqual({ cancelled: count, PENDING: 1 });
    expect((await later.refresh()).status).toBe('PENDING');
    for await (const { record } of box.jobs({ ending: 'cancelled' }))
      expect(record.stop).toMatchObject({ by: box.uuid, reason: 'wrong list' });
    const commits = new Set<number>();
    for await (const { event, commit } of box.store.entries(1))
      if (event === 'job.cancel') commits.add(commit);
    expect(commits.size).toBe(Math.ceil(count / 500));
  });

  it('tries many again that failed, each once', async () => {
    const { box, reactor, puts } = await setUp(makeStore);
    const jobs = await puts(20);
    await box.start();
    await reactor.runUntilIdle();
    outage.isOver = true;

    const op = await box.bulk('retry', { queue: 'mail', ending: 'failed', error: 'ECONN*' });
    await reactor.runUntilIdle();

    expect(await op.result()).toMatchObject({ matched: 20, done: 20, skipped: 0 });
    expect(await endingsOf(box, { job: 'mail.*' })).toEqual({ failed: 20, succeeded: 20 });
    for (const job of jobs) {
      await job.refresh();
      const again = await box.job(String(job.annotations['signalbox.retriedAs'])).refresh();
      expect([again.args, again.record.origin]).toEqual([job.args, { retryOf: job.id }]);
    }
  });

  it('skips jobs that refuse, and counts only with dryRun', async () => {
    const { box, reactor, queue, hold, started, open, puts } = await setUp(makeStore);
    await box.start({ agent: agent({ size: 2 }) });
    await puts(3);
    await reactor.runUntilIdle();
    const running = await queue.put(hold('running'));
    await reactor.runUntilIdle();
    expect(started).toEqual(['running']);
    const held = await queue.put(send(9), { beginAfter: '1h' });

    const dry = await box.bulk('setPriority', { queue: 'mail' }, { priority: 'high', dryRun: true });
    await reactor.runUntilIdle();
    expect(await dry.result()).toMatchObject({ matched: 5, done: 1, skipped: 4, failed: [] });
    expect((await held.refresh()).priority).toBe(0);
    const real = await box.bulk('setPriority', { queue: 'mail' }, { priority: 'high' });
    await reactor.runUntilIdle();
    expect(await real.result()).toMatchObject({ matched: 5, done: 1, skipped: 4, failed: [] });
    expect([(await held.refresh()).priority, (await running.refresh()).priority]).toEqual([-5, 0]);
    open('running');
    await reactor.runUntilIdle();
  });

  it('removes what is over, and nothing that an unfinished job needs', async () => {
    const { box, reactor, queue, puts } = await setUp(makeStore);
    await puts(3);
    const waited = await queue.put(send(7));
    await box.start();
    await reactor.runUntilIdle();
    await waited.setAnnotation('note', 'kept');
    const waiting = await queue.put(ask(waited), { beginAfter: '1h' });

    const op = await box.bulk('remove', { queue: 'mail' });
    await reactor.runUntilIdle();

    expect(await op.result()).toMatchObject({ matched: 5, done: 3, skipped: 2, failed: [] });
    expect(await endingsOf(box, { queue: 'mail' })).toEqual({ failed: 1, PENDING: 1 });
    await waiting.cancel();
    const again = await box.bulk('remove', { all: true });
    await reactor.runUntilIdle();
    expect(await again.result()).toMatchObject({ matched: 2, done: 2 });
    await expect(waited.refresh()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect(await box.store.annotations(waited.id ?? '')).toEqual([]);
    expect((await box.store.counts()).endings.failed.n).toBe(0);
  });

  it('does nothing when it is cancelled before an agent has it', async () => {
    const { box, reactor, puts, queue } = await setUp(makeStore);
    await queue.pause();
    await puts(4);
    const op = await box.bulk('cancel', { queue: 'mail' });

    expect(await op.cancel({ reason: 'not that' })).toBe('cancelled');
    await box.start();
    await reactor.runUntilIdle();

    await expect(op.result()).rejects.toMatchObject({ name: 'CancelledError' });
    expect(await endingsOf(box, { job: 'mail.*' })).toEqual({ PENDING: 4 });
  });

  it('comes before the jobs that wait, which it may be about', async () => {
    const { box, reactor, puts } = await setUp(makeStore);
    await puts(5);
    const op = await box.bulk('cancel', { queue: 'mail', job: 'mail.*' });

    await box.start({ agent: agent({ size: 1 }) });
    await reactor.runUntilIdle();

    expect(await op.result()).toMatchObject({ matched: 5, done: 5 });
  });

  it('does the work in this process, without an agent, when no queue is to', async () => {
    const { box, puts } = await setUp(makeStore);
    await puts(3);

    const op = await box.bulk('cancel', { queue: 'mail' }, { queue: null, limit: 2 });

    expect(await op.result()).toMatchObject({ matched: 2, done: 2 });
    expect(await endingsOf(box, { job: 'mail.*' })).toEqual({ cancelled: 2, PENDING: 1 });
  });

  it('refuses what it does not know before it writes anything', async () => {
    const { box } = await setUp(makeStore);
    const { seq } = await box.store.position();
    const wrong: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => box.bulk('cancel', {}), 'INVALID_FILTER'],
      [() => box.bulk('remove', {}), 'INVALID_FILTER'],
      [() => box.bulk('cancel', { all: true, queue: 'mail' }), 'INVALID_FILTER'],
      [() => box.bulk('cancel', { all: 1 } as never), 'INVALID_FILTER'],
      [() => box.bulk('cancel', null as never), 'INVALID_FILTER'],
      [() => box.bulk('retry', { args: { '0.token': 'x' } }), 'INVALID_FILTER'],
      [() => box.bulk('stop' as never, {}), 'INVALID_OPTION'],
      [() => box.bulk('setPriority', {}), 'INVALID_OPTION'],
      [() => box.bulk('retry', {}, { priority: 1 }), 'INVALID_OPTION'],
      [() => box.bulk('retry', {}, { limit: 0 }), 'INVALID_OPTION'],
      [() => box.bulk('retry', {}, { speed: 1 } as never), 'INVALID_OPTION'],
      [() => box.bulk('retry', {}, { queue: 'none' }), 'QUEUE_NOT_FOUND'],
    ];
    for (const [call, code] of wrong) await expect(call()).rejects.toMatchObject({ code });

    expect((await box.store.position()).seq).toBe(seq);
  });
});
