import { join } from 'node:path';
import type { Line } from '../../entry.ts';
import { journalName } from '../ports/directory.ts';
import { corrupt, explained } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import { type Frame, readFrames } from './frame.ts';
import type { Generation } from './journal-file.ts';
import { decodeLine, headOf, type LineHead } from './line.ts';
import { type IsNotAfter, type Mark, Marks, markBytes, type OpenJournal } from './marks.ts';

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
  /** Seq of the newest entry that is not later than an instant; at least the one before the oldest that is kept. */
  seqAt(instant: number): Promise<number>;
  /** Returns the oldest generation that a reader is reading, or Infinity. */
  oldestInUse(): number;
}

/** A line that was read and not yet parsed. */
interface RawLine extends LineHead {
  readonly frame: Frame;
}

/** Some lines of a journal, one after the other. */
interface Piece {
  readonly generation: Generation;
  readonly lines: readonly RawLine[];
  /** Those that were parsed: a line may hold thousands of entries, each of which is looked for. */
  readonly parsed: Map<RawLine, readonly Line[]>;
}

/** A journal that is open near what is looked for. */
interface NearJournal {
  lines(): Generator<RawLine | null>;
  close(): void;
}

/** Makes the history of the journals. All reading is in pieces of 64 KiB, between which the event loop runs. */
export function createHistory(ports: HistoryPorts, generations: readonly Generation[]): History {
  const marks = new Map<number, Marks>();
  const readers = new Set<{ generation: number }>();
  /** Where something was found last: a list asks for many entries that lie close together. */
  let piece: Piece | null = null;
  const history: History = {
    generations,
    mark: (generation, mark) => marksOf(generation).add(mark),
    async find(seq) {
      const end = ports.synced();
      const generation = seq > end.seq ? undefined : holderOf(seq);
      if (generation === undefined) return null;
      const known = piece?.generation === generation ? lineOf(piece, seq) : null;
      if (known !== null) return known;
      const around = await pieceAround(generation, seq, end);
      piece = around;
      return lineOf(around, seq);
    },
    async *read(seq) {
      const end = ports.synced();
      // Also between two journals: those that it has not reached must not be dropped.
      const reader = { generation: 0 };
      readers.add(reader);
      try {
        // The first line alone is what most want: it may have been read just before.
        const first = await history.find(seq);
        if (first !== null) yield first;
        let from = first === null ? seq : first.s + first.entries.length;
        let generation = from > end.seq ? undefined : (holderOf(from) ?? history.generations[0]);
        while (generation !== undefined && generation.number <= end.generation) {
          reader.generation = generation.number;
          yield* linesFrom(generation, from, end);
          from = 0;
          generation = after(generation);
        }
      } finally {
        readers.delete(reader);
      }
    },
    synced: ports.synced,
    async seqAt(instant) {
      const end = ports.synced();
      const begun = history.generations.filter(({ number }) => number <= end.generation);
      const generation = begun.findLast(({ beganAt }) => beganAt <= instant);
      if (generation === undefined) return begun[0]?.base ?? end.seq;
      const newest = await newestIn(generation, end, (line) => line.instant <= instant);
      if (newest !== null) return newest;
      return generation.number === end.generation ? end.seq : (after(generation)?.base ?? end.seq);
    },
    oldestInUse: () => Math.min(...[...readers].map((reader) => reader.generation)),
  };

  function marksOf(generation: number): Marks {
    const known = marks.get(generation) ?? new Marks();
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

  /** Seq of the newest entry of one journal that is not after what is looked for. Null: all of it is not. */
  async function newestIn(
    generation: Generation,
    end: SyncedEnd,
    isNotAfter: IsNotAfter,
  ): Promise<number | null> {
    const journal = await openNear(generation, end, isNotAfter);
    try {
      let isFirst = true;
      for (const line of journal.lines()) {
        if (line === null) await ports.defer();
        else if (!isNotAfter(line)) return isFirst ? generation.base : line.seq - 1;
        else isFirst = false;
      }
      return null;
    } finally {
      journal.close();
    }
  }

  /** The lines around a seq, from the mark before it to where the next one would be. */
  async function pieceAround(generation: Generation, seq: number, end: SyncedEnd): Promise<Piece> {
    const journal = await openNear(generation, end, (line) => line.seq <= seq);
    const lines: RawLine[] = [];
    try {
      for (const raw of journal.lines()) {
        if (raw === null) await ports.defer();
        else {
          lines.push(raw);
          const [first = raw] = lines;
          if (raw.seq > seq && raw.frame.at >= first.frame.at + markBytes) break;
        }
      }
    } catch (error) {
      // Damage behind what was asked for is found when that is asked for.
      if ((lines.at(-1)?.seq ?? 0) <= seq) throw error;
    } finally {
      journal.close();
    }
    return { generation, lines, parsed: new Map() };
  }

  /** The lines of one journal, beginning with the line that holds a seq. */
  async function* linesFrom(generation: Generation, seq: number, end: SyncedEnd): AsyncGenerator<Line> {
    const journal = await openNear(generation, end, (line) => line.seq <= seq);
    try {
      let held: RawLine | null = null;
      for (const raw of journal.lines()) {
        if (raw === null) await ports.defer();
        else {
          // A line holds the seq when the next line begins after it.
          if (held !== null && raw.seq > seq) yield* commitsFrom(held, generation, seq);
          held = raw;
        }
      }
      if (held !== null) yield* commitsFrom(held, generation, seq);
    } finally {
      journal.close();
    }
  }

  /** Opens a journal at a place before the last line that is not after what is looked for. */
  async function openNear(
    generation: Generation,
    end: SyncedEnd,
    isNotAfter: IsNotAfter,
  ): Promise<NearJournal> {
    const { files, dir, defer } = ports;
    const reader = { generation: generation.number };
    const path = join(dir, journalName(generation.number));
    let fd: number;
    try {
      fd = files.open(path, 'read');
    } catch (error) {
      throw explained('open', path, error);
    }
    readers.add(reader);
    const close = (): void => {
      readers.delete(reader);
      files.close(fd);
    };
    try {
      const to = generation.number === end.generation ? end.at : files.fstat(fd).size;
      const known = marksOf(generation.number);
      const near = await known.near({ files, fd, from: generation.start, to }, isNotAfter, defer);
      return { lines: () => rawLines({ files, fd, from: near.at, to }, generation, known), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  return history;
}

/** Reads the lines of a journal, and leaves marks. Yields null between two pieces, where the event loop may run. */
function* rawLines(
  { files, fd, from, to }: OpenJournal,
  { number, base }: Generation,
  marks: Marks,
): Generator<RawLine | null> {
  let pieceEnd = from;
  let lastGood = base;
  for (const frame of readFrames(files, fd, from, to, markBytes)) {
    const head = frame.ok ? headOf(frame.text) : null;
    if (head === null) {
      const what = frame.ok ? 'a line without a seq' : frame.reason;
      throw corrupt({ file: journalName(number), byte: frame.at, line: 0, what, lastGood });
    }
    if (frame.at >= pieceEnd) {
      marks.add({ ...head, at: frame.at });
      if (frame.at > from) yield null;
      pieceEnd = frame.at + markBytes;
    }
    yield { ...head, frame };
    lastGood = head.seq;
  }
}

/** The commit of a piece that holds a seq; null: it is not in it. */
function lineOf({ generation, lines, parsed }: Piece, seq: number): Line | null {
  const raw = lines.findLast((each) => each.seq <= seq);
  if (raw === undefined) return null;
  const commits = parsed.get(raw) ?? decoded(raw, generation);
  parsed.set(raw, commits);
  return commits.find((commit) => holds(commit, seq)) ?? null;
}

/** The commits of a line, beginning with the one that holds a seq. */
function commitsFrom(raw: RawLine, generation: Generation, seq: number): readonly Line[] {
  return decoded(raw, generation).filter(({ s, entries }) => seq < s + entries.length);
}

function holds({ s, entries }: Line, seq: number): boolean {
  return s <= seq && seq < s + entries.length;
}

function decoded({ frame }: RawLine, generation: Generation): readonly Line[] {
  const stored = frame.ok ? decodeLine(frame.text) : frame.reason;
  if (typeof stored !== 'string') return stored.commits;
  const file = journalName(generation.number);
  throw corrupt({ file, byte: frame.at, line: 0, what: stored, lastGood: generation.base });
}
