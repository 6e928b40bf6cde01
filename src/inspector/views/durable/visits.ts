import { around } from '../../../reading/coverage/compare/coverage-chart.ts';
import type { HistoryEntry } from '../../../store/entry.ts';

/** How often and how long an actor was in each state. */
export type Visits = ReadonlyMap<string, { readonly visits: number; readonly ms: number }>;

/** Reads the visits from entries, oldest first. The state that it is in lasts until `now`. Pure. */
export function visitsOf(entries: readonly HistoryEntry[], now: number): Visits {
  const found = new Map<string, { visits: number; ms: number }>();
  let active: readonly string[] = [];
  let since = 0;
  const stay = (until: number): void => {
    for (const path of active) of(found, path).ms += Math.max(0, until - since);
  };
  for (const { to, at } of entries) {
    if (to === null) continue;
    const next = around(to);
    stay(at);
    for (const path of next) if (!active.includes(path)) of(found, path).visits += 1;
    active = next;
    since = at;
  }
  stay(now);
  return found;
}

function of(
  found: Map<string, { visits: number; ms: number }>,
  path: string,
): { visits: number; ms: number } {
  const known = found.get(path) ?? { visits: 0, ms: 0 };
  found.set(path, known);
  return known;
}
