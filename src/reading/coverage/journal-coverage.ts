import type { HistoryEntry } from '../../store/entry.ts';
import type { StoreReader } from '../../store/reader.ts';
import { type CountedRow, RowCounts } from './compare/chart-row.ts';
import type { StateDwell } from './compare/compare-coverage.ts';
import { around } from './compare/coverage-chart.ts';
import { RowReader } from './rows.ts';
import { Stays } from './stays.ts';

/** What a journal says of charts. */
export interface JournalCoverage {
  readonly rows: readonly CountedRow[];
  readonly dwell: readonly StateDwell[];
  /** How many entries were read, and the instants of the first and the last one; null: there was none. */
  readonly entries: number;
  readonly fromAt: number | null;
  readonly toAt: number | null;
}

/** Which entries are read, and who works meanwhile. */
export interface JournalRange {
  /** Seq of the first entry. Default: the oldest that history holds. */
  readonly from?: number;
  /** Lets the event loop run. */
  readonly pause?: () => Promise<void>;
}

const entriesPerTurn = 250;
const actorsPerPage = 200;

/** Reads from a journal which ways charts went, and how long stays in their states lasted. */
export async function journalCoverage(
  reader: StoreReader,
  { from = reader.oldestSeq(), pause }: JournalRange = {},
): Promise<JournalCoverage> {
  const rows = new RowReader();
  for await (const actor of actorsOf(reader)) rows.know(actor);
  const counts = new RowCounts();
  const stays = new StayReader();
  let entries = 0;
  let fromAt: number | null = null;
  let toAt: number | null = null;
  for await (const entry of reader.entries(from)) {
    const row = rows.read(entry);
    if (row !== null) counts.add(row);
    stays.read(entry, row?.machine ?? null);
    entries += 1;
    fromAt ??= entry.at;
    toAt = entry.at;
    if (pause !== undefined && entries % entriesPerTurn === 0) await pause();
  }
  return { rows: counts.rows(), dwell: stays.dwell(), entries, fromAt, toAt };
}

/** All actors that a store has, page by page. */
export async function* actorsOf(reader: Pick<StoreReader, 'actorsPage'>) {
  for (let after: string | null | undefined; after !== null; ) {
    const page = await reader.actorsPage({ limit: actorsPerPage, ...(after !== undefined && { after }) });
    yield* page.actors;
    after = page.next;
  }
}

/** Measures stays from entries, oldest first. */
class StayReader {
  /** Of each subject, since when it is in each state, those around leaves included. */
  readonly #since = new Map<string, Map<string, number>>();
  readonly #stays = new Map<string, Map<string, Stays>>();
  /** By place: there are few, and an entry has two. */
  readonly #around = new Map<string, readonly string[]>();

  /** `machine` null: the entry is not about one. */
  read({ kind, id, at, from, to, gone }: HistoryEntry, machine: string | null): void {
    const subject = `${kind}/${id}`;
    if (gone) this.#since.delete(subject);
    if (machine === null || to === null || gone || from === to) return;
    const since = this.#since.get(subject) ?? new Map<string, number>();
    this.#since.set(subject, since);
    const now = this.#statesOf(to);
    for (const [path, began] of since) {
      if (now.includes(path)) continue;
      since.delete(path);
      this.#add(machine, path, Math.max(0, at - began));
    }
    // Of a stay whose begin is not among these entries the length is not known.
    const before = this.#statesOf(from ?? '');
    for (const path of now) if (!before.includes(path)) since.set(path, at);
  }

  #statesOf(place: string): readonly string[] {
    const known = this.#around.get(place) ?? around(place);
    this.#around.set(place, known);
    return known;
  }

  #add(machine: string, path: string, ms: number): void {
    const states = this.#stays.get(machine) ?? new Map<string, Stays>();
    this.#stays.set(machine, states);
    const stays = states.get(path) ?? new Stays();
    states.set(path, stays);
    stays.add(ms);
  }

  dwell(): readonly StateDwell[] {
    return [...this.#stays].flatMap(([machine, states]) =>
      [...states].map(([path, stays]) => ({ machine, path, ...stays.dwell() })),
    );
  }
}
