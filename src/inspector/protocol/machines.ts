import type { CountedRow } from '../../reading/coverage/compare/chart-row.ts';
import type { StateDwell } from '../../reading/coverage/compare/compare-coverage.ts';
import type { CoverageChart } from '../../reading/coverage/compare/coverage-chart.ts';
import type { Count } from './answer.ts';
import type { EdgeName } from './job.ts';

/** Every chart of the engine, and how many are where. */
export interface MachinesView {
  /** What the traffic is counted over. */
  readonly range: TrafficRange;
  readonly machines: readonly MachineRow[];
}

/** One chart, beside all others. */
export interface MachineView extends MachinesView {
  readonly machine: MachineHeat;
  /** The edge that was asked for; null: none was, or the chart has none of that name. */
  readonly picked: PickedEdge | null;
}

/** The entries of the journal that are counted. */
export interface TrafficRange {
  /** Seq of the first one and of the last one; `from` is larger than `to` when there are none. */
  readonly from: number;
  readonly to: number;
  /** How many there are. */
  readonly entries: number;
  /** When these were written; null: there are none. */
  readonly fromAt: number | null;
  readonly toAt: number | null;
  /** Whether more entries were asked for than are counted. */
  readonly isCut: boolean;
}

/** One chart in the list of all. */
export interface MachineRow {
  readonly name: string;
  readonly version: string | null;
  /** `stored`: its subjects are records, and the journal has its traffic. `live`: they are actors of one process. */
  readonly kind: 'stored' | 'live';
  /** How many there are, over all states; null: that cannot be known here. */
  readonly population: Count | null;
  /** How often its edges were taken in the range, or by live machines since a page looks at them; null: not recorded. */
  readonly traffic: number | null;
  /** Since when the traffic of live machines is counted; null: over the range, or it is not recorded. */
  readonly since: number | null;
  /** How many of its ways from state to state there are, and how many were not taken in the range; null: not recorded. */
  readonly ways: number;
  readonly never: number | null;
  /** What must be known to read these figures; null: nothing. */
  readonly remark: string | null;
}

/** One chart as a heat map. */
export interface MachineHeat extends MachineRow {
  readonly states: readonly StateHeat[];
  /** Every edge of the chart, in its order. */
  readonly edges: readonly EdgeHeat[];
  /** What entries say that this chart does not: another version of it made them. Most first. */
  readonly unknown: readonly UnknownEdge[];
}

/** A state of the chart; one that only an older chart had, too, while something is in it. */
export interface StateHeat {
  readonly state: string;
  /** Whether there are states in it: then the figures are those of all of them. */
  readonly holdsOthers: boolean;
  readonly isKnown: boolean;
  readonly population: Count | null;
  /** How long stays that ended in the range lasted; null: none ended, or their begin is not in the range. */
  readonly dwell: Dwell | null;
}

/** Percentiles of stays, in milliseconds. */
export interface Dwell {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
}

/** An edge, and how often it was taken in the range. */
export interface EdgeHeat extends EdgeName {
  /** Null: not recorded. */
  readonly count: number | null;
}

/** A transition that the chart of today does not have. */
export interface UnknownEdge {
  readonly from: string;
  readonly event: string;
  readonly to: string;
  readonly count: number;
}

/** One edge, and what took it last. */
export interface PickedEdge extends EdgeHeat {
  /** Newest first. */
  readonly takers: readonly EdgeTaker[];
}

/** Something that took an edge. */
export interface EdgeTaker {
  readonly id: string;
  /** Its name; null: it has none, or is no longer kept. */
  readonly name: string | null;
  readonly at: number;
  readonly seq: number;
  /** Whether it has a page of its own: a job that is still kept. */
  readonly isJob: boolean;
  /** What mattered about it then, in a few words; null: nothing. */
  readonly note: string | null;
}

/** Which ways of charts the journal has: what files of tests are compared with, in the browser. */
export interface ProductionView {
  /** Those of the engine, and those of machines that this process knows. */
  readonly charts: readonly CoverageChart[];
  readonly rows: readonly CountedRow[];
  readonly dwell: readonly StateDwell[];
  /** How many entries were read, and the instants of the first and the last one; null: there was none. */
  readonly entries: number;
  readonly fromAt: number | null;
  readonly toAt: number | null;
  /** Whether history has older ones. */
  readonly isCut: boolean;
}
