import {
  agent,
  Dispatcher,
  defineJob,
  detached,
  Failure,
  type Job,
  local,
  NeverRetry,
  type Signalbox,
} from 'signalbox';
import { describe, expect, it } from 'vitest';
import { internals } from '../../src/runtime/box/internals.ts';
import { type Commit, decorated, has } from './faulty-store.ts';
import { forEachStore, type MakeStore, makeBox, type TestBox } from './stores.ts';

/** A promise that a test settles, and how often it was asked for. */
class Gate {
  calls = 0;
  #open: (value: string) => void = () => {};
  #promise = this.#fresh();

  #fresh(): Promise<string> {
    return new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Resolves when the test opens the gate. */
  pass(): Promise<string> {
    this.calls += 1;
    return this.#promise;
  }

  /** Releases the jobs that wait; later ones wait again. */
  open(value: string): void {
    this.#open(value);
    this.#promise = this.#fresh();
  }
}

const ids = { first: '11111111-1111-4111-8111-111111111111', second: '22222222-2222-4222-8222-222222222222' };

interface Line {
  readonly testBox: TestBox;
  readonly box: Signalbox;
  readonly gate: Gate;
  readonly slow: () => Job<string>;
  readonly once: () => Job<string>;
  readonly seen: string[];
  readonly note: () => Job<string>;
}

async function line(makeStore: MakeStore, store = makeStore()): Promise<Line> {
  const gate = new Gate();
  const seen: string[] = [];
  const slow = defineJob({ name: 'slow', run: () => gate.pass() });
  const once = defineJob({ name: 'once', run: () => gate.pass(), retry: NeverRetry });
  const note = defineJob({
    name: 'note',
    run: (input: unknown) => {
      seen.push(String(input));
      return `noted ${String(input)}`;
    },
  });
  const testBox = await makeBox({ store, jobs: [slow, once, note], queues: [''] });
  testBox.box.on('dispatcherActivated', async ({ representation }) => {
    if ((await representation.agents.get('main')) === null)
      await representation.agents.set('main', agent({ size: 1 }));
  });
  return { testBox, box: testBox.box, gate, slow, once, seen, note: () => note.partial() };
}

/** A dispatcher under this UUID, polling every five seconds; its first poll is done. */
async function dispatcherAs(about: Line, uuid: string): Promise<Dispatcher> {
  const dispatcher = new Dispatcher(about.box, { uuid });
  dispatcher.activate();
  about.testBox.reactor.run();
  await about.testBox.reactor.runUntilIdle();
  return dispatcher;
}

/** The process behind the dispatcher dies: nothing is cleaned, nothing is said. */
function crash(about: Line, dispatcher: Dispatcher): void {
  dispatcher.abandon();
  about.box.popDispatcher(dispatcher.uuid);
}

async function startSlow(about: Line, job = about.slow()): Promise<Job<string>> {
  await job.addCallback(about.note());
  await about.box.queue().put(job);
  await about.testBox.reactor.runUntilIdle();
  await job.refresh();
  expect(job.status).toBe('ACTIVE');
  return job;
}

forEachStore('interruptions', (makeStore) => {
  it('[C-7] a graceful stop hands an active job to a system job, and after the restart it runs again', async () => {
    const about = await line(makeStore);
    const dispatcher = await dispatcherAs(about, ids.first);
    const job = await startSlow(about);

    await dispatcher.deactivate();

    const representation = await about.box.queue().dispatchers.get(ids.first);
    expect((await job.refresh()).status).toBe('ACTIVE');
    expect(await (await representation.agents.get('main'))?.length()).toBe(0);
    expect((await about.box.queue().jobs()).map((waiting) => waiting.name)).toEqual([
      'signalbox.handleInterrupt',
    ]);
    expect(representation.activated).toBeNull();
    const [system] = await about.box.queue().jobs();

    dispatcher.activate();
    await about.testBox.reactor.runUntilIdle();
    about.gate.open('done');
    expect(await job.result()).toBe('done');
    await about.testBox.reactor.runUntilIdle();
    expect(await (system as Job).refresh()).toMatchObject({
      status: 'COMPLETED',
      outcome: { ok: true, value: null },
    });
    expect(about.gate.calls).toBe(2);
    expect(about.seen).toEqual(['done']);
    expect((await job.refresh()).record.retryData).toMatchObject({ interruptions: 1 });
  });

  it('[C-8] an instance that restarts before its old representation is dead takes no job and logs that at each poll', async () => {
    const about = await line(makeStore);
    crash(about, await dispatcherAs(about, ids.first));
    const before = about.testBox.logged('ERROR').length;

    const restarted = await dispatcherAs(about, ids.first);
    await about.box.queue().put(about.slow());
    await about.testBox.reactor.advance('12s');

    expect([...restarted.polls].map((poll) => poll.queues[''])).toEqual([null, null, null]);
    expect(about.testBox.logged('ERROR').slice(before)).toHaveLength(3);
    expect(about.testBox.logged('ERROR').at(-1)).toContain('already active');
    expect(about.gate.calls).toBe(0);
  });

  it('[C-9] once the death interval has passed the restarted instance cleans, interrupts and runs the job again', async () => {
    const about = await line(makeStore);
    const crashed = await dispatcherAs(about, ids.first);
    const job = await startSlow(about);
    crash(about, crashed);

    await dispatcherAs(about, ids.first);
    await about.testBox.reactor.advance('61s');
    await about.testBox.reactor.advance('5s');
    about.gate.open('after the crash');

    expect(await job.result()).toBe('after the crash');
    const representation = await about.box.queue().dispatchers.get(ids.first);
    expect(representation.activated).not.toBeNull();
    expect(representation.dead).toBe(false);
    expect((await job.refresh()).record.retryData).toMatchObject({ interruptions: 1 });
    expect(job.record.attempts).toBe(2);
  });

  it('[C-10] a sibling leaves a living dispatcher alone, and takes over the jobs of a dead one', async () => {
    const about = await line(makeStore);
    const crashed = await dispatcherAs(about, ids.first);
    const job = await startSlow(about);
    await dispatcherAs(about, ids.second);
    crash(about, crashed);

    await about.testBox.reactor.advance('50s');
    const representation = await about.box.queue().dispatchers.get(ids.first);
    expect(representation.activated).not.toBeNull();
    expect(about.gate.calls).toBe(1);

    await about.testBox.reactor.advance('40s');
    await representation.refresh();
    expect(representation.activated).toBeNull();
    expect(representation.dead).toBe(true);
    expect(await (await representation.agents.get('main'))?.length()).toBe(0);
    about.gate.open('by the sibling');
    expect(await job.result()).toBe('by the sibling');
    await about.testBox.reactor.runUntilIdle();
    expect((await job.refresh()).record.parent).toMatchObject({ dispatcher: ids.second });
    expect(about.seen).toEqual(['by the sibling']);
  });

  it('[C-11] the tenth interruption of a job ends it with an AbortedError, which its callbacks get', async () => {
    const about = await line(makeStore);
    const dispatcher = await dispatcherAs(about, ids.first);
    const job = await startSlow(about);

    for (let interruption = 1; interruption <= 10; interruption += 1) {
      expect((await job.refresh()).status).toBe('ACTIVE');
      await dispatcher.deactivate();
      dispatcher.activate();
      await about.testBox.reactor.runUntilIdle();
    }

    await job.refresh();
    expect(job.status).toBe('COMPLETED');
    expect(job.ending).toBe('aborted');
    expect(job.outcome).toMatchObject({ ok: false, failure: { name: 'AbortedError', code: 'ABORTED' } });
    expect(about.gate.calls).toBe(10);
    expect(about.seen).toEqual([expect.stringContaining('AbortedError')]);
  });

  it('[C-12] a job that is never retried ends with an AbortedError at its first interruption', async () => {
    const about = await line(makeStore);
    const dispatcher = await dispatcherAs(about, ids.first);
    const job = await startSlow(about, about.once());

    await dispatcher.deactivate();
    dispatcher.activate();
    await about.testBox.reactor.runUntilIdle();

    await expect(job.result()).rejects.toMatchObject({ name: 'AbortedError', jobId: job.id });
    expect(about.gate.calls).toBe(1);
    expect(about.seen).toEqual([expect.stringContaining('AbortedError')]);
  });

  it('[C-12] a job that was called outside any agent ends with an AbortedError when its process is gone', async () => {
    const store = makeStore();
    const inputs: unknown[] = [];
    const endless = defineJob({ name: 'endless', run: () => new Promise<never>(() => {}) });
    const promised = defineJob({ name: 'promised', run: () => detached(new Promise<never>(() => {})) });
    const inner = defineJob({ name: 'inner', run: () => 'made it' });
    const outer = defineJob({ name: 'outer', run: () => local.getQueue().put(inner()) });
    const note = defineJob({ name: 'note', run: (input: unknown) => inputs.push(input) });
    const open = () => makeBox({ store, jobs: [endless, promised, outer, inner, note], queues: [''] });
    const first = await open();
    const jobs = [endless(), promised(), outer()];
    for (const job of jobs) {
      await job.addCallback(note.partial());
      void first.box.call(job).catch(() => {});
    }
    await first.reactor.runUntilIdle();
    await first.stop();

    const { box, reactor } = await open();
    await box.start();
    await reactor.advance('1m');

    const after = await Promise.all(jobs.map((job) => box.job(job.id as string).refresh()));
    expect(after.map((job) => [job.status, job.ending])).toEqual([
      ['COMPLETED', 'aborted'],
      ['COMPLETED', 'aborted'],
      ['COMPLETED', 'succeeded'],
    ]);
    expect(inputs.map((input) => (input instanceof Failure ? input.name : input)).sort()).toEqual([
      'AbortedError',
      'AbortedError',
      'made it',
    ]);
  });

  it('[C-14] a job interrupted at its callbacks keeps its result, and only what had not finished runs again', async () => {
    const about = await line(makeStore);
    const gate = new Gate();
    const wait = defineJob({
      name: 'wait',
      run: (input: unknown) => gate.pass().then((word) => `${word} ${String(input)}`),
    });
    about.box.define(wait);
    const dispatcher = await dispatcherAs(about, ids.first);
    const job = about.slow();
    const callbacks = [
      await job.addCallback(about.note()),
      await job.addCallback(wait),
      await job.addCallback(about.note()),
    ];
    await about.box.queue().put(job);
    await about.testBox.reactor.runUntilIdle();
    about.gate.open('value');
    await about.testBox.reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('CALLBACKS');
    expect(gate.calls).toBe(1);

    await dispatcher.deactivate();
    expect((await about.box.queue().jobs()).map((waiting) => waiting.name)).toEqual([
      'signalbox.resumeCallbacks',
    ]);
    dispatcher.activate();
    await about.testBox.reactor.runUntilIdle();
    gate.open('again');
    await about.testBox.reactor.runUntilIdle();

    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(await job.result()).toBe('value');
    expect(about.gate.calls).toBe(1);
    expect(gate.calls).toBe(2);
    expect(about.seen).toEqual(['value', 'value']);
    expect(await callbacks[1]?.result()).toBe('again value');
  });

  it('[C-15] a system job that is interrupted itself is run again, and the abort it stored counts once', async () => {
    const about = await line(makeStore);
    const gate = new Gate();
    const wait = defineJob({ name: 'wait', run: (input: unknown) => gate.pass().then(() => String(input)) });
    about.box.define(wait);
    const dispatcher = await dispatcherAs(about, ids.first);
    const job = about.once();
    await job.addCallback(wait);
    await about.box.queue().put(job);
    await about.testBox.reactor.runUntilIdle();
    await dispatcher.deactivate();
    dispatcher.activate();
    await about.testBox.reactor.runUntilIdle();
    expect(await job.refresh()).toMatchObject({ status: 'CALLBACKS', ending: 'aborted' });

    await dispatcher.deactivate();
    dispatcher.activate();
    await about.testBox.reactor.runUntilIdle();
    gate.open('');
    await about.testBox.reactor.runUntilIdle();

    expect(await job.refresh()).toMatchObject({ status: 'COMPLETED', ending: 'aborted' });
    expect(about.gate.calls).toBe(1);
    expect(gate.calls).toBe(2);
  });

  it('[C-15] a system job whose job was decided about meanwhile changes nothing', async () => {
    let isFaster = true;
    const store = decorated(makeStore(), (open) => ({
      commit(commit) {
        if (!isFaster || !has(commit, 'job.reschedule')) return open.commit(commit);
        isFaster = false;
        const id = commit.changes[0]?.id;
        const held = { queue: '', dispatcher: 'elsewhere', agent: 'main' };
        const change = (event: string, from: string, to: string, patch: object): Commit['changes'][number] =>
          ({ kind: 'job', id, event, from, to, patch }) as Commit['changes'][number];
        open.commit({
          by: 'elsewhere',
          expect: [],
          changes: [
            change('job.reschedule', 'active.running', 'pending', { parent: { queue: '' }, claim: 3 }),
            change('job.claim', 'pending', 'assigned', { parent: held, line: 'claimed', claim: 4 }),
            change('job.start', 'assigned', 'active.running', { attempts: 2 }),
          ],
        });
        return open.commit(commit);
      },
    }));
    const about = await line(makeStore, store);
    const dispatcher = await dispatcherAs(about, ids.first);
    const job = await startSlow(about);
    await dispatcher.deactivate();

    dispatcher.activate();
    await about.testBox.reactor.runUntilIdle();

    const { record } = await job.refresh();
    expect([isFaster, job.status, record.claim]).toEqual([false, 'ACTIVE', 4]);
    expect(record.parent).toMatchObject({ dispatcher: 'elsewhere' });
    expect(about.gate.calls).toBe(1);
    expect(await about.box.queue().length()).toBe(0);
  });

  it('a dispatcher that stops aborts its code also where another process took it for dead', async () => {
    let signal: AbortSignal | null = null;
    const hold = defineJob({
      name: 'hold',
      run: () => {
        signal = local.signal;
        return new Promise<void>(() => {});
      },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [hold], queues: [''] });
    const dispatcher = await box.start();
    await box.queue().put(hold());
    await reactor.runUntilIdle();
    const id = `/${box.uuid}`;
    const deactivate = { event: 'representation.deactivate', from: 'activated', to: 'deactivated' };
    const change = { kind: 'representation' as const, id, ...deactivate, patch: { activated: null } };
    await box.store.commit({ by: 'elsewhere', expect: [], changes: [change] }).synced;

    await dispatcher.deactivate();

    expect(signal).toMatchObject({ aborted: true });
  });

  it.each(['once', 'slow'] as const)(
    'a process that lost the job decides about no callback of it, which the new holder may have called: %s',
    async (kind) => {
      let system = '';
      const decides = kind === 'once' ? 'job.abort' : 'callback.reset';
      const store = decorated(makeStore(), (open) => ({
        commit(commit) {
          const handed = commit.changes.find(({ event }) => event === 'job.interrupt')?.patch?.parent;
          if (handed != null) system = (handed as { readonly system: string }).system;
          if (has(commit, decides)) {
            const active = { from: 'active.running', to: 'active.running', patch: { claim: 9 } };
            const taken = { kind: 'job' as const, id: system, event: 'job.interrupt', ...active };
            open.commit({ by: 'elsewhere', expect: [], changes: [taken] });
          }
          return open.commit(commit);
        },
      }));
      const about = await line(makeStore, store);
      const dispatcher = await dispatcherAs(about, ids.first);
      const parent = about.note();
      const callback = await parent.addCallback(about[kind]());
      await about.box.queue().put(parent);
      await about.testBox.reactor.runUntilIdle();
      await dispatcher.deactivate();

      dispatcher.activate();
      await about.testBox.reactor.runUntilIdle();

      expect([system !== '', (await callback.refresh()).status, about.gate.calls]).toEqual([
        true,
        'ACTIVE',
        1,
      ]);
    },
  );

  it('a former holder does not complete a job that waited while the new holder calls its callback', async () => {
    const calls: (() => void)[] = [];
    const hear = defineJob({
      name: 'hear',
      run: (_input: unknown) => new Promise<void>((resolve) => void calls.push(resolve)),
    });
    const inner = defineJob({ name: 'inner', run: () => 'inner' });
    const outer = defineJob({ name: 'outer', run: () => local.getQueue().put(inner()) });
    const about = await line(makeStore);
    for (const definition of [hear, inner, outer]) about.box.define(definition);
    const first = await dispatcherAs(about, ids.first);
    const agents = (await about.box.queue().dispatchers.get(ids.first)).agents;
    await agents.set('main', agent({ size: 3 }));
    const parent = outer();
    const callback = await parent.addCallback(hear);
    await about.box.queue().put(parent);
    await about.testBox.reactor.advance('10s');
    await first.deactivate();
    first.activate();
    await about.testBox.reactor.advance('10s');
    expect(calls).toHaveLength(2);

    calls[0]?.();
    await about.testBox.reactor.runUntilIdle();
    expect([(await parent.refresh()).status, (await callback.refresh()).status]).toEqual([
      'CALLBACKS',
      'ACTIVE',
    ]);

    calls[1]?.();
    await about.testBox.reactor.runUntilIdle();
    expect([(await parent.refresh()).status, (await callback.refresh()).status]).toEqual([
      'COMPLETED',
      'COMPLETED',
    ]);
  });

  it('[C-16] the end of an inner job that an interrupted outer job no longer waits for is ignored', async () => {
    const about = await line(makeStore);
    const gates = [new Gate(), new Gate()];
    const part = defineJob({ name: 'part', run: (number: number) => (gates[number] as Gate).pass() });
    const inner: Job<string>[] = [];
    const outer = defineJob({
      name: 'outer',
      run: async () => {
        const job = await local.getQueue().put(part(inner.length));
        inner.push(job);
        return job;
      },
    });
    about.box.define(part);
    about.box.define(outer);
    const dispatcher = new Dispatcher(about.box, { uuid: ids.first });
    about.box.on('dispatcherActivated', ({ representation }) =>
      representation.agents.set('more', agent({ size: 3 })),
    );
    dispatcher.activate();
    about.testBox.reactor.run();
    await about.testBox.reactor.runUntilIdle();
    const job = outer();
    await job.addCallback(about.note());
    await about.box.queue().put(job);
    await about.testBox.reactor.runUntilIdle();
    const first = inner[0] as Job<string>;
    expect((await job.refresh()).record.waitingOn).toBe(first.id);
    await dispatcher.deactivate();
    dispatcher.activate();
    await about.testBox.reactor.runUntilIdle();
    const second = inner[1] as Job<string>;

    gates[0]?.open('of the interrupted run');
    await about.testBox.reactor.runUntilIdle();
    expect(await first.result()).toBe('of the interrupted run');
    // Also by a process that has read the outer job before it was interrupted.
    await internals(about.box).waits.takeOver(first.id ?? '', job.id ?? '');
    expect((await job.refresh()).record).toMatchObject({ state: 'active.waiting', waitingOn: second.id });
    expect(about.seen).toEqual([]);

    gates[1]?.open('of the second run');
    expect(await job.result()).toBe('of the second run');
    await job.waitFor('COMPLETED');
    expect(about.seen).toEqual(['of the second run']);
  });

  it('[C-17] without an agent that accepts system jobs an interrupted job stays active', async () => {
    const about = await line(makeStore);
    const picky = agent({ size: 1, filter: { jobs: ['slow'] } });
    about.box.on('dispatcherActivated', ({ representation }) => representation.agents.set('main', picky));
    const dispatcher = await dispatcherAs(about, ids.first);
    const job = await startSlow(about);

    await dispatcher.deactivate();
    dispatcher.activate();
    await about.testBox.reactor.advance('30s');

    expect((await job.refresh()).status).toBe('ACTIVE');
    expect(about.gate.calls).toBe(1);
    expect(about.testBox.logged('ERROR').filter((message) => message.includes('system jobs'))).toEqual([
      expect.stringContaining('is signalbox.handleInterrupt'),
    ]);
  });

  describe('a dispatcher that is wrongly declared dead', () => {
    async function takenOver(
      about: Line,
    ): Promise<{ job: Job<string>; first: Dispatcher; second: Dispatcher }> {
      const first = await dispatcherAs(about, ids.first);
      const job = await startSlow(about);
      const second = await dispatcherAs(about, ids.second);
      await (await about.box.queue().dispatchers.get(ids.first)).deactivate();
      await about.testBox.reactor.runUntilIdle();
      return { job, first, second };
    }

    it('[C-28] is reactivated at its next poll with nothing cleaned, and claims in the same poll', async () => {
      const about = await line(makeStore);
      const dispatcher = await dispatcherAs(about, ids.first);
      const heard: string[] = [];
      about.box.listen(({ name }) => heard.push(name));
      await (await about.box.queue().dispatchers.get(ids.first)).deactivate();
      const job = await about.box.queue().put(about.slow());
      await about.testBox.reactor.runUntilIdle();
      expect((await job.refresh()).status).toBe('PENDING');

      await about.testBox.reactor.advance('5s');

      expect(heard).toEqual(['dispatcherDeactivated', 'dispatcherReactivated']);
      expect(about.testBox.logged('CRITICAL')).toHaveLength(1);
      expect(dispatcher.polls.newest()?.queues['']?.main?.newJobs).toEqual([job.names]);
      expect((await job.refresh()).status).toBe('ACTIVE');
    });

    it('[C-29] sees its job run at the sibling too, and its record says that it was reassigned', async () => {
      const about = await line(makeStore);
      const { job, first } = await takenOver(about);

      expect((await job.refresh()).record.parent).toMatchObject({ dispatcher: ids.second });
      expect(about.gate.calls).toBe(2);
      await about.testBox.reactor.advance('5s');
      expect(first.getJobInfo(job.id as string).reassigned).toBe(true);
    });

    it('[C-30] stores nothing when its worker ends, logs that, and takes other jobs', async () => {
      const about = await line(makeStore);
      const { job, first } = await takenOver(about);
      const before = about.testBox.logged('ERROR').length;
      await about.testBox.reactor.advance('5s');

      about.gate.open('of both');
      await about.testBox.reactor.runUntilIdle();

      expect(await job.result()).toBe('of both');
      expect(about.seen).toEqual(['of both']);
      expect(about.testBox.logged('ERROR').slice(before)).toEqual([
        expect.stringContaining('another holder'),
      ]);
      expect(first.getActiveJobIds()).toEqual([]);
      const completions: string[] = [];
      for await (const entry of job.history()) if (entry.event === 'job.finish') completions.push(entry.by);
      expect(completions).toEqual([expect.stringContaining(ids.second)]);
      const next = [await about.box.queue().put(about.slow()), await about.box.queue().put(about.slow())];
      await about.testBox.reactor.runUntilIdle();
      expect(await Promise.all(next.map(async (other) => (await other.refresh()).status))).toEqual([
        'ACTIVE',
        'ACTIVE',
      ]);
    });

    it('[C-31] claims nothing until it is reactivated', async () => {
      const about = await line(makeStore);
      await dispatcherAs(about, ids.first);
      await (await about.box.queue().dispatchers.get(ids.first)).deactivate();

      await about.box.queue().put(about.slow());
      await about.testBox.reactor.advance('4s');

      expect(about.gate.calls).toBe(0);
    });
  });
});
