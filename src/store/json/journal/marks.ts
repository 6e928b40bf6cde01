import type { FilePort } from '../ports/file-port.ts';
import { readFully } from '../ports/file-port.ts';
import { readFrames } from './frame.ts';
import { headOf, type LineHead } from './line.ts';

/** One mark per this many bytes: a look-up reads about twice as much, and 64 MiB of history take 1,000 marks. */
export const markBytes = 64 * 1024;

const lineFeed = 0x0a;

/** A place in a journal where a line begins. */
export interface Mark extends LineHead {
  /** Where, in bytes. */
  readonly at: number;
}

/** An open journal: its lines lie between two places. */
export interface OpenJournal {
  readonly files: FilePort;
  readonly fd: number;
  readonly from: number;
  readonly to: number;
}

/** Whether a line does not come after what is looked for. Lines for which that holds come before the others. */
export type IsNotAfter = (line: LineHead) => boolean;

/** Where lines of one journal begin: what was written or read leaves some, so that the next look-up reads little. */
export class Marks {
  /** In order of place. */
  readonly #known: Mark[] = [];

  /** Adds a mark, unless the one before it is near. */
  add(mark: Mark): void {
    const index = this.#known.findLastIndex(({ at }) => at <= mark.at);
    const before = this.#known[index];
    if (before !== undefined && mark.at < before.at + markBytes) return;
    this.#known.splice(index + 1, 0, mark);
  }

  /**
   * Finds a place from which it is not far to the last line that is not after what is looked for. Where no marks are near it
   * halves the journal: it reads a piece, and lets the event loop run. Damage is passed over: the reading from the place meets it.
   */
  async near(
    journal: OpenJournal,
    isNotAfter: IsNotAfter,
    defer: () => Promise<void>,
  ): Promise<{ readonly at: number; readonly seq: number }> {
    const known = this.#known.filter(({ at }) => at < journal.to);
    const first = known.findLast(isNotAfter);
    let low = first ?? { at: journal.from, seq: 0 };
    let high = known.find(({ at }) => at > low.at)?.at ?? journal.to;
    while (high - low.at > 2 * markBytes) {
      const middle = low.at + Math.floor((high - low.at) / 2);
      const found = lineAfter(journal, middle, high);
      if (found !== null) this.add(found);
      if (found !== null && isNotAfter(found)) low = found;
      else high = middle;
      await defer();
    }
    return low;
  }
}

/** The first line that begins after one place and before another. Null: there is none, or it is damaged. */
function lineAfter({ files, fd, to }: OpenJournal, from: number, before: number): Mark | null {
  const piece = Buffer.allocUnsafe(markBytes);
  for (let at = from; at < before; at += piece.length) {
    const length = readFully(files, fd, piece, 0, Math.min(piece.length, before - at), at);
    const feed = piece.subarray(0, length).indexOf(lineFeed);
    if (feed < 0) continue;
    const begin = at + feed + 1;
    if (begin >= before) return null;
    const [frame] = readFrames(files, fd, begin, to, markBytes);
    const head = frame?.ok === true ? headOf(frame.text) : null;
    return head === null ? null : { ...head, at: begin };
  }
  return null;
}
