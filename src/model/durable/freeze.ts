import type { AnyStateNode } from 'xstate';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { getOwn, setOwn } from '../checks/own-keys.ts';
import type { ActorRecord } from '../records/records.ts';
import { encodeValue } from '../values/values.ts';
import type { StepAt } from './machine.ts';

/** The keys of a record that a step changes. */
export type Changes = Record<string, Json>;

/**
 * Adds the keys of the context that are others than before. What was not replaced is not looked at. XState never takes a key away: it
 * is undefined then.
 */
export function freezeContext(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  changes: Changes,
  at: StepAt,
): void {
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (value === getOwn(before, key)) continue;
    changes[`c:${key}`] = encodeTop(value, `context.${key}`, at);
  }
}

/** A value at the top of a context: null is data there, and undefined is no key. */
export function encodeTop(value: unknown, path: string, at: StepAt): Json {
  if (value === undefined) return null;
  if (value === null) return { $null: 1 };
  return encodeValue(value, path, at.refer, at.limits, true);
}

/** A value that is stored beside the context: an output, or an event. */
export function encodePart(value: unknown, path: string, at: StepAt): Json {
  return encodeValue(value, path, at.refer, at.limits, true);
}

/** What history states remember, by id; null: nothing. */
export function freezeHistory(
  history: Readonly<Record<string, readonly AnyStateNode[]>>,
): { readonly [node: string]: readonly string[] } | null {
  const frozen: Record<string, readonly string[]> = {};
  let isEmpty = true;
  for (const [id, nodes] of Object.entries(history)) {
    isEmpty = false;
    setOwn(
      frozen,
      id,
      nodes.map((node) => node.id),
    );
  }
  return isEmpty ? null : frozen;
}

/** @throws SignalboxError `ACTOR_LIMIT` when the context is too large with these changes. */
export function checkContextSize(record: ActorRecord | null, changes: Changes, at: StepAt): void {
  let isChanged = false;
  let characters = 2;
  for (const key in changes) {
    if (!key.startsWith('c:')) continue;
    isChanged = true;
    characters += key.length + 3 + sizeOf(changes[key] ?? null);
  }
  if (!isChanged) return;
  for (const key in record) {
    if (!key.startsWith('c:') || key in changes) continue;
    characters += key.length + 3 + sizeOf(record[key as `c:${string}`] ?? null);
  }
  const limit = at.limits.context;
  // A character of JSON takes at most three bytes, or six characters when it is a control character of a text.
  if (characters * 6 <= limit) return;
  const actual = Buffer.byteLength(JSON.stringify(contextWith(record, changes)));
  if (actual > limit)
    throw new SignalboxError('ACTOR_LIMIT', { id: at.id, what: 'bytes of context', limit, actual });
}

function contextWith(record: ActorRecord | null, changes: Changes): Changes {
  const context: Changes = {};
  for (const [key, value] of Object.entries({ ...record, ...changes }))
    if (key.startsWith('c:') && value !== null) setOwn(context, key.slice(2), value as Json);
  return context;
}

// Values of records are never changed in place, so each is measured once.
const sizes = new WeakMap<object, number>();

function sizeOf(value: Json): number {
  if (typeof value === 'string') return value.length;
  if (value === null || typeof value !== 'object') return 8;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  const size = JSON.stringify(value).length;
  sizes.set(value, size);
  return size;
}
