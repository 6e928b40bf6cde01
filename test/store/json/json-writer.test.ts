import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonWriter } from '../../../src/store/json/journal/json-writer.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom('"', '\\', '\n'),
);
const instants = fc.constantFrom(999_999_999, 1e9, 1e9 + 1, 1_796_092_255_214, 1_796_092_255_215, 1e15);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.maxSafeNat(),
    instants,
    fc.constantFrom(null, undefined, -0, 1e15, 1e15 + 1, 1e21, 5e-324),
    fc.array(tie('any').filter((item) => item !== undefined)),
    fc.array(fc.nat(), { minLength: 99, maxLength: 102 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'toJSON')), tie('any')),
  ),
})).any;

it('writes the bytes of JSON.stringify', () => {
  const json = new JsonWriter();
  fc.assert(
    fc.property(value, (any) => {
      if (any === undefined) return;
      const start = json.size;
      json.value(any as never);
      expect(json.bytes(start).toString()).toBe(JSON.stringify(any));
    }),
    { numRuns: 2000 },
  );
});

it('writes one text after another, cleared between, as each alone', () => {
  const json = new JsonWriter();
  const numbers = fc.array(fc.oneof(instants, fc.nat()));
  fc.assert(
    fc.property(fc.array(fc.oneof(instants, numbers, value)), (values) => {
      for (const each of values.filter((item) => item !== undefined)) {
        json.clear();
        json.value(each as never);
        expect(json.bytes().toString()).toBe(JSON.stringify(each));
      }
    }),
  );
});

it('writes a string in pieces, and bytes that were encoded before', () => {
  const json = new JsonWriter();
  fc.assert(
    fc.property(text, text, (first, second) => {
      json.clear();
      json.fragment(new Uint8Array(Buffer.from(`{"key":${JSON.stringify(first)},"`)));
      json.inner(second);
      json.fragment(new Uint8Array(Buffer.from('":1}')));
      expect(json.bytes().toString()).toBe(`{"key":${JSON.stringify(first)},${JSON.stringify(second)}:1}`);
    }),
  );
});
