import { crc32 } from 'node:zlib';
import { type FilePort, readFully } from '../ports/file-port.ts';
import { JsonWriter, writeHex } from './json-writer.ts';

/** Bytes before the JSON text of a frame: `LEN(8 hex) SP CRC(8 hex) SP`. */
export const prefixBytes = 18;

const space = 0x20;
const lineFeed = 0x0a;
const chunkBytes = 256 * 1024;

/**
 * Collects the frames of one batch. Each is written directly into their common buffer: no allocation for a line. The last one
 * stays open until it is ended, so that more can be added to it.
 */
export class FrameBuffer {
  readonly #json = new JsonWriter();
  /** Where the open frame begins, or -1. */
  #open = -1;

  /** Number of bytes collected. */
  get size(): number {
    return this.#json.size;
  }

  /** Begins a frame with what `write` writes; with nothing, and none, when it throws. */
  begin(write: (json: JsonWriter) => void): void {
    const at = this.#json.size;
    this.#write(at, (json) => {
      json.gap(prefixBytes);
      write(json);
    });
    this.#open = at;
  }

  /** Adds what `write` writes to the open frame; nothing when it throws. */
  extend(write: (json: JsonWriter) => void): void {
    this.#write(this.#json.size, write);
  }

  #write(from: number, write: (json: JsonWriter) => void): void {
    try {
      write(this.#json);
    } catch (error) {
      this.#json.cut(from);
      throw error;
    }
  }

  /** Ends the open frame with what `write` writes. Returns the checksum of its bytes. */
  end(write: (json: JsonWriter) => void): number {
    const json = this.#json;
    const at = this.#open;
    this.#open = -1;
    write(json);
    const start = at + prefixBytes;
    const text = json.bytes(start);
    const crc = crc32(text);
    json.ascii('\n');
    const frame = json.bytes(at);
    writeHex(frame, 0, text.length);
    frame[8] = space;
    writeHex(frame, 9, crc);
    frame[17] = space;
    return crc;
  }

  /** Returns the collected frames; valid until the next `add` or `clear`. */
  bytes(): Uint8Array {
    return this.#json.bytes();
  }

  clear(): void {
    this.#open = -1;
    this.#json.clear();
  }
}

/** Encodes one JSON text as a frame, with its checksum. */
export function encodeFrame(text: string): { readonly bytes: Uint8Array; readonly crc: number } {
  const json = Buffer.from(text);
  const crc = crc32(json);
  return {
    bytes: Buffer.concat([Buffer.from(`${toHex(json.length)} ${toHex(crc)} `), json, Buffer.of(lineFeed)]),
    crc,
  };
}

/** Returns a checksum as files contain it: 8 lower-case hex digits. */
export function toHex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** A frame of a file, or the fault at the position where a frame should begin. */
export type Frame =
  | {
      readonly ok: true;
      readonly at: number;
      readonly next: number;
      readonly text: string;
      readonly crc: number;
    }
  | { readonly ok: false; readonly at: number; readonly reason: string };

/** A frame in a buffer: the length of its text, and its checksum. */
interface Found {
  readonly length: number;
  readonly crc: number;
}

/**
 * Decodes the frame at a position of a buffer that holds all of it.
 * @returns the frame, or the exact reason why there is no frame.
 */
export function decodeFrame(bytes: Uint8Array, at: number, end: number): Found | string {
  const length = readHex(bytes, at, end);
  if (length === null) return cutOr(bytes, at, end, 'a length that is not 8 hex digits');
  const crc = readHex(bytes, at + 9, end);
  if (bytes[at + 8] !== space || crc === null || bytes[at + 17] !== space) {
    return cutOr(bytes, at, end, 'a checksum that is not 8 hex digits between spaces');
  }
  const start = at + prefixBytes;
  if (start + length >= end) return cutOr(bytes, at, end, 'a length that reaches past the end of the file');
  if (bytes[start + length] !== lineFeed)
    return cutOr(bytes, at, end, 'a length that does not lead to the end of the line');
  const actual = crc32(bytes.subarray(start, start + length));
  if (actual !== crc) return `checksum ${toHex(actual)} where ${toHex(crc)} is written`;
  return { length, crc };
}

function cutOr(bytes: Uint8Array, at: number, end: number, reason: string): string {
  const feed = bytes.indexOf(lineFeed, at);
  return feed === -1 || feed >= end ? 'a line without an end' : reason;
}

function readHex(bytes: Uint8Array, at: number, end: number): number | null {
  if (at + 8 > end) return null;
  let value = 0;
  for (let digit = 0; digit < 8; digit += 1) {
    const code = bytes[at + digit] as number;
    if (code >= 0x30 && code <= 0x39) value = value * 16 + code - 0x30;
    else if (code >= 0x61 && code <= 0x66) value = value * 16 + code - 0x57;
    else return null;
  }
  return value;
}

/**
 * Reads the frames of a file between two positions, in pieces. Ends after the first position without a frame, whose
 * reason is the last item.
 */
export function* readFrames(
  files: FilePort,
  fd: number,
  from: number,
  to: number,
  pieceBytes = chunkBytes,
): Generator<Frame> {
  let buffer = Buffer.allocUnsafe(pieceBytes);
  let start = 0;
  let end = 0;
  let position = from;
  const holds = (needed: number): boolean => {
    if (end - start >= needed) return true;
    const wanted = Math.min(needed, to - position);
    const target = wanted <= buffer.length ? buffer : Buffer.allocUnsafe(wanted);
    buffer.copy(target, 0, start, end);
    buffer = target;
    end -= start;
    start = 0;
    end += readFully(files, fd, buffer, end, Math.min(buffer.length, to - position) - end, position + end);
    return end - start >= needed;
  };

  while (position < to) {
    if (holds(prefixBytes)) {
      const length = readHex(buffer, start, end);
      // A length beyond the end is refused without reading more.
      if (length !== null && length < to - position) holds(prefixBytes + length + 1);
    }
    const found = decodeFrame(buffer, start, end);
    if (typeof found === 'string') {
      yield { ok: false, at: position, reason: found };
      return;
    }
    const next = start + prefixBytes + found.length + 1;
    const text = buffer.toString('utf8', start + prefixBytes, next - 1);
    const frame: Frame = { ok: true, at: position, next: position + next - start, text, crc: found.crc };
    position = frame.next;
    start = next;
    yield frame;
  }
}
