import { type FilePort, readFully } from '../ports/file-port.ts';
import { decodeFrame, prefixBytes } from './frame.ts';
import { decodeLine } from './line.ts';

const sectorBytes = 512;
const lineFeed = 0x0a;

/** A line that is not as it was written: where it begins, and the seq of its first entry. */
export interface BadLine {
  readonly at: number;
  readonly seq: number;
}

/**
 * Tells the end of a write that a crash cut short from damage. Only a line that was never synced may be cut, and
 * only if it looks like a torn write: without an end, or with a piece of a sector that was never written.
 * @returns null when the line is torn, else why it cannot be.
 */
export function whyNotTorn(files: FilePort, fd: number, bad: BadLine): string | null {
  const { size } = files.fstat(fd);
  const tail = Buffer.allocUnsafe(size - bad.at);
  readFully(files, fd, tail, 0, tail.length, bad.at);
  const feed = tail.indexOf(lineFeed);
  if (feed === -1) return null;
  if (wasSynced(tail, feed + 1, bad.seq)) return 'a later line that says it was on disk';
  return hasUnwrittenPiece(tail, feed, bad.at) ? null : 'a complete line';
}

/** A later line says in `d` what was synced when it was written. */
function wasSynced(tail: Buffer, from: number, seq: number): boolean {
  for (let at = from; at > 0 && at < tail.length; at = tail.indexOf(lineFeed, at) + 1) {
    const found = decodeFrame(tail, at, tail.length);
    if (typeof found === 'string') continue;
    const line = decodeLine(tail.toString('utf8', at + prefixBytes, at + prefixBytes + found.length));
    if (typeof line !== 'string' && line.durable >= seq) return true;
  }
  return false;
}

/** JSON holds no NUL, so a piece of a sector that is all NUL was never written. */
function hasUnwrittenPiece(tail: Buffer, end: number, fileOffset: number): boolean {
  for (let at = 0; at < end; ) {
    const pieceEnd = Math.min(end, at + sectorBytes - ((fileOffset + at) % sectorBytes));
    if (tail.subarray(at, pieceEnd).every((byte) => byte === 0)) return true;
    at = pieceEnd;
  }
  return false;
}
