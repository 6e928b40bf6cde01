import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SignalboxError } from '../../src/errors.ts';
import { Failure } from '../../src/model/values/failure.ts';
import { encodeValue } from '../../src/model/values/values.ts';

/** Errors whose every property throws or misleads. */
function trap(name: string): Error {
  return Object.defineProperty(new Error('trapped'), name, {
    enumerable: true,
    get: () => {
      throw new Error(`the getter of ${name} failed`);
    },
  });
}

const noToString = { toString: null, [Symbol.toPrimitive]: null };
const hostileProxy = new Proxy(
  {},
  {
    get: () => {
      throw new Error('no');
    },
    getPrototypeOf: () => {
      throw new Error('no');
    },
    ownKeys: () => {
      throw new Error('no');
    },
  },
);
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const cyclic = Object.assign(new Error('cyclic'), { self: null as unknown });
cyclic.self = cyclic;
const causedByItself = new Error('a circle');
causedByItself.cause = causedByItself;

const weird: readonly (readonly [what: string, thrown: unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 42],
  ['NaN', Number.NaN],
  ['a bigint', 10n],
  ['a symbol', Symbol('s')],
  ['text', 'no such file'],
  ['empty text', ''],
  ['a function', () => 1],
  ['an object', { code: 5 }],
  ['an object that cannot be text', noToString],
  ['an object without a prototype', Object.create(null)],
  ['a Proxy that throws', hostileProxy],
  ['a revoked Proxy', revoked.proxy],
  ['a Date', new Date(Number.NaN)],
  ['a cyclic error', cyclic],
  ['an error that is its own cause', causedByItself],
  ['an error whose name is no text', Object.assign(new Error('x'), { name: Symbol('n') })],
  ['an error whose name cannot be text', Object.assign(new Error('x'), { name: noToString })],
  ['an error whose message is an object', Object.assign(new Error(), { message: { a: 1 } })],
  ['an error without a stack', Object.assign(new Error('x'), { stack: undefined })],
  ['an error whose code is an object', Object.assign(new Error('x'), { code: noToString })],
  ['an error whose name throws', trap('name')],
  ['an error whose message throws', trap('message')],
  ['an error whose stack throws', trap('stack')],
  ['an error whose code throws', trap('code')],
  ['an error whose cause throws', trap('cause')],
  ['an error whose own property throws', trap('detail')],
  ['an error with a hostile property', Object.assign(new Error('x'), { of: hostileProxy })],
  ['an error with a bigint', Object.assign(new Error('x'), { size: 10n })],
  ['an error with NUL and a lone surrogate', Object.assign(new Error('a\u0000\ud800'), { at: '\udc00' })],
  ['an error with a toJSON that throws', Object.assign(new Error('x'), { toJSON: trap })],
  ['an AggregateError', new AggregateError([new Error('a'), 'b'], 'both')],
];

describe('whatever is thrown', () => {
  it.each(weird)('%s becomes a failure that can be stored, shown and thrown again', (_what, thrown) => {
    const failure = Failure.from(thrown);
    const stored = JSON.parse(JSON.stringify(failure.data));

    expect(() => encodeValue(failure.data, 'failure', () => null)).not.toThrow();
    expect(stored).toEqual(failure.data);
    expect(Buffer.byteLength(JSON.stringify(stored))).toBeLessThan(512 * 1024);
    for (const detail of ['brief', 'default', 'verbose'] as const)
      expect(typeof new Failure(stored).text(detail)).toBe('string');
    expect(new Failure(stored).toError()).toBeInstanceOf(Error);
  });

  it('any text and any property is kept or replaced, and never a reason to fail', () => {
    const thrown = fc.oneof(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
      }),
      fc
        .tuple(fc.string({ unit: 'binary' }), fc.dictionary(fc.string(), fc.anything({ withBigInt: true })))
        .map(([message, { stack: _s, cause: _c, message: _m, name: _n, ...extra }]) =>
          Object.assign(new Error(message), extra),
        ),
    );

    fc.assert(
      fc.property(thrown, (error) => {
        const { data } = Failure.from(error);

        expect(JSON.parse(JSON.stringify(data))).toEqual(data);
        expect(JSON.stringify(data)).toBe(JSON.stringify(data).toWellFormed());
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a failure', () => {
  it('of a huge error is cut, and says so', () => {
    const error = Object.assign(new Error('m'.repeat(10_000_000)), { dump: 'd'.repeat(10_000_000) });

    const { data } = Failure.from(error);

    expect(data.message).toMatch(/^m+…$/);
    expect(JSON.stringify(data).length).toBeLessThan(64 * 1024);
  });

  it('keeps its causes in order, down to a depth, and is found by the name or code of any of them', () => {
    const disk = Object.assign(new Error('disk'), { code: 'ENOSPC' });
    const error = new TypeError('outer', { cause: new RangeError('middle', { cause: disk }) });

    const failure = Failure.from(error);

    expect([failure.name, failure.cause?.name, failure.cause?.cause?.message]).toEqual([
      'TypeError',
      'RangeError',
      'disk',
    ]);
    expect([failure.check('ENOSPC'), failure.check('RangeError'), failure.check('EvalError')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(((failure.toError().cause as Error).cause as { code: string }).code).toBe('ENOSPC');
  });

  it('of a thousand causes ends', () => {
    let error = new Error('0');
    for (let at = 1; at < 1000; at += 1) error = new Error(String(at), { cause: error });
    let depth = 0;
    for (let at: Failure | null = Failure.from(error); at !== null; at = at.cause) depth += 1;

    expect(depth).toBeLessThan(20);
  });

  it('of one of our own errors keeps its code', () => {
    const failure = Failure.from(new SignalboxError('JOB_NOT_FOUND', { id: 'x' }));

    expect([failure.code, failure.name]).toEqual(['JOB_NOT_FOUND', 'SignalboxError']);
  });
});
