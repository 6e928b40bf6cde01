/*
 * Room: values.
 *
 * Owns: What programs give and get: arguments and results as JSON with references to jobs, failures as data,
 *   encoding at rest, and what may be shown of a job.
 *
 * Invariant: What is stored can be read back as it was given, or is refused when it is given.
 *
 * May import: checks.
 */
import type { Failure as StoredFailure } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError, shown } from '../../errors.ts';
import { defaultLimits, type ValueLimits } from '../checks/limits.ts';
import { setOwn } from '../checks/own-keys.ts';
import { Failure } from './failure.ts';

/** The key of a value that a codec has encoded: see `codec.ts`. */
export const codedKey = '$coded';

/** Returns the reference that is stored for a job; null when the value is not a job. */
export type ReferJob = (value: object) => string | null;

/** Returns the job of a stored reference, as the program sees it. */
export type ResolveJob = (id: string) => unknown;

interface Walk {
  readonly limits: ValueLimits;
  readonly refer: ReferJob;
  /** Failures may stand in the value, as `{"$failure": data}`. */
  readonly keepsFailures: boolean;
  /** The path of the whole value, for errors about its size. */
  readonly path: string;
  /** The part that is examined now. */
  root: string;
  /** The steps from the root to the current value. They are joined to text only for an error. */
  readonly trail: (string | number)[];
  /** Keys and elements so far. */
  count: number;
  /** A sixth of the largest possible size as JSON, in bytes: an escaped character takes six. */
  size: number;
  /** The smallest possible size of its texts, in bytes. */
  least: number;
}

/**
 * Returns a copy of `value` as it is stored: JSON, with jobs as `{"$job": id}` and the `$` of user keys doubled.
 * Drops and changes nothing in silence, except that `-0` becomes `0`. `keepsFailures`: a Failure may stand in it, as data.
 *
 * @throws SignalboxError `ARGS_NOT_JSON`, `ARGS_TOO_DEEP`, `ARGS_TOO_LARGE`, each naming the path.
 */
export function encodeValue(
  value: unknown,
  path: string,
  refer: ReferJob,
  limits: ValueLimits = defaultLimits,
  keepsFailures = false,
): Json {
  const walk = walkOf(path, refer, limits, keepsFailures);
  const encoded = encode(value, walk);
  checkBytes([encoded], walk);
  return encoded;
}

/** As `encodeValue`, for the arguments of one job: together they must stay within the limits. */
export function encodeArgs(
  args: readonly unknown[],
  refer: ReferJob,
  limits: ValueLimits = defaultLimits,
): readonly Json[] {
  const walk = walkOf(args.length === 1 ? 'args[0]' : 'args', refer, limits);
  const encoded = args.map((arg, index) => {
    walk.root = `args[${index}]`;
    const stored = encode(arg, walk);
    // A joined job has a reference for each of its jobs: references are limited by bytes only.
    if (index > 0 && !isReference(stored)) countKey(walk);
    return stored;
  });
  checkBytes(encoded, walk);
  return encoded;
}

function walkOf(path: string, refer: ReferJob, limits: ValueLimits, keepsFailures = false): Walk {
  return { limits, refer, keepsFailures, path, root: path, trail: [], count: 0, size: 0, least: 0 };
}

/** Counts bytes exactly only where the estimate reaches the limit. What is far too large was refused before this. */
function checkBytes(encoded: readonly Json[], { size, limits, path }: Walk): void {
  if (size * 6 <= limits.bytes) return;
  let actual = 0;
  for (const value of encoded) actual += Buffer.byteLength(JSON.stringify(value));
  if (actual > limits.bytes) throw tooLarge(path, limits.bytes, actual, 'bytes');
}

function encode(value: unknown, walk: Walk): Json {
  switch (typeof value) {
    case 'string':
      countText(value, walk);
      return checkText(value, walk);
    case 'number':
      walk.size += 8;
      if (!Number.isFinite(value)) throw notJson(walk, String(value), 'null');
      return value === 0 ? 0 : value;
    case 'boolean':
      walk.size += 5;
      return value;
    case 'object':
      if (value !== null) return encodeObject(value, walk);
      walk.size += 4;
      return null;
    case 'undefined':
      throw notJson(walk, 'undefined', 'nothing');
    case 'bigint':
      throw notJson(walk, 'bigint', 'an error');
    default:
      throw notJson(walk, shown(value), 'nothing');
  }
}

function encodeObject(value: object, walk: Walk): Json {
  const { trail } = walk;
  const { depth: limit } = walk.limits;
  if (trail.length >= limit)
    throw new SignalboxError('ARGS_TOO_DEEP', { path: pathOf(walk), limit, actual: trail.length + 1 });
  walk.size += 2;
  if (Array.isArray(value)) return encodeList(value, walk);
  const reference = walk.refer(value);
  if (reference !== null) {
    walk.size += 40;
    return { $job: reference };
  }
  if (walk.keepsFailures && value instanceof Failure) return { $failure: encode(value.data, walk) };
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notJson(walk, prototype?.constructor?.name ?? 'an object', jsonResultOf(value));
  }
  if ('toJSON' in value && typeof value.toJSON === 'function')
    throw notJson(walk, 'an object with toJSON', 'something else');
  if (Object.getOwnPropertySymbols(value).length > 0)
    throw notJson(walk, 'an object with a symbol key', 'an object without it');
  // A copy is as small as the value was made: one that gets its keys one by one has room for more.
  const encoded = copyOf(value, walk);
  let isReserved = false;
  for (const key of Object.keys(encoded)) {
    countKey(walk);
    countText(key, walk);
    trail.push(key);
    checkText(key, walk);
    // The key is its own already, so that none that objects inherit is meant.
    encoded[key] = encode(encoded[key], walk);
    trail.pop();
    if (key.startsWith('$')) isReserved = true;
  }
  if (!isReserved) return encoded as Record<string, Json>;
  const entries = Object.entries(encoded as Record<string, Json>);
  return Object.fromEntries(entries.map(([key, child]) => [key.startsWith('$') ? `$${key}` : key, child]));
}

function copyOf(value: object, walk: Walk): Record<string, unknown> {
  try {
    return { ...value };
  } catch {
    const key = Object.keys(value).find((each) => !isReadable(value, each));
    if (key !== undefined) walk.trail.push(key);
    throw notJson(walk, 'a getter that threw', 'an error');
  }
}

function isReadable(value: object, key: string): boolean {
  try {
    Reflect.get(value, key);
    return true;
  } catch {
    return false;
  }
}

function encodeList(list: readonly unknown[], walk: Walk): Json {
  const encoded: Json[] = [];
  for (let index = 0; index < list.length; index += 1) {
    walk.trail.push(index);
    if (!(index in list)) throw notJson(walk, 'a hole', 'null');
    countKey(walk);
    encoded.push(encode(list[index], walk));
    walk.trail.pop();
  }
  return encoded;
}

const longestKey = 64;

function pathOf({ root, trail }: Walk): string {
  return root + trail.map(stepText).join('');
}

function stepText(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  const shown = step.length > longestKey ? `${step.slice(0, longestKey)}…` : step;
  return /^[A-Za-z_]\w*$/.test(shown) ? `.${shown}` : `[${JSON.stringify(shown)}]`;
}

function countKey(walk: Walk): void {
  walk.count += 1;
  walk.size += 1;
  if (walk.count > walk.limits.keys) throw tooLarge(walk.path, walk.limits.keys, walk.count, 'keys');
}

function countText(text: string, walk: Walk): void {
  walk.size += text.length + 4;
  walk.least += text.length;
  if (walk.least > walk.limits.bytes) throw tooLarge(walk.path, walk.limits.bytes, walk.least, 'bytes');
}

function tooLarge(path: string, limit: number, actual: number, unit: string): SignalboxError {
  return new SignalboxError('ARGS_TOO_LARGE', { path, limit, actual, unit });
}

function checkText(text: string, walk: Walk): string {
  if (text.includes('\u0000')) throw notJson(walk, 'text with a NUL character', 'text that databases refuse');
  if (!text.isWellFormed()) throw notJson(walk, 'text with a lone surrogate', 'text that is not Unicode');
  return text;
}

function jsonResultOf(value: object): string {
  if (value instanceof Date) return 'text (write value.toISOString() yourself)';
  if (value instanceof Map || value instanceof Set || value instanceof Error || value instanceof RegExp)
    return '{}';
  return 'a plain object';
}

function notJson(walk: Walk, actual: string, wouldBecome: string): SignalboxError {
  return new SignalboxError('ARGS_NOT_JSON', { path: pathOf(walk), actual, wouldBecome });
}

function isReference(value: Json): boolean {
  // A user's key of that name is stored with its `$` doubled.
  return typeof value === 'object' && value !== null && '$job' in value;
}

/** Returns a copy of a stored value as the program sees it: references resolved, doubled `$` undone. */
export function decodeValue(value: Json, resolve: ResolveJob): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((element: Json) => decodeValue(element, resolve));
  const keys = Object.keys(value);
  const record = value as { readonly [key: string]: Json };
  if (keys.length === 1 && keys[0] === '$job') return resolve(String(record.$job));
  if (keys.length === 1 && keys[0] === codedKey) throw new SignalboxError('CODEC_FAILED', {});
  const decoded: Record<string, unknown> = {};
  if (keys.length === 1 && keys[0] === '$failure')
    return new Failure(decodeValue(record.$failure ?? null, resolve) as StoredFailure);
  for (const key of keys)
    setOwn(decoded, key.startsWith('$$') ? key.slice(1) : key, decodeValue(record[key] ?? null, resolve));
  return decoded;
}

/** Returns the ids of the jobs that a stored value refers to. */
export function referredJobs(value: Json): readonly string[] {
  if (value === null || typeof value !== 'object') return noJobs;
  if (!Array.isArray(value) && '$job' in value) return [String((value as { $job: Json }).$job)];
  if (!Array.isArray(value) && codedKey in value) {
    // Never trust the type: a program that can write the files may have written anything here.
    const { jobs } = Object(value[codedKey as keyof typeof value]) as { readonly jobs?: unknown };
    return Array.isArray(jobs) ? jobs.map(String) : noJobs;
  }
  let found: readonly string[] = noJobs;
  // Indexes call this for every value at every move of its job, and very few values refer to a job.
  for (const key in value) {
    const inner = referredJobs((value as { readonly [key: string]: Json })[key] ?? null);
    if (inner.length > 0) found = [...found, ...inner];
  }
  return found;
}

const noJobs: readonly string[] = Object.freeze([]);
