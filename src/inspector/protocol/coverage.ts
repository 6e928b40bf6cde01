import type { CountedRow } from '../../reading/coverage/compare/chart-row.ts';
import type { StateDwell } from '../../reading/coverage/compare/compare-coverage.ts';
import type { CoverageChart } from '../../reading/coverage/compare/coverage-chart.ts';

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
