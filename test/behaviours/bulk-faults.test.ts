import { agent, ConflictError, type Dispatcher, defineJob, type Job, SignalboxError } from 'signalbox';
import { expect, it } from 'vitest';
import { crash, startDispatchers } from './dispatchers.ts';
import { type Commit, interceptedStore } from './faulty-store.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

const outage = { isOver: false };

function failing(name: string, unique?: { readonly key: (key: string) => string }) {
  return defineJob({
    name,
    retry: { maxAttempts: 1 },
    ...(unique && { unique }),
    run: (key: string) => {
      if (!outage.isOver) throw new Error('no connection');
      return key;
    },
  });
}

const send = failing('send');
const once = failing('once', { key: (key) => key });

/** A box whose store can be held up when a bulk job asks for more after a page, and refuse pages. */
async function setUp(makeStore: MakeStore) {
  outage.isOver = false;
  const hooks = {
    afterPage: (): Promise<unknown> | null => null,
    refuse: (_page: Commit): Error | null => null,
  };
  let hasCommitted = false;
  const store = interceptedStore(makeStore(), (call, [given]) => {
    if (call === 'commit' && isPage(given as Commit)) {
      const refusal = hooks.refuse(given as Commit);
      hasCommitted = refusal === null;
      return refusal;
    }
    if (call !== 'jobsPage' || !hasCommitted) return null;
    hasCommitted = false;
    return hooks.afterPage();
  });
  const testBox = await makeBox({ store, jobs: [send, once], queues: ['mail'] });
  return { ...testBox, hooks, queue: testBox.box.queue('mail') };
}

function isPage(commit: Commit): boolean {
  return commit.changes.some(
    ({ kind, patch }) => kind === 'annotation' && patch !== null && hasPlace(patch.value),
  );
}

function hasPlace(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'bulk' in value;
}

const uuids = [1, 2, 3, 4].map((n) => `${n}1111111-1111-4111-8111-111111111111`);

forEachStore('A bulk call under faults', (makeStore, kind) => {
  it('goes on where it was when its process dies after each page, and tries each job again once', async () => {
    const testBox = await setUp(makeStore);
    const { box, reactor, queue, hooks } = testBox;
    // A database takes longer for each.
    const count = kind === 'postgres' ? 600 : 1100;
    const jobs = await queue.putAll(Array.from({ length: count }, (_, n) => send(String(n))));
    const agents = { main: agent({ size: 200 }) };
    const dispatchers: Dispatcher[] = await startDispatchers(testBox, uuids.slice(0, 1), { agents });
    await reactor.runUntilIdle();
    outage.isOver = true;
    let deaths = 0;
    hooks.afterPage = () => {
      deaths += 1;
      crash(testBox, dispatchers.at(-1) as Dispatcher);
      return new Promise(() => {});
    };

    const pages: (readonly [puts: number, isFenced: boolean])[] = [];
    hooks.refuse = ({ changes, expect: expected }) => {
      const puts = changes.filter(({ event }) => event === 'job.put').length;
      pages.push([puts, expected.some(({ check, id }) => check === 'holder' && id === op.id)]);
      return null;
    };

    const op = await box.bulk('retry', { job: 'send', ending: 'failed' });
    await reactor.runUntilIdle();
    const counts: number[] = [];
    for (const uuid of uuids.slice(1)) {
      counts.push((await op.progress()).done);
      dispatchers.push(...(await startDispatchers(testBox, [uuid], { agents })));
      await reactor.advance('70s');
    }

    const rest = kind === 'postgres' ? [] : [500];
    expect(pages).toEqual([500, ...rest, 100].map((puts) => [puts, true]));
    expect(await op.result()).toMatchObject({ matched: count, done: count, skipped: 0, failed: [] });
    expect([deaths, counts]).toEqual(kind === 'postgres' ? [1, [500, 600, 600]] : [2, [500, 1000, 1100]]);
    hooks.afterPage = () => null;
    const tried = new Map<string, number>();
    for await (const { record } of box.jobs({ job: 'send', ending: 'succeeded' }))
      tried.set(String(record.origin?.retryOf), (tried.get(String(record.origin?.retryOf)) ?? 0) + 1);
    expect([tried.size, new Set(tried.values())]).toEqual([count, new Set([1])]);
    expect(jobs.every(({ id }) => tried.has(id ?? ''))).toBe(true);
  });

  it('ends after the page that it works on when it is cancelled, and says how far it came', async () => {
    const { box, reactor, queue, hooks } = await setUp(makeStore);
    await queue.pause();
    await queue.putAll(Array.from({ length: 1300 }, (_, n) => send(String(n))));
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    hooks.afterPage = () => held;
    await box.start();

    const op = await box.bulk('cancel', { queue: 'mail' });
    await reactor.runUntilIdle();
    expect(await op.cancel()).toBe('cancelling');
    hooks.afterPage = () => null;
    goOn();
    await reactor.runUntilIdle();

    await expect(op.result()).rejects.toMatchObject({ name: 'CancelledError' });
    const { done } = await op.progress();
    expect(done).toBe(1000);
    let cancelled = 0;
    for await (const _job of box.jobs({ job: 'send', ending: 'cancelled' })) cancelled += 1;
    expect(cancelled).toBe(done);
  });

  it('is handed back after its page when its process stops, and goes on in the next one', async () => {
    const store = makeStore();
    const { box, reactor, queue, hooks } = await setUp(() => store);
    await queue.pause();
    await queue.putAll(Array.from({ length: 1100 }, (_, n) => send(String(n))));
    let goOn = (): void => {};
    hooks.afterPage = () =>
      new Promise<void>((resolve) => {
        goOn = resolve;
      });
    await box.start();
    const { id } = await box.bulk('cancel', { queue: 'mail', status: 'PENDING' });
    await reactor.runUntilIdle();

    const stopped = box.stop({ abort: '5s' });
    hooks.afterPage = () => null;
    reactor.callLater(1000, () => goOn());
    await reactor.until(stopped);
    const next = await setUp(() => store);
    await next.box.start();
    await next.reactor.runUntilIdle();

    const job = await next.box.job(id).refresh();
    expect(job.outcome).toMatchObject({ ok: true, value: { matched: 1100, done: 1100, skipped: 0 } });
    const events: string[] = [];
    for await (const { event } of job.history()) events.unshift(event);
    expect(events.filter((event) => /handBack|interrupt/.test(event))).toEqual(['job.handBack']);
  });

  it('finds the job for which the store refuses a page, and goes on with the others', async () => {
    const { box, reactor, queue, hooks } = await setUp(makeStore);
    const jobs: Job<unknown>[] = await queue.putAll(['a', 'b', 'c', 'd', 'e'].map((key) => send(key)));
    await box.start();
    await reactor.runUntilIdle();
    const { id } = jobs[2] as Job<unknown>;
    hooks.refuse = (page) =>
      page.changes.some((change) => change.id === `${id}/signalbox.retriedAs`)
        ? new SignalboxError('TOO_MANY', { what: 'annotations', id: id ?? '', limit: 1, actual: 2 })
        : null;

    const op = await box.bulk('retry', { ending: 'failed' });
    await reactor.runUntilIdle();

    expect(await op.result()).toMatchObject({
      ...{ matched: 5, done: 4, skipped: 0 },
      failed: [{ id, code: 'TOO_MANY' }],
    });
  });

  it('reads a page again when another commit was faster, and works on each job once', async () => {
    const { box, reactor, queue, hooks } = await setUp(makeStore);
    await queue.pause();
    const jobs = await queue.putAll(['a', 'b', 'c'].map((key) => send(key)));
    const refused: number[] = [];
    hooks.refuse = (page) => {
      if (refused.length > 0) return null;
      refused.push(page.changes.filter(({ event }) => event === 'job.cancel').length);
      void jobs[1]?.cancel();
      return new ConflictError({ subject: `job/${jobs[1]?.id}`, expected: 'rev 1', actual: 'rev 2' });
    };
    await box.start();

    const op = await box.bulk('cancel', { queue: 'mail', status: 'PENDING' });
    await reactor.runUntilIdle();

    const { matched, done, failed } = await op.result();
    expect([refused, matched - done, failed]).toEqual([[3], 0, []]);
    for (const job of jobs) {
      let cancels = 0;
      for await (const { event } of job.history()) if (event === 'job.cancel') cancels += 1;
      expect(cancels).toBe(1);
    }
  });

  it('skips what would be a duplicate, also of a job of the same page', async () => {
    const { box, reactor, queue } = await setUp(makeStore);
    await box.start();
    for (const key of ['a', 'a', 'a', 'b']) {
      await queue.put(once(key));
      await reactor.runUntilIdle();
    }
    outage.isOver = true;

    const op = await box.bulk('retry', { job: 'once', ending: 'failed' });
    await reactor.runUntilIdle();

    expect(await op.result()).toMatchObject({ matched: 4, done: 2, skipped: 2, failed: [] });
    const tried: unknown[] = [];
    for await (const { args } of box.jobs({ job: 'once', ending: 'succeeded' })) tried.push(args[0]);
    expect(tried.sort()).toEqual(['a', 'b']);
  });
});
