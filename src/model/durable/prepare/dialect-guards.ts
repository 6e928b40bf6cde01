import { getOwn } from '../../checks/own-keys.ts';
import type { Problems } from './dialect-actions.ts';

/** Refuses guards that have no code: XState finds that out at the step. */
export function checkGuard(guard: unknown, place: string, { machine, found }: Problems): void {
  for (const name of namesIn(guard)) {
    if (getOwn(machine.implementations.guards as Record<string, unknown>, name) !== undefined) continue;
    found.add(
      `Expected guard "${name}" at ${place} to be implemented, got none of that name. Define it in setup({ guards }).`,
    );
  }
}

function namesIn(guard: unknown): readonly string[] {
  if (guard === undefined || guard === null) return [];
  if (typeof guard === 'string') return [guard];
  const { guards, type } = guard as { readonly guards?: readonly unknown[]; readonly type?: unknown };
  if (Array.isArray(guards)) return guards.flatMap(namesIn);
  return typeof guard === 'object' && typeof type === 'string' ? [type] : [];
}

/** How a guard is called where it refuses: its name, with those that it joins. */
export function guardText(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  const { guards, type, name, stateValue } = guard as {
    readonly guards?: readonly unknown[];
    readonly type?: string;
    readonly name?: string;
    readonly stateValue?: unknown;
  };
  if (Array.isArray(guards)) return `${name}(${guards.map(guardText).join(', ')})`;
  if (stateValue !== undefined)
    return `stateIn(${typeof stateValue === 'string' ? stateValue : JSON.stringify(stateValue)})`;
  return type ?? (name === undefined || name === '' || name === 'guard' ? 'a guard without a name' : name);
}
