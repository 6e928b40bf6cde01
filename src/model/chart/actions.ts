import type { AnyStateMachine } from 'xstate';
import { ChartError } from '../../errors.ts';
import type { Effect } from './chart.ts';
import type { Arguments } from './guards.ts';
import { describe, type Place } from './place.ts';

type Patch = Readonly<Record<string, unknown>>;
type Params = { readonly fixed: unknown } | { readonly from: (given: Arguments) => unknown };

/** One named action of the chart, ready to run. */
export interface CompiledAction {
  readonly name: string;
  /** The assign behind the name, `null` when the action is an effect. */
  readonly assign: ((given: Arguments, params: unknown) => Patch | null | undefined) | null;
  readonly params: Params;
  /** A list of the effect alone where nothing about it depends on the step: most steps have one effect, and share it. */
  readonly effect: readonly [Effect] | null;
}

/** The result of a list of actions. */
export interface Outcome {
  readonly patch: Patch | null;
  readonly effects: readonly Effect[];
}

const noEffects: readonly Effect[] = Object.freeze([]);

/** A step without actions. */
export const nothing: Outcome = Object.freeze({ patch: null, effects: noEffects });

/**
 * Runs a transition's actions in order. Each sees the context with the earlier assigns applied.
 *
 * The context is copied only when something after an assign reads it: most transitions have one
 * assign, whose own result is then the patch.
 */
export function perform(actions: readonly CompiledAction[], given: Arguments): Outcome {
  let patch: Patch | null = null;
  let effects = noEffects;
  let current = given;
  let stale = false;
  for (const action of actions) {
    const { assign, params } = action;
    if (action.effect !== null) {
      effects = effects.length === 0 ? action.effect : [...effects, ...action.effect];
      continue;
    }
    const reads = assign !== null || 'from' in params;
    if (reads && stale) {
      current = { context: { ...given.context, ...patch }, event: given.event };
      stale = false;
    }
    const resolved = 'from' in params ? params.from(current) : params.fixed;
    if (assign === null) {
      effects = [...effects, { type: action.name, params: resolved }];
      continue;
    }
    const assigned = assign(current, resolved);
    if (assigned === null || assigned === undefined || isEmpty(assigned)) continue;
    patch = patch === null ? assigned : { ...(patch as Patch), ...assigned };
    stale = true;
  }
  return { patch, effects };
}

/**
 * Reads one action reference of the chart.
 * @throws {@link ChartError} when it is inline, unknown, or a built-in action other than `assign`.
 */
export function compileAction(reference: unknown, machine: AnyStateMachine, place: Place): CompiledAction {
  if (typeof reference === 'function') throw inlineRefusal(reference, place);
  const action = reference as string | { readonly type: string; readonly params?: unknown };
  const name = typeof action === 'string' ? action : action.type;
  const known: Record<string, unknown> = machine.implementations.actions;
  const implementation = Object.hasOwn(known, name) ? known[name] : undefined;
  const expected = `action "${name}" of ${describe(place)}`;
  if (typeof implementation !== 'function') {
    throw new ChartError({
      expected,
      toBe: 'a function',
      got: implementation === undefined ? 'no implementation' : typeof implementation,
      repair: 'Give it in setup({ actions }) or with .provide(); XState would ignore it in silence.',
    });
  }
  const kind = builtIn(implementation);
  if (kind !== undefined && kind !== 'assign') {
    throw new ChartError({ expected, toBe: 'an assign or an effect', got: kind, repair: onlyNamed });
  }
  const params = typeof action === 'string' ? undefined : action.params;
  const isFixed = typeof params !== 'function';
  return {
    name,
    assign: kind === 'assign' ? compileAssign((implementation as unknown as BuiltAssign).assignment) : null,
    params: isFixed ? { fixed: params } : { from: params as (given: Arguments) => unknown },
    effect: isFixed && kind !== 'assign' ? alone({ type: name, params }) : null,
  };
}

function alone(effect: Effect): readonly [Effect] {
  return Object.freeze([Object.freeze(effect)]);
}

function inlineRefusal(action: unknown, place: Place): ChartError {
  const kind = builtIn(action);
  return new ChartError({
    expected: `every action of ${describe(place)}`,
    toBe: 'a name',
    got: `an inline ${kind ?? 'function'}`,
    repair: kind === undefined || kind === 'assign' ? 'Name it in setup({ actions }).' : onlyNamed,
  });
}

const onlyNamed = 'Let the chart name an effect, and let the engine do this when the effect is due.';

/** `assignment` is not in XState's types; test/model/chart/internals.test.ts pins it. */
interface BuiltAssign {
  readonly assignment: unknown;
}
type Assigner = (given: Arguments, params: unknown) => unknown;

function compileAssign(assignment: unknown): NonNullable<CompiledAction['assign']> {
  if (typeof assignment === 'function') return assignment as NonNullable<CompiledAction['assign']>;
  const keys = Object.entries(assignment as Record<string, unknown>);
  if (!keys.some(([, value]) => typeof value === 'function')) {
    const fixed = Object.freeze({ ...(assignment as Patch) });
    return () => fixed;
  }
  return (given, params) => {
    const patch: Record<string, unknown> = {};
    for (const [key, value] of keys) {
      patch[key] = typeof value === 'function' ? (value as Assigner)(given, params) : value;
    }
    return patch;
  };
}

/** The kind of a built-in action: `assign`, `raise`, …; `undefined` for any other function. */
function builtIn(action: unknown): string | undefined {
  const { type } = action as { readonly type?: unknown };
  if (typeof action !== 'function' || !('resolve' in action) || typeof type !== 'string') return undefined;
  return type.replace('xstate.', '');
}

function isEmpty(patch: Patch): boolean {
  for (const _key in patch) return false;
  return true;
}
