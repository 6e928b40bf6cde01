import {
  defineJob,
  detached,
  Failure,
  type Job,
  type JobDefinition,
  type Json,
  type Unchecked,
} from 'signalbox';

// Compiled by test/types/types.test.ts, run by test/types/stored-values.test.ts: what compiles and what is stored are the same.
// The text after `@ts-expect-error` is what the compiler says.

/** A definition and an argument for it. */
export type Given = readonly [job: JobDefinition<never, unknown>, value: unknown];

const given = <Value>(job: JobDefinition<readonly [Value], unknown>, value: Value): Given => [job, value];

class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
  }

  plus(other: Money): Money {
    return new Money(this.cents + other.cents);
  }

  minus(other: Money): Money {
    return new Money(this.cents - other.cents);
  }
}

class Point {
  readonly x = 1;
}

interface Line {
  readonly sku: string;
  readonly amounts: readonly number[];
}

interface Order {
  readonly id: string;
  readonly lines: readonly Line[];
  readonly size: readonly [width: number, height: number, unit?: string];
  readonly kind: 'gift' | 'purchase';
  readonly note?: string;
  readonly paid: boolean | null;
  readonly extra: Record<string, unknown>;
}

interface Tree {
  readonly value: number;
  readonly children: readonly Tree[];
}

type Sum = readonly ['add', Sum, Sum] | number;

interface Loose {
  readonly a: string | undefined;
  readonly say?: () => void;
}

declare const paid: unique symbol;

const order: Order = {
  id: 'order-1',
  lines: [{ sku: 'a', amounts: [1, 2] }],
  size: [1, 2],
  kind: 'gift',
  paid: null,
  extra: { deep: [{ a: 1 }] },
};

const double = defineJob({ name: 'double', run: (n: number) => 2 * n });

/** Compiles, and comes back as it was. */
export const stored: readonly Given[] = [
  given(defineJob({ name: 'text', run: (value: string) => value }), 'text'),
  given(defineJob({ name: 'anInterface', run: (value: Order) => value }), order),
  given(defineJob({ name: 'later', run: async (value: Order) => value }), order),
  given(defineJob({ name: 'apart', run: (value: Order) => detached(Promise.resolve(value)) }), order),
  given(defineJob({ name: 'part', run: (value: Partial<Order>) => value }), { id: 'order-1' }),
  given(defineJob({ name: 'record', run: (value: Record<string, Order>) => value }), { order }),
  given(defineJob({ name: 'generated', run: (value: { a?: string | undefined }) => value }), {}),
  given(defineJob({ name: 'list', run: (value: readonly Line[]) => value }), order.lines),
  given(defineJob({ name: 'tuple', run: (value: [number, string?]) => value }), [1]),
  given(defineJob({ name: 'union', run: (value: Order | Line[] | 1 | null) => value }), null),
  given(defineJob({ name: 'tree', run: (value: Tree) => value }), {
    value: 1,
    children: [{ value: 2, children: [] }],
  }),
  given(defineJob({ name: 'sum', run: (value: Sum) => value }), ['add', 1, ['add', 2, 3]]),
  given(defineJob({ name: 'json', run: (value: Json) => value }), { a: [1, null] }),
  given(
    defineJob({ name: 'branded', run: (value: string & { readonly __brand: 'id' }) => value }),
    'id' as never,
  ),
  given(defineJob({ name: 'marked', run: (value: Line & { readonly [paid]: true }) => value }), {
    sku: 'a',
    amounts: [],
  } as never),
  given(
    defineJob({ name: 'logged', run: (value: { name: string; message: string; stack?: string }) => value }),
    {
      name: 'Error',
      message: 'no',
    },
  ),
  given(defineJob({ name: 'unknown', run: (value: unknown) => value }), order),
  // biome-ignore lint/suspicious/noExplicitAny: it is what the row is about
  given(defineJob({ name: 'any', run: (value: any) => value }), order),
  given(defineJob({ name: 'object', run: (value: object) => value }), order),
  given(defineJob({ name: 'unchecked', run: (value: Unchecked<Loose>): Unchecked<Loose> => value }), {
    a: 'b',
  }),
  given(defineJob({ name: 'manyUnchecked', run: (value: { list: Unchecked<Loose>[] }) => value }), {
    list: [],
  }),
];

/** Does not compile, and is refused by `put`. */
export const refused: readonly Given[] = [
  // @ts-expect-error args[0]: a Date is not stored as such: pass an ISO string or milliseconds
  given(defineJob({ name: 'date', run: (_: Date) => {} }), new Date(0)),
  // @ts-expect-error args[0].lines[n].at: a Date is not stored as such: pass an ISO string or milliseconds
  given(defineJob({ name: 'deep', run: (_: { lines: { at: Date }[] }) => {} }), {
    lines: [{ at: new Date(0) }],
  }),
  // @ts-expect-error args[0].at: a Date is not stored as such: pass an ISO string or milliseconds
  given(defineJob({ name: 'optional', run: (_: { at?: Date | null }) => {} }), { at: new Date(0) }),
  // @ts-expect-error args[0][1]: a Date is not stored as such: pass an ISO string or milliseconds
  given(defineJob({ name: 'inTuple', run: (_: [number, Date]) => {} }), [1, new Date(0)]),
  // @ts-expect-error args[0]: a Map is not stored: pass an object, or its entries as a list
  given(defineJob({ name: 'map', run: (_: Map<string, number>) => {} }), new Map([['a', 1]])),
  // @ts-expect-error args[0]: a Set is not stored: pass its values as a list
  given(defineJob({ name: 'set', run: (_: ReadonlySet<number>) => {} }), new Set([1])),
  // @ts-expect-error args[0]: bytes are not stored: pass them as base64 text
  given(defineJob({ name: 'bytes', run: (_: Uint8Array) => {} }), new Uint8Array(1)),
  // @ts-expect-error args[0]: bytes are not stored: pass them as base64 text
  given(defineJob({ name: 'buffer', run: (_: Buffer) => {} }), Buffer.from('a')),
  // @ts-expect-error args[0]: an object with methods is not stored: pass its data
  given(defineJob({ name: 'instance', run: (_: Money) => {} }), new Money(1)),
  // @ts-expect-error args[0]: an object with methods is not stored: pass its data
  given(defineJob({ name: 'url', run: (_: URL) => {} }), new URL('https://a.test')),
  // @ts-expect-error args[0]: an Error is not stored: pass its name and message
  given(defineJob({ name: 'error', run: (_: RangeError) => {} }), new RangeError('no')),
  // @ts-expect-error args[0].why: a Failure is not stored: pass its name and message
  given(defineJob({ name: 'failure', run: (_: { why: Failure }) => {} }), { why: Failure.from(1) }),
  // @ts-expect-error args[0]: a promise is not stored: await it first
  given(defineJob({ name: 'promise', run: (_: Promise<number>) => {} }), Promise.resolve(1)),
  // @ts-expect-error args[0]: a function is not stored: pass the data that it needs
  given(defineJob({ name: 'function', run: (_: () => void) => {} }), () => {}),
  // @ts-expect-error args[0].done: a function is not stored: pass the data that it needs
  given(defineJob({ name: 'method', run: (_: { done(): void }) => {} }), { done: () => {} }),
  // @ts-expect-error args[0]: a definition is not stored: pass a job of it, or its name
  given(defineJob({ name: 'definition', run: (_: typeof double) => {} }), double),
  // @ts-expect-error args[0]: a symbol is not stored: pass text
  given(defineJob({ name: 'symbol', run: (_: symbol) => {} }), Symbol('a')),
  // @ts-expect-error args[0]: a bigint is not stored: pass it as text
  given(defineJob({ name: 'bigint', run: (_: bigint) => {} }), 1n),
  // @ts-expect-error args[0]: undefined is not stored: leave it out, or pass null
  given(defineJob({ name: 'undefined', run: (_: string | undefined) => {} }), undefined),
  // @ts-expect-error args[0].a: undefined is not stored: leave it out, or pass null
  given(defineJob({ name: 'undefinedWithin', run: (_: { a: string | undefined }) => {} }), { a: undefined }),
  // @ts-expect-error args[0][n]: undefined is not stored: leave it out, or pass null
  given(defineJob({ name: 'undefinedInList', run: (_: (number | undefined)[]) => {} }), [1, undefined]),
];

/** Compiles although `put` refuses it: types of TypeScript do not tell these from what is stored. */
export const refusedAtRunTime: readonly Given[] = [
  given(defineJob({ name: 'data', run: (_: Point) => {} }), new Point()),
  given(defineJob({ name: 'number', run: (_: number) => {} }), Number.NaN),
  given(defineJob({ name: 'inOptional', run: (_: { a?: string }) => {} }), { a: undefined } as never),
  given(defineJob({ name: 'ofCallback', run: (_: Failure) => {} }), Failure.from(1)),
  given(defineJob({ name: 'key', run: (_: { [paid]: true }) => {} }), { [Symbol('paid')]: true } as never),
];

/** Results that compile, and what they are. */
export const givenBack: readonly (readonly [job: Job<unknown>, result: unknown])[] = [
  [defineJob({ name: 'nothing', run: () => {} })(), null],
  [defineJob({ name: 'nothingLater', run: async () => {} })(), null],
  [defineJob({ name: 'perhaps', run: (n: number) => (n > 0 ? n : undefined) })(0), null],
  [defineJob({ name: 'nothingApart', run: () => detached(Promise.resolve()) })(), null],
  [defineJob({ name: 'valueOrFailure', run: (n: number) => (n > 0 ? n : Failure.from('no')) })(1), 1],
];

/** Results that do not compile, and that fail their job. */
export const refusedBack: readonly Job<unknown>[] = [
  // @ts-expect-error result: a Date is not stored as such: pass an ISO string or milliseconds
  defineJob({ name: 'dateBack', run: () => new Date(0) })(),
  // @ts-expect-error result.at: a Date is not stored as such: pass an ISO string or milliseconds
  defineJob({ name: 'dateBackLater', run: async () => ({ at: new Date(0) }) })(),
  // @ts-expect-error result: a bigint is not stored: pass it as text
  defineJob({ name: 'bigintApart', run: () => detached(Promise.resolve(1n)) })(),
  // @ts-expect-error result.a: undefined is not stored: leave it out, or pass null
  defineJob({ name: 'undefinedBack', run: () => ({ a: undefined }) })(),
  // @ts-expect-error result[n]: a Set is not stored: pass its values as a list
  defineJob({ name: 'setBack', run: () => [new Set<number>()] })(),
];

/** Changes of a stored job that do not compile, and that are refused. */
export const refusedChanges: readonly ((job: Job<unknown>) => unknown)[] = [
  // @ts-expect-error value.at: a Date is not stored as such: pass an ISO string or milliseconds
  (job) => job.setAnnotation('seen', { at: new Date(0) }),
  // @ts-expect-error args[1]: a bigint is not stored: pass it as text
  (job) => job.setArgs([1, 1n]),
  // @ts-expect-error args[0]: a Map is not stored: pass an object, or its entries as a list
  (job) => job.appendArgs([new Map<string, string>()]),
];

/** Drafts whose settings do not compile, and whose put is refused. */
export const refusedSettings: readonly (() => Job<unknown>)[] = [
  // @ts-expect-error annotations.seen.at: a Date is not stored as such: pass an ISO string or milliseconds
  () => double(1).with({ annotations: { seen: { at: new Date(0) } } }),
];

/** Definitions of a type that is not known yet compile: what it becomes is checked when it is put. */
export const wrapped = {
  value: <Value extends Json>() => defineJob({ name: 'wrapped', run: (value: Value) => value }),
  within: <Value>() =>
    defineJob({ name: 'wrapped', run: (value: { at: number; data: Value }) => value.data }),
  code: <Args extends readonly unknown[], Result>(run: (...args: Args) => Result) =>
    defineJob({ name: 'wrapped', run: async (...args: Args) => await run(...args) }),
  annotation: <Value extends Json>(job: Job, value: Value) => job.setAnnotation('a', value),
  // @ts-expect-error args[1]: a Date is not stored as such: pass an ISO string or milliseconds
  refused: <Value extends Json>() => defineJob({ name: 'wrapped', run: (_: Value, __: Date) => {} }),
};
