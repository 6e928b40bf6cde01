import {
  agent,
  Dispatcher,
  NodeReactor,
  type Reactor,
  type RunnableReactor,
  type ScheduledCall,
} from 'signalbox';
import { getPoll, VirtualReactor, waitForDeactivation, waitForResult } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { multiply, newBox, newPath, opening, stores } from './document.ts';

/** What the document asks of a reactor, and nothing else: everything happens at the next beat of one interval. */
class OwnReactor implements Reactor {
  #isRunning = false;
  readonly #whenRunning: (() => void)[] = [];
  readonly #triggers: (() => void | Promise<void>)[] = [];
  #calls: { readonly at: number; readonly call: () => void }[] = [];
  #beat: NodeJS.Timeout | undefined;

  callFromThread(call: () => void): void {
    this.callLater(0, call);
  }

  callInThread(call: () => void): void {
    this.callLater(0, call);
  }

  callLater(delayMs: number, call: () => void): ScheduledCall {
    const entry = { at: Date.now() + delayMs, call };
    this.#calls.push(entry);
    this.#beat ??= setInterval(() => this.#turn(), 1);
    const cancel = (): void => {
      this.#calls = this.#calls.filter((other) => other !== entry);
    };
    return { cancel };
  }

  addSystemEventTrigger(
    _phase: 'before',
    _event: 'shutdown',
    call: () => void | Promise<void>,
  ): ScheduledCall {
    this.#triggers.push(call);
    return { cancel: () => void this.#triggers.splice(this.#triggers.indexOf(call), 1) };
  }

  callWhenRunning(call: () => void): void {
    if (this.#isRunning) call();
    else this.#whenRunning.push(call);
  }

  start(): void {
    this.#isRunning = true;
    for (const call of this.#whenRunning.splice(0)) call();
  }

  async shutdown(): Promise<void> {
    for (const trigger of [...this.#triggers]) await trigger();
    this.#isRunning = false;
  }

  #turn(): void {
    const due = this.#calls.filter((entry) => entry.at <= Date.now());
    this.#calls = this.#calls.filter((entry) => !due.includes(entry));
    for (const { call } of due) call();
    if (this.#calls.length > 0) return;
    clearInterval(this.#beat);
    this.#beat = undefined;
  }
}

describe.each<[string, () => { reactor: RunnableReactor; pass: (ms: number) => Promise<unknown> }]>([
  [
    'Node',
    () => {
      const reactor = new NodeReactor();
      const pass = (ms: number): Promise<void> => new Promise((resolve) => reactor.callLater(ms, resolve));
      return { reactor, pass };
    },
  ],
  [
    'virtual',
    () => {
      const reactor = new VirtualReactor();
      return { reactor, pass: (ms) => reactor.advance(ms) };
    },
  ],
])('The %s reactor has the five calls', (_, make) => {
  it('callFromThread: runs a call in the loop as soon as possible, in a later turn', async () => {
    const { reactor } = make();
    const order: string[] = [];

    await new Promise<void>((resolve) => {
      reactor.callFromThread(() => {
        order.push('call');
        resolve();
      });
      order.push('now');
    });

    expect(order).toEqual(['now', 'call']);
  });

  it('callInThread: runs a call apart from the current work, as soon as possible', async () => {
    const { reactor } = make();
    const order: string[] = [];

    await new Promise<void>((resolve) => {
      reactor.callInThread(() => {
        order.push('call');
        resolve();
      });
      order.push('now');
    });

    expect(order).toEqual(['now', 'call']);
  });

  it('callLater: runs a call at least so many milliseconds from now', async () => {
    const { reactor, pass } = make();
    reactor.run();
    const start = reactor.now();
    let at: number | null = null;
    reactor.callLater(20, () => {
      at = reactor.now();
    });
    const cancelled = reactor.callLater(10, () => expect.unreachable('it was taken back'));
    cancelled.cancel();
    expect(at).toBeNull();

    await pass(40);

    // Node counts a delay in monotonic time and may be 1 ms early by the wall clock.
    expect(at).toBeGreaterThanOrEqual(start + 19);
  });

  it("addSystemEventTrigger: runs a call in phase 'before' of event 'shutdown', and awaits it", async () => {
    const { reactor } = make();
    const order: string[] = [];
    reactor.addSystemEventTrigger('before', 'shutdown', async () => {
      await Promise.resolve();
      order.push(`trigger, running: ${reactor.running}`);
    });
    reactor.run();

    await reactor.stop();

    order.push(`stopped, running: ${reactor.running}`);
    expect(order).toEqual(['trigger, running: true', 'stopped, running: false']);
    expect(() => reactor.addSystemEventTrigger('after' as 'before', 'shutdown', () => {})).toThrow(/phase/);
  });

  it('callWhenRunning: runs a call now if the reactor runs, or when it is started', () => {
    const { reactor } = make();
    const order: string[] = [];
    reactor.callWhenRunning(() => order.push('when started'));
    expect(order).toEqual([]);

    reactor.run();
    reactor.callWhenRunning(() => order.push('at once'));

    expect(order).toEqual(['when started', 'at once']);
  });
});

describe.each(stores)('The dispatcher and its reactor, on a %s store:', (name, makeStore) => {
  it('the dispatcher is the code responsible for actually performing the jobs', async () => {
    const { queue } = await opening(makeStore());

    const job = await queue.put(multiply(14, 3));

    expect(await waitForResult(job)).toBe(42);
  });

  it('typically, the dispatcher is a singleton for a given process', async () => {
    const { box } = await newBox(makeStore());
    const dispatcher = new Dispatcher(box);

    expect(() => new Dispatcher(box)).toThrow(expect.objectContaining({ code: 'DISPATCHER_EXISTS' }));
    expect([...box.dispatchers.values()]).toEqual([dispatcher]);
  });

  it('multiple dispatchers can be created at once, for ease of testing', async () => {
    const reactor = new NodeReactor();
    const { box } = await newBox(makeStore(), { reactor, queues: [''] });
    const uuids = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
    const dispatchers = uuids.map((uuid) => new Dispatcher(box, { uuid, pollInterval: '50ms' }));

    for (const dispatcher of dispatchers) dispatcher.activate();
    reactor.run();
    await Promise.all(dispatchers.map((dispatcher) => getPoll(dispatcher, 0)));

    expect(await box.queue().dispatchers.uuids()).toEqual(uuids);
  });

  it('the stock reactors provide the necessary methods: a dispatcher runs on the virtual one', async () => {
    const reactor = new VirtualReactor();
    const { box } = await newBox(makeStore(), { reactor });
    reactor.attach(box);

    const dispatcher = await box.start();
    await reactor.advance('10s');

    expect(dispatcher.polls.length).toBe(3);
  });

  it('you can also write your own reactor', async () => {
    const reactor = new OwnReactor();
    const { box } = await newBox(makeStore(), { reactor, queues: [''] });
    const dispatcher = new Dispatcher(box, { reactor, pollInterval: '50ms' });
    box.on('dispatcherActivated', ({ representation }) => representation.agents.set('main', agent()));
    const job = await box.queue().put(multiply(14, 3));

    dispatcher.activate();
    expect(dispatcher.polls.length).toBe(0);
    reactor.start();
    const result = await waitForResult(job);
    await reactor.shutdown();
    await waitForDeactivation(dispatcher);

    expect(result).toBe(42);
    expect(dispatcher.getStatusInfo().status).toBe('STOPPED');
  });

  it('set-up: the store is opened in the given directory, and made there', async () => {
    const store = name === 'json' ? (await import('signalbox/json')).jsonStore(newPath()) : makeStore();

    const { box } = await newBox(store);

    expect([box.state, box.store.epoch]).toEqual(['running', 1]);
    expect(await box.queues()).toEqual([]);
  });
});
