import type { Failure } from '../../model/values/failure.ts';
import type {
  Code,
  Deepest,
  Depth,
  IsError,
  Leaf,
  LeftOut,
  Less,
  Mark,
  Nothing,
  Stored,
  StoredArgs,
  Value,
} from './storable.ts';

declare const notStored: unique symbol;

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
export interface NotStored<_Why> {
  // Nothing of the type `_Why`: the compiler would compute it wherever it compares two definitions.
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

type WhyArgs<Args extends readonly unknown[]> = number extends Args['length']
  ? Why<Exclude<Args[number], Failure | undefined>, 'args[n]'>
  : {
      [Index in keyof Args & `${number}`]: Why<
        Exclude<Args[Index], Failure | LeftOut<Args, Index>>,
        `args[${Index}]`
      >;
    }[keyof Args & `${number}`];

/**
 * Where a type cannot be stored, and why: only computed for a type that cannot. One place, or all of one object: types of related
 * tables have thousands of ways to what is wrong. It is in one piece, since the compiler would show the names of its parts and
 * not the texts.
 */
type Why<Given, Path extends string, Deep extends Depth = Deepest> = Given extends unknown
  ? [Given] extends [Stored<Given, Deep>]
    ? never
    : [Reason<Given>] extends [never]
      ? Parts<Given, Path> extends infer Named
        ? {
            [Part in keyof Named]: `${Part & string}: ${Reason<Named[Part]>}`;
          }[keyof Named] extends infer Texts
          ? [Texts] extends [never]
            ? OneOf<Wrong<Named, Less[Deep]>> extends infer Part extends keyof Named
              ? Why<Named[Part], Part & string, Less[Deep]>
              : never
            : Texts
          : never
        : never
      : `${Path}: ${Reason<Given>}`
  : never;

/** The keys of what cannot be stored. */
type Wrong<Named, Deep extends Depth> = {
  [Part in keyof Named]: [Named[Part]] extends [Stored<Named[Part], Deep>] ? never : Part;
}[keyof Named];

/** One member of a union: the parameter of overloads is that of the last one. */
type OneOf<Union> = (Union extends unknown ? (one: () => Union) => void : never) extends (
  one: infer All,
) => void
  ? All extends () => infer One
    ? One
    : never
  : never;

/** The parts of a value by their path, as errors at run time write it. */
type Parts<Given, Path extends string> = Given extends readonly unknown[]
  ? number extends Given['length']
    ? { [Part in `${Path}[n]`]: Given[number] }
    : {
        [Index in keyof Given & `${number}` as `${Path}[${Index}]`]: Exclude<
          Given[Index],
          LeftOut<Given, Index>
        >;
      }
  : {
      [Key in keyof Given & (string | number) as `${Path}.${Key}`]: Exclude<Given[Key], LeftOut<Given, Key>>;
    };

type Reason<Given> = unknown extends Given
  ? never
  : Given extends Leaf | readonly unknown[]
    ? never
    : [Extract<keyof Given, Mark>] extends [never]
      ? Given extends Code
        ? Given extends { readonly definition: unknown }
          ? 'a definition is not stored: pass a job of it, or its name'
          : 'a function is not stored: pass the data that it needs'
        : Given extends bigint
          ? 'a bigint is not stored: pass it as text'
          : Given extends symbol
            ? 'a symbol is not stored: pass text'
            : Given extends Nothing
              ? 'undefined is not stored: leave it out, or pass null'
              : ReasonOfObject<Given>
      : never;

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
