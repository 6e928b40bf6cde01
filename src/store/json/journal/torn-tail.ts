import { type FilePort, readFully } from '../ports/file-port.ts';
import { decodeFrame, prefixBytes } from './frame.ts';
import { decodeLine } from './line.ts';

const sectorBytes = 512;
const lineFeed = 0x0a;

/** A line that is not as it was written: where it begins, and the seq of its first entry. */
export interface BadLine {
  readonly at: number;
  readonly seq: number;
  /** Size of the file when it was read: a process at work may have written more by now. */
  readonly size: number;
}

/**
 * Distinguishes a write that a crash cut short from damage. Only a line that was never synced may be cut, and
 * only if it looks like a torn write: without an end, or with a piece of a sector that was never written.
 * @returns null when the line is torn, else the reason why it cannot be.
 */
export function reasonNotTorn(files: FilePort, fd: number, bad: BadLine): string | null {
  const tail = Buffer.allocUnsafe(bad.size - bad.at);
  readFully(files, fd, tail, 0, tail.length, bad.at);
  const feed = tail.indexOf(lineFeed);
  if (feed === -1) return null;
  if (wasSynced(tail, feed + 1, bad.seq)) return 'a later line that says it was on disk';
  return hasUnwrittenPiece(tail, feed, bad.at) ? null : 'a complete line';
}

/** Whether a later line proves that a seq was synced: its `d` is the seq that was synced when it was written. */
function wasSynced(tail: Buffer, from: number, seq: number): boolean {
  for (let at = from; at > 0 && at < tail.length; at = tail.indexOf(lineFeed, at) + 1) {
    const found = decodeFrame(tail, at, tail.length);
    if (typeof found === 'string') continue;
    const line = decodeLine(tail.toString('utf8', at + prefixBytes, at + prefixBytes + found.length));
    if (typeof line !== 'string' && line.durable >= seq) return true;
  }
  return false;
}

/** Whether a piece of a sector was never written: it is all NUL, and JSON contains no NUL. */
function hasUnwrittenPiece(tail: Buffer, end: number, fileOffset: number): boolean {
  for (let at = 0; at < end; ) {
    const pieceEnd = Math.min(end, at + sectorBytes - ((fileOffset + at) % sectorBytes));
    if (tail.subarray(at, pieceEnd).every((byte) => byte === 0)) return true;
    at = pieceEnd;
  }
  return false;
}
