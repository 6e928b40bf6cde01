import type { Line } from '../../entry.ts';

/** How many lines are kept, and how many bytes they take, more or less: an entry has some beside its text. */
const [mostLines, mostBytes, bytesOfEntry] = [64, 16_000_000, 500];

interface Recent {
  readonly line: Line;
  readonly bytes: number;
}

/**
 * The lines that were read last. They never change, and those of many subjects are the same: a list of jobs that were put, claimed
 * and finished together would read each of them once for each job.
 */
export class RecentLines {
  /** The one that was used last comes last. */
  #lines: readonly Recent[] = [];

  /** The line that has an entry. */
  find(seq: number): Line | undefined {
    const found = this.#lines.find(({ line: { s, entries } }) => s <= seq && seq < s + entries.length);
    if (found !== undefined && found !== this.#lines.at(-1)) this.#use(found);
    return found?.line;
  }

  /** `text`: how long the text was that it was read from. */
  add(line: Line, text: number): void {
    this.#use({ line, bytes: text + bytesOfEntry * line.entries.length });
  }

  #use(used: Recent): void {
    let room = mostBytes;
    const newest = [...this.#lines.filter(({ line }) => line.s !== used.line.s), used].slice(-mostLines);
    const tooMuch = newest.findLastIndex(({ bytes }) => {
      room -= bytes;
      return room < 0;
    });
    this.#lines = newest.slice(tooMuch + 1);
  }
}
