import { join } from 'node:path';
import type { Line } from '../../entry.ts';
import { journalName } from '../ports/directory.ts';
import { corrupt, newerVersion } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import { type Frame, readFrames, toHex } from './frame.ts';
import { decodeHeader, decodeLine, headerLimit, type JournalHeader } from './line.ts';
import { reasonNotTorn } from './torn-tail.ts';

/** The end of the chain of lines: what the next journal or line must name. */
export interface ChainEnd {
  /** Null before any file of the store was read. */
  readonly store: string | null;
  readonly seq: number;
  /** Null when the line before was not read: a snapshot does not know it. */
  readonly crc: number | null;
}

/** A journal that was read to its end without damage. */
export interface ScannedJournal {
  readonly header: JournalHeader;
  /** The end of the last line. */
  readonly end: number;
  /** Length of the file: more than `end` when a torn write must be cut. */
  readonly size: number;
  readonly seq: number;
  readonly crc: number;
}

/** What a scan accepts in a journal. */
export interface Leniency {
  /** The last journal after a crash may end in a torn write. */
  readonly torn: boolean;
  /** A crash may also have ended its creation before its header was written. */
  readonly unborn: boolean;
}

/**
 * Reads and checks a journal, and passes each line on as soon as it is checked.
 * @returns null for an unborn journal: its header is incomplete and nothing was written after it.
 * @throws SignalboxError `STORE_CORRUPT`, `STORE_VERSION`
 */
export function scanJournal(
  files: FilePort,
  dir: string,
  generation: number,
  before: ChainEnd,
  leniency: Leniency,
  onLine: (line: Line) => void,
): ScannedJournal | null {
  const file = journalName(generation);
  const fd = files.open(join(dir, file), 'read');
  try {
    const { size } = files.fstat(fd);
    const frames = readFrames(files, fd, 0, size);
    const first = frames.next();
    const header = checkHeader(file, first.done === true ? null : first.value, generation, before);
    if (header === null) {
      if (leniency.unborn && size <= longestHeader(generation, before)) return null;
      const what = first.done === true || first.value.ok ? 'no header' : first.value.reason;
      throw corrupt({ file, byte: 0, line: 1, what, lastGood: before.seq });
    }
    return scanLines(files, fd, file, size, header, frames, leniency, onLine);
  } finally {
    files.close(fd);
  }
}

interface KnownHeader {
  readonly header: JournalHeader;
  readonly next: number;
  readonly crc: number;
}

function checkHeader(
  file: string,
  first: Frame | null,
  generation: number,
  before: ChainEnd,
): KnownHeader | null {
  if (first === null || !first.ok) return null;
  const header = decodeHeader(first.text);
  const wrong = (what: string) => corrupt({ file, byte: 0, line: 1, what, lastGood: before.seq });
  if (typeof header === 'string') throw wrong(header);
  if ('newer' in header) throw newerVersion(file, header.newer);
  if (header.generation !== generation) throw wrong(`the header of generation ${header.generation}`);
  if (before.store !== null && header.store !== before.store)
    throw wrong(`the journal of another store, ${header.store}`);
  if (header.base !== before.seq)
    throw wrong(`a journal after seq ${header.base} where one after ${before.seq} follows`);
  if (before.crc !== null && header.previous !== toHex(before.crc)) {
    throw wrong(
      `a journal after another line (${header.previous}) than the last before it (${toHex(before.crc)})`,
    );
  }
  return { header, next: first.next, crc: first.crc };
}

function longestHeader(generation: number, before: ChainEnd): number {
  const previous = toHex(before.crc ?? 0);
  // Without a store id this is the first journal of a new store: it may be anything shorter than a header and a line.
  return headerLimit({ store: before.store ?? ' '.repeat(64), generation, base: before.seq, previous });
}

function scanLines(
  files: FilePort,
  fd: number,
  file: string,
  size: number,
  known: KnownHeader,
  frames: Iterator<Frame>,
  leniency: Leniency,
  onLine: (line: Line) => void,
): ScannedJournal {
  let { next: end, crc } = known;
  let seq = known.header.base;
  let lineNumber = 1;
  const journal = () => ({ header: known.header, end, size, seq, crc });
  for (let step = frames.next(); step.done !== true; step = frames.next()) {
    const frame = step.value;
    lineNumber += 1;
    const bad = (what: string) => corrupt({ file, byte: frame.at, line: lineNumber, what, lastGood: seq });
    if (!frame.ok) {
      if (!leniency.torn) throw bad(frame.reason);
      const why = reasonNotTorn(files, fd, { at: frame.at, seq: seq + 1, size });
      if (why === null) return journal();
      throw bad(`${frame.reason}, in ${why}`);
    }
    const stored = decodeLine(frame.text);
    if (typeof stored === 'string') throw bad(stored);
    const first = stored.commits[0]?.s;
    if (first !== seq + 1) throw bad(`seq ${first} where ${seq + 1} follows`);
    if (stored.previous !== toHex(crc))
      throw bad(`a line after another (${stored.previous}) than the one before it`);
    for (const commit of stored.commits) {
      onLine(commit);
      seq += commit.entries.length;
    }
    crc = frame.crc;
    end = frame.next;
  }
  return journal();
}
