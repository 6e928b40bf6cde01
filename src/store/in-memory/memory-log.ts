import type { Line } from '../entry.ts';
import { emptyState, type Log, type State } from '../log.ts';

/** After so many lines a long read lets the event loop run: less than a millisecond. */
const linesPerPiece = 512;

/**
 * A log that keeps the newest lines in memory: nothing survives the process, and nothing can fail. Its states are lists of the
 * records of the store, which are never mutated: to keep one costs a pointer for each record.
 */
export class MemoryLog implements Log {
  onWritable = (): void => {};
  readonly files = null;
  readonly #maxLines: number;
  readonly #defer: () => Promise<void>;
  #lines: Line[] = [];
  /** States in between, oldest first. The empty one before the first entry is not among them. */
  #states: State[] = [];
  /** Lines were dropped. */
  #isCut = false;
  #linesSince = 0;
  #recordsOfState = 0;

  /** `defer` lets the event loop run, in a long read. */
  constructor(maxLines: number, defer: () => Promise<void>) {
    this.#maxLines = maxLines;
    this.#defer = defer;
  }

  append(line: Line): void {
    this.#lines.push(line);
    this.#linesSince += 1;
    if (this.#lines.length > 2 * this.#maxLines) this.#trim();
  }

  /** Drops lines before a state, so that the rest can be replayed: the newest one that leaves enough of them. */
  #trim(): void {
    const lines = this.#lines;
    const oldest = lines.at(-this.#maxLines)?.s ?? 0;
    const state = this.#states.findLast(({ seq }) => seq < oldest);
    let count = state === undefined ? 0 : this.#indexOf(state.seq + 1);
    // Without one, as when each line makes many records, the lines alone are kept.
    if (count <= 0 && lines.length > 3 * this.#maxLines) count = lines.length - this.#maxLines;
    if (count <= 0) return;
    this.#isCut = true;
    this.#lines = lines.slice(count);
    const first = this.#lines[0]?.s ?? Number.POSITIVE_INFINITY;
    this.#states = this.#states.filter(({ seq }) => seq >= first - 1);
  }

  write(): boolean {
    return true;
  }

  async sync(): Promise<void> {}

  /** A state costs what its records do, so there is at most one for as many lines. */
  wantsCheckpoint(): boolean {
    return this.#maxLines > 0 && this.#linesSince >= Math.max(this.#maxLines, this.#recordsOfState);
  }

  async checkpoint(state: State): Promise<void> {
    this.#linesSince = 0;
    this.#recordsOfState = Object.values(state.records).reduce((sum, records) => sum + records.length, 0);
    this.#states.push(state);
  }

  bases(): readonly number[] {
    const states = this.#states.map(({ seq }) => seq);
    return this.#isCut ? states : [0, ...states];
  }

  async base(seq: number): Promise<State> {
    return this.#states.find((state) => state.seq === seq) ?? emptyState;
  }

  async find(seq: number): Promise<Line | null> {
    return this.#lines[this.#indexOf(seq)] ?? null;
  }

  /** To the newest line of now. Lines that are dropped meanwhile are still read: a list of the others replaces this one. */
  async *read(seq: number): AsyncGenerator<Line> {
    const lines = this.#lines;
    const end = lines.length;
    for (let index = Math.max(0, this.#indexOf(seq)), count = 1; index < end; index += 1, count += 1) {
      yield lines[index] as Line;
      if (count % linesPerPiece === 0) await this.#defer();
    }
  }

  async seqAt(instant: number): Promise<number> {
    const line = this.#lines.findLast(({ at }) => at <= instant);
    return line === undefined ? this.oldestSeq() - 1 : line.s + line.entries.length - 1;
  }

  oldestSeq(): number {
    return this.#lines[0]?.s ?? 1;
  }

  async close(): Promise<void> {}

  /** Index of the line that holds `seq`, or -1: lines are contiguous, so halving finds it. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#lines.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const line = this.#lines[middle] as Line;
      if (seq < line.s) high = middle - 1;
      else if (seq >= line.s + line.entries.length) low = middle + 1;
      else return middle;
    }
    return -1;
  }
}
