import { shown } from '../../errors.ts';
import { type DurableEffect, type StepAt, StepError, type Stepped } from './machine.ts';

/**
 * Makes a step twice, with a context that cannot be changed in place, and compares: for tests. It finds a `Date.now()` in an
 * assign, and an assign that changes an object instead of replacing it.
 *
 * @throws StepError when the two differ.
 */
export function checkedStep(at: StepAt, make: (at: StepAt) => Stepped): Stepped {
  const frozen = { ...at, isFrozen: true };
  const first = make(frozen);
  const second = make(frozen);
  const [one, other] = [comparable(first), comparable(second)];
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (one[key] === other[key]) continue;
    throw new StepError(
      new TypeError(
        `Expected two runs of one step of ${at.id} to give the same ${key}, got ${shown(one[key])} and ${shown(other[key])}. Let guards, assigns, inputs and delays depend on context and event alone: an instant or a random number comes with the event, the instant of the step is local.now().`,
      ),
    );
  }
  return first;
}

/** A value that cannot be changed in place. Objects of classes are left as they are. */
export function deepFrozen<Value>(value: Value): Value {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value;
  for (const part of Object.values(value)) deepFrozen(part);
  return Object.freeze(value);
}

function comparable({ patch, from, to, ending, isTaken, effects }: Stepped): Record<string, string> {
  const text: Record<string, string> = {
    state: `${from} → ${to}`,
    ending: String(ending),
    isTaken: String(isTaken),
  };
  for (const [key, value] of Object.entries(patch))
    text[key.replace(/^c:/, 'context.')] = JSON.stringify(value);
  effects.forEach((effect, place) => {
    text[`effects[${place}]`] = effectText(effect);
  });
  return text;
}

function effectText(effect: DurableEffect): string {
  return JSON.stringify(effect, (key, value: unknown) => {
    // Of a machine, a source and a job the names say enough.
    if (key === 'machine' || key === 'source' || key === 'job' || key === 'options') return undefined;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    const prototype = Object.getPrototypeOf(value);
    return prototype === Object.prototype || prototype === null ? value : String(value);
  });
}
