import type { Failure } from '../../model/values/failure.ts';
import type { Detached } from '../definitions/detached.ts';
import type { JobLike, jobBrand } from './job-like.ts';

// What `encodeValue` refuses, as types: test/types/stored-values.test.ts asks both about each kind of value.

declare const unchecked: unique symbol;
declare const notStored: unique symbol;

/**
 * Says that values of this type can be stored, although the compiler does not see it: their type has methods that the values
 * lack, or names `undefined` where there never is one. No value is changed, and each is checked when it is stored.
 *
 * @example
 * ```ts
 * import { defineJob, type Unchecked } from 'signalbox';
 *
 * interface Row {
 *   readonly id: number;
 *   readonly note: string | undefined;
 * }
 * export const copy = defineJob({ name: 'copy', run: (row: Unchecked<Row>) => row.id });
 * ```
 */
export type Unchecked<Value extends object> = Value & { readonly [unchecked]?: true };

/**
 * What the compiler compares a type with that cannot be stored. There is no such value: `_Why` is for its message.
 *
 * @example
 * ```ts
 * import { defineJob } from 'signalbox';
 *
 * // @ts-expect-error … NotStored<"args[0].due: a Date is not stored as such: pass an ISO string or milliseconds">
 * export const remind = defineJob({ name: 'remind', run: (what: { due: Date }) => what.due.getDay() });
 * ```
 */
// It has no part of the type `_Why`, which the compiler would compute wherever it compares two definitions.
export interface NotStored<_Why> {
  readonly [notStored]: never;
}

/** What arguments and result of a definition must be: an error at `run` when they cannot be stored. */
export type StoredJob<Args extends readonly unknown[], Returned> = [
  Fits<[Args, Value<Awaited<Returned>>], [StoredArgs<Args>, Stored<Value<Awaited<Returned>>>]>,
] extends [never]
  ? { readonly run: NotStored<WhyArgs<Args> | Why<Value<Awaited<Returned>>, 'result'>> }
  : unknown;

/** What arguments of a stored job must be. */
export type StoredArguments<Args extends readonly unknown[]> = [Fits<Args, StoredArgs<Args>>] extends [never]
  ? NotStored<WhyArgs<Args>>
  : unknown;

/** What settings with these annotations must be. */
export type StoredAnnotations<Notes> = [Fits<Notes, Stored<Notes>>] extends [never]
  ? { readonly annotations?: NotStored<Why<Notes, 'annotations'>> }
  : unknown;

/** What any other value must be that is stored. `Name`: how the message calls it. */
export type StoredValue<Given, Name extends string> = [Fits<Given, Stored<Given>>] extends [never]
  ? NotStored<Why<Given, Name>>
  : unknown;

/** What the result of a job must be that is given by itself. */
export type StoredResult<Result> = StoredValue<Exclude<Result, Nothing>, 'result'>;

/**
 * `never` when the first is not assignable to the other. The compiler knows nothing of a type parameter, and must compare with
 * both branches of a condition then. But it leaves out what cannot be: `[true]` never extends `[never]`. So generic code passes.
 */
type Fits<Given, Good> = [Given] extends [Good] ? true : never;

/** The value among what code gives: nothing counts as null, and a job or a Failure is an outcome of its own. */
type Value<Result> =
  Result extends Detached<infer Settled>
    ? Exclude<Settled, Failure | Nothing>
    : Exclude<Result, JobLike | Failure | Nothing>;

// biome-ignore lint/suspicious/noConfusingVoidType: code without a return statement returns void
type Nothing = undefined | void;
type Leaf = string | number | boolean | null;
type Code = ((...args: never) => unknown) | (abstract new (...args: never) => unknown);

/** A type with `never` for each part that cannot be stored. Lists are written out, so that a type may contain itself. */
type Stored<Given> = unknown extends Given
  ? Given
  : Given extends Leaf
    ? Given
    : Given extends Code | symbol | bigint | Nothing
      ? never
      : Given extends readonly unknown[]
        ? number extends Given['length']
          ? readonly Stored<Given[number]>[]
          : { [Index in keyof Given as Index extends `${number}` ? Index : never]: Stored<Given[Index]> }
        : StoredObject<Given>;

/** A key that is a symbol marks a type: few values have it. */
type StoredObject<Given> = [Extract<keyof Given, typeof jobBrand | typeof unchecked>] extends [never]
  ? IsError<Given> extends true
    ? never
    : { [Key in keyof Given]: Key extends symbol ? Given[Key] : Stored<Given[Key]> }
  : Given;

/** An Error has no methods by which it could be told. */
type IsError<Given> = string extends keyof Given
  ? false
  : 'name' | 'message' | 'stack' | 'cause' extends keyof Given
    ? true
    : false;

/** A callback gets a Failure, which is stored nowhere. An argument that may be left out has a type with `undefined`. */
type StoredArgs<Args> = {
  [Index in keyof Args]: Stored<Args[Index]> | Failure | Left<Args, Index>;
};

/** `undefined` where a key may be left out. */
type Left<Holder, Key extends keyof Holder> = number extends Key
  ? never
  : Partial<Pick<Holder, Key>> extends Pick<Holder, Key>
    ? undefined
    : never;

type WhyArgs<Args extends readonly unknown[]> = number extends Args['length']
  ? Why<Exclude<Args[number], Failure | undefined>, 'args[n]'>
  : {
      [Index in keyof Args & `${number}`]: Why<
        Exclude<Args[Index], Failure | Left<Args, Index>>,
        `args[${Index}]`
      >;
    }[keyof Args & `${number}`];

/**
 * Where a type cannot be stored, and why, as text: one for each place, as deep as 12. Only computed for a type that cannot. In one
 * piece, since the compiler would show the names of its parts and not the texts.
 */
type Why<Given, Path extends string, Within = never, Depth extends readonly 0[] = []> = unknown extends Given
  ? never
  : Given extends Leaf
    ? never
    : [Reason<Given>] extends [never]
      ? [Given] extends [Stored<Given>]
        ? never
        : [(same: Given) => Given] extends [Within]
          ? never
          : Depth['length'] extends 12
            ? `${Path}: this is not JSON`
            : Given extends readonly unknown[]
              ? number extends Given['length']
                ? Why<Given[number], `${Path}[n]`, Within | ((same: Given) => Given), [...Depth, 0]>
                : {
                    [Index in keyof Given & `${number}`]: Why<
                      Exclude<Given[Index], Left<Given, Index>>,
                      `${Path}[${Index}]`,
                      Within | ((same: Given) => Given),
                      [...Depth, 0]
                    >;
                  }[keyof Given & `${number}`]
              : {
                  [Key in keyof Given & (string | number)]-?: Why<
                    Exclude<Given[Key], Left<Given, Key>>,
                    `${Path}.${Key}`,
                    Within | ((same: Given) => Given),
                    [...Depth, 0]
                  >;
                }[keyof Given & (string | number)]
      : `${Path}: ${Reason<Given>}`;

type Reason<Given> = Given extends Code
  ? Given extends { readonly definition: unknown }
    ? 'a definition is not stored: pass a job of it, or its name'
    : 'a function is not stored: pass the data that it needs'
  : Given extends bigint
    ? 'a bigint is not stored: pass it as text'
    : Given extends symbol
      ? 'a symbol is not stored: pass text'
      : Given extends Nothing
        ? 'undefined is not stored: leave it out, or pass null'
        : ReasonOfObject<Given>;

type ReasonOfObject<Given> = Given extends Date
  ? 'a Date is not stored as such: pass an ISO string or milliseconds'
  : Given extends ReadonlyMap<unknown, unknown>
    ? 'a Map is not stored: pass an object, or its entries as a list'
    : Given extends ReadonlySet<unknown>
      ? 'a Set is not stored: pass its values as a list'
      : Given extends ArrayBufferView | ArrayBuffer
        ? 'bytes are not stored: pass them as base64 text'
        : Given extends PromiseLike<unknown>
          ? 'a promise is not stored: await it first'
          : Given extends Failure
            ? 'a Failure is not stored: pass its name and message'
            : IsError<Given> extends true
              ? 'an Error is not stored: pass its name and message'
              : Given extends readonly unknown[]
                ? never
                : IsUnion<Methods<Given>> extends true
                  ? 'an object with methods is not stored: pass its data'
                  : never;

type Methods<Given> = {
  [Key in keyof Given & string]-?: Given[Key] extends Code ? Key : never;
}[keyof Given & string];

type IsUnion<Part, Whole = Part> = true extends (
  Part extends unknown
    ? [Whole] extends [Part]
      ? false
      : true
    : never
)
  ? true
  : false;
