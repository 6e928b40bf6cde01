import type { Json } from '../../../../machines/json.ts';
import { SignalboxError } from '../../../errors.ts';
import { nestsWithin, storedDepth } from '../../../model/checks/limits.ts';
import { inPresentShape } from '../../../model/records/earlier-shape.ts';
import { faultIn, mayBeIn } from '../../../model/records/stored-shape.ts';
import type { Entry, Kind, Line, Patch } from '../../entry.ts';
import { isKind, ofEachKind } from '../../kinds.ts';
import { formatVersion } from '../ports/failures.ts';
import type { JsonWriter } from './json-writer.ts';

/**
 * A line of a journal: the commits in it, the checksum of the line before it and the seq that was synced when it was written.
 * Commits of one tick share a line when they have the same author and instant: they are on disk together or not at all.
 */
export interface StoredLine {
  readonly commits: readonly Line[];
  readonly previous: string;
  readonly durable: number;
}

/** The content of the first line of a journal. */
export interface JournalHeader {
  readonly store: string;
  readonly generation: number;
  /** Seq of the last entry before this journal. */
  readonly base: number;
  /** Checksum of the last line of the generation before, in hex. */
  readonly previous: string;
  /** When the generation began and the one before was closed. */
  readonly at: number;
}

/** Writes a line with a commit as JSON, without its end. */
export function beginLine(json: JsonWriter, line: Line, durable: number, previous: number): void {
  refuseUnreadable('at', line.at);
  json.ascii('{"s":');
  json.number(line.s);
  json.ascii(',"d":');
  json.number(durable);
  json.ascii(',"p":"');
  json.hex(previous);
  json.ascii('","at":');
  json.number(line.at);
  json.ascii(',"by":');
  json.string(line.by);
  json.ascii(',"mv":');
  json.string(line.mv);
  json.ascii(',"o":[');
  writeEntries(json, line.entries);
}

/** Writes another commit into a line that has not ended. */
export function extendLine(json: JsonWriter, { entries }: Line): void {
  json.ascii(',');
  writeEntries(json, entries);
}

/** Ends a line. `later` counts the entries before each commit but the first. */
export function endLine(json: JsonWriter, later: readonly number[]): void {
  json.ascii(']');
  if (later.length > 0) {
    json.ascii(',"c":');
    json.value(later);
  }
  json.ascii('}');
}

function writeEntries(json: JsonWriter, entries: readonly Entry[]): void {
  for (let index = 0; index < entries.length; index += 1) {
    if (index > 0) json.ascii(',');
    writeEntry(json, entries[index] as Entry);
  }
}

// A number that JSON cannot hold would make the whole journal unreadable.
function refuseUnreadable(option: string, value: number): void {
  if (Number.isFinite(value)) return;
  throw new SignalboxError('INVALID_OPTION', { option, expected: 'a finite number', actual: String(value) });
}

function writeEntry(json: JsonWriter, entry: Entry): void {
  const { patch, arg, q } = entry;
  refuseUnreadable('q', q);
  json.fragment(entryBegins[entry.kind]);
  json.inner(entry.id);
  if (entry.kind === 'actor') writeActorHead(json, entry);
  else json.fragment(headFor(entry));
  json.number(q);
  if (patch !== null) {
    json.fragment(patchKey);
    json.value(patch);
  }
  if (arg !== undefined) {
    json.fragment(argKey);
    json.value(arg);
  }
  json.ascii(entry.gone ? ',"gone":true}' : '}');
}

function encoded(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

const patchKey = encoded(',"patch":');
const argKey = encoded(',"arg":');
const entryBegins = ofEachKind((kind) => encoded(`{"on":"${kind}/`));

/** What an entry has between its id and its `q`. */
interface EntryHead {
  readonly from: string | null;
  readonly to: string | null;
  readonly bytes: Uint8Array;
}

/** Heads by event. Events and states are names of charts and of code, so there are few, and each is encoded once. */
const heads = new Map<string, EntryHead[]>();

function headFor({ event, from, to }: Entry): Uint8Array {
  let known = heads.get(event);
  if (known === undefined) {
    known = [];
    heads.set(event, known);
  }
  for (const head of known) if (head.from === from && head.to === to) return head.bytes;
  const states =
    from === null && to === null ? '' : `,"from":${JSON.stringify(from)},"to":${JSON.stringify(to)}`;
  const bytes = encoded(`","ev":${JSON.stringify(event)}${states},"q":`);
  known.push({ from, to, bytes });
  return bytes;
}

/** Events and states of actors are those of users, and some have ids in them: there may be any number. */
function writeActorHead(json: JsonWriter, { event, from, to }: Entry): void {
  json.ascii('","ev":');
  json.string(event);
  if (from !== null || to !== null) {
    json.ascii(',"from":');
    json.value(from);
    json.ascii(',"to":');
    json.value(to);
  }
  json.ascii(',"q":');
}

/** The begin of a line: what it is found by. */
export interface LineHead {
  /** Seq of its first entry. */
  readonly seq: number;
  /** The instant of its commit. */
  readonly instant: number;
}

/** Reads the begin of a line, without parsing the rest. Null: it does not begin as a line does. */
export function headOf(text: string): LineHead | null {
  const [, seq, instant] = /^\{"s":(\d{1,16}),"d":\d{1,16},"p":"[^"]*","at":([-+.\de]+),/.exec(text) ?? [];
  return seq === undefined ? null : { seq: Number(seq), instant: Number(instant) };
}

/** Reads a line and checks its shape. Returns its fault as text. */
export function decodeLine(text: string): StoredLine | string {
  const found = parseObject(text);
  if (typeof found === 'string') return found;
  const { s, d, p, at, by, mv, o, c = [] } = found;
  if (!isSeq(s) || !isSeq(d) || typeof p !== 'string' || !Number.isFinite(at))
    return 'a line without s, d, p or at';
  if (typeof by !== 'string' || typeof mv !== 'string') return 'a line without by or mv';
  if (!Array.isArray(o) || o.length === 0) return 'a line without entries';
  if (!areBegins(c, o.length)) return 'a line with a commit that begins nowhere in it';
  const entries: Entry[] = [];
  for (const each of o) {
    const entry = decodeEntry(each, text.length);
    if (typeof entry === 'string') return entry;
    entries.push(entry);
  }
  const begins = [0, ...c, o.length];
  const commits = begins.slice(1).map((end, index): Line => {
    const begin = begins[index] as number;
    return { s: s + begin, at: at as number, by, mv, entries: entries.slice(begin, end) };
  });
  return { commits, previous: p, durable: d };
}

/** Whether each is the place of an entry after the one before it, the first entry left out. */
function areBegins(value: unknown, count: number): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  return value.every((place, index) => isSeq(place) && place > (value[index - 1] ?? 0) && place < count);
}

function decodeEntry(value: unknown, length: number): Entry | string {
  if (!isObject(value)) return 'an entry that is not an object';
  const { on, ev, from = null, to = null, q, patch = null, arg, gone = false } = value;
  if (typeof on !== 'string' || typeof ev !== 'string' || !isSeq(q)) return 'an entry without on, ev or q';
  if (!isTextOrNull(from) || !isTextOrNull(to)) return 'an entry with a state that is not text';
  if (patch !== null && !isObject(patch)) return 'an entry with a patch that is not an object';
  if (typeof gone !== 'boolean') return 'an entry with a gone that is not true';
  const slash = on.indexOf('/');
  const kind = on.slice(0, slash);
  if (slash === -1 || !isKind(kind)) return 'an entry on an unknown kind of record';
  if (arg !== undefined && isTooDeep(arg, length)) return 'an entry with an arg that nests deeper than any';
  const present = patch === null ? null : inPresentShape(kind, patch, true);
  const fault = present === null ? null : faultOf(kind, present, length, false);
  if (fault !== null) return fault;
  if (!mayBeIn(kind, to)) return `a ${kind} in an unknown state`;
  return {
    kind,
    id: on.slice(slash + 1),
    event: ev,
    from,
    to,
    patch: present as Patch | null,
    ...(arg === undefined ? {} : { arg: arg as Json }),
    gone,
    q,
  };
}

/**
 * Returns the fault of a record, or of a patch, in words; null when it has no fault. Jobs are checked where
 * they are read: a faulty job is quarantined, and does not make the whole store unreadable.
 * @param length - of the text that the record was read from, or of a longer text around it.
 */
export function faultOf(
  kind: Kind,
  fields: Record<string, unknown>,
  length: number,
  isRecord: boolean,
): string | null {
  if (isTooDeep(fields, length)) return `a ${kind} that nests deeper than any record that is written`;
  return kind === 'job' ? null : faultIn(kind, fields, isRecord);
}

/**
 * Deeper values were never written, and could not be written again. Each level takes two brackets, so most texts are too short to be
 * examined.
 */
function isTooDeep(value: unknown, length: number): boolean {
  return length > 2 * storedDepth && !nestsWithin(value, storedDepth);
}

/** Returns the JSON text of a journal's first line. */
export function encodeHeader(header: JournalHeader): string {
  const { store, generation, base, previous, at } = header;
  return JSON.stringify({
    h: { format: 'signalbox-journal', v: formatVersion, gen: generation, store, base, p: previous, at },
  });
}

/** The largest size of a header, for any instant: a longer journal contained more than a header. */
export function headerLimit(header: Omit<JournalHeader, 'at'>): number {
  return Buffer.byteLength(encodeHeader({ ...header, at: 0 })) + 32;
}

/** Reads a journal's first line. Returns its fault as text, or the newer version that wrote it. */
export function decodeHeader(text: string): JournalHeader | { readonly newer: number } | string {
  const found = parseObject(text);
  if (typeof found === 'string') return found;
  const { h } = found;
  if (!isObject(h) || h.format !== 'signalbox-journal')
    return 'a first line that is not the header of a journal';
  const { v, gen, store, base, p, at } = h;
  if (Number.isInteger(v) && (v as number) > formatVersion) return { newer: v as number };
  if (v !== formatVersion || !isSeq(gen) || !isSeq(base)) return 'a header without v, gen or base';
  if (typeof store !== 'string' || typeof p !== 'string' || typeof at !== 'number')
    return 'a header without store, p or at';
  return { store, generation: gen, base, previous: p, at };
}

function parseObject(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : 'JSON that is not an object';
  } catch {
    return 'text that is not JSON';
  }
}

/** True for a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for a whole number of zero or more. */
export function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
