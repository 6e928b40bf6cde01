import { ChartError } from '../../errors.ts';
import type { CompiledChart } from './chart.ts';

/**
 * Returns the same chart with checks that a compiler cannot make: that assigns and effects give JSON without undefined
 * values, and that context and event stay unchanged. For tests; a checked step costs many times a normal one.
 *
 * @throws {@link ChartError} from `step`, naming machine, state and key.
 */
export function checkedChart<Context, Event extends { type: string }>(
  chart: CompiledChart<Context, Event>,
): CompiledChart<Context, Event> {
  return {
    ...chart,
    step(state, context, event) {
      const before = JSON.stringify([context, event]);
      const step = chart.step(state, context, event);
      const expected = `what "${event.type}" does in state "${state}" of machine "${chart.id}"`;
      if (JSON.stringify([context, event]) !== before) {
        const repair = 'Return the changed keys from the assign instead.';
        throw new ChartError({ expected, toBe: 'a patch', got: 'a changed context or event', repair });
      }
      if (!step.moved) return step;
      const written = [
        ['patch', step.patch] as const,
        ...step.effects
          .filter(({ params }) => params !== undefined)
          .map(({ type, params }) => [`effect ${type}`, params] as const),
      ];
      for (const [where, value] of written) {
        const flaw = flawOf(value, where);
        if (flaw === null) continue;
        throw new ChartError({
          expected,
          toBe: 'JSON',
          got: flaw,
          repair: 'Write null instead of undefined.',
        });
      }
      return step;
    },
  };
}

/** The first place where a value is not JSON; `null` when all of it is JSON. */
function flawOf(value: unknown, path: string): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${value} at ${path}`;
  if (typeof value !== 'object') return `${typeof value} at ${path}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    return `${value.constructor.name} at ${path}`;
  }
  for (const [key, part] of Object.entries(value)) {
    const flaw = flawOf(part, `${path}.${key}`);
    if (flaw !== null) return flaw;
  }
  return null;
}
