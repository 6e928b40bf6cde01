import {
  createSignalbox,
  defineJob,
  defineMachine,
  fromJob,
  memoryStore,
  type Signalbox,
  SignalboxError,
} from 'signalbox';
import { actorModel, compileChart, type GraphModel, jobModel, machineModel } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, fromTransition, setup } from 'xstate';
import { getAdjacencyMap, getShortestPaths, getSimplePaths } from 'xstate/graph';

const models: Readonly<Record<string, GraphModel<AnyStateMachine>>> = {
  jobModel: jobModel as never,
  actorModel: actorModel as never,
};

describe.each(Object.entries(models))('%s', (_name, model) => {
  it('has shortest paths that take every row of its chart', () => {
    const rows = compileChart(model.machine)
      .edges()
      .map(({ from, event, to }) => `${from} ${event} ${to}`);

    const taken = model.lives.flatMap((life) =>
      getShortestPaths(model.machine, model.walk({ life, by: 'row' })).flatMap(({ steps }) =>
        steps
          .slice(1)
          .map(({ event, state }, index) =>
            [steps[index]?.state, state].map((each) => leafOf(each?.value)).join(` ${event.type} `),
          ),
      ),
    );

    expect(rows.filter((row) => !taken.includes(row))).toEqual([]);
    expect(rows.length).toBeGreaterThan(10);
  });

  it('says of every event of its chart how it comes about', () => {
    expect(Object.keys(model.calls).sort()).toEqual(compileChart(model.machine).events);
    expect([...new Set(model.events.map(({ type }) => type))].sort()).toEqual(
      compileChart(model.machine).events,
    );
  });

  it('folds what counts, so that a walk by states ends soon', () => {
    for (const life of model.lives)
      expect(Object.keys(getAdjacencyMap(model.machine, model.walk({ life }))).length).toBeLessThan(50);
  });

  it.each([
    [{ life: 'cat' }, /`life` to be one of .*got cat/],
    [{ by: 'edge' }, /`by` to be 'state' or 'row', got edge/],
    [{ be: 'row' }, /`be` to be absent: only life, by are known/],
  ])('refuses to walk by %j', (options, message) => {
    expect(() => model.walk(options as never)).toThrow(message);
  });
});

describe('The calls of jobModel', () => {
  const called = jobModel.events.filter(
    ({ type }, index) =>
      jobModel.calls[type]?.call !== undefined &&
      jobModel.events.findIndex((event) => event.type === type) === index,
  );

  it.each(called.map((event) => [event.type, event] as const))('make %s happen', async (type, event) => {
    const box = await newBox();
    const job = await box.storeNew(work('a'));
    if (type === 'job.pull') await box.queue().put(job);

    await jobModel.calls[type]?.call?.(box, job.id as string, event);

    expect(await eventsOf(job.history())).toContain(type);
    await box.stop();
  });
});

describe('The calls of actorModel', () => {
  it('make the events of a status happen, one after the other', async () => {
    const box = await newBox();
    const { id } = await box.actor(door, 'front').start();

    const statuses: string[] = [];
    for (const type of ['actor.suspend', 'actor.resume', 'actor.stop']) {
      await actorModel.calls[type]?.call?.(box, id, { type });
      const [listed] = (await box.actors(door)).actors;
      statuses.push(listed?.status ?? 'absent');
    }

    expect(statuses).toEqual(['suspended', 'active', 'stopped']);
    await box.stop();
  });
});

describe('machineModel', () => {
  const sent = [{ type: 'approve', by: 'Ada' }, { type: 'reject' }] as const;

  it('has simple paths through timers and the ends of children', () => {
    const model = machineModel(order, {
      events: sent,
      outcomes: { charge: [{ output: 'r-1' }, { error: new Error('declined') }] },
    });

    const paths = getSimplePaths(model.machine, {
      ...model.walk(),
      toState: ({ status }) => status === 'done',
    });

    expect(paths.map(({ steps }) => steps.slice(1).map(({ event }) => event.type)).sort()).toEqual([
      ['approve', 'xstate.done.actor.charge'],
      ['approve', 'xstate.error.actor.charge', 'reject'],
      ['reject'],
      ['xstate.after.1000.order.asked'],
    ]);
    expect(paths.map(({ state }) => (state.context as { receipt: string | null }).receipt)).toContain('r-1');
  });

  it('says how each event comes about', async () => {
    const model = machineModel(order, { events: sent });

    expect(Object.fromEntries(Object.entries(model.calls).map(([type, { how }]) => [type, how]))).toEqual({
      approve: "actor.send({ type: 'approve' })",
      reject: "actor.send({ type: 'reject' })",
      'xstate.after.1000.order.asked': 'time passes: the timer of state "asked" fires after 1000 ms',
      'xstate.done.actor.charge': 'child "charge" ends: its result is its output',
      'xstate.error.actor.charge': 'child "charge" fails: its error stays',
    });

    const box = await newBox();
    const actor = await box.actor(order, '1').start();
    await model.calls.reject?.call?.(box, actor.id, sent[1]);
    expect((await actor.snapshot()).value).toBe('over');
    await box.stop();
  });

  it('counts what `seen` sees of a context, and nothing else', () => {
    const model = machineModel(counter, { events: [{ type: 'count' }], seen: ({ n }) => n % 3 });

    expect(Object.keys(getAdjacencyMap(model.machine, model.walk()))).toHaveLength(3);
  });

  it.each([
    [
      'an event that the machine does not have',
      () => machineModel(order, { events: [{ type: 'aprove' } as never] }),
      /`events` to be events of machine "order": approve, reject, got aprove/,
    ],
    [
      'a reducer',
      () => machineModel(sum as never),
      /`definition` to be a machine with states, got the reducer "sum"/,
    ],
    [
      'an option that is not known',
      () => machineModel(order, { event: [] } as never),
      /`event` to be absent/,
    ],
  ])('refuses %s', (_what, make, message) => {
    expect(make).toThrow(SignalboxError);
    expect(make).toThrow(message);
  });
});

const work = defineJob({ name: 'work', run: (text: string) => text });
const door = defineMachine(
  setup({}).createMachine({ id: 'door', version: '1', initial: 'closed', states: { closed: {} } }),
);
const sum = defineMachine(
  fromTransition((n: number, { by }: { type: 'add'; by: number }) => n + by, 0),
  { name: 'sum' },
);
const counter = defineMachine(
  setup({ types: { context: {} as { n: number }, events: {} as { type: 'count' } } }).createMachine({
    id: 'counter',
    version: '1',
    context: { n: 0 },
    on: { count: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  }),
);
const order = defineMachine(
  setup({
    types: {
      context: {} as { receipt: string | null },
      events: {} as { type: 'approve'; by: string } | { type: 'reject' },
    },
    actors: { charge: fromJob(work) },
  }).createMachine({
    id: 'order',
    version: '1',
    context: { receipt: null },
    initial: 'asked',
    states: {
      asked: {
        on: { approve: { target: 'paying' }, reject: { target: 'over' } },
        after: { 1000: { target: 'over' } },
      },
      paying: {
        invoke: {
          id: 'charge',
          src: 'charge',
          input: ['a'] as [string],
          onDone: { target: 'over', actions: assign({ receipt: ({ event }) => event.output }) },
          onError: { target: 'declined' },
        },
      },
      declined: { on: { reject: { target: 'over' } } },
      over: { type: 'final' },
    },
  }),
);

/** Nothing works in it: what is put waits. */
async function newBox(): Promise<Signalbox> {
  const box = await createSignalbox({
    store: memoryStore(),
    queues: [''],
    jobs: [work],
    machines: [door, order],
  });
  await box.queue().quotas.ensure('disk');
  return box;
}

async function eventsOf(history: AsyncIterable<{ readonly event: string }>): Promise<string[]> {
  const events: string[] = [];
  for await (const { event } of history) events.push(event);
  return events;
}

function leafOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as object)
    .map(([key, inner]) => `${key}.${leafOf(inner)}`)
    .join('|');
}
