/**
 * Returns the JSON text of a value from a program. Stops as soon as the text would be longer than the limit: a
 * small value that contains one part many times may have a text that fills the memory.
 *
 * @throws RangeError when the text would be longer than `limit` characters, or the value nests deeper than the stack.
 * @throws TypeError when the value is not JSON.
 */
export function jsonWithin(value: unknown, limit: number): string | undefined {
  let remaining = limit;
  return JSON.stringify(value, (key, part: unknown) => {
    remaining -= key.length + (typeof part === 'string' ? part.length : 1);
    if (remaining < 0) throw new RangeError(`JSON of more than ${limit} characters`);
    return part;
  });
}

/**
 * Whether a value has at most this many characters and parts down to a depth; deeper parts are not examined. A
 * part that is referenced several times counts each time, as it would in a text.
 */
export function holdsAtMost(value: unknown, limit: number, depth: number): boolean {
  return remainingAfter(value, limit, depth) >= 0;
}

function remainingAfter(value: unknown, room: number, depth: number): number {
  if (typeof value === 'string') return room - value.length;
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || depth === 0)
    return room - 1;
  let remaining = room - 1;
  for (const key in value) {
    remaining = remainingAfter((value as Record<string, unknown>)[key], remaining - key.length, depth - 1);
    if (remaining < 0) break;
  }
  return remaining;
}
