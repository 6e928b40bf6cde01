import type { StoreReader } from '../../../store/reader.ts';
import type { TrafficRange } from '../../protocol/machines.ts';
import { storedCharts } from './charts.ts';
import { pieceLength, pieceOf, Traffic } from './traffic.ts';

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
  /** Seq of the first entry that was looked for, and of the last one. */
  #from = 1;
  #to = 0;
  #counting: Promise<unknown> = Promise.resolve();

  count(reader: StoreReader, asked: RangeAsked, pause: () => Promise<void>): Promise<Counted> {
    const counted = this.#counting.then(() => this.#count(reader, asked, pause));
    this.#counting = counted.catch(() => {});
    return counted;
  }

  async #count(reader: StoreReader, asked: RangeAsked, pause: () => Promise<void>): Promise<Counted> {
    const { seq: newest } = await reader.position();
    const to = Math.min(asked.to ?? newest, newest);
    const oldest = Math.max(1, reader.oldestSeq());
    const wanted = Math.max(asked.from ?? 1, 1);
    // By whole pieces, so that its begin moves seldom.
    const near = Math.max(0, pieceOf(to - mostEntries) + 1) * pieceLength;
    const from = Math.max(oldest, wanted, near);
    if (to < this.#to || from < this.#from || this.#to === 0) this.#restart(from);
    await this.#read(reader, Math.max(from, this.#to + 1), to, pause);
    await this.#forget(reader, from);
    const { first, last } = this.#traffic;
    return {
      traffic: this.#traffic,
      range: {
        from: first?.seq ?? to + 1,
        to: last?.seq ?? to,
        fromAt: first?.at ?? null,
        toAt: last?.at ?? null,
        isCut: from > Math.max(1, wanted),
      },
    };
  }

  #restart(from: number): void {
    this.#traffic = new Traffic(storedCharts);
    this.#from = from;
    this.#to = 0;
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

  /** Forgets what the range no longer holds. */
  async #forget(reader: StoreReader, from: number): Promise<void> {
    if (pieceOf(from) * pieceLength <= (this.#traffic.first?.seq ?? from)) return;
    for await (const { at } of reader.entries(from)) {
      this.#traffic.forget(from, at);
      break;
    }
    this.#from = from;
  }
}
