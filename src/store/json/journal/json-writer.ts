import type { Json } from '../../../../machines/json.ts';

const hexDigits = Buffer.from('0123456789abcdef');
const firstCapacity = 64 * 1024;
const keptCapacity = 4 * 1024 * 1024;

const zero = 0x30;
const quote = 0x22;
const backslash = 0x5c;
const billion = 1e9;
/** Longer strings are cheaper through `JSON.stringify`. */
const shortText = 200;
const shortFragment = 24;

/**
 * Writes JSON values directly into a buffer that grows and is used again: the bytes of `JSON.stringify`. For the small
 * patches of a journal it takes half the time of making a string first, and leaves no garbage (0.21 against 0.46 µs a
 * patch).
 */
export class JsonWriter {
  #buffer = Buffer.allocUnsafe(firstCapacity);
  #size = 0;
  /** The newest large number and its digits. It is an instant as a rule, and many entries have the same one. */
  #newest = -1;
  #newestDigits = new Uint8Array(0);

  /** Number of bytes written. */
  get size(): number {
    return this.#size;
  }

  /** Returns what is written from a position on; valid until the next call. */
  bytes(from = 0): Buffer {
    return this.#buffer.subarray(from, this.#size);
  }

  /** Removes what was written after a position. */
  cut(at: number): void {
    this.#size = at;
  }

  clear(): void {
    this.#size = 0;
    if (this.#buffer.length > keptCapacity) this.#buffer = Buffer.allocUnsafe(firstCapacity);
  }

  /** Reserves room for bytes that are filled in later. Returns their position. */
  gap(length: number): number {
    this.#reserve(length);
    const at = this.#size;
    this.#size += length;
    return at;
  }

  /** Writes ASCII text without quotes or escapes. */
  ascii(text: string): void {
    const { length } = text;
    this.#reserve(length);
    const buffer = this.#buffer;
    let at = this.#size;
    for (let index = 0; index < length; index += 1) {
      buffer[at] = text.charCodeAt(index);
      at += 1;
    }
    this.#size = at;
  }

  value(value: Json | undefined): void {
    if (typeof value === 'string') this.string(value);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value !== 'object' || value === null) this.ascii(String(value));
    else if (Array.isArray(value)) this.#list(value);
    else this.#record(value as { readonly [key: string]: Json });
  }

  string(text: string): void {
    const { length } = text;
    if (length < shortText) {
      this.#reserve(length + 2);
      const buffer = this.#buffer;
      const start = this.#size + 1;
      let index = 0;
      for (; index < length; index += 1) {
        const code = text.charCodeAt(index);
        if (code < 0x20 || code > 0x7e || code === quote || code === backslash) break;
        buffer[start + index] = code;
      }
      if (index === length) {
        buffer[start - 1] = quote;
        buffer[start + length] = quote;
        this.#size = start + length + 1;
        return;
      }
    }
    this.#utf8(JSON.stringify(text));
  }

  /** Writes a string without its quotes. */
  inner(text: string): void {
    const at = this.#size;
    if (this.#unescaped(text)) return;
    this.#size = at;
    this.#utf8(JSON.stringify(text).slice(1, -1));
  }

  /** Writes bytes of JSON as they are: what many lines have in common is encoded once. */
  fragment(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#reserve(length);
    const buffer = this.#buffer;
    const at = this.#size;
    // A call of the engine costs more than a short loop.
    if (length > shortFragment) buffer.set(bytes, at);
    else for (let index = 0; index < length; index += 1) buffer[at + index] = bytes[index] as number;
    this.#size = at + length;
  }

  /** Writes a number of 32 bits as 8 hex digits. */
  hex(value: number): void {
    this.#reserve(8);
    writeHex(this.#buffer, this.#size, value);
    this.#size += 8;
  }

  /**
   * Writes a short text without escapes. Returns false when the text needs them: the caller then removes what
   * was written.
   */
  #unescaped(text: string): boolean {
    const { length } = text;
    if (length >= shortText) return false;
    this.#reserve(length);
    const buffer = this.#buffer;
    let at = this.#size;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e || code === quote || code === backslash) return false;
      buffer[at] = code;
      at += 1;
    }
    this.#size = at;
    return true;
  }

  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || value > 1e15) {
      this.ascii(Number.isFinite(value) ? String(value) : 'null');
      return;
    }
    if (value < billion) this.#digits(value, countDigits(value));
    else if (value === this.#newest) this.fragment(this.#newestDigits);
    else {
      const at = this.#size;
      const high = Math.floor(value / billion);
      this.#digits(high, countDigits(high));
      this.#digits(value - high * billion, 9);
      this.#newest = value;
      this.#newestDigits = new Uint8Array(this.bytes(at));
    }
  }

  /** Writes the last digits of a whole number below 2^31: no division of the floating point. */
  #digits(value: number, count: number): void {
    this.#reserve(count);
    const buffer = this.#buffer;
    let rest = value | 0;
    for (let at = this.#size + count - 1; at >= this.#size; at -= 1) {
      const tenth = (rest / 10) | 0;
      buffer[at] = zero + rest - tenth * 10;
      rest = tenth;
    }
    this.#size += count;
  }

  #list(list: readonly Json[]): void {
    this.ascii('[');
    for (let index = 0; index < list.length; index += 1) {
      if (index > 0) this.ascii(',');
      this.value(list[index]);
    }
    this.ascii(']');
  }

  #record(record: { readonly [key: string]: Json }): void {
    this.ascii('{');
    let isFirst = true;
    for (const key in record) {
      const value = record[key];
      if (value === undefined) continue;
      if (!isFirst) this.ascii(',');
      isFirst = false;
      this.string(key);
      this.ascii(':');
      this.value(value);
    }
    this.ascii('}');
  }

  #utf8(text: string): void {
    // UTF-8 takes at most three bytes for a UTF-16 unit, so the text is never measured twice.
    this.#reserve(text.length * 3);
    this.#size += this.#buffer.write(text, this.#size, 'utf8');
  }

  #reserve(needed: number): void {
    const wanted = this.#size + needed;
    if (wanted <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, wanted));
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }
}

function countDigits(value: number): number {
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits += 1;
  return digits;
}

/** Writes 8 lower-case hex digits. */
export function writeHex(into: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let digit = 7; digit >= 0; digit -= 1) {
    into[at + digit] = hexDigits[rest & 15] as number;
    rest >>>= 4;
  }
}
