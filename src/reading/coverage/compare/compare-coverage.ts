import type { ChartRow, CountedRow } from './chart-row.ts';
import { type CoverageChart, type CoverageState, type CoverageWay, isNewer } from './coverage-chart.ts';
import { TakenWays } from './taken-ways.ts';

/** `untested`: taken in production and in no test. */
export type CoverageVerdict = 'untaken' | 'tested' | 'untested';

/** How often something was taken, and what that says. */
export interface CoverageCounts {
  readonly tests: number;
  readonly production: number;
  readonly verdict: CoverageVerdict;
}

/** A way of a chart. */
export interface WayCoverage extends CoverageWay, CoverageCounts {
  /** Path of the state that has it. */
  readonly source: string;
}

/** A row for which the chart of today has no way, or of a machine without states: a reducer, or one whose chart is not known. */
export interface RowCoverage extends Omit<ChartRow, 'machine'>, CoverageCounts {}

/** How long stays in a state lasted in production, in milliseconds. */
export interface CoverageDwell {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
}

/** The stays in a state of a machine. */
export interface StateDwell extends CoverageDwell {
  readonly machine: string;
  readonly path: string;
}

/** A state of a chart. */
export interface StateCoverage extends Omit<CoverageState, 'ways'> {
  readonly ways: readonly WayCoverage[];
  /** Null: no stay has ended. */
  readonly dwell: CoverageDwell | null;
}

/** A chart, with what tests and production took of it. */
export interface ComparedChart {
  readonly machine: string;
  /** Of the chart; null: it is not known. */
  readonly version: string | null;
  readonly states: readonly StateCoverage[];
  /** What the chart of today does not say; of a machine without states all rows. */
  readonly rows: readonly RowCoverage[];
  /** How many ways have each verdict; of a machine without states, how many rows. */
  readonly verdicts: Readonly<Record<CoverageVerdict, number>>;
}

/** What is compared. */
export interface Compared {
  /** Of one machine the first counts. */
  readonly charts: readonly CoverageChart[];
  readonly tests: readonly CountedRow[];
  readonly production: readonly CountedRow[];
  /** Of states in production. */
  readonly dwell: readonly StateDwell[];
}

/** Compares what tests took of each chart with what production took. Pure. */
export function compareCoverage({ charts, tests, production, dwell }: Compared): readonly ComparedChart[] {
  const names = new Set([...charts, ...tests, ...production].map(({ machine }) => machine));
  return [...names].map((machine) => {
    const isOfIt = (each: { readonly machine: string }): boolean => each.machine === machine;
    const chart = charts.find((each) => each.machine === machine) ?? { machine, version: null, states: [] };
    return coverageOf(chart, tests.filter(isOfIt), production.filter(isOfIt), dwell.filter(isOfIt));
  });
}

/** Of the charts of each machine the one of the newest version, in the order in which machines are named first. */
export function newestCharts(charts: readonly CoverageChart[]): readonly CoverageChart[] {
  const newest = new Map<string, CoverageChart>();
  for (const chart of charts) {
    const known = newest.get(chart.machine);
    if (known === undefined || isNewer(chart.version, known.version)) newest.set(chart.machine, chart);
  }
  return [...newest.values()];
}

function coverageOf(
  chart: Omit<CoverageChart, 'version'> & { readonly version: string | null },
  tests: readonly CountedRow[],
  production: readonly CountedRow[],
  dwell: readonly StateDwell[],
): ComparedChart {
  const { machine, version, states, begins } = chart;
  const hasStates = states.length > 0;
  const taken = new TakenWays({ states, ...(begins === undefined ? {} : { begins }) });
  const inTests = new Map<CoverageWay, number>();
  const inProduction = new Map<CoverageWay, number>();
  const rest = new Map<string, RowCoverage>();
  const count = (row: CountedRow, counts: Map<CoverageWay, number>, of: 'tests' | 'production'): void => {
    const isStart = hasStates && row.from === '';
    // The commands of the engine move an actor, not its machine, and a start is no way of a chart: but ways can follow it.
    if (row.event.startsWith('signalbox.') && !isStart) return;
    const ways = taken.of(row);
    for (const way of ways) counts.set(way, (counts.get(way) ?? 0) + row.count);
    if (ways.length === 0 && !isStart) addRest(rest, row, of);
  };
  for (const row of tests) count(row, inTests, 'tests');
  for (const row of production) count(row, inProduction, 'production');
  const stays = new Map(dwell.map(({ path, count, p50, p95 }) => [path, { count, p50, p95 }]));
  const covered = states.map(
    ({ path, type, ways }): StateCoverage => ({
      ...{ path, type, dwell: stays.get(path) ?? null },
      ways: ways.map((way) => ({
        ...{ source: path, event: way.event, guard: way.guard, targets: way.targets },
        ...countsOf(inTests.get(way) ?? 0, inProduction.get(way) ?? 0),
      })),
    }),
  );
  const rows = [...rest.values()].sort(
    (one, other) => other.production - one.production || other.tests - one.tests,
  );
  const judged: readonly CoverageCounts[] = hasStates ? covered.flatMap(({ ways }) => ways) : rows;
  return { machine, version, states: covered, rows, verdicts: verdictsOf(judged) };
}

function addRest(rest: Map<string, RowCoverage>, row: CountedRow, of: 'tests' | 'production'): void {
  const { version, from, event, to } = row;
  const key = JSON.stringify([version, from, event, to]);
  const { tests, production } = rest.get(key) ?? { tests: 0, production: 0 };
  const counts =
    of === 'tests' ? countsOf(tests + row.count, production) : countsOf(tests, production + row.count);
  rest.set(key, { version, from, event, to, ...counts });
}

function countsOf(tests: number, production: number): CoverageCounts {
  const verdict = tests > 0 ? 'tested' : production > 0 ? 'untested' : 'untaken';
  return { tests, production, verdict };
}

function verdictsOf(judged: readonly CoverageCounts[]): ComparedChart['verdicts'] {
  const of = (verdict: CoverageVerdict): number => judged.filter((each) => each.verdict === verdict).length;
  return { untaken: of('untaken'), tested: of('tested'), untested: of('untested') };
}
