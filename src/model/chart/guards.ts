import { type AnyStateMachine, and, not, or } from 'xstate';
import { ChartError } from '../../errors.ts';

import { describe, type Place } from './place.ts';

/** The arguments of a guard, an assign and a `params` function. */
export interface Arguments {
  readonly context: object;
  readonly event: { readonly type: string };
}

/** A guard that was read from the chart: its name and its test. */
export interface CompiledGuard {
  readonly name: string;
  /** Truthy means yes, as in XState. */
  readonly test: (given: Arguments) => unknown;
}

/** Joins compiled guards as `and`, `or` and `not` do. */
export interface GuardJoins {
  readonly and: (guards: readonly CompiledGuard[]) => CompiledGuard['test'];
  readonly or: (guards: readonly CompiledGuard[]) => CompiledGuard['test'];
  readonly not: (guard: CompiledGuard) => CompiledGuard['test'];
}

/** The joins of XState: `and` of nothing is yes, `or` of nothing is no. */
export const guardJoins: GuardJoins = {
  and: (guards) => (given) => guards.every((guard) => guard.test(given)),
  or: (guards) => (given) => guards.some((guard) => guard.test(given)),
  not: (guard) => (given) => !guard.test(given),
};

type Reference = string | { readonly type: string; readonly params?: unknown } | BuiltGuard;
type Predicate = (given: Arguments, params: unknown) => unknown;
type BuiltGuard = Predicate & { readonly check?: unknown; readonly guards?: readonly Reference[] };

// XState marks the guards that `and`, `or` and `not` build only by these inner functions;
// test/model/chart/internals.test.ts pins them.
const checkOf = (guard: unknown) => (guard as BuiltGuard).check;
const andCheck = checkOf(and([]));
const orCheck = checkOf(or([]));
const notCheck = checkOf(not(''));

/**
 * Reads one guard reference of the chart.
 * @throws {@link ChartError} when it is inline, unknown, `stateIn`, or refers to itself.
 */
export function compileGuard(
  reference: unknown,
  machine: AnyStateMachine,
  place: Place,
  joins: GuardJoins,
  within: readonly string[] = [],
): CompiledGuard {
  const guard = reference as Reference;
  if (typeof guard === 'function') return compileJoin(guard, machine, place, joins, within);
  const name = typeof guard === 'string' ? guard : guard.type;
  const known: Record<string, unknown> = machine.implementations.guards;
  const implementation = Object.hasOwn(known, name) ? known[name] : undefined;
  if (typeof implementation !== 'function') {
    throw new ChartError({
      expected: `guard "${name}" of ${describe(place)}`,
      toBe: 'a function',
      got: implementation === undefined ? 'no implementation' : `${typeof implementation}`,
      repair: `Give it in setup({ guards }) or with .provide(); known are ${listed(Object.keys(known))}.`,
    });
  }
  if (within.includes(name)) {
    throw new ChartError({
      expected: `guard "${name}" of ${describe(place)}`,
      toBe: 'made of other guards',
      got: `a circle ${[...within, name].join(' -> ')}`,
      repair: 'Break the circle.',
    });
  }
  if ('check' in implementation) {
    const join = compileJoin(implementation as BuiltGuard, machine, place, joins, [...within, name]);
    return { name, test: join.test };
  }
  const params = typeof guard === 'string' ? undefined : guard.params;
  return { name, test: withParams(implementation as Predicate, params) };
}

function compileJoin(
  guard: BuiltGuard,
  machine: AnyStateMachine,
  place: Place,
  joins: GuardJoins,
  within: readonly string[],
): CompiledGuard {
  const parts = () =>
    (guard.guards ?? []).map((part) => compileGuard(part, machine, place, joins, within)) as CompiledGuard[];
  const named = (guards: readonly CompiledGuard[]) => guards.map((part) => part.name).join(', ');
  if (guard.check !== undefined && guard.check === andCheck) {
    const guards = parts();
    return { name: `and(${named(guards)})`, test: joins.and(guards) };
  }
  if (guard.check !== undefined && guard.check === orCheck) {
    const guards = parts();
    return { name: `or(${named(guards)})`, test: joins.or(guards) };
  }
  const [inner] = guard.check !== undefined && guard.check === notCheck ? parts() : [];
  if (inner !== undefined) return { name: `not ${inner.name}`, test: joins.not(inner) };
  throw new ChartError({
    expected: `the guard of ${describe(place)}`,
    toBe: 'a name, or and, or, not over names',
    got: guard.check === undefined ? 'an inline function' : `${guard.name || 'another built-in guard'}`,
    repair: 'Name it in setup({ guards }); a guard sees context and event alone, never the state.',
  });
}

function withParams(test: Predicate, params: unknown): CompiledGuard['test'] {
  if (typeof params === 'function') return (given) => test(given, params(given));
  return (given) => test(given, params);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
