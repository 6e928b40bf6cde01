import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { inPresentShape } from '../../../model/records/earlier-shape.ts';
import type { Kind } from '../../entry.ts';
import { isLaterKind, ofEachKind, recordKinds } from '../../kinds.ts';
import type { Revive, State, StoredRecord } from '../../log.ts';
import { toHex } from '../journal/frame.ts';
import { faultOf, isObject, isSeq } from '../journal/line.ts';
import { corrupt, formatVersion, newerVersion } from '../ports/failures.ts';
import { type FilePort, readFully } from '../ports/file-port.ts';

/** The first line of a snapshot, `$store`. */
export interface SnapshotHeader {
  readonly store: string;
  /** The generation that begins from this state. */
  readonly generation: number;
  readonly seq: number;
  /** Length of the data, and its digest. */
  readonly bytes: number;
  readonly sha256: string;
}

/** A snapshot as lowdb's `Low` holds it. */
export interface Snapshot {
  readonly store: string;
  readonly generation: number;
  readonly state: State;
}

/** A snapshot that was read, and the places of its records: each from one byte of the file to before another. */
export interface ReadSnapshot extends Snapshot {
  readonly file: string;
  readonly places: Readonly<Record<Kind, readonly number[]>>;
}

/** Returns records as they are in the file. */
export const asStored: Revive = (_kind, stored) => stored;

/** The text before the data, at the start of the second line. */
export const dataPrefix = '"data":';
/** The text after the data. */
export const dataSuffix = '}\n';

const headerRoom = 64;
const chunkBytes = 256 * 1024;
const linesOfPiece = 256;
const lineFeed = 0x0a;
const comma = 0x2c;

/**
 * Returns the first line. Its length is fixed for a store id, since it is written after the data whose digest it holds.
 * With the second line it is one JSON document.
 */
export function encodeSnapshotHeader(header: SnapshotHeader): string {
  const { store, generation, seq, bytes, sha256 } = header;
  const fields = {
    format: 'signalbox-snapshot',
    v: formatVersion,
    store,
    gen: generation,
    seq,
    bytes,
    sha256,
  };
  const text = JSON.stringify({ $store: { ...fields, hcrc: toHex(crc32(JSON.stringify(fields))) } });
  const digits = `${generation}${seq}${bytes}`.length;
  return `${text.slice(0, -1)},${' '.repeat(headerRoom - digits)}\n`;
}

/** Returns a separator of the data: `{"store":[`, `],"queue":[` … or the end. Each is a line, as each record is. */
export function separatorBefore(index: number): string {
  if (index === recordKinds.length) return ']}';
  return `${index === 0 ? '{' : '],'}"${recordKinds[index]}":[`;
}

/**
 * Reads only the first line.
 * @throws SignalboxError `STORE_CORRUPT`, `STORE_VERSION`
 */
export function readSnapshotHeader(
  files: FilePort,
  fd: number,
  file: string,
): { header: SnapshotHeader; length: number } {
  const bytes = Buffer.alloc(4096);
  const end = readFully(files, fd, bytes, 0, bytes.length, 0);
  const feed = bytes.subarray(0, end).indexOf(lineFeed);
  const line = bytes.toString('utf8', 0, feed + 1);
  const header = decodeSnapshotHeader(line, file);
  // Builds the line again from its content: a change of any byte shows, spaces included.
  if (header === null || encodeSnapshotHeader(header) !== line) {
    throw corrupt({ file, byte: 0, line: 1, what: 'a damaged snapshot header', lastGood: 0 });
  }
  return { header, length: feed + 1 };
}

function decodeSnapshotHeader(line: string, file: string): SnapshotHeader | null {
  let found: unknown;
  try {
    found = JSON.parse(`${line.trimEnd().slice(0, -1)}}`);
  } catch {
    return null;
  }
  const fields = isObject(found) ? found.$store : null;
  if (!isObject(fields) || fields.format !== 'signalbox-snapshot') return null;
  const { v, store, gen, seq, bytes, sha256 } = fields;
  if (Number.isInteger(v) && (v as number) > formatVersion) throw newerVersion(file, v as number);
  if (typeof store !== 'string' || typeof sha256 !== 'string') return null;
  return isSeq(gen) && isSeq(seq) && isSeq(bytes) ? { store, generation: gen, seq, bytes, sha256 } : null;
}

/**
 * Reads a snapshot and checks all of it.
 * @throws SignalboxError `STORE_CORRUPT`, `STORE_VERSION`
 */
export function readSnapshot(files: FilePort, fd: number, file: string, revive: Revive): ReadSnapshot {
  const pieces = snapshotInPieces(files, fd, file, revive);
  for (let piece = pieces.next(); ; piece = pieces.next()) if (piece.done === true) return piece.value;
}

/** Does the same in pieces of a few milliseconds. */
export function* snapshotInPieces(
  files: FilePort,
  fd: number,
  file: string,
  revive: Revive,
): Generator<void, ReadSnapshot> {
  const { header, length } = readSnapshotHeader(files, fd, file);
  const size = files.fstat(fd).size;
  const wanted = length + dataPrefix.length + header.bytes + dataSuffix.length;
  if (size !== wanted) {
    const what = `${size} bytes where ${wanted} were written`;
    throw corrupt({ file, byte: Math.min(size, wanted), line: 2, what, lastGood: 0 });
  }
  const start = length + dataPrefix.length;
  const damaged = (what: string, byte: number, line: number) =>
    corrupt({ file, byte, line, what, lastGood: 0 });
  refuseOtherText(files, fd, length, dataPrefix, damaged);
  refuseOtherText(files, fd, start + header.bytes, dataSuffix, damaged);
  // Checks the digest before the records: the parser's error for damaged text would not help.
  if ((yield* digestOf(files, fd, start, header.bytes)) !== header.sha256) {
    throw damaged('data with another SHA-256 than its header says', start, 2);
  }
  const { records, places } = yield* readRecords(files, fd, start, header.bytes, revive, damaged);
  const state = { seq: header.seq, records };
  return { store: header.store, generation: header.generation, state, file, places };
}

type Damaged = (what: string, byte: number, line: number) => Error;

function refuseOtherText(files: FilePort, fd: number, at: number, text: string, damaged: Damaged): void {
  const bytes = Buffer.alloc(text.length);
  readFully(files, fd, bytes, 0, bytes.length, at);
  if (bytes.toString('latin1') !== text) throw damaged('other text around the data than was written', at, 2);
}

function* digestOf(files: FilePort, fd: number, start: number, length: number): Generator<void, string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (let at = 0; at < length; ) {
    const count = readFully(files, fd, chunk, 0, Math.min(chunk.length, length - at), start + at);
    if (count === 0) break;
    hash.update(chunk.subarray(0, count));
    at += count;
    yield;
  }
  return hash.digest('hex');
}

/** Reads one record at a time, so that neither the text nor a buffer of the whole state is in memory. */
function* readRecords(
  files: FilePort,
  fd: number,
  start: number,
  length: number,
  revive: Revive,
  damaged: Damaged,
): Generator<void, Pick<State & ReadSnapshot, 'records' | 'places'>> {
  const records = ofEachKind((): StoredRecord[] => []);
  const places = ofEachKind((): number[] => []);
  let section = -1;
  let lineNumber = 1;
  for (const { text, at, end } of readLines(files, fd, start, length)) {
    lineNumber += 1;
    if (lineNumber % linesOfPiece === 0) yield;
    const begun = text.startsWith('{"id"') ? null : sectionBegun(text, section);
    if (begun !== null) {
      section = begun;
      continue;
    }
    const kind = recordKinds[section];
    const record = kind === undefined ? null : decodeRecord(kind, text);
    if (kind === undefined || record === null) throw damaged('a line that is not a record', at, lineNumber);
    const fault = faultOf(kind, record, text.length, true);
    if (fault !== null) throw damaged(fault, at, lineNumber);
    // Completes records one by one: the object that was read is garbage before the collector would move it.
    records[kind].push(revive(kind, record) as StoredRecord);
    places[kind].push(at, end);
  }
  if (section !== recordKinds.length) throw damaged('data that ends early', start + length, lineNumber);
  return { records, places };
}

/** The section that a line begins, behind the present one; null: it begins none. */
function sectionBegun(text: string, section: number): number | null {
  for (let next = section + 1; next <= recordKinds.length; next += 1) {
    if (text === separatorBefore(next)) return next;
    const kind = recordKinds[next];
    if (kind === undefined || !isLaterKind(kind)) return null;
  }
  return null;
}

function decodeRecord(kind: Kind, text: string): StoredRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && typeof value.id === 'string'
      ? inPresentShape(kind, value as StoredRecord, false)
      : null;
  } catch {
    return null;
  }
}

/** The lines of the data, without the comma that separates records. */
function* readLines(
  files: FilePort,
  fd: number,
  start: number,
  length: number,
): Generator<{ text: string; at: number; end: number }> {
  let buffer = Buffer.allocUnsafe(chunkBytes);
  let held = 0;
  let heldAt = start;
  const end = start + length;
  while (heldAt + held < end) {
    if (held === buffer.length) buffer = Buffer.concat([buffer], 2 * held);
    const wanted = Math.min(buffer.length - held, end - heldAt - held);
    const count = readFully(files, fd, buffer, held, wanted, heldAt + held);
    if (count === 0) return;
    held += count;
    const bytes = buffer.subarray(0, held);
    let from = 0;
    for (let feed = bytes.indexOf(lineFeed); feed !== -1; feed = bytes.indexOf(lineFeed, from)) {
      const to = bytes[feed - 1] === comma ? feed - 1 : feed;
      yield { text: bytes.toString('utf8', from, to), at: heldAt + from, end: heldAt + to };
      from = feed + 1;
    }
    buffer.copyWithin(0, from, held);
    held -= from;
    heldAt += from;
  }
  if (held > 0) yield { text: buffer.toString('utf8', 0, held), at: heldAt, end };
}
