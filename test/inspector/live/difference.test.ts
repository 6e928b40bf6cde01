import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { difference, patched } from '../../../src/inspector/protocol/difference.ts';

/** What a stream makes of a value. */
function sent<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

const json = fc.jsonValue({ maxDepth: 5 }).map(sent);
const row = fc.record({ id: fc.nat(6), text: fc.string(), parts: fc.array(fc.nat(3), { maxLength: 3 }) });
const rows = fc.uniqueArray(row, { selector: ({ id }) => id });
const key = fc.constantFrom('a', 'b', '__proto__', 'constructor');
const fields = fc
  .array(fc.tuple(key, fc.oneof(json, rows, fc.constant(undefined))))
  .map((entries) => Object.fromEntries(entries));

describe('A difference', () => {
  it.each([
    ['of any JSON', json, json],
    ['of rows', rows, rows],
    ['of fields', fields, fields],
  ])('%s makes the new value of the old one, and leaves both as they are', (_, before, after) => {
    fc.assert(
      fc.property(before, after, (old, next) => {
        const text = JSON.stringify([old, next]);
        const change = sent(difference(sent(old), next));

        expect(patched(sent(old), change)).toEqual(sent(next));
        expect(JSON.stringify([old, next])).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('between equal values is none', () => {
    fc.assert(
      fc.property(fields, (value) => {
        expect(difference(sent(value), value)).toBeNull();
      }),
    );
  });

  it('sends of a list only what is new, also when all rows move', () => {
    const old = Array.from({ length: 200 }, (_, id) => ({ id, text: `row ${id}` }));
    const next = [
      { id: 900, text: 'new' },
      ...old.slice(0, 150).map((each) => (each.id === 100 ? { ...each, text: 'changed' } : each)),
    ];

    expect(difference(old, next)).toEqual({
      items: [
        { add: { id: 900, text: 'new' } },
        { from: 0, count: 100 },
        { old: 100, to: { keys: { text: { is: 'changed' } } } },
        { from: 101, count: 49 },
      ],
    });
  });

  it('keeps a key that is called as the prototype an own key', () => {
    const next = JSON.parse('{"__proto__":{"isAdmin":true}}') as object;

    const made = patched({}, difference({}, next)) as { readonly isAdmin?: boolean };

    expect([made.isAdmin, Object.keys(made)]).toEqual([undefined, ['__proto__']]);
  });
});
