import fc from 'fast-check';
import { type AnyStateMachine, and, assign, createMachine, not, or } from 'xstate';

/** Events with payload that every random chart is fed: `odd` never occurs in one, so only wildcards accept it. */
export const sampleEvents = [
  { type: 'go', by: 1 },
  { type: 'go', by: 4 },
  { type: 'job.claim', by: 2 },
  { type: 'job.done.well', by: 3 },
  { type: 'odd', by: 5 },
] as const;

interface Context {
  readonly count: number;
  readonly flag: boolean;
  /** Every assign leaves its letter here, so a changed order shows. */
  readonly trail: string;
}
interface Sample {
  readonly type: string;
  /** Missing in the event XState starts a machine with. */
  readonly by?: number;
}
interface Given {
  readonly context: Context;
  readonly event: Sample;
}

const byOf = (event: Sample) => event.by ?? 0;

// Arguments are written out because the random configuration has no types to narrow.
const guards = {
  isEven: ({ context }: Given) => context.count % 2 === 0,
  isFlagged: ({ context }: Given) => context.flag,
  isBig: ({ event }: Given) => byOf(event) > 2,
  isBelow: ({ context }: Given, params: { limit: number }) => context.count < params.limit,
  isEvenOrBig: or(['isEven', 'isBig'] as never),
};

const leave = (context: Context, letter: string) => (context.trail + letter).slice(-8);

const actions = {
  add: assign(({ context, event }: Given) => ({
    count: (context.count + byOf(event)) % 16,
    trail: leave(context, 'a'),
  })),
  double: assign(({ context }: Given) => ({
    count: (context.count * 2 + 1) % 16,
    trail: leave(context, 'd'),
  })),
  flip: assign({
    flag: ({ context }: Given) => !context.flag,
    trail: ({ context }: Given) => leave(context, 'f'),
  }),
  reset: assign({ count: 0, trail: 'r' }),
  mark: assign(({ context }: Given, params: { letter: string }) => ({
    trail: leave(context, params.letter),
  })),
  keep: assign(() => ({})),
  tell: () => {},
  report: () => {},
};

type GuardPlan =
  | { readonly name: string; readonly params: number | 'dynamic' | null }
  | { readonly join: 'and' | 'or'; readonly of: readonly GuardPlan[] }
  | { readonly join: 'not'; readonly of: GuardPlan };
interface ActionPlan {
  readonly name: string;
  readonly params: number | 'dynamic' | null;
}
interface CandidatePlan {
  readonly guard: GuardPlan | null;
  /** Counts all states below the root in writing order, modulo their number. */
  readonly target: number | null;
  readonly reenter: boolean;
  readonly actions: readonly ActionPlan[];
}
interface StatePlan {
  readonly states: readonly StatePlan[];
  readonly initial: number;
  readonly onInitial: readonly ActionPlan[];
  readonly entry: readonly ActionPlan[];
  readonly exit: readonly ActionPlan[];
  readonly on: Readonly<Record<string, readonly CandidatePlan[]>>;
}
/** A random chart as data, so that fast-check can make it smaller and print it. */
export type ChartPlan = StatePlan;

const guardPlan: fc.Arbitrary<GuardPlan> = fc.letrec<{ guard: GuardPlan }>((tie) => ({
  guard: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'guard' },
    {
      weight: 4,
      arbitrary: fc.record({
        name: fc.constantFrom('isEven', 'isFlagged', 'isBig', 'isEvenOrBig'),
        params: fc.constant(null),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        name: fc.constant('isBelow'),
        params: fc.oneof(fc.integer({ min: 0, max: 16 }), fc.constant('dynamic' as const)),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        join: fc.constantFrom('and', 'or'),
        of: fc.array(tie('guard'), { maxLength: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ join: fc.constant('not' as const), of: tie('guard') }) },
  ) as fc.Arbitrary<GuardPlan>,
})).guard;

const actionPlan = fc.record({
  name: fc.constantFrom(...Object.keys(actions)),
  params: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 5 }), fc.constant('dynamic' as const)),
});
const actionPlans = fc.array(actionPlan, { maxLength: 3, size: 'max' });
const candidatePlan = fc.record({
  guard: fc.option(guardPlan, { freq: 2 }),
  target: fc.option(fc.nat(30), { freq: 3 }),
  reenter: fc.boolean(),
  actions: actionPlans,
});
const onPlan = fc.dictionary(
  fc.constantFrom('go', 'job.claim', 'job.done.well', 'job.*', 'job.done.*', '*'),
  fc.array(candidatePlan, { minLength: 1, maxLength: 3, size: 'max' }),
  { maxKeys: 3, size: 'max', noNullPrototype: true },
);

function statePlan(states: fc.Arbitrary<readonly StatePlan[]>, outermost: boolean): fc.Arbitrary<StatePlan> {
  const few = outermost ? fc.constant([]) : fc.option(actionPlans, { nil: [], freq: 2 });
  return fc.record({
    states,
    initial: fc.nat(3),
    onInitial: fc.option(actionPlans, { nil: [], freq: 2 }),
    entry: few,
    exit: few,
    on: onPlan,
  }) as fc.Arbitrary<StatePlan>;
}

const leafPlan = statePlan(fc.constant([]), false);
const innerPlan = statePlan(fc.array(leafPlan, { minLength: 1, maxLength: 3, size: 'max' }), false);
const outerPlan = statePlan(
  fc.array(fc.oneof(leafPlan, innerPlan), { minLength: 1, maxLength: 2, size: 'max' }),
  false,
);

/** Charts of the dialect: states three deep, all guards and joins, wildcards, assigns, effects, `reenter`. */
export const chartPlan: fc.Arbitrary<ChartPlan> = statePlan(
  fc.array(fc.oneof(leafPlan, innerPlan, outerPlan), { minLength: 1, maxLength: 3, size: 'max' }),
  true,
);

/** Builds the machine a plan describes. */
export function machineOf(plan: ChartPlan): AnyStateMachine {
  const paths: string[] = [];
  nameStates(plan, '#random', paths);
  const context: Context = { count: 1, flag: false, trail: '' };
  const config = { id: 'random', context, ...stateOf(plan, paths) };
  return createMachine(config as never, { guards, actions } as never) as unknown as AnyStateMachine;
}

function nameStates(plan: StatePlan, at: string, paths: string[]): void {
  for (const [index, state] of plan.states.entries()) {
    paths.push(`${at}.s${index}`);
    nameStates(state, `${at}.s${index}`, paths);
  }
}

function stateOf(plan: StatePlan, paths: readonly string[]): object {
  const on = Object.entries(plan.on).map(([event, candidates]) => [
    event,
    candidates.map((candidate) => candidateOf(candidate, paths)),
  ]);
  const below = plan.states.map((state, index) => [`s${index}`, stateOf(state, paths)]);
  return {
    entry: plan.entry.map(actionOf),
    exit: plan.exit.map(actionOf),
    on: Object.fromEntries(on),
    ...(below.length > 0 && {
      states: Object.fromEntries(below),
      initial: { target: `s${plan.initial % below.length}`, actions: plan.onInitial.map(actionOf) },
    }),
  };
}

function candidateOf(
  { guard, target, reenter, actions: todo }: CandidatePlan,
  paths: readonly string[],
): object {
  return {
    ...(guard !== null && { guard: guardOf(guard) }),
    ...(target !== null && { target: paths[target % paths.length] }),
    reenter,
    actions: todo.map(actionOf),
  };
}

function guardOf(plan: GuardPlan): unknown {
  if ('name' in plan) {
    if (plan.params === null) return plan.name;
    const { params } = plan;
    return {
      type: plan.name,
      params: params === 'dynamic' ? ({ event }: Given) => ({ limit: byOf(event) * 3 }) : { limit: params },
    };
  }
  if (plan.join === 'not') return not(guardOf(plan.of) as never);
  return (plan.join === 'and' ? and : or)(plan.of.map(guardOf) as never);
}

function actionOf({ name, params }: ActionPlan): unknown {
  if (params === 'dynamic') {
    return {
      type: name,
      params: ({ context, event }: Given) => ({
        letter: String(context.count),
        by: byOf(event),
        trail: context.trail,
      }),
    };
  }
  if (params === null && name !== 'mark') return name;
  return { type: name, params: { letter: String(params) } };
}
