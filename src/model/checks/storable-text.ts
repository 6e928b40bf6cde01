import type { Json } from '../../../machines/json.ts';

/** Returns text that every store can keep: databases refuse NUL characters, and lone surrogates are not Unicode. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** Returns the value of a JSON text, with keys and texts that every store can keep. */
export function storableValue(json: string): Json {
  return JSON.parse(json, (_key, value: Json) => cleaned(value)) as Json;
}

/** Cleans one level: `JSON.parse` calls its reviver for the inner levels first. */
function cleaned(value: Json): Json {
  if (typeof value === 'string') return storableText(value);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [storableText(key), child]));
}
