import type { ChartRow } from '../../reading/coverage/rows.ts';
import { RowReader } from '../../reading/coverage/rows.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import type { Life } from './life.ts';
import { type ReachFacts, reachOfJobs } from './reach.ts';

/** How much of a chart the ways of a scenario have taken so far. */
export interface ChartCoverage {
  /** The rows that a way has taken: `active.running job.finish callbacks`. */
  readonly taken: readonly string[];
  /** The rows that no way has taken, and that one could. */
  readonly missed: readonly string[];
  /** The rows that no way of this scenario can take, each with the reason. */
  readonly outOfReach: Readonly<Record<string, string>>;
  /** The taken rows with how often each was taken. */
  readonly rows: readonly (ChartRow & { readonly count: number })[];
}

/** Counts the rows that lives take. */
export class TakenRows {
  readonly #counts = new Map<string, { readonly row: ChartRow; count: number }>();

  add(entries: Iterable<HistoryEntry>): void {
    const reader = new RowReader();
    for (const entry of entries) {
      const row = reader.read(entry);
      if (row === null) continue;
      const key = `${row.machine}@${row.version} ${nameOf(row)}`;
      const known = this.#counts.get(key);
      if (known === undefined) this.#counts.set(key, { row, count: 1 });
      else known.count += 1;
    }
  }

  of(machine: string): readonly (ChartRow & { readonly count: number })[] {
    return [...this.#counts.values()]
      .filter(({ row }) => row.machine === machine)
      .map(({ row, count }) => ({ ...row, count }));
  }
}

/** The coverage of the chart of jobs. Pure. */
export function coverageOfJobs(rows: ChartCoverage['rows'], base: Life, depth: number): ChartCoverage {
  const taken = new Set(rows.map(nameOf));
  const facts = factsOf(base, depth, (row) => taken.has(row));
  const missed: string[] = [];
  const outOfReach: Record<string, string> = {};
  for (const [row, reach] of Object.entries(reachOfJobs)) {
    if (taken.has(row)) continue;
    const reason = reach(facts);
    if (reason === null) missed.push(row);
    else outOfReach[row] = reason;
  }
  return { taken: [...taken].filter((row) => row in reachOfJobs), missed, outOfReach, rows };
}

function nameOf({ from, event, to }: ChartRow): string {
  return `${from} ${event} ${to}`;
}

/** What the undisturbed life says of its scenario. */
function factsOf(base: Life, depth: number, taken: ReachFacts['taken']): ReachFacts {
  const ofJobs = base.entries.filter(({ kind }) => kind === 'job');
  const ids = (isOne: (entry: HistoryEntry) => boolean): ReadonlySet<string> =>
    new Set(ofJobs.filter(isOne).map(({ id }) => id));
  const callbacks = ids(({ event }) => event === 'callback.add');
  const waiting = ids(({ event }) => event === 'job.wait');
  const late = ids(({ patch }) => patch?.deadline != null);
  const forPromise = ids(({ patch }) => patch?.waitingOn === 'promise');
  return {
    taken,
    depth,
    hasOwnJob: base.points.some(({ jobs }) =>
      jobs.some(({ state, isAwaited }) => state === 'pending' && !isAwaited),
    ),
    hasCallback: callbacks.size > 0,
    callbackWaits: both(callbacks, waiting),
    hasLastStart: late.size > 0 || ofJobs.some(({ patch }) => patch?.beginBy != null),
    startsApart: base.points.some(
      ({ label, jobs }) => label.startsWith('job.claim') && jobs.some(({ state }) => state === 'assigned'),
    ),
    hasTimeLimit: base.points.some(({ calls, hasTimeLimit }) => calls && hasTimeLimit),
    takesTime: takesTime(ofJobs),
    waitsForJob: [...waiting].some((id) => !forPromise.has(id)),
    waitsForPromise: forPromise.size > 0,
    waitsUntilDeadline: both(late, waiting),
  };
}

function both(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...some].some((id) => others.has(id));
}

function takesTime(ofJobs: readonly HistoryEntry[]): boolean {
  const startedAt = new Map<string, number>();
  for (const { id, event, at } of ofJobs) {
    if (event === 'job.start') startedAt.set(id, at);
    // A sync takes a moment.
    if (event === 'job.finish' && at - (startedAt.get(id) ?? at) > 100) return true;
  }
  return false;
}
