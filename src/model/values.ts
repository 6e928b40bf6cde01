import type { Json } from '../../machines/json.ts';
import { SignalboxError, shown } from '../errors.ts';

/** Limits of one value at the door. */
export interface ValueLimits {
  /** How deep values may nest. Default 64. */
  readonly depth: number;
  /** How many keys and elements one value may have in all. Default 10,000. */
  readonly keys: number;
  /** How many bytes of JSON one value may take. Default 1 MiB. */
  readonly bytes: number;
}

/** The default limits. */
const defaultLimits: ValueLimits = { depth: 64, keys: 10_000, bytes: 1024 * 1024 };

/** Turns a job into the reference that is stored for it, or says that the value is none. */
export type ReferJob = (value: object) => string | null;

/** Turns a stored reference back into what the program sees. */
export type ResolveJob = (id: string) => unknown;

interface Walk {
  readonly limits: ValueLimits;
  readonly refer: ReferJob;
  count: number;
  size: number;
}

/**
 * A copy of `value` as it is stored: JSON, with jobs as `{"$job": id}` and user keys that start with `$` doubled.
 * Nothing is dropped or changed silently, but for `-0`, which becomes `0`.
 *
 * @throws SignalboxError `ARGS_NOT_JSON`, `ARGS_TOO_DEEP`, `ARGS_TOO_LARGE`, each naming the path.
 */
export function encodeValue(
  value: unknown,
  path: string,
  refer: ReferJob,
  limits: ValueLimits = defaultLimits,
): Json {
  const walk: Walk = { limits, refer, count: 0, size: 0 };
  const encoded = encode(value, path, 0, walk);
  // A character takes at most six bytes, when it is escaped, so most values need no exact count.
  if (walk.size * 6 > limits.bytes) {
    const actual = Buffer.byteLength(JSON.stringify(encoded));
    if (actual > limits.bytes) {
      throw new SignalboxError('ARGS_TOO_LARGE', { path, limit: limits.bytes, actual, unit: 'bytes' });
    }
  }
  return encoded;
}

function encode(value: unknown, path: string, depth: number, walk: Walk): Json {
  switch (typeof value) {
    case 'string':
      walk.size += value.length + 2;
      return checkText(value, path);
    case 'number':
      walk.size += 8;
      if (!Number.isFinite(value)) throw notJson(path, String(value), 'null');
      return value === 0 ? 0 : value;
    case 'boolean':
      walk.size += 5;
      return value;
    case 'object':
      if (value !== null) return encodeObject(value, path, depth, walk);
      walk.size += 4;
      return null;
    case 'undefined':
      throw notJson(path, 'undefined', 'nothing');
    case 'bigint':
      throw notJson(path, 'bigint', 'an error');
    default:
      throw notJson(path, shown(value), 'nothing');
  }
}

function encodeObject(value: object, path: string, depth: number, walk: Walk): Json {
  if (depth >= walk.limits.depth)
    throw new SignalboxError('ARGS_TOO_DEEP', { path, limit: walk.limits.depth });
  walk.size += 2;
  if (Array.isArray(value)) {
    const encoded: Json[] = [];
    for (let index = 0; index < value.length; index += 1) {
      if (!(index in value)) throw notJson(`${path}[${index}]`, 'a hole', 'null');
      countKey(path, walk);
      encoded.push(encode(value[index], `${path}[${index}]`, depth + 1, walk));
    }
    return encoded;
  }
  const reference = walk.refer(value);
  if (reference !== null) {
    walk.size += 40;
    return { $job: reference };
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notJson(path, prototype?.constructor?.name ?? 'an object', whatJsonMakes(value));
  }
  if ('toJSON' in value && typeof value.toJSON === 'function')
    throw notJson(path, 'an object with toJSON', 'something else');
  if (Object.getOwnPropertySymbols(value).length > 0)
    throw notJson(path, 'an object with a symbol key', 'an object without it');
  const encoded: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    countKey(path, walk);
    const childPath = /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
    walk.size += key.length + 4;
    checkText(key, childPath);
    const child = encode(read(value, key, childPath), childPath, depth + 1, walk);
    define(encoded, key.startsWith('$') ? `$${key}` : key, child);
  }
  return encoded;
}

function read(value: object, key: string, path: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    throw notJson(path, 'a getter that threw', 'an error');
  }
}

/** `__proto__` is a key like any other here, never the prototype. */
function define<Value>(target: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}

function countKey(path: string, walk: Walk): void {
  walk.count += 1;
  walk.size += 1;
  if (walk.count > walk.limits.keys) {
    throw new SignalboxError('ARGS_TOO_LARGE', {
      path,
      limit: walk.limits.keys,
      actual: walk.count,
      unit: 'keys',
    });
  }
}

function checkText(text: string, path: string): string {
  if (text.includes('\u0000')) throw notJson(path, 'text with a NUL character', 'text that databases refuse');
  if (!text.isWellFormed()) throw notJson(path, 'text with a lone surrogate', 'text that is not Unicode');
  return text;
}

function whatJsonMakes(value: object): string {
  if (value instanceof Date) return 'text (write value.toISOString() yourself)';
  if (value instanceof Map || value instanceof Set || value instanceof Error || value instanceof RegExp)
    return '{}';
  return 'a plain object';
}

function notJson(path: string, actual: string, wouldBecome: string): SignalboxError {
  return new SignalboxError('ARGS_NOT_JSON', { path, actual, wouldBecome });
}

/** A copy of a stored value as the program sees it: references resolved, doubled `$` undone. */
export function decodeValue(value: Json, resolve: ResolveJob): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((element: Json) => decodeValue(element, resolve));
  const keys = Object.keys(value);
  const record = value as { readonly [key: string]: Json };
  if (keys.length === 1 && keys[0] === '$job') return resolve(String(record.$job));
  const decoded: Record<string, unknown> = {};
  for (const key of keys)
    define(decoded, key.startsWith('$$') ? key.slice(1) : key, decodeValue(record[key] ?? null, resolve));
  return decoded;
}

/** The ids of the jobs that a stored value refers to. */
export function* referredJobs(value: Json): Generator<string> {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value) && '$job' in value) {
    yield String((value as { $job: Json }).$job);
    return;
  }
  for (const child of Object.values(value)) yield* referredJobs(child);
}
