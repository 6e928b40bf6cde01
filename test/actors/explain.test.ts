import {
  agent,
  createSignalbox,
  defineMachine,
  memoryStore,
  put,
  type SignalboxOptions,
  type Store,
} from 'signalbox';
import { explainActor } from 'signalbox/reading';
import { VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { stores } from './box.ts';
import { ada, charge, length, mail, order } from './machines.ts';

/** A box that is not started: nothing delivers mail. */
async function idleBox(store: Store, options: Partial<SignalboxOptions> = {}) {
  const reactor = new VirtualReactor();
  const known = { jobs: [charge, mail], machines: [order, length], queues: [''] };
  const box = await createSignalbox({ store, reactor, ...known, ...options });
  reactor.attach(box);
  return { box, reactor };
}

describe.each(stores)('An explanation of an actor, on %s,', (_, makeStore) => {
  it('names the events that it may take, and its timers with the time until each', async () => {
    const { box, reactor } = await idleBox(makeStore());
    await box.start();
    await box.actor(order, '17').start(ada);
    await reactor.advance('1m');

    const explanation = await box.explainActor('order/17');

    expect(explanation).toMatchObject({
      ...{ actor: 'order/17', machine: 'order', version: '1', status: 'active', state: 'approval' },
      ...{ mail: { count: 0, first: [] }, children: [], parent: null, failure: null, finishedAt: null },
      next: [
        { event: 'order.approve', guards: [null], isOpen: true },
        { event: 'order.reject', guards: [null], isOpen: true },
      ],
      timers: [{ inMs: 600_000 - 60_000, event: 'xstate.after.reminder.order.approval', to: null }],
      verdict: {
        code: 'event',
        text: 'it waits for an event: order.approve, order.reject, or for its timer in 9 minutes',
      },
    });
    expect(explanation.at - explanation.startedAt).toBe(60_000);
    await box.stop();
  });

  it('says which child it waits for, and whose child that is', async () => {
    const { box, reactor } = await idleBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);
    await actor.send({ type: 'order.approve', by: 'Grace' });
    const paying = await box.explainActor('order/17');
    await box.start();
    await reactor.until(actor.waitFor((now) => now.matches('shipping')));

    const shipping = await box.explainActor('order/17');
    const parcel = await box.explainActor('order/17/parcel');

    const [job] = paying.children;
    expect(job).toMatchObject({ name: 'charge', kind: 'job', src: 'charge', run: 1, state: 'pending' });
    expect(paying.verdict).toEqual({
      code: 'child',
      text: `it waits for child 'charge': job ${job?.id} is pending`,
      remedy: `Look at that one: box.explain('${job?.id}').`,
    });
    expect(shipping.children).toMatchObject([
      { name: 'parcel', kind: 'actor', state: 'active', at: 'moving' },
    ]);
    expect(shipping.verdict.text).toBe(
      "it waits for child 'parcel': actor order/17/parcel is active in moving",
    );
    expect(parcel).toMatchObject({ parent: { actor: 'order/17', child: 'parcel' }, state: 'moving' });
    expect(parcel.next?.map(({ event }) => event)).toEqual(['scan', 'delivered']);
    await box.stop();
  });

  it('says that mail waits, and what keeps it from being taken', async () => {
    const { box } = await idleBox(makeStore());
    await box.actor(length, 'root').start();
    await box.transaction((tx) => tx.actor(length, 'root').send({ type: 'change', by: 4 }));

    const idle = await box.explainActor('length/root');
    const unknown = await explainActor(box.store, 'length/root');

    expect(idle.mail).toMatchObject({ count: 1, first: [{ event: 'change', from: null }] });
    expect(idle.verdict).toMatchObject({
      code: 'delivery',
      text: '1 message waits for it, and no process is at work',
    });
    expect([unknown?.next, unknown?.verdict.code]).toEqual([null, 'delivery']);
    await box.stop();
  });
});

describe('An explanation of an actor', () => {
  it('says that this process does not know the machine whose mail waits', async () => {
    const store = memoryStore();
    const first = await idleBox(store);
    await first.box.actor(length, 'root').start();
    await first.box.transaction((tx) => tx.actor(length, 'root').send({ type: 'change', by: 4 }));
    await first.box.stop();
    const { box } = await idleBox(store, { machines: [order] });
    await box.start();

    const { verdict } = await box.explainActor('length/root');

    expect(verdict.code).toBe('machine');
    expect(verdict.text).toBe("1 message waits for it, and this process does not know machine 'length'");
    await box.stop();
  });

  it('tells guards that refuse now from those that ask what an event carries', async () => {
    const till = defineMachine(
      setup({
        types: {
          context: {} as { sum: number },
          events: {} as { type: 'add'; n: number } | { type: 'close' },
        },
        guards: {
          isFull: ({ context }) => context.sum > 10,
          isPositive: ({ event }) => event.type === 'add' && event.n > 0,
        },
        actions: { add: assign({ sum: ({ context }) => context.sum + 6 }) },
      }).createMachine({
        ...{ id: 'till', version: '1', initial: 'open', context: { sum: 0 } },
        states: {
          open: {
            on: {
              add: { guard: 'isPositive', actions: 'add' },
              close: { guard: 'isFull', target: 'closed' },
            },
          },
          closed: {},
        },
      }),
    );
    const { box } = await idleBox(memoryStore(), { machines: [till] });
    const actor = await box.actor(till, '1').start();

    const before = await box.explainActor('till/1');
    await actor.send({ type: 'add', n: 1 });
    await actor.send({ type: 'add', n: 1 });
    const full = await box.explainActor('till/1');
    await actor.send({ type: 'close' });
    const closed = await box.explainActor('till/1');

    expect(before.next).toEqual([
      { event: 'add', guards: ['isPositive'], isOpen: null },
      { event: 'close', guards: ['isFull'], isOpen: false },
    ]);
    expect(before.verdict.text).toBe('it waits for an event: add');
    expect(full.next?.[1]).toEqual({ event: 'close', guards: ['isFull'], isOpen: true });
    expect(closed.verdict).toMatchObject({
      code: 'stuck',
      text: 'it waits for nothing: no event leads out of state closed, and it has no timer and no child',
    });
    await box.stop();
  });

  it('says why it is suspended, and how it ended', async () => {
    const { box } = await idleBox(memoryStore());
    const actor = await box.actor(order, '17').start(ada);
    await actor.suspend('the bank is closed');
    const suspended = await box.explainActor('order/17');
    await actor.resume();
    await actor.send({ type: 'order.reject', reason: 'no' });
    const done = await box.explainActor('order/17');

    expect(suspended.verdict).toMatchObject({
      code: 'suspended',
      text: 'it is suspended: Error: the bank is closed',
    });
    expect(suspended.next?.map(({ event }) => event)).toEqual(['order.approve', 'order.reject']);
    expect(done.verdict).toEqual({
      code: 'done',
      text: 'it is done',
      remedy: 'Read its output: await actor.output().',
    });
    expect([done.next, done.timers, done.finishedAt]).toEqual([[], [], expect.any(Number)]);
    await expect(box.explainActor('order/none')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await box.stop();
  });

  it('names why its step cannot be committed', async () => {
    const writer = defineMachine(
      setup({
        types: { events: {} as { type: 'write' } },
        actions: { write: put(mail, () => ['ada', 'again'] as const) },
      }).createMachine({
        ...{ id: 'writer', version: '1', initial: 'on' },
        states: { on: { on: { write: { actions: 'write' } } } },
      }),
    );
    const { box, reactor } = await idleBox(memoryStore(), { machines: [writer], limits: { waiting: 1 } });
    await box.start({ agent: agent({ size: 1, filter: { jobs: ['none'] } }) });
    await box.actor(writer, '1').start();
    await box.queue().put(mail('ada', 'first'));
    await box.transaction((tx) => tx.actor(writer, '1').send({ type: 'write' }));
    await reactor.advance('1s');

    const { verdict } = await box.explainActor('writer/1');

    expect(verdict.code).toBe('blocked');
    expect(verdict.text).toMatch(
      /^1 message waits for it, and its step cannot be committed: SignalboxError: .*at most 1/,
    );
    await reactor.until(box.stop());
  });
});
