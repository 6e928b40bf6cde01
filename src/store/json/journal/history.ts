import { join } from 'node:path';
import type { Line } from '../../entry.ts';
import { journalName } from '../ports/directory.ts';
import { corrupt, explained } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import { type Frame, readFrames } from './frame.ts';
import type { Generation } from './journal-file.ts';
import { decodeLine, seqOf } from './line.ts';

/** One offset per this many bytes: a lookup reads about that much, and 64 MiB of history take 1,000 marks. */
export const markBytes = 64 * 1024;
// After this many lines a long read lets the event loop run: about 1 ms.
const linesPerPiece = 256;

/** A place in a journal where a line begins. */
export interface Mark {
  /** Seq of the line's first entry. */
  readonly seq: number;
  readonly at: number;
}

/** The end of what is on disk: nothing after it is shown. */
export interface SyncedEnd {
  readonly generation: number;
  readonly at: number;
  readonly seq: number;
}

/** The parts of the log that its history needs. */
export interface HistoryPorts {
  readonly dir: string;
  readonly files: FilePort;
  readonly defer: () => Promise<void>;
  readonly synced: () => SyncedEnd;
}

/** The journals that are kept, as one sequence of lines. */
export interface History {
  /** Oldest first; the last is the one being written. */
  generations: readonly Generation[];
  /** Adds a mark for the newest journal. */
  mark(generation: number, mark: Mark): void;
  find(seq: number): Promise<Line | null>;
  read(seq: number): AsyncIterable<Line>;
  /** The end of what may be read. */
  synced(): SyncedEnd;
  /** Returns the oldest generation that a reader is reading, or Infinity. */
  oldestInUse(): number;
}

/** Makes the history of the journals, with one mark per 64 KiB. */
export function createHistory(ports: HistoryPorts, generations: readonly Generation[]): History {
  const marks = new Map<number, Mark[]>();
  const readers = new Set<{ generation: number }>();
  /** Where something was found last: a list asks for many entries that lie close together. */
  let piece: Piece | null = null;
  const history: History = {
    generations,
    mark(generation, mark) {
      const known = marksOf(generation);
      const last = known.at(-1);
      if (last === undefined || mark.at >= last.at + markBytes) known.push(mark);
    },
    async find(seq) {
      const end = ports.synced();
      const generation = seq > end.seq ? undefined : holderOf(seq);
      if (generation === undefined) return null;
      const known = piece?.generation === generation ? lineOf(piece, seq) : null;
      if (known !== null) return known;
      piece = pieceAround(generation, seq, end);
      return lineOf(piece, seq);
    },
    async *read(seq) {
      const end = ports.synced();
      const reader = { generation: 0 };
      readers.add(reader);
      try {
        let generation = seq > end.seq ? undefined : (holderOf(seq) ?? history.generations[0]);
        for (let from = seq; generation !== undefined && generation.number <= end.generation; ) {
          reader.generation = generation.number;
          yield* inPieces(linesFrom(generation, from, end));
          from = 0;
          generation = after(generation);
        }
      } finally {
        readers.delete(reader);
      }
    },
    synced: ports.synced,
    oldestInUse: () => Math.min(...[...readers].map((reader) => reader.generation)),
  };

  function marksOf(generation: number): Mark[] {
    const known = marks.get(generation) ?? [];
    marks.set(generation, known);
    for (const number of marks.keys())
      if (number < (history.generations[0]?.number ?? 0)) marks.delete(number);
    return known;
  }

  function holderOf(seq: number): Generation | undefined {
    return history.generations.findLast((generation) => generation.base < seq);
  }

  function after(generation: Generation): Generation | undefined {
    return history.generations.find((each) => each.number > generation.number);
  }

  /** The lines of one journal, beginning with the line that holds a seq. */
  function* linesFrom(generation: Generation, seq: number, end: SyncedEnd): Generator<Line> {
    let held: PlacedFrame | null = null;
    for (const placed of framesFrom(generation, seq, end)) {
      // A line holds the seq when the next line begins after it.
      if (held !== null && placed.s > seq) yield decoded(held.frame, generation);
      held = placed;
    }
    if (held !== null) yield decoded(held.frame, generation);
  }

  /** The lines around a seq, from the mark before it to where the next one would be. */
  function pieceAround(generation: Generation, seq: number, end: SyncedEnd): Piece {
    const frames: PlacedFrame[] = [];
    try {
      for (const placed of framesFrom(generation, seq, end)) {
        frames.push(placed);
        const [first = placed] = frames;
        if (placed.s > seq && placed.frame.at >= first.frame.at + markBytes) break;
      }
    } catch (error) {
      // Damage behind what was asked for is found when that is asked for.
      if ((frames.at(-1)?.s ?? 0) <= seq) throw error;
    }
    return { generation, frames };
  }

  /** The frames of one journal from the last mark before a seq on. */
  function* framesFrom(generation: Generation, seq: number, end: SyncedEnd): Generator<PlacedFrame> {
    const file = journalName(generation.number);
    const path = join(ports.dir, file);
    const near = marksOf(generation.number).findLast((mark) => mark.seq <= seq) ?? {
      seq: 0,
      at: generation.start,
    };
    let fd: number;
    try {
      fd = ports.files.open(path, 'read');
    } catch (error) {
      throw explained('open', path, error);
    }
    try {
      const to = generation.number === end.generation ? end.at : ports.files.fstat(fd).size;
      for (const frame of readFrames(ports.files, fd, near.at, to)) {
        const s = frame.ok ? seqOf(frame.text) : null;
        if (!frame.ok || s === null) {
          const what = frame.ok ? 'a line without a seq' : frame.reason;
          throw corrupt({
            file,
            byte: frame.at,
            line: 0,
            what,
            lastGood: Math.max(near.seq, generation.base),
          });
        }
        history.mark(generation.number, { seq: s, at: frame.at });
        yield { s, frame };
      }
    } finally {
      ports.files.close(fd);
    }
  }

  async function* inPieces(lines: Iterable<Line>): AsyncGenerator<Line> {
    let count = 0;
    for (const line of lines) {
      yield line;
      count += 1;
      if (count % linesPerPiece === 0) await ports.defer();
    }
  }

  return history;
}

/** A frame, and the seq of the first entry of its line. */
interface PlacedFrame {
  readonly s: number;
  readonly frame: Frame;
}

/** Some lines of a journal, one after the other. */
interface Piece {
  readonly generation: Generation;
  readonly frames: readonly PlacedFrame[];
}

/** The line of a piece that holds a seq; null: it is not in it. */
function lineOf({ generation, frames }: Piece, seq: number): Line | null {
  const placed = frames.findLast(({ s }) => s <= seq);
  if (placed === undefined) return null;
  const line = decoded(placed.frame, generation);
  return seq < line.s + line.entries.length ? line : null;
}

function decoded(frame: Frame, generation: Generation): Line {
  const stored = frame.ok ? decodeLine(frame.text) : frame.reason;
  if (typeof stored !== 'string') return stored.line;
  const file = journalName(generation.number);
  throw corrupt({ file, byte: frame.at, line: 0, what: stored, lastGood: generation.base });
}
