import fc from 'fast-check';
import { Failure } from 'signalbox';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../machines/json.ts';
import { decodeValue, encodeValue } from '../../../src/model/values/values.ts';
import { codeOf, commentOf, programValue } from '../../../src/reading/as-test/code.ts';

/** What code gives. */
function run(code: string): unknown {
  return new Function('Failure', `return (${code});`)(Failure);
}

describe('A value as code', () => {
  it.each<[unknown, string]>([
    ['plain', "'plain'"],
    [`it's "so"`, `'it\\'s "so"'`],
    ['a\\', "'a\\\\'"],
    ['two\nlines\t', "'two\\nlines\\t'"],
    ['\u202edrow\u200b', "'\\u{202e}drow\\u{200b}'"],
    [null, 'null'],
    [-1.5e300, '-1.5e+300'],
    [[], '[]'],
    [{}, '{}'],
    [{ a: 1, 'b-c': [true] }, "{ a: 1, 'b-c': [true] }"],
    [{ 7: 'x', '07': 'y' }, "{ 7: 'x', '07': 'y' }"],
    [JSON.parse('{"__proto__":{"admin":true}}'), "{ ['__proto__']: { admin: true } }"],
  ])('of %j is %s', (value, code) => {
    expect(codeOf(value)).toBe(code);
  });

  it('is broken into lines where it is long', () => {
    const long = 'x'.repeat(60);

    expect(codeOf({ first: long, next: [long, { after: 1 }] })).toBe(
      `{\n  first: '${long}',\n  next: ['${long}', { after: 1 }],\n}`,
    );
  });

  it('gives the value that the program had, whatever that is', () => {
    const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' });
    fc.assert(
      fc.property(value, (given) => {
        const stored = JSON.parse(JSON.stringify(given)) as Json;
        const coded = encodeValue(stored, 'value', () => null) as Json;

        expect(run(codeOf(programValue(coded)))).toEqual(decodeValue(coded, String));
      }),
      { seed: 22, numRuns: 500 },
    );
  });

  it('makes a failure anew, and names a job', () => {
    const failure = Failure.from(new TypeError('no'));
    const stored = encodeValue({ why: failure, $cost: 1 }, 'value', () => null, undefined, true);

    expect(run(codeOf(programValue(stored)))).toEqual({ why: failure, $cost: 1 });
    expect(programValue({ $job: 'j1' })).toEqual({ $job: 'j1' });
    expect(programValue({ $null: 1 })).toBeNull();
    expect(programValue({ $coded: { a: 1 } })).toBe('[coded]');
  });
});

it('A comment stays in its line', () => {
  expect(commentOf('order/1\n*/ \u2028 evil\u202e()')).toBe('order/1 */   evil ()');
});
