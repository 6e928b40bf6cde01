import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { TrafficRange } from '../../protocol/machines.ts';
import { isDense, type Wanted, walkBack } from '../timeline/walk.ts';
import { storedCharts } from './charts.ts';
import { Traffic } from './traffic.ts';

/** The most entries that are counted. */
export const mostEntries = 50_000;
/** After so many the jobs of the process get their turn. */
const entriesPerTurn = 250;
/** How many ranges of one store are remembered. */
const mostWindows = 4;

/** What is asked: entries of the journal, both included; null: the newest that there are. */
export interface RangeAsked {
  readonly from: number | null;
  readonly to: number | null;
}

/** The traffic of a range. */
export interface Counted {
  readonly traffic: Traffic;
  readonly range: TrafficRange;
}

const known = new WeakMap<StoreReader, Map<string, Window>>();

/**
 * Counts the traffic of a range of the journal, or of the end of it where it is too long. A range that was asked for before costs
 * only its new entries. `pause` lets the event loop run.
 */
export async function countTraffic(
  reader: StoreReader,
  asked: RangeAsked,
  pause: () => Promise<void>,
): Promise<Counted> {
  const windows = known.get(reader) ?? new Map<string, Window>();
  known.set(reader, windows);
  const key = `${asked.from} ${asked.to}`;
  const window = windows.get(key) ?? new Window();
  windows.delete(key);
  windows.set(key, window);
  for (const [oldest] of windows) if (windows.size > mostWindows) windows.delete(oldest);
  return window.count(reader, asked, pause);
}

/** One range, with what was counted of it. */
class Window {
  #traffic = new Traffic(storedCharts);
  /** Seq of the last entry that was looked for. */
  #to = 0;
  /** Whether entries before those that are counted are left out. */
  #isCut = false;
  #counting: Promise<unknown> = Promise.resolve();

  count(reader: StoreReader, asked: RangeAsked, pause: () => Promise<void>): Promise<Counted> {
    const counted = this.#counting.then(() => this.#count(reader, asked, pause));
    this.#counting = counted.catch(() => {});
    return counted;
  }

  async #count(reader: StoreReader, asked: RangeAsked, pause: () => Promise<void>): Promise<Counted> {
    const { seq: newest } = await reader.position();
    const to = Math.min(asked.to ?? newest, newest);
    const oldest = reader.oldestSeq();
    const wanted = asked.from ?? oldest;
    if (to < this.#to) this.#restart();
    const rest = Math.max(oldest, wanted, this.#to + 1);
    const from = await newestFrom(reader, rest, to, pause);
    // What lies between is too much to be counted, and then all before it is.
    if (from > rest) this.#restart();
    await this.#read(reader, from, to, pause);
    this.#isCut ||= from > rest || this.#traffic.size > mostEntries;
    this.#traffic.forget(oldest, mostEntries);
    const { first, last, size } = this.#traffic;
    return {
      traffic: this.#traffic,
      range: {
        from: first?.seq ?? to + 1,
        to: last?.seq ?? to,
        entries: size,
        fromAt: first?.at ?? null,
        toAt: last?.at ?? null,
        isCut: this.#isCut || wanted < oldest,
      },
    };
  }

  #restart(): void {
    this.#traffic = new Traffic(storedCharts);
    this.#to = 0;
    this.#isCut = false;
  }

  async #read(reader: StoreReader, from: number, to: number, pause: () => Promise<void>): Promise<void> {
    if (from > to) return;
    let read = 0;
    for await (const entry of reader.entries(from)) {
      if (entry.seq > to) break;
      this.#traffic.add(entry);
      this.#to = entry.seq;
      read += 1;
      if (read % entriesPerTurn === 0) await pause();
    }
  }
}

/** Where the newest entries of a range begin that can be counted. */
async function newestFrom(
  reader: StoreReader,
  from: number,
  to: number,
  pause: () => Promise<void>,
): Promise<number> {
  const near = to - mostEntries + 1;
  if (near <= from || isDense(reader)) return Math.max(from, near);
  let looked = 0;
  const wants = async ({ seq }: HistoryEntry): Promise<Wanted> => {
    looked += 1;
    if (looked % entriesPerTurn === 0) await pause();
    return seq < from ? null : false;
  };
  const walked = await walkBack(reader, to + 1, { limit: 1, look: mostEntries, wants });
  return walked.looked < mostEntries ? from : walked.from;
}
