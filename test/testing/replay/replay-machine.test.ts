import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineMachine, Failure, memoryStore } from 'signalbox';
import { jsonStore, readStore } from 'signalbox/json';
import { createTestBox, replay, VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { ada, charge, length, mail, order } from '../../actors/machines.ts';

const approve = { type: 'order.approve', by: 'Grace' } as const;

describe('An actor that is led through a story', () => {
  it('takes events and outcomes of children when the story has them', async () => {
    const run = await replay(order, {
      at: '2026-11-29T10:00:00Z',
      input: ada,
      story: [
        ['+0s', approve],
        ['+4s', { type: 'xstate.error.actor.charge', error: { name: 'Error', message: 'declined' } }],
      ],
    });

    expect(run.states).toEqual(['approval', 'paying', 'rejected']);
    expect([run.status, run.snapshot.output, run.refused]).toEqual(['done', { receipt: null }, []]);
    expect(run.steps.at(-1)).toEqual({
      ...{ at: new Date('2026-11-29T10:00:04Z'), event: 'xstate.error.actor.charge' },
      ...{ from: 'paying', to: 'rejected' },
    });
  });

  it('has the outcome that the story gives', async () => {
    const run = await replay(order, {
      input: ada,
      story: [
        ['+1m', approve],
        ['+2m', { type: 'xstate.done.actor.charge', output: 'r-1' }],
        ['+3m', { type: 'xstate.done.actor.parcel', output: { scans: 2 } }],
      ],
    });

    expect(run.states).toEqual(['approval', 'paying', 'shipping', 'done']);
    expect(run.snapshot.matches('done')).toBe(true);
    expect(run.snapshot.context.receipt).toBe('r-1');
  });

  it('has its timers fire by themselves, each before what comes at the same instant or later', async () => {
    const run = await replay(order, { input: ada, story: [['+20m', approve]], until: '+3h' });

    expect(run.steps.map(({ at, event }) => [at.getUTCMinutes(), event])).toEqual([
      [0, 'signalbox.start'],
      [10, 'xstate.after.reminder.order.approval'],
      [20, 'xstate.after.reminder.order.approval'],
      [20, 'order.approve'],
    ]);
    expect(run.snapshot.context.reminders).toBe(2);
  });

  it('has its timers fire where the story has them, when it says so', async () => {
    const reminder = { type: 'xstate.after.reminder.order.approval' } as const;
    const run = await replay(order, {
      ...{ input: ada, timers: 'told' },
      story: [
        ['+5m', reminder],
        ['+45m', reminder],
        ['+46m', approve],
      ],
    });

    expect(run.snapshot.context.reminders).toBe(1);
    // At 5 minutes it was not due.
    expect(run.refused.map(({ event }) => event)).toEqual([reminder.type]);
  });

  it('goes on from a snapshot', async () => {
    const context = { ...ada, receipt: null, reminders: 3 };
    const timers = {
      t: [Date.UTC(2030, 0, 1, 0, 2), 0, { type: 'order.reject', reason: 'late' }, null],
    } as const;
    const snapshot = { state: 'approval', context, history: null, timers, children: null };

    expect((await replay(order, { snapshot, story: [['+1m', approve]] })).states).toEqual([
      'approval',
      'paying',
    ]);
    expect((await replay(order, { snapshot, story: [], until: '+2m' })).states).toEqual([
      'approval',
      'rejected',
    ]);
  });

  it('may be a reducer, and what throws moves nothing', async () => {
    const run = await replay(length, {
      story: [
        ['+0s', { type: 'change', by: 4 }],
        ['+0s', { type: 'change', by: 13 }],
        ['+1s', { type: 'change', by: 1 }],
      ],
    });

    expect(run.snapshot.context).toBe(5);
    expect(run.refused.map(({ event, failure }) => [event, failure?.message])).toEqual([
      ['change', 'thirteen is not counted'],
    ]);
    expect(
      (await replay(length, { snapshot: { ...nowhere, context: 7 as never }, story: [] })).snapshot.context,
    ).toBe(7);
  });

  it.each([
    ['stopped', [['+1s', { type: 'signalbox.stop' }]], 'stopped', ['approval']],
    ['failed', [['+1s', { type: 'signalbox.fail', error: new Error('x') }]], 'failed', ['approval']],
    [
      'suspended, and takes nothing then',
      [
        ['+1s', { type: 'signalbox.suspend' }],
        ['+2s', approve],
      ],
      'suspended',
      ['approval'],
    ],
    [
      'resumed',
      [
        ['+1s', { type: 'signalbox.suspend' }],
        ['+2s', { type: 'signalbox.resume' }],
        ['+3s', approve],
      ],
      'active',
      ['approval', 'paying'],
    ],
  ] as const)('is %s as the story has it', async (_name, story, status, states) => {
    const run = await replay(order, { input: ada, story: story as never, until: '+11m' });

    expect([run.status, run.states]).toEqual([status, states]);
  });

  it('waits for a repair when its timer throws, and goes on without that timer', async () => {
    const bomb = defineMachine(
      setup({
        types: { context: {} as { n: number } },
        actions: {
          burst: assign(() => {
            throw new Error('boom');
          }),
        },
      }).createMachine({
        ...{ id: 'bomb', version: '1', context: { n: 0 }, initial: 'ticking' },
        states: {
          ticking: { after: { 1000: { target: 'over', actions: 'burst' }, 2000: { target: 'over' } } },
          over: {},
        },
      }),
    );

    const run = await replay(bomb, { story: [], until: '+5s' });
    const skip = { type: 'signalbox.skip', timer: 'xstate.after.1000.bomb.ticking' } as const;
    const repaired = await replay(bomb, { story: [['+3s', skip]], until: '+5s' });

    expect([run.status, run.refused[0]?.failure?.message]).toEqual(['suspended', 'boom']);
    expect(repaired.states).toEqual(['ticking', 'over']);
  });

  it.each<[string, object, RegExp]>([
    ['no story', {}, /`story` to be a list of steps/],
    ['a step without a time', { story: [[{ type: 'x' }, '+0s']] }, /story\[0\]\[0\]/],
    ['a duration without a plus', { story: [['4s', approve]] }, /such as '\+4s'/],
    [
      'a step before the one before',
      {
        story: [
          ['+4s', approve],
          ['+3s', approve],
        ],
      },
      /no earlier than/,
    ],
    ['an event without a type', { story: [['+4s', {}]] }, /events with a type/],
    ['an unknown command', { story: [['+4s', { type: 'signalbox.leave' }]] }, /what was done to its actor/],
    ['input and snapshot', { story: [], input: ada, snapshot: {} }, /absent where `input` is given/],
    ['a wrong word for timers', { story: [], timers: 'never' }, /'due' or 'told'/],
    ['a wrong option', { story: [], at2: 1 }, /at2/],
    ['a wrong instant', { story: [], at: 'tomorrow' }, /at/],
  ])('is refused %s', async (_name, given, message) => {
    await expect(replay(order, { input: ada, ...given } as never)).rejects.toThrow(message);
  });

  it('needs what defineMachine or defineJob returns', async () => {
    await expect(replay({} as never, { story: [] } as never)).rejects.toThrow(/defineMachine or defineJob/);
  });
});

const nowhere = { state: '', history: null, timers: null, children: null };

/** A store with the histories of orders, as an earlier release has led them. */
async function orders(store = memoryStore()) {
  const reactor = new VirtualReactor();
  const test = await createTestBox({
    ...{ reactor, store, jobs: [charge, mail], machines: [order, length], log: null },
  });
  for (const [key, cents] of [
    ['1', 100],
    ['2', 200_000],
    ['3', 300],
  ] as const) {
    await reactor.until(test.box.actor(order, key).start({ ...ada, id: key, cents }));
    await reactor.advance('11m');
    await reactor.until(test.box.actor(order, key).send(approve));
    await reactor.advance('1m');
  }
  await test.box.actor(order, '3').suspend('look');
  await test.box.actor(order, '3').resume();
  await reactor.until(test.box.actor(order, '3').stop());
  await reactor.until(test.box.actor(length, 'root').start());
  return test;
}

describe('Histories that are held against a version', () => {
  it('show nothing where this version goes the same way, children included', async () => {
    const { box, tearDown } = await orders();

    const { histories, steps, skipped, divergences } = await replay(order, box.entries());

    expect(divergences).toEqual([]);
    // Three orders, and the parcels of the two that were paid.
    expect([histories, skipped]).toEqual([5, 0]);
    expect(steps).toBeGreaterThan(12);
    await tearDown();
  });

  it('name each step with which this version would have gone another way', async () => {
    const { box, tearDown } = await orders();
    const other = defineMachine(
      setup({
        types: {
          input: {} as typeof ada,
          context: {} as typeof ada & { receipt: null; reminders: number },
          events: {} as { type: 'order.approve' },
        },
        actions: { count: assign({ reminders: ({ context }) => context.reminders + 1 }) },
      }).createMachine({
        ...{ id: 'order', version: '2', initial: 'approval' },
        context: ({ input }) => ({ ...input, receipt: null, reminders: 0 }),
        states: {
          approval: {
            after: { 600000: { target: 'approval', reenter: true, actions: 'count' } },
            on: {
              'order.approve': [
                { guard: ({ context }) => context.cents > 1000, target: 'review' },
                { target: 'done' },
              ],
            },
          },
          review: {},
          done: { type: 'final' },
        },
      }),
    );

    const { divergences } = await replay(other, box.entries());

    const large = divergences.filter(({ id, event }) => id === 'order/2' && event === 'order.approve');
    expect(large).toMatchObject([
      { from: 'approval', to: 'paying', what: expect.stringContaining('goes to "review"') },
    ]);
    await tearDown();
  });

  it('may be one actor, in any order; a machine without actors in them has none', async () => {
    const { box, tearDown } = await orders();
    const newestFirst = box.store.history('actor', 'order/1');

    expect(await replay(order, newestFirst)).toMatchObject({ histories: 1, divergences: [] });
    expect(await replay(length, newestFirst)).toEqual({
      histories: 0,
      steps: 0,
      skipped: 0,
      divergences: [],
    });
    await tearDown();
  });

  it('may be those of a store that no process has open', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'signalbox-histories-')), 'store');
    const { tearDown } = await orders(jsonStore(directory));
    await tearDown();

    expect(await replay(order, (await readStore(directory)).entries(1))).toMatchObject({
      ...{ histories: 5, skipped: 0, divergences: [] },
    });
  });

  it('count what cannot be made again: a child without its parent, and what comes after a cut', async () => {
    const { box, tearDown } = await orders();
    const parcel: unknown[] = [];
    for await (const entry of box.store.history('actor', 'order/1/parcel')) parcel.push(entry);
    const late: unknown[] = [];
    for await (const entry of box.store.history('actor', 'order/1')) if (entry.q !== 0) late.push(entry);

    expect(await replay(order, parcel as never)).toMatchObject({ histories: 1, steps: 0, skipped: 1 });
    expect(await replay(order, late as never)).toMatchObject({
      ...{ histories: 0, steps: 0, skipped: late.length },
    });
    await tearDown();
  });
});

it('A failure in a story may be a Failure', async () => {
  const error = Failure.from(new Error('declined'));
  const run = await replay(order, {
    input: ada,
    story: [
      ['+0s', approve],
      ['+1s', { type: 'xstate.error.actor.charge', error }],
    ],
  });

  expect(run.states.at(-1)).toBe('rejected');
});
