import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue, referredJobs } from '../../src/model/values/values.ts';

/** Hostile JSON: keys with dollars and prototypes, deep and wide, any well-formed text. */
const text = fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll('\u0000', ''));
const key = fc.oneof(
  text,
  fc.constantFrom('$', '$$', '$job', '$$job', '__proto__', 'constructor', 'toString', ''),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), text),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(key, tie('json'), { maxKeys: 5 }),
  ),
}));

const noJobs = (): null => null;
const noResolve = (): never => {
  throw new Error('there is no job in it');
};

describe('a value that is stored', () => {
  it('comes back as JSON would have it, through text and all', () => {
    fc.assert(
      fc.property(json, (value) => {
        const stored = JSON.parse(JSON.stringify(encodeValue(value, 'args[0]', noJobs)));
        const back = decodeValue(stored, noResolve);

        expect(JSON.stringify(back)).toBe(JSON.stringify(value));
        expect(back).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 2000 },
    );
  });

  it('is a copy: nothing of it is the program’s own', () => {
    const value = { list: [{ a: 1 }] };
    const stored = encodeValue(value, 'args[0]', noJobs);
    value.list.push({ a: 2 });

    expect(stored).toEqual({ list: [{ a: 1 }] });
  });

  it('names exactly the jobs that were referred to, never those that a user key only looks like', () => {
    const jobs = new Map<object, string>();
    const job = fc.uuid().map((id) => {
      const reference = { id };
      jobs.set(reference, id);
      return reference;
    });
    const mixed = fc.array(fc.oneof(job, fc.dictionary(key, fc.constantFrom('x', 'y'))), { maxLength: 8 });

    fc.assert(
      fc.property(mixed, (values) => {
        const stored = encodeValue(values, 'args', (value) => jobs.get(value) ?? null);
        const wanted = values.flatMap((value) => jobs.get(value) ?? []);
        const resolved: string[] = [];
        decodeValue(stored, (id) => resolved.push(id));

        expect([...referredJobs(stored)]).toEqual(wanted);
        expect(resolved).toEqual(wanted);
      }),
    );
  });

  it('is refused at its first part that is not JSON, anywhere in it, with the path to that part', () => {
    const step = fc.oneof(fc.nat(3), fc.constantFrom('a', 'b_1', 'a b', '0', '$x'));

    fc.assert(
      fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
        const value = steps.reduceRight<unknown>(
          (inner, at) =>
            typeof at === 'number' ? [...Array<number>(at).fill(0), inner] : { ok: 1, [at]: inner },
          new Map(),
        );
        const path = steps
          .map((at) =>
            typeof at === 'number'
              ? `[${at}]`
              : /^[a-z]\w*$/i.test(at)
                ? `.${at}`
                : `[${JSON.stringify(at)}]`,
          )
          .join('');

        expect(() => encodeValue(value, 'args[0]', noJobs)).toThrow(
          `Expected args[0]${path} to be a JSON value, got Map`,
        );
      }),
    );
  });

  it('takes at most the bytes of the limit, counted as they are written', () => {
    fc.assert(
      fc.property(json, fc.nat(400), (value, bytes) => {
        const stored = encodeValue(value, 'args[0]', noJobs);
        const size = Buffer.byteLength(JSON.stringify(stored));
        const isTaken = (() => {
          try {
            encodeValue(value, 'args[0]', noJobs, { depth: 64, keys: 10_000, bytes });
            return true;
          } catch {
            return false;
          }
        })();

        expect(isTaken).toBe(size <= bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
