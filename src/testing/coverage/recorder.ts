import type { PreparedMachine } from '../../model/durable/machine.ts';
import { chartsOf } from '../../reading/coverage/charts.ts';
import { type ChartRow, RowCounts } from '../../reading/coverage/compare/chart-row.ts';
import type { CoverageChart } from '../../reading/coverage/compare/coverage-chart.ts';
import { coverageText } from '../../reading/coverage/compare/coverage-file.ts';
import { actorsOf } from '../../reading/coverage/journal-coverage.ts';
import { RowReader } from '../../reading/coverage/rows.ts';
import { entriesOf, type HistoryEntry } from '../../store/entry.ts';
import type { OpenStore } from '../../store/store.ts';

/** Rows and charts that were recorded in this process. */
export class Recording {
  readonly #counts = new RowCounts();
  readonly #charts = new Map<string, CoverageChart>();

  /** A recorder for the entries of one store. */
  recorder(machines: Machines): CoverageRecorder {
    for (const chart of chartsOf(machines)) this.#charts.set(`${chart.machine}@${chart.version}`, chart);
    return new CoverageRecorder(this.#counts);
  }

  /** The content of a file; null: nothing was recorded. */
  text(): string | null {
    const rows = this.#counts.rows();
    return rows.length === 0 ? null : coverageText({ rows, machines: [...this.#charts.values()] });
  }
}

type Machines = Iterable<{ readonly prepared: PreparedMachine }>;

/** Records the rows of one store. */
export class CoverageRecorder {
  readonly #rows = new RowReader();
  readonly #counts: RowCounts;

  constructor(counts: RowCounts) {
    this.#counts = counts;
  }

  /** Takes the next synced entry: each once, in their order. */
  add(entry: HistoryEntry): void {
    const row = this.#rows.read(entry);
    if (row !== null) this.#counts.add(row);
  }

  /** Takes a step that no store has. */
  addRow(row: ChartRow): void {
    this.#counts.add(row);
  }

  /** Takes what a store syncs from now on. To be called before anything is written. */
  async follow(store: OpenStore): Promise<void> {
    for await (const actor of actorsOf(store)) this.#rows.know(actor);
    store.follow((lines) => {
      for (const line of lines) for (const entry of entriesOf(line)) this.add(entry);
    });
  }
}

let recording: Recording | null = null;

/** Records from now on all that test boxes and simulations of this process do. */
export function record(): Recording {
  recording ??= new Recording();
  return recording;
}

/** A recorder for a store that is about to be opened, with the machines of its program; null: `collectCoverage` was not called. */
export function recorderFor(machines: Machines = []): CoverageRecorder | null {
  return recording === null ? null : recording.recorder(machines);
}
