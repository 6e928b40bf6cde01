import type { Line } from '../entry.ts';
import type { Log, State } from '../log.ts';

/** A log that keeps the newest lines in memory: nothing survives the process, and nothing can fail. */
export class MemoryLog implements Log {
  onWritable = (): void => {};
  readonly #maxLines: number;
  #lines: Line[] = [];

  constructor(maxLines: number) {
    this.#maxLines = maxLines;
  }

  append(line: Line): number {
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.#maxLines) this.#lines = this.#lines.slice(-this.#maxLines);
    return 0;
  }

  write(): boolean {
    return true;
  }

  async sync(): Promise<void> {}

  wantsCheckpoint(): boolean {
    return false;
  }

  async checkpoint(_state: State): Promise<void> {}

  async find(seq: number): Promise<Line | null> {
    return this.#lines[this.#indexOf(seq)] ?? null;
  }

  async *read(seq: number): AsyncGenerator<Line> {
    for (const line of this.#lines.slice(Math.max(0, this.#indexOf(seq)))) yield line;
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
