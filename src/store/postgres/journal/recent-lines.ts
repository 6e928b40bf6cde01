import type { Line } from '../../entry.ts';

/** How many lines are kept, and how many entries: as many as the largest line has, twice. */
const [mostLines, mostEntries] = [64, 8192];

/**
 * The lines that were read last. They never change, and those of many subjects are the same: a list of jobs that were put, claimed
 * and finished together would read each of them once for each job.
 */
export class RecentLines {
  /** The one that was used last comes last. */
  #lines: readonly Line[] = [];

  /** The line that has an entry. */
  find(seq: number): Line | undefined {
    const found = this.#lines.find(({ s, entries }) => s <= seq && seq < s + entries.length);
    if (found !== undefined && found !== this.#lines.at(-1)) this.add(found);
    return found;
  }

  add(line: Line): void {
    let room = mostEntries;
    const newest = [...this.#lines.filter(({ s }) => s !== line.s), line].slice(-mostLines);
    const first = newest.findLastIndex(({ entries }) => {
      room -= entries.length;
      return room < 0;
    });
    this.#lines = newest.slice(first + 1);
  }
}
