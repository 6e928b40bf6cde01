import type { Failure } from '../../model/values/failure.ts';
import type { Detached } from '../definitions/detached.ts';
import type { JobLike, jobBrand } from './job-like.ts';

// What `encodeValue` accepts, as types: test/types/stored-values.test.ts asks both about each kind of value.

declare const unchecked: unique symbol;

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

// biome-ignore lint/suspicious/noConfusingVoidType: code without a return statement returns void
export type Nothing = undefined | void;
export type Leaf = string | number | boolean | null;
export type Code = ((...args: never) => unknown) | (abstract new (...args: never) => unknown);

/** How deep types are examined: beyond it they pass. Each level is a type of its own, so what is related is compared once. */
export type Deepest = 8;
/** The number before: `Less[8]` is 7. */
export type Less = readonly [0, 0, 1, 2, 3, 4, 5, 6, 7];
export type Depth = Less[number] | Deepest;

/** A type with `never` for each part that cannot be stored. Lists are written out, so that a type may contain itself. */
export type Stored<Given, Deep extends Depth = Deepest> = unknown extends Given
  ? Given
  : Given extends Leaf
    ? Given
    : Given extends Code | symbol | bigint | Nothing
      ? never
      : Deep extends 0
        ? Given
        : Given extends readonly unknown[]
          ? StoredList<Given, Less[Deep]>
          : StoredObject<Given, Less[Deep]>;

type StoredList<Given extends readonly unknown[], Deep extends Depth> = number extends Given['length']
  ? readonly Stored<Given[number], Deep>[]
  : {
      [Index in keyof Given as Index extends `${number}` ? Index : never]:
        | Stored<Given[Index], Deep>
        | LeftOut<Given, Index>;
    };

/** What stands for itself: jobs, and what the program vouches for. */
export type Mark = typeof jobBrand | typeof unchecked;

/** A key that is a symbol marks a type: few values have it. */
type StoredObject<Given, Deep extends Depth> = [Extract<keyof Given, Mark>] extends [never]
  ? IsError<Given> extends true
    ? never
    : {
        [Key in keyof Given]: Key extends symbol
          ? Given[Key]
          : Stored<Given[Key], Deep> | LeftOut<Given, Key>;
      }
  : Given;

/** An Error has no methods by which it could be told. */
export type IsError<Given> = string extends keyof Given
  ? false
  : 'name' | 'message' | 'stack' | 'cause' extends keyof Given
    ? true
    : false;

/** A callback gets a Failure, which is stored nowhere. An argument that may be left out has a type with `undefined`. */
export type StoredArgs<Args> = {
  [Index in keyof Args]: Stored<Args[Index]> | Failure | LeftOut<Args, Index>;
};

/**
 * `undefined` where a key may be left out: many types of data that others generate say `a?: string | undefined`. That
 * property is then refused at run time.
 */
export type LeftOut<Holder, Key extends keyof Holder> = undefined extends Holder[Key]
  ? number extends Key
    ? never
    : Partial<Pick<Holder, Key>> extends Pick<Holder, Key>
      ? undefined
      : never
  : never;

/** The value among what code gives: nothing counts as null, and a job or a Failure is an outcome of its own. */
export type Value<Result> =
  Result extends Detached<infer Settled>
    ? Exclude<Settled, Failure | Nothing>
    : Exclude<Result, JobLike | Failure | Nothing>;
