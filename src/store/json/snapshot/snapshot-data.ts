import type { Json } from '../../../../machines/json.ts';
import type { Kind } from '../../entry.ts';
import { blankOf, recordKinds } from '../../kinds.ts';
import type { State, StoredRecord } from '../../log.ts';
import { JsonWriter } from '../journal/json-writer.ts';
import { type ReadSnapshot, separatorBefore } from './snapshot-format.ts';

// About 1 ms of work each (measured), so commits never wait long for a slice, and no clock is read.
const sliceLength = 128 * 1024;

/** A snapshot from which unchanged records are copied, byte for byte. */
export interface Source {
  readonly snapshot: ReadSnapshot;
  /** Fills bytes with the content of the file from a position on. */
  readonly copy: (into: Uint8Array, position: number) => void;
}

/** Yields the data of a snapshot in slices; each is valid until the next. */
export function* slices(state: State, source: Source | null): Generator<Uint8Array> {
  const json = new JsonWriter();
  for (const [index, kind] of recordKinds.entries()) {
    json.ascii(`${separatorBefore(index)}\n`);
    const records = state.records[kind];
    const old = source === null ? null : new OldRecords(source.snapshot, kind);
    for (let at = 0; at < records.length; ) {
      const run = old?.runAt(records, at) ?? null;
      if (source === null || run === null) {
        writeRecord(json, kind, records[at] as StoredRecord);
        at += 1;
      } else {
        source.copy(json.bytes(json.gap(run.end - run.start)), run.start);
        at += run.count;
      }
      json.ascii(at < records.length ? ',\n' : '\n');
      if (json.size < sliceLength) continue;
      yield json.bytes();
      json.clear();
    }
  }
  json.ascii(separatorBefore(recordKinds.length));
  yield json.bytes();
}

/** Writes a record without keys that are null, or an empty list as in a blank record: one that lacks a key has this value. */
function writeRecord(json: JsonWriter, kind: Kind, record: StoredRecord): void {
  json.ascii('{');
  const blank = blankOf(kind);
  let isFirst = true;
  for (const key in record) {
    const value = record[key];
    if (value === null || value === undefined) continue;
    // What belongs to the program is null in a blank record: there an empty list is a value.
    if (Array.isArray(value) && value.length === 0 && isListIn(blank, key)) continue;
    if (!isFirst) json.ascii(',');
    isFirst = false;
    json.string(key);
    json.ascii(':');
    json.value(value as Json);
  }
  json.ascii('}');
}

function isListIn(record: object, key: string): boolean {
  return Array.isArray((record as Readonly<Record<string, unknown>>)[key]);
}

/** Records that are adjacent in the list and in the file. */
interface Run {
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

/** The records of a kind as they were read. They are compared by identity: a changed record is a new object. */
class OldRecords {
  readonly #records: readonly StoredRecord[];
  readonly #places: readonly number[];
  /** The next expected record: usually they come in the order in which they were read. */
  #next = 0;
  /** The places by record; made when the order differs. */
  #indexes: ReadonlyMap<StoredRecord, number> | null = null;

  constructor({ state, places }: ReadSnapshot, kind: Kind) {
    this.#records = state.records[kind];
    this.#places = places[kind];
  }

  /**
   * Returns the records that can be copied together from a place on, at most a slice; null when the first has
   * changed.
   */
  runAt(records: readonly StoredRecord[], at: number): Run | null {
    const first = this.#find(records[at] as StoredRecord);
    if (first === null) return null;
    const start = this.#startOf(first);
    let count = 1;
    while (
      at + count < records.length &&
      this.#records[first + count] === records[at + count] &&
      this.#endOf(first + count) - start <= sliceLength
    )
      count += 1;
    this.#next = first + count;
    return { count, start, end: this.#endOf(first + count - 1) };
  }

  #find(record: StoredRecord): number | null {
    const expected = this.#records[this.#next];
    if (expected === undefined && this.#indexes === null) return null;
    if (expected === record) return this.#next;
    if (expected?.id === record.id) {
      this.#next += 1;
      return null;
    }
    this.#indexes ??= new Map(this.#records.map((each, index) => [each, index]));
    return this.#indexes.get(record) ?? null;
  }

  #startOf(index: number): number {
    return this.#places[2 * index] as number;
  }

  #endOf(index: number): number {
    return this.#places[2 * index + 1] as number;
  }
}
