import { agent, Dispatcher, defineJob, local, NeverRetry, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { type Commit, decorated, has } from '../behaviours/faulty-store.ts';
import { forEachStore, makeBox, type TestBox } from '../behaviours/stores.ts';

/** What of a store is late: a claim, the commit of a start, or a read of annotations. */
type Late = 'claim' | 'start' | 'annotations';

/** A store of which a test makes one call late: it is made at once, and its answer comes when the test lets it through. */
class LateStore {
  readonly store: Store;
  /** The next late call of each kind: only its answer is late, or the call itself. */
  readonly next = new Map<Late, 'answer' | 'call'>();
  readonly #late = new Map<Late, () => void>();

  constructor(inner: Store) {
    this.store = decorated(inner, (store) => ({
      read: (call, name) => (name === 'annotations' ? this.#made('annotations', call) : call()),
      claim: (request) => this.#made('claim', () => store.claim(request)),
      commit: (commit: Commit) => {
        const ticket = store.commit(commit);
        if (!has(commit, 'job.start') || !this.next.has('start')) return ticket;
        const written = this.#made('start', () => ticket.written);
        return { written, synced: written.then(() => ticket.synced) };
      },
    }));
  }

  /** Lets a late call or its answer through. */
  deliver(what: Late): void {
    this.#late.get(what)?.();
  }

  async #made<Value>(what: Late, call: () => Promise<Value>): Promise<Value> {
    const late = this.next.get(what);
    if (late === undefined) return call();
    this.next.delete(what);
    const gate = new Promise<void>((resolve) => void this.#late.set(what, resolve));
    if (late === 'call') return gate.then(call);
    const answer = await call();
    return gate.then(() => answer);
  }
}

/** Starts a dispatcher under this UUID: its first poll is done. */
async function dispatcherAs({ box, reactor }: TestBox, uuid: string): Promise<Dispatcher> {
  const dispatcher = new Dispatcher(box, { uuid });
  dispatcher.activate();
  reactor.run();
  await reactor.runUntilIdle();
  return dispatcher;
}

/** A box with a job that records its calls, on a store with one late answer. */
async function boxOn(inner: Store) {
  const late = new LateStore(inner);
  const signals: AbortSignal[] = [];
  const run = async (): Promise<void> => void signals.push(local.signal);
  const counted = defineJob({ name: 'counted', run });
  const once = defineJob({ name: 'once', retry: NeverRetry, run });
  const heard = defineJob({ name: 'heard', run: (_: unknown) => run() });
  const plain = defineJob({ name: 'plain', run: () => 'done' });
  const jobs = [counted, once, heard, plain];
  const testBox = await makeBox({ store: late.store, jobs, queues: [''] });
  testBox.box.on('dispatcherActivated', ({ representation }) =>
    representation.agents.set('main', agent({ size: 2 })),
  );
  const make = {
    'a job': () => counted(),
    'a job that must not run twice': () => once(),
    'a job with annotations': () => counted().with({ annotations: { note: 'kept' } }),
    'a callback': () => {
      const job = plain();
      void job.addCallback(heard.partial());
      return job;
    },
  };
  return { late, signals, make, testBox };
}

forEachStore('A late answer of the store', (makeStore) => {
  it.each([
    ['a job', 'claim', 1],
    ['a job that must not run twice', 'claim', 1],
    ['a job that must not run twice', 'start', 0],
    ['a job with annotations', 'annotations', 1],
    ['a callback', 'start', 1],
    ['a callback', 'annotations', 1],
  ] as const)(
    '%s that was reassigned meanwhile is not called when the answer to its %s comes',
    async (what, late, calls) => {
      const { late: store, signals, make, testBox } = await boxOn(makeStore());
      const { box, reactor } = testBox;
      const first = await dispatcherAs(testBox, 'first');
      store.next.set(late, 'answer');
      const job = await box.queue().put(make[what]());
      await reactor.runUntilIdle();
      expect([store.next.size, signals]).toEqual([0, []]);

      await dispatcherAs(testBox, 'second');
      await (await box.queue().dispatchers.get('first')).deactivate();
      await reactor.runUntilIdle();
      const before = signals.length;
      store.deliver(late);
      await reactor.advance('5s');

      expect([before, signals.length]).toEqual([calls, calls]);
      expect((await job.refresh()).status).toBe('COMPLETED');
      expect(first.getActiveJobIds()).toEqual([]);
    },
  );

  it.each(['start', 'annotations'] as const)(
    'a callback whose root job was reassigned is not called when the answer to its %s comes before any process has decided about it',
    async (what) => {
      const { late, signals, make, testBox } = await boxOn(makeStore());
      const { box, reactor } = testBox;
      await dispatcherAs(testBox, 'first');
      late.next.set(what, 'answer');
      const job = await box.queue().put(make['a callback']());
      await reactor.runUntilIdle();
      await (await box.queue().dispatchers.get('first')).deactivate();
      // Its next poll reactivates the dispatcher, and is late to claim the system job that decides.
      late.next.set('claim', 'call');
      await reactor.advance('5s');

      late.deliver(what);
      await reactor.runUntilIdle();
      const before = [late.next.size, signals.length];
      late.deliver('claim');
      await reactor.advance('5s');

      expect([before, signals.length]).toEqual([[0, 0], 1]);
      expect((await job.refresh()).status).toBe('COMPLETED');
    },
  );

  it('a job is called although its dispatcher was taken for dead before its claim reached the store', async () => {
    const { late, signals, make, testBox } = await boxOn(makeStore());
    const { box, reactor } = testBox;
    await dispatcherAs(testBox, 'first');
    late.next.set('claim', 'call');
    const job = await box.queue().put(make['a job']());
    await (await box.queue().dispatchers.get('first')).deactivate();
    await reactor.advance('5s');

    late.deliver('claim');
    await reactor.runUntilIdle();

    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });
});
