import { defineMachine, memoryStore } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { actorBox, stores } from './box.ts';

/** A counter whose version 2 has another name for its state and its context. */
const first = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'add' } | { type: 'over' } },
  actions: { add: assign({ n: ({ context }) => context.n + 1 }) },
}).createMachine({
  id: 'counter',
  version: '1',
  context: { n: 0 },
  initial: 'counting',
  states: {
    counting: { on: { add: { actions: 'add' }, over: { target: 'over' } } },
    over: { type: 'final' },
  },
});
const second = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'add' } },
  actions: { add: assign({ count: ({ context }) => context.count + 10 }) },
}).createMachine({
  id: 'counter',
  version: '2',
  context: { count: 0 },
  initial: 'open',
  states: { open: { on: { add: { actions: 'add' } } } },
});
const old = defineMachine(first);

/** An actor of version 1 that has counted to two, in a store that then belongs to the next release. */
async function ofVersion1(makeStore: (typeof stores)[number][1]) {
  const test = await actorBox(makeStore(), { machines: [old], jobs: [] });
  const actor = await test.box.actor(old, 'a').start();
  await actor.send({ type: 'add' });
  await actor.send({ type: 'add' });
  await test.crash();
  return test;
}

describe.each(stores)('Another version of a machine on a %s store', (_, makeStore) => {
  it('takes over actors of an earlier one with a migration, at their next step', async () => {
    const { reopen } = await ofVersion1(makeStore);
    const machine = defineMachine(second, {
      migrate: {
        1: (before) => ({ ...before, state: 'open', context: { count: before.context.n as number } }),
      },
    });
    const { box, tearDown } = await reopen({ machines: [machine] });
    const actor = box.actor(machine, 'a');

    const after = await actor.ask({ type: 'add' });

    expect([after.value, after.context]).toEqual(['open', { count: 12 }]);
    expect(await box.store.get('actor', 'counter/a')).toMatchObject({ version: '2', state: 'open' });
    const events: string[] = [];
    for await (const { event } of actor.history()) events.push(event);
    expect(events).toEqual(['signalbox.start', 'add', 'add', 'signalbox.migrate', 'add']);
    await tearDown();
  });

  it('lets the earlier one step its actors to their end', async () => {
    const { reopen } = await ofVersion1(makeStore);
    const machine = defineMachine(second, { previous: [first] });
    const { box, tearDown } = await reopen({ machines: [machine] });

    const after = await box.actor(machine, 'a').ask({ type: 'add' });
    await box.actor(machine, 'b').start();

    expect([after.value, after.context]).toEqual(['counting', { n: 3 }]);
    expect((await box.store.get('actor', 'counter/b'))?.version).toBe('2');
    await tearDown();
  });

  it('suspends an actor whose migration throws, and keeps the message', async () => {
    const { reopen } = await ofVersion1(makeStore);
    const machine = defineMachine(second, {
      migrate: {
        1: () => {
          throw new Error('not written yet');
        },
      },
    });
    const { box, tearDown } = await reopen({ machines: [machine] });

    expect((await box.actor(machine, 'a').send({ type: 'add' })).taken).toBeNull();

    expect(await box.store.get('actor', 'counter/a')).toMatchObject({
      status: 'suspended',
      failure: { message: 'not written yet' },
    });
    await tearDown();
  });

  it('suspends actors of which it knows nothing, keeps their mail, and goes on after the repair', async () => {
    const { reopen } = await ofVersion1(makeStore);
    const machine = defineMachine(second);
    const { box, tearDown, reopen: again } = await reopen({ machines: [machine] });

    const receipt = await box.actor(machine, 'a').send({ type: 'add' });

    expect(receipt.taken).toBeNull();
    expect(await box.store.get('actor', 'counter/a')).toMatchObject({
      status: 'suspended',
      failure: { code: 'UNKNOWN_VERSION' },
    });
    expect(await box.store.mailCount('counter/a')).toBe(1);
    await tearDown();
    const repaired = await again({ machines: [old] });
    await repaired.box.actor(old, 'a').resume();
    const now = await repaired.box.actor(old, 'a').waitFor(({ context }) => context.n === 3);
    expect(now.value).toBe('counting');
    await repaired.tearDown();
  });
});

describe('Schemas of a machine', () => {
  const positive = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        (value as { by: number }).by > 0
          ? { value }
          : { issues: [{ message: 'must be positive', path: ['by'] }] },
    },
  };
  const machine = defineMachine(
    setup({
      types: {
        input: {} as { by: number },
        context: {} as { n: number },
        events: {} as { type: 'add'; by: number },
      },
    }).createMachine({
      id: 'checked',
      version: '1',
      context: ({ input }) => ({ n: input.by }),
      on: { add: { actions: assign({ n: ({ context, event }) => context.n + event.by }) } },
    }),
    { schemas: { input: positive, events: { add: positive } } },
  );

  it('refuse an input or an event before anything is written', async () => {
    const { box } = await actorBox(memoryStore(), { machines: [machine], jobs: [] });
    const { seq } = await box.store.position();

    await expect(box.actor(machine, 'a').start({ by: -1 })).rejects.toMatchObject({
      code: 'EVENT_INVALID',
      details: { machine: 'checked', what: 'the input', issues: [{ message: 'must be positive' }] },
    });
    expect((await box.store.position()).seq).toBe(seq);
    const actor = await box.actor(machine, 'a').start({ by: 1 });
    await expect(actor.send({ type: 'add', by: 0 })).rejects.toThrow(/event "add".*must be positive/s);
    await expect(actor.ask({ type: 'add', by: 0 })).rejects.toThrow(/must be positive/);
    expect((await actor.ask({ type: 'add', by: 2 })).context.n).toBe(3);
  });
});
