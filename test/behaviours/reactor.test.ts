import { createSignalbox, Dispatcher, defineJob, installAgent, NodeReactor, type Reactor } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { describe, expect, it, vi } from 'vitest';
import { forEachStore, makeBox, makeNodeBox } from './stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

forEachStore('Reactor', (makeStore) => {
  it('[X-1] any object with the five calls powers a dispatcher', async () => {
    const asked = new Set<string>();
    const shutdown: (() => unknown)[] = [];
    const own: Reactor = {
      callFromThread(call) {
        asked.add('callFromThread');
        queueMicrotask(call);
      },
      callInThread(call) {
        queueMicrotask(call);
      },
      callLater(delayMs, call) {
        asked.add('callLater');
        const timer = setTimeout(call, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
      addSystemEventTrigger(phase, event, call) {
        asked.add(`${phase} ${event}`);
        shutdown.push(call);
        return { cancel: () => shutdown.splice(shutdown.indexOf(call), 1) };
      },
      callWhenRunning(call) {
        asked.add('callWhenRunning');
        call();
      },
    };
    const box = await createSignalbox({ store: makeStore(), jobs: [note], reactor: own });

    const dispatcher = await box.start({ pollInterval: 5 });
    const result = await (await box.queue().put(note('x'))).result();
    await dispatcher.nextPoll();
    await box.stop();

    expect(result).toBe('x');
    expect([...asked].sort()).toEqual(['before shutdown', 'callFromThread', 'callLater', 'callWhenRunning']);
    expect(shutdown).toEqual([]);
  });

  it('[X-4] a call is made after its delay though that is longer than a timer of Node can be', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const dayMs = 24 * 60 * 60 * 1000;
      const reactor = new NodeReactor();
      const made: string[] = [];
      reactor.callLater(60 * dayMs, () => made.push('late'));
      const taken = reactor.callLater(60 * dayMs, () => made.push('taken back'));

      vi.advanceTimersByTime(60 * dayMs - 1);
      const before = [...made];
      taken.cancel();
      vi.advanceTimersByTime(dayMs);

      expect(before).toEqual([]);
      expect(made).toEqual(['late']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('[X-5] a dispatcher deactivates before its reactor stops', async () => {
    const { box, reactor } = await makeBox({ store: makeStore() });
    const dispatcher = await box.start();
    const active = dispatcher.activated;

    await reactor.stop();

    expect(active).not.toBeNull();
    expect(dispatcher.activated).toBeNull();
    expect((await box.queue().dispatchers.get(box.uuid)).activated).toBeNull();
  });

  it('[X-6] a dispatcher that is activated before its reactor runs polls once it runs', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), queues: [''] });
    const dispatcher = new Dispatcher(box);

    dispatcher.activate();
    await reactor.runUntilIdle();
    const before = dispatcher.polls.length;
    reactor.run();
    await reactor.runUntilIdle();

    expect([before, dispatcher.polls.length]).toEqual([0, 1]);
  });

  it("[X-7] a dispatcher gives the same results on a reactor of its own and on the application's", async () => {
    const results: unknown[] = [];
    for (const isOwn of [true, false]) {
      const { box, reactor, stop } = await makeNodeBox({ store: makeStore(), jobs: [note], queues: [''] });
      const host = isOwn ? new NodeReactor() : reactor;
      installAgent(box, { name: 'main' });
      const dispatcher = new Dispatcher(box, { reactor: host });

      dispatcher.activate();
      host.run();
      await dispatcher.nextPoll();
      const job = await box.queue().put(note('x'));
      results.push([await job.result(), (await job.waitFor('COMPLETED')).record.attempts]);
      await host.stop();
      results.push(dispatcher.activated);
      await stop();
    }

    expect(results).toEqual([['x', 1], null, ['x', 1], null]);
  });

  it('[X-8] a reactor with virtual time suffices: polls, pings, held jobs and deadlines happen as it is moved', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note] });
    const dispatcher = await box.start();
    const held = await box.queue().put(note('x'), { beginAfter: '6h' });

    await reactor.advance('1h');
    const { lastPing } = await box.queue().dispatchers.get(box.uuid);
    const pending = (await held.refresh()).status;
    await reactor.advance('5h');

    expect(Number(lastPing)).toBeGreaterThan(reactor.now() - 5 * 3_600_000 - 60_000);
    expect(pending).toBe('PENDING');
    expect(await held.result()).toBe('x');
    expect(dispatcher.polls.length).toBe(400);
  });
});

describe.each([
  ['NodeReactor', () => new NodeReactor()],
  ['VirtualReactor', () => new VirtualReactor()],
])('%s', (_name, makeReactor) => {
  it('[X-2] callFromThread runs a call in a later turn, as soon as possible', async () => {
    const reactor = makeReactor();
    const order: string[] = [];

    reactor.callFromThread(() => order.push('called'));
    order.push('asked');
    await nextTurn();
    await nextTurn();

    expect(order).toEqual(['asked', 'called']);
  });

  it('[X-3] callInThread runs a call apart from the current work, as soon as possible', async () => {
    const reactor = makeReactor();
    const order: string[] = [];

    reactor.callInThread(() => order.push('called'));
    await Promise.resolve().then(() => order.push('microtask'));
    await nextTurn();
    await nextTurn();

    expect(order).toEqual(['microtask', 'called']);
  });

  it('[X-6] callWhenRunning keeps calls until the reactor runs, and makes later ones at once', () => {
    const reactor = makeReactor();
    const order: string[] = [];

    reactor.callWhenRunning(() => order.push('first'));
    reactor.callWhenRunning(() => order.push('second'));
    order.push('run');
    reactor.run();
    reactor.callWhenRunning(() => order.push('at once'));
    order.push('end');

    expect(order).toEqual(['run', 'first', 'second', 'at once', 'end']);
  });

  it('[X-5] a trigger before shutdown runs and is awaited before the reactor stops, unless taken back', async () => {
    const reactor = makeReactor();
    const order: string[] = [];
    reactor.run();

    reactor.addSystemEventTrigger('before', 'shutdown', async () => {
      await nextTurn();
      order.push(`running: ${reactor.running}`);
    });
    reactor.addSystemEventTrigger('before', 'shutdown', () => order.push('never') as never).cancel();
    await reactor.stop();
    await reactor.stop();

    expect(order).toEqual(['running: true']);
    expect(reactor.running).toBe(false);
    expect(() => reactor.addSystemEventTrigger('after' as never, 'shutdown', () => {})).toThrow(
      "phase 'before' of event 'shutdown'",
    );
  });
});

describe('Delays', () => {
  it('[X-4] callLater waits at least that long on Node, and can be taken back', async () => {
    const reactor = new NodeReactor();
    const began = performance.now();

    reactor.callLater(1, () => expect.unreachable()).cancel();
    await new Promise<void>((resolve) => reactor.callLater(20, resolve));

    // Timers of Node count whole milliseconds.
    expect(performance.now() - began).toBeGreaterThanOrEqual(19);
  });

  it('[X-4] callLater waits for exactly that long in virtual time', async () => {
    const reactor = new VirtualReactor();
    reactor.run();
    const calls: number[] = [];
    const start = reactor.now();

    reactor.callLater(20, () => calls.push(reactor.now() - start));
    await reactor.advance(19);
    const before = [...calls];
    await reactor.advance(1);

    expect([before, calls]).toEqual([[], [20]]);
  });
});
