/**
 * The JSON text of a value from a program. It ends as soon as it is clear that the text would be longer: a small value
 * that holds one part many times may have a text that no memory can take.
 *
 * @throws RangeError when it would be longer than `limit` characters, or nests deeper than the stack.
 * @throws TypeError when it is no JSON.
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
 * Whether a value holds at most this many characters and parts down to a depth; what stands below is not looked at. A part
 * that is reached by several ways counts each time, as it would in a text.
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
