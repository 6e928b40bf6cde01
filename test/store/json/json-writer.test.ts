import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonWriter } from '../../../src/store/json/journal/json-writer.ts';

it('writes the bytes of JSON.stringify', () => {
  const json = new JsonWriter();
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ maxLength: 300 }),
    fc.constantFrom('"', '\\', '\n'),
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.maxSafeNat(),
      fc.constantFrom(null, undefined, -0, 1e15, 1e15 + 1, 1e21, 5e-324),
      fc.array(tie('any').filter((item) => item !== undefined)),
      fc.array(fc.nat(), { minLength: 99, maxLength: 102 }),
      fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'toJSON')), tie('any')),
    ),
  })).any;
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
