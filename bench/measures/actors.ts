import { createSignalbox, defineMachine, memoryStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { assign, fromTransition, initialTransition, setup, transition } from 'xstate';
import { cpuUs } from './processor-time.ts';
import { median } from './statistics.ts';

/** What sends to actors cost. */
export interface Sends {
  readonly perS: number;
  readonly cpuUsEach: number;
}

/** A small order: two keys of a context, one guard. */
const orderChart = setup({
  types: {
    input: {} as { id: string },
    context: {} as { id: string; n: number },
    events: {} as { type: 'count'; by: number } | { type: 'close' },
  },
  guards: { isSmall: ({ context }) => context.n >= 0 },
  actions: { count: assign({ n: ({ context }) => context.n + 1 }) },
}).createMachine({
  id: 'order',
  version: '1',
  context: ({ input }) => ({ id: input.id, n: 0 }),
  initial: 'one',
  states: {
    one: { on: { count: { target: 'two', guard: 'isSmall', actions: 'count' } } },
    two: { on: { count: { target: 'one', actions: 'count' } } },
  },
});
const order = defineMachine(orderChart);

const length = defineMachine(
  fromTransition((n: number, event: { type: 'change'; by: number }) => n + event.by, 0),
  { name: 'length' },
);

/** An actor that waits, with a timer and 490 bytes of JSON. */
const sleeper = defineMachine(
  setup({
    types: {
      input: {} as { id: string },
      context: {} as { id: string; text: string; lines: readonly { sku: string; n: number }[] },
    },
  }).createMachine({
    id: 'sleeper',
    version: '1',
    context: ({ input }) => ({
      id: input.id,
      text: `${input.id} `.padEnd(200, 'x'),
      lines: [1, 2, 3, 4, 5].map((n) => ({ sku: `sku-${n}-${input.id}`, n })),
    }),
    initial: 'asleep',
    states: { asleep: { after: { 864000000: { target: 'awake' } } }, awake: {} },
  }),
);

export interface ActorOptions {
  readonly of: 'sends' | 'hot' | 'step' | 'asleep' | 'opened' | 'postgres';
  readonly dir?: string;
  readonly url?: string;
  readonly sends: number;
  readonly actors: number;
  readonly callers: number;
}

export async function measure(options: ActorOptions): Promise<Record<string, number>> {
  const { of, dir = '', url = '' } = options;
  if (of === 'asleep') return fallAsleep(dir, options.actors);
  if (of === 'opened') return openSleepers(dir, options.actors);
  if (of === 'step') return { stepUs: await stepUs(options.sends), xstateUs: xstateUs(options.sends) };
  const store =
    of === 'postgres' ? postgresStore({ connectionString: url, schema: 'bench_actors' }) : jsonStore(dir);
  return { ...(await sends(store, options)) };
}

/** Callers that each send and wait, to all actors in turn. The first tenth warms the process up. */
async function sends(store: Store, { sends: count, actors, callers }: ActorOptions): Promise<Sends> {
  const box = await createSignalbox({ store, machines: [order] });
  const handles = Array.from({ length: actors }, (_, n) => box.actor(order, `o${n}`));
  for (let from = 0; from < actors; from += 100)
    await Promise.all(
      handles.slice(from, from + 100).map((actor, at) => actor.start({ id: `o${from + at}` })),
    );
  let next = 0;
  const caller = async (until: number): Promise<void> => {
    while (next < until) {
      next += 1;
      await handles[next % actors]?.send({ type: 'count', by: 1 });
    }
  };
  const all = (until: number): Promise<unknown> =>
    Promise.all(Array.from({ length: callers }, () => caller(until)));
  await all(count / 10);
  const [began, cpu] = [performance.now(), cpuUs()];
  const from = next;
  await all(from + count);
  const made = next - from;
  const figures = {
    perS: (made / (performance.now() - began)) * 1000,
    cpuUsEach: (cpuUs() - cpu) / made,
  };
  await box.stop();
  return figures;
}

/** What one more event of a commit costs: a hot actor in memory takes 32 in each. */
async function stepUs(count: number): Promise<number> {
  const box = await createSignalbox({
    store: memoryStore({ historyMaxLines: 0 }),
    machines: [length, order],
  });
  const actor = await box.actor(order, 'hot').start({ id: 'hot' });
  const rounds: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const cpu = cpuUs();
    for (let n = 0; n < count; n += 320)
      await Promise.all(Array.from({ length: 320 }, () => actor.send({ type: 'count', by: 1 })));
    rounds.push((cpuUs() - cpu) / count);
  }
  await box.stop();
  return median(rounds.slice(2));
}

/** What XState alone takes for the same event on this machine. */
function xstateUs(count: number): number {
  let [state] = initialTransition(orderChart, { id: 'hot' });
  const rounds: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const cpu = cpuUs();
    for (let n = 0; n < count; n += 1) [state] = transition(orderChart, state, { type: 'count', by: 1 });
    rounds.push((cpuUs() - cpu) / count);
  }
  return median(rounds.slice(2));
}

const gc = (globalThis as { readonly gc?: () => void }).gc;

/** Starts actors that then wait for ten days. */
async function fallAsleep(dir: string, actors: number): Promise<Record<string, number>> {
  const box = await createSignalbox({ store: jsonStore(dir), machines: [sleeper] });
  const started = performance.now();
  for (let from = 0; from < actors; from += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, n) => box.actor(sleeper, `s${from + n}`).start({ id: `s${from + n}` })),
    );
  const startsPerS = (actors / (performance.now() - started)) * 1000;
  await box.stop();
  return { startsPerS };
}

/** Opens the store of those that sleep, in a process that has done nothing else. */
async function openSleepers(dir: string, actors: number): Promise<Record<string, number>> {
  gc?.();
  const before = process.memoryUsage().heapUsed;
  const began = performance.now();
  const box = await createSignalbox({ store: jsonStore(dir), machines: [sleeper] });
  const openMs100kSleepers = performance.now() - began;
  gc?.();
  const bytesPerSleeper = (process.memoryUsage().heapUsed - before) / actors;
  await box.stop();
  return { openMs100kSleepers, bytesPerSleeper };
}
