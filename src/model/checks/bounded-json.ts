/**
 * Returns the JSON text of a value from a program. Stops as soon as the text would be longer than the limit: a
 * small value that contains one part many times may have a text that fills the memory.
 *
 * @throws RangeError when the text would be longer than `limit` characters, or the value nests deeper than the stack.
 * @throws TypeError when the value is not JSON.
 */
export function jsonWithin(value: unknown, limit: number): string | undefined {
  let left = limit;
  return JSON.stringify(value, (key, part: unknown) => {
    left -= key.length + (typeof part === 'string' ? part.length : 1);
    if (left < 0) throw new RangeError(`JSON of more than ${limit} characters`);
    return part;
  });
}

/**
 * Whether a value has at most this many characters and parts down to a depth; deeper parts are not examined. A
 * part that is referenced several times counts each time, as it would in a text.
 */
export function holdsAtMost(value: unknown, limit: number, depth: number): boolean {
  return leftAfter(value, limit, depth) >= 0;
}

function leftAfter(value: unknown, room: number, depth: number): number {
  if (typeof value === 'string') return room - value.length;
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || depth === 0)
    return room - 1;
  let left = room - 1;
  for (const key in value) {
    left = leftAfter((value as Record<string, unknown>)[key], left - key.length, depth - 1);
    if (left < 0) break;
  }
  return left;
}
