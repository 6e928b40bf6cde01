import type { Json } from '../../../machines/json.ts';

/** The JSON text of a value with the keys of each object in order: the same for equal values. */
export function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const parts = Object.keys(value)
    .sort()
    .map(
      (key) =>
        `${JSON.stringify(key)}:${canonicalJson((value as { readonly [key: string]: Json })[key] as Json)}`,
    );
  return `{${parts.join(',')}}`;
}
