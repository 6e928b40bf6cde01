import type { Json } from '../../../machines/json.ts';

/** Text that every store can keep: databases refuse NUL characters, and halves of characters are no Unicode. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** The value of a JSON text, with text that every store can keep, in keys as in values. */
export function storableValue(json: string): Json {
  return JSON.parse(json, (_key, value: Json) => cleaned(value)) as Json;
}

/** One level: a reviver is told of the inner ones first. */
function cleaned(value: Json): Json {
  if (typeof value === 'string') return storableText(value);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [storableText(key), child]));
}
