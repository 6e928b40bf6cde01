import type { Json } from '../../../../machines/json.ts';
import type { Kind } from '../../entry.ts';
import type { State, StoredRecord } from '../../log.ts';
import { JsonWriter } from '../journal/json-writer.ts';
import { kinds } from '../journal/line.ts';
import { type ReadSnapshot, separatorBefore } from './snapshot-format.ts';

// About 1 ms of work each (measured), so commits never wait long for a slice, and no clock is asked.
const sliceLength = 128 * 1024;

/** A snapshot from which records that are still the same are copied, byte for byte. */
export interface Source {
  readonly snapshot: ReadSnapshot;
  /** Fills bytes with what stands in its file from a position on. */
  readonly copy: (into: Uint8Array, position: number) => void;
}

/** The data of a snapshot in slices; each is valid until the next. */
export function* slices(state: State, source: Source | null): Generator<Uint8Array> {
  const json = new JsonWriter();
  for (const [index, kind] of kinds.entries()) {
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
  json.ascii(separatorBefore(kinds.length));
  yield json.bytes();
}

/** A record without what is null or an empty list: that is what a record has that says nothing. */
function writeRecord(json: JsonWriter, kind: Kind, record: StoredRecord): void {
  json.ascii('{');
  let isFirst = true;
  for (const key in record) {
    const value = record[key];
    if (value === null || value === undefined) continue;
    // The value of an annotation is the program's: one that says nothing is null, and an empty list is another one.
    if (kind !== 'annotation' && Array.isArray(value) && value.length === 0) continue;
    if (!isFirst) json.ascii(',');
    isFirst = false;
    json.string(key);
    json.ascii(':');
    json.value(value as Json);
  }
  json.ascii('}');
}

/** Records one after the other, here and in the file. */
interface Run {
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

/** The records of a kind as they were read. They are compared by identity: whoever changes one hands over another. */
class OldRecords {
  readonly #records: readonly StoredRecord[];
  readonly #places: readonly number[];
  /** As a rule they come in the order in which they were read. */
  #next = 0;
  /** Made when they do not. */
  #indexes: ReadonlyMap<StoredRecord, number> | null = null;

  constructor({ state, places }: ReadSnapshot, kind: Kind) {
    this.#records = state.records[kind];
    this.#places = places[kind];
  }

  /** What can be copied at once from a place on, at most a slice; null when that record was not read as it is. */
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
