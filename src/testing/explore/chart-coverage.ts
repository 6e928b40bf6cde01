import { type ChartRow, type CountedRow, RowCounts } from '../../reading/coverage/compare/chart-row.ts';
import type { CoverageChart, CoverageWay } from '../../reading/coverage/compare/coverage-chart.ts';
import { TakenWays } from '../../reading/coverage/compare/taken-ways.ts';
import { RowReader } from '../../reading/coverage/rows.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import type { Life } from './life.ts';
import { type ReachFacts, reachOfJobs } from './reach.ts';

export type { CountedRow };

/**
 * How much of a chart the ways of a scenario have taken so far. A row of a chart is its state, its event, its guard in brackets, and
 * the state to which it leads: `active.running job.finish callbacks`, `approval xstate.after.reminder [isReminded] expired`.
 */
export interface ChartCoverage {
  /** The rows that a way has taken. */
  readonly taken: readonly string[];
  /** The rows that no way has taken, and that one could. */
  readonly missed: readonly string[];
  /** The rows that no way of this scenario can take, each with the reason. */
  readonly outOfReach: Readonly<Record<string, string>>;
  /** What was taken from whole place to whole place, with how often. */
  readonly rows: readonly CountedRow[];
}

/** Counts the rows that lives take. */
export class TakenRows {
  readonly #counts = new RowCounts();

  add(entries: Iterable<HistoryEntry>): void {
    const reader = new RowReader();
    for (const entry of entries) {
      const row = reader.read(entry);
      if (row !== null) this.#counts.add(row);
    }
  }

  of(machine: string): readonly CountedRow[] {
    return this.#counts.rows().filter((row) => row.machine === machine);
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

/** The coverage of the chart of a machine of the program: nothing of it is known to be out of reach. Pure. */
export function coverageOfMachine(rows: ChartCoverage['rows'], chart: CoverageChart): ChartCoverage {
  const ways = new TakenWays(chart);
  const found = new Set(rows.flatMap((row) => ways.of(row)));
  const all = chart.states.flatMap(({ path, ways: each }) =>
    each.map((way) => ({ way, name: nameOfWay(path, way) })),
  );
  const namesOf = (isTaken: boolean): readonly string[] => [
    ...new Set(all.filter(({ way }) => found.has(way) === isTaken).map(({ name }) => name)),
  ];
  return { taken: namesOf(true), missed: namesOf(false), outOfReach: {}, rows };
}

function nameOfWay(path: string, { event, guard, targets }: CoverageWay): string {
  const asked = guard === null ? [] : [`[${guard}]`];
  return [path, event === '' ? 'always' : event, ...asked, targets.join('+') || path].join(' ');
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
    hasJob: ofJobs.length > 0,
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
