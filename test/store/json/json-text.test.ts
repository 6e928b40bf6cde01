import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonText } from '../../../src/store/json/json-text.ts';

it('gives the text of JSON.stringify', () => {
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
      fc.constantFrom(null, undefined, -0, 1e21, 5e-324),
      fc.array(tie('any').filter((item) => item !== undefined)),
      fc.array(fc.nat(), { minLength: 99, maxLength: 102 }),
      fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'toJSON')), tie('any')),
    ),
  })).any;
  fc.assert(
    fc.property(value, (any) => {
      if (any !== undefined) expect(jsonText(any as never)).toBe(JSON.stringify(any));
    }),
    { numRuns: 2000 },
  );
});
