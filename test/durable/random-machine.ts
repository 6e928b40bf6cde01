import {
  type AnyActorLogic,
  type AnyStateMachine,
  assign,
  cancel,
  enqueueActions,
  raise,
  setup,
  stateIn,
  stopChild,
} from 'xstate';
import { jobSource } from '../../src/model/durable/sources.ts';

/** Gives numbers from 0 to below 1: the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const eventTypes = ['A', 'B', 'C', 'D', 'ping'] as const;

interface Context {
  readonly n: number;
  readonly left: number;
  readonly trace: readonly string[];
  readonly note: string | null;
  readonly deep: { readonly list: readonly (number | null)[] };
}

type Given = { readonly context: Context };

interface Enqueue {
  raise(event: object, options: object): void;
  sendTo(to: unknown, event: object, options: object): void;
}

interface Plan {
  readonly id: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly children: Plan[];
}

/**
 * A machine of the dialect: nested and parallel states, history, every built-in action, timers and children. `unit`: what its delays
 * are multiples of, in milliseconds.
 */
export function randomMachine(
  seed: number,
  work: AnyActorLogic = jobSource({ definition: { name: 'work' } }, {}),
  unit = 1,
): AnyStateMachine {
  const random = randomFrom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const chance = (p: number): boolean => random() < p;
  const pick = <Value>(list: readonly Value[]): Value => list[below(list.length)] as Value;
  let count = 0;

  const plan = (depth: number, isRegion: boolean): Plan => {
    count += 1;
    const id = `s${count}`;
    const nests = depth > 0 && (isRegion ? chance(0.8) : chance(0.45));
    if (!nests) return { id, type: 'atomic', children: [] };
    const type = chance(0.4) ? 'parallel' : 'compound';
    const children = Array.from({ length: 2 + below(2) }, () => plan(depth - 1, type === 'parallel'));
    if (type === 'compound' && chance(0.4)) children.push({ id: `s${++count}`, type: 'final', children: [] });
    if (chance(0.5)) children.push({ id: `s${++count}`, type: 'history', children: [] });
    return { id, type, children };
  };
  const top: Plan = {
    id: 'random',
    type: chance(0.3) ? 'parallel' : 'compound',
    children: Array.from({ length: 2 + below(3) }, () => plan(2, true)),
  };
  if (top.type === 'compound' && chance(0.3))
    top.children.push({ id: `s${++count}`, type: 'final', children: [] });

  const all: Plan[] = [];
  const walk = (at: Plan): void => {
    all.push(at);
    at.children.forEach(walk);
  };
  walk(top);
  const targets = all.filter((each) => each !== top).map(({ id }) => `#${id}`);
  const real = all.filter(({ type }) => type !== 'history').map(({ id }) => `#${id}`);

  let mark = 0;
  const traced = (): unknown => {
    const name = `t${++mark}`;
    return assign({ trace: ({ context }: Given) => [...context.trace.slice(-7), name] } as never);
  };
  const guard = (): unknown => {
    if (chance(0.4)) return stateIn(pick(real));
    return chance(0.5) ? 'isEven' : { type: 'isOver', params: { least: below(5) } };
  };
  /** What would go on for ever is done as long as something is left. */
  const within = (act: (enqueue: Enqueue, self: unknown) => void): unknown =>
    enqueueActions(({ context, enqueue, self }) => {
      if ((context as unknown as Context).left <= 0) return;
      enqueue('moved' as never);
      act(enqueue as unknown as Enqueue, self);
    });
  const raised = (type: string): unknown => within((enqueue) => enqueue.raise({ type }, {}));
  const action = (): unknown => {
    switch (below(11)) {
      case 0:
        return assign({ n: ({ context }: Given) => context.n + 1 } as never);
      case 1:
        return assign({ note: ({ context }: Given) => (context.note === null ? 'x' : null) } as never);
      case 2:
        return assign({ deep: ({ context }: Given) => ({ list: [context.n, null] }) } as never);
      case 3:
        return chance(0.2) ? raise({ type: pick(eventTypes) } as never) : raised(pick(eventTypes));
      case 4: {
        const [late, delay] = [mark, unit * (1 + below(40))];
        return within((enqueue) => enqueue.raise({ type: 'ping', late }, { delay }));
      }
      case 5:
        return within((enqueue) => enqueue.raise({ type: 'A' }, { delay: 'slow' }));
      case 6: {
        const [type, delay] = [pick(eventTypes), chance(0.5) ? unit * (1 + below(30)) : undefined];
        return within((enqueue, self) =>
          enqueue.sendTo(self, { type }, delay === undefined ? {} : { delay }),
        );
      }
      case 7:
        return cancel(pick(['one', 'two']));
      case 8:
        return enqueueActions(({ enqueue, check }) => {
          if (check('isEven' as never)) enqueue.assign({ n: ({ context }: Given) => context.n + 3 } as never);
          else enqueue.assign({ note: null } as never);
        });
      case 9:
        return stopChild(pick(['job1', 'job2', 'job3']));
      default:
        return traced();
    }
  };
  /** XState leaves a timer of the same id running, and loses the way to cancel it. Here it is cancelled before. */
  const timed = (): unknown[] => {
    const id = pick(['one', 'two']);
    return [cancel(id), raise({ type: pick(eventTypes) } as never, { id, delay: unit * (5 + below(60)) })];
  };
  const actions = (): unknown[] => {
    const list = Array.from({ length: below(3) }, action);
    if (chance(0.3)) list.push(...timed());
    if (chance(0.5)) list.push(traced());
    return list;
  };
  const transition = (isAlways = false): unknown => ({
    ...(chance(0.8) ? { target: pick(targets) } : {}),
    ...(isAlways ? { guard: 'mayMove' } : chance(0.4) ? { guard: guard() } : {}),
    ...(chance(0.3) ? { reenter: true } : {}),
    actions: isAlways ? ['moved', ...actions()] : actions(),
  });
  const transitions = (): unknown[] => Array.from({ length: 1 + below(2) }, () => transition());

  let jobs = 0;
  const configOf = (at: Plan, parent: Plan | null): unknown => {
    if (at.type === 'history')
      return { id: at.id, type: 'history', history: chance(0.5) ? 'deep' : 'shallow' };
    const own: Record<string, unknown> = { ...(parent === null ? {} : { id: at.id }) };
    if (chance(0.5)) own.entry = actions();
    if (chance(0.4)) own.exit = actions();
    if (at.type === 'final') return { ...own, type: 'final' };
    const on: Record<string, unknown> = {};
    for (const type of eventTypes) if (chance(0.35)) on[type] = transitions();
    if (chance(0.05)) on['*'] = transition();
    own.on = on;
    if (parent !== null && chance(0.2)) own.always = transition(true);
    if (chance(0.3)) own.after = { [chance(0.5) ? 'slow' : unit * 10 * (1 + below(6))]: transition() };
    if (chance(0.15) && jobs < 3) {
      jobs += 1;
      own.invoke = {
        id: `job${jobs}`,
        src: 'work',
        input: ({ context }: Given) => [context.n],
        ...(chance(0.7) ? { onDone: transition() } : {}),
        ...(chance(0.85) ? { onError: transition() } : {}),
      };
    }
    if (at.children.length === 0) return own;
    own.type = at.type;
    const real = at.children.filter(({ type }) => type !== 'history' && type !== 'final');
    if (at.type === 'compound') own.initial = pick(real).id;
    if (parent !== null && chance(0.5)) own.onDone = transition();
    own.states = Object.fromEntries(at.children.map((child) => [child.id, configOf(child, at)]));
    return own;
  };

  const config = configOf(top, null) as Record<string, unknown>;
  return setup({
    types: {} as { context: Context; events: { type: string } },
    actors: { work: work as never },
    guards: {
      isEven: ({ context }) => context.n % 2 === 0,
      isOver: ({ context }, { least }: { least: number }) => context.n > least,
      mayMove: ({ context }) => context.left > 0,
    },
    actions: { moved: assign({ left: ({ context }) => context.left - 1 }) },
    delays: { slow: ({ context }) => unit * (20 + (context.n % 7)) },
  }).createMachine({
    ...config,
    id: 'random',
    version: '1',
    options: { maxIterations: 40 },
    context: { n: 0, left: 8, trace: [], note: null, deep: { list: [] } },
    output: ({ context }: Given) => ({ n: context.n, note: context.note }),
  } as never) as unknown as AnyStateMachine;
}
