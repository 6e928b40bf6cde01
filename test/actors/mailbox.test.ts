import {
  createSignalbox,
  decorateStore,
  defineJob,
  defineMachine,
  fromJob,
  local,
  memoryStore,
  type OpenStore,
  type Signalbox,
  type Store,
  type StoreDecoration,
  sendToActor,
} from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { actorBox, stores } from './box.ts';
import { ada, charge, length, mail, order } from './machines.ts';

const add = defineJob({
  name: 'add',
  retry: 'NeverRetry',
  run: async (key: string, by: number, fails: boolean) => {
    await local.actor(length, key).send({ type: 'change', by });
    if (fails) throw new Error('after the message');
    return by;
  },
});

/** Suspended when `go` is sent to it by a timer, until a repair. */
let isRepaired = false;
const fragile = defineMachine(
  setup({
    types: {
      context: {} as { n: number },
      events: {} as { type: 'go' } | { type: 'count' } | { type: 'break' },
    },
    actions: {
      careful: assign(({ context }) => {
        if (!isRepaired) throw new Error('not repaired');
        return { n: context.n + 100 };
      }),
      count: assign({ n: ({ context }) => context.n + 1 }),
    },
  }).createMachine({
    id: 'fragile',
    version: '1',
    context: { n: 0 },
    initial: 'waiting',
    states: {
      waiting: {
        after: { 60000: { target: 'over', actions: 'careful' } },
        on: { count: { actions: 'count' }, break: { actions: 'careful' } },
      },
      over: { on: { count: { actions: 'count' } } },
    },
  }),
);

const talker = defineMachine(
  setup({
    types: {
      input: {} as { other: string },
      context: {} as { other: string; heard: number },
      events: {} as { type: 'talk' } | { type: 'hear'; text: string },
    },
    actions: {
      tell: sendToActor({ name: 'talker' }, ({ context }) => ({
        to: context.other,
        event: { type: 'hear', text: 'hello' } as const,
      })),
    },
  }).createMachine({
    id: 'talker',
    version: '1',
    context: ({ input }) => ({ other: input.other, heard: 0 }),
    on: {
      talk: { actions: 'tell' },
      hear: { actions: assign({ heard: ({ context }) => context.heard + 1 }) },
    },
  }),
);

const options = { jobs: [charge, mail, add], machines: [order, length, fragile, talker] };

describe.each(stores)('The mailbox of an actor on a %s store', (_, makeStore) => {
  it('what a job sends is committed with its result, and dropped when it throws', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(length, 'root').start();

    const good = await box.queue().put(add('root', 4, false));
    const bad = await box.queue().put(add('root', 100, true));
    await reactor.runUntilIdle();

    expect(await good.result()).toBe(4);
    await expect(bad.result()).rejects.toThrow('after the message');
    expect((await actor.snapshot()).context).toBe(4);
  });

  it('what a transaction sends is committed with it, and a question is a step of it', async () => {
    const { box } = await actorBox(makeStore(), options);
    const actor = await box.actor(length, 'root').start();

    const after = await box.transaction(async (tx) => {
      await tx.actor(length, 'other').start();
      const { context } = await tx.actor(length, 'other').ask({ type: 'change', by: 7 });
      await tx.queue().put(mail('ada', `${context}`));
      return context;
    });
    const failed = box.transaction(async (tx) => {
      await tx.actor(length, 'root').ask({ type: 'change', by: 1 });
      throw new Error('no');
    });

    await expect(failed).rejects.toThrow('no');
    expect(after).toBe(7);
    expect((await box.actor(length, 'other').snapshot()).context).toBe(7);
    expect((await actor.snapshot()).context).toBe(0);
  });

  it('a transaction that asks is refused when the actor has changed meanwhile', async () => {
    const { box } = await actorBox(makeStore(), options);
    const actor = await box.actor(length, 'root').start();

    const slow = box.transaction(async (tx) => {
      await tx.actor(length, 'root').ask({ type: 'change', by: 1 });
      await actor.send({ type: 'change', by: 10 });
    });

    await expect(slow).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await actor.snapshot()).context).toBe(10);
  });

  it('a message that makes the machine throw is a dead letter, and the actor goes on', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(length, 'root').start();

    await box.queue().put(add('root', 13, false));
    await box.queue().put(add('root', 1, false));
    await reactor.runUntilIdle();

    expect((await actor.snapshot()).context).toBe(1);
    const [letter] = await box.deadLetters.list();
    expect(letter).toMatchObject({
      actor: 'length/root',
      event: { type: 'change', by: 13 },
      reason: 'threw',
      failure: { message: 'thirteen is not counted' },
    });
    await box.deadLetters.drop(letter?.id ?? '');
    expect(await box.deadLetters.list()).toEqual([]);
  });

  it('what a job sends to an actor that is not there is a dead letter, which can be sent again', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);

    await box.queue().put(add('later', 5, false));
    await reactor.runUntilIdle();

    const [letter] = await box.deadLetters.list();
    expect(letter).toMatchObject({ actor: 'length/later', reason: 'unknown' });
    await box.actor(length, 'later').start();
    await box.deadLetters.resend(letter?.id ?? '');
    await reactor.runUntilIdle();
    expect((await box.actor(length, 'later').snapshot()).context).toBe(5);
    expect(await box.deadLetters.list()).toEqual([]);
  });

  it('a timer whose step throws suspends the actor: mail waits, questions are refused, a repair goes on', async () => {
    isRepaired = false;
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(fragile, 'a').start();
    await reactor.advance('1m');

    expect(await box.store.get('actor', 'fragile/a')).toMatchObject({
      status: 'suspended',
      failure: { message: 'not repaired' },
      state: 'waiting',
    });
    const receipt = await actor.send({ type: 'count' });
    expect(receipt.taken).toBeNull();
    await expect(actor.ask({ type: 'count' })).rejects.toMatchObject({ code: 'ACTOR_SUSPENDED' });
    isRepaired = true;
    await actor.resume();
    await reactor.runUntilIdle();
    // The timer was due first.
    expect((await actor.snapshot()).value).toBe('over');
    expect((await actor.snapshot()).context.n).toBe(101);
  });

  it('what has thrown is skipped when an operator says so', async () => {
    isRepaired = false;
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(fragile, 'a').start();
    await reactor.advance('1m');

    await actor.send({ type: 'count' });
    await actor.skip();
    await reactor.runUntilIdle();

    expect((await actor.snapshot()).value).toBe('waiting');
    expect((await actor.snapshot()).context.n).toBe(1);
  });

  it('a skip that comes when the actor goes on already is refused, and skips nothing', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(length, 'a').start();
    await actor.suspend('it is held up');
    await actor.send({ type: 'change', by: 2 });
    await actor.send({ type: 'change', by: 3 });

    const [resumed, skipped] = await Promise.allSettled([actor.resume(), actor.skip()]);
    await reactor.runUntilIdle();

    expect(resumed.status).toBe('fulfilled');
    expect(skipped).toMatchObject({ status: 'rejected', reason: { code: 'BAD_STATUS' } });
    expect((await actor.snapshot()).context).toBe(5);
    expect(await box.deadLetters.list()).toEqual([]);
  });

  it('a timer that is due goes before a message that comes later, also in a box that was never started', async () => {
    isRepaired = true;
    const reactor = new VirtualReactor();
    const box = await createSignalbox({ store: makeStore(), uuid: 'actors', reactor, machines: [fragile] });
    reactor.attach(box);
    reactor.run();
    const actor = await box.actor(fragile, 'a').start();
    await reactor.advance('2m');
    expect((await actor.snapshot()).value).toBe('waiting');

    const after = await actor.ask({ type: 'count' });

    expect([after.value, after.context.n]).toEqual(['over', 101]);
    await box.stop();
  });

  it('an actor writes to another one, in the commit of its step', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const [one, other] = [
      await box.actor(talker, 'one').start({ other: 'two' }),
      await box.actor(talker, 'two').start({ other: 'none' }),
    ];

    for (let n = 0; n < 50; n += 1) await one.send({ type: 'talk' });
    await other.send({ type: 'talk' });
    await reactor.runUntilIdle();

    expect((await other.snapshot()).context.heard).toBe(50);
    expect((await box.deadLetters.list()).map(({ actor, reason }) => [actor, reason])).toEqual([
      ['talker/none', 'unknown'],
    ]);
  });

  it('what waits when an actor is stopped is dead', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(length, 'root').start();
    await actor.suspend('for a while');
    await actor.send({ type: 'change', by: 1 });

    await actor.stop();
    await reactor.runUntilIdle();

    expect((await box.deadLetters.list()).map(({ reason }) => reason)).toEqual(['stopped']);
  });

  it('an actor that begins anew takes nothing that was sent to its earlier life', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(length, 'root').start();
    await actor.suspend('for a while');
    for (let n = 0; n < 40; n += 1) await actor.send({ type: 'change', by: 1 });

    await Promise.all([actor.stop(), actor.start(undefined, { ifExists: 'restart' })]);
    await reactor.runUntilIdle();

    expect((await actor.snapshot()).context).toBe(0);
    expect(await box.deadLetters.list(100)).toHaveLength(40);
  });

  it('mail that an earlier process has not taken is taken by the next one', async () => {
    const { box, crash, reopen, reactor } = await actorBox(makeStore(), { ...options, machines: [length] });
    const actor = await box.actor(length, 'root').start();
    await actor.suspend('a deploy');
    for (let by = 1; by <= 100; by += 1) await actor.send({ type: 'change', by: by === 13 ? 0 : by });
    await crash();

    const second = await reopen();
    await second.box.actor(length, 'root').resume();
    await reactor.runUntilIdle();

    expect((await second.box.actor(length, 'root').snapshot()).context).toBe(5050 - 13);
    expect(await second.box.store.mailCount('length/root')).toBe(0);
    await second.tearDown();
  });

  it('a full mailbox refuses a program', async () => {
    const { box } = await actorBox(makeStore(), { ...options, limits: { mail: 2 } });
    const actor = await box.actor(length, 'root').start();
    await actor.suspend('no room');
    await actor.send({ type: 'change', by: 1 });
    await actor.send({ type: 'change', by: 1 });

    await expect(actor.send({ type: 'change', by: 1 })).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
  });
});

describe.each(stores)('A job that is a method of an actor, on a %s store', (_, makeStore) => {
  it('changes it with its result', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const root = await box.actor(length, 'root').start();

    const job = await box.queue().put(root.job({ type: 'change', by: 4 }));
    await reactor.runUntilIdle();

    expect(await job.result()).toMatchObject({ context: 4 });
    expect((await root.snapshot()).context).toBe(4);
    expect(job.name).toBe('length.ask');
  });

  it('fails with the refusal when nothing takes its event', async () => {
    const { box, reactor } = await actorBox(makeStore(), options);
    const actor = await box.actor(order, '17').start(ada);
    await actor.ask({ type: 'order.reject', reason: 'no' });

    const job = await box.queue().put(actor.job({ type: 'order.approve', by: 'Grace' }));
    await reactor.runUntilIdle();

    await expect(job.result()).rejects.toMatchObject({ code: 'ACTOR_FINISHED' });
  });
});

describe('A child that cannot be put', () => {
  it('leaves the actor as it was, and its sender learns why', async () => {
    const machine = defineMachine(
      setup({ actors: { charge: fromJob(charge, { queue: 'payments' }) } }).createMachine({
        id: 'payer',
        version: '1',
        initial: 'idle',
        states: {
          idle: { on: { pay: { target: 'paying' } } },
          paying: { invoke: { id: 'charge', src: 'charge', input: (): [string, number] => ['a', 1] } },
        },
      }),
    );
    const { box } = await actorBox(stores[0]?.[1]() as never, { machines: [machine], jobs: [charge] });
    const actor = await box.actor(machine, 'a').start();

    await expect(actor.send({ type: 'pay' } as never)).rejects.toMatchObject({ code: 'QUEUE_NOT_FOUND' });
    expect((await actor.snapshot()).value).toBe('idle');
    await box.createQueue('payments');
    await actor.send({ type: 'pay' } as never);
    expect((await actor.snapshot()).value).toBe('paying');
  });
});

describe.each(['named', 'nameless'])('An event that is %s and changes nothing where its actor is', (name) => {
  it('does not overtake the mail that comes before it', async () => {
    const machine = defineMachine(
      setup({ types: { events: {} as { type: 'open' } | { type: 'close' } } }).createMachine({
        id: 'gate',
        version: '1',
        initial: 'closed',
        states: {
          closed: { on: { open: { target: 'opened' } } },
          opened: { on: { close: { target: 'closed' } } },
        },
      }),
    );
    const inner = memoryStore();
    const shared: { store?: OpenStore } = {};
    const open = async (ports: Parameters<Store['open']>[0]): Promise<OpenStore> => {
      shared.store ??= await inner.open(ports);
      return shared.store;
    };
    const knowing = await createSignalbox({ store: { name: inner.name, open }, machines: [machine] });
    const other = await createSignalbox({ store: { name: inner.name, open }, jobs: [] });
    const actor = await knowing.actor(machine, 'a').start();

    const first = await other.actor(machine, 'a').send({ type: 'open' });
    const second = await actor.send({ type: 'close' }, name === 'named' ? { id: 'second' } : {});

    expect([first.taken, second.taken]).toEqual([null, true]);
    expect((await actor.snapshot()).value).toBe('closed');
    await knowing.stop();
  });
});

describe('A turn whose actor changes between its reads', () => {
  it('drops nothing by what it has read', async () => {
    const inner = memoryStore();
    const shared: { store?: OpenStore } = {};
    const second: { box?: Signalbox } = {};
    const read: StoreDecoration['read'] = async (call, name, args) => {
      if (name === 'mail' && args[0] === 'length/late') {
        const { box } = second;
        delete second.box;
        await box?.actor(length, 'late').start();
      }
      return call();
    };
    const open = async (ports: Parameters<Store['open']>[0]): Promise<OpenStore> => {
      shared.store = await inner.open(ports);
      return decorateStore(shared.store, { read });
    };
    const { box, reactor } = await actorBox({ name: inner.name, open }, options);
    second.box = await createSignalbox({
      store: { name: inner.name, open: async () => shared.store as OpenStore },
      ...{ reactor, uuid: 'second', machines: [length] },
    });

    await box.queue().put(add('late', 4, false));
    await reactor.runUntilIdle();

    expect((await box.actor(length, 'late').snapshot()).context).toBe(4);
    expect(await box.store.deadLetters(10)).toEqual([]);
  });
});
