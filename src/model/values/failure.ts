import { serializeError } from 'serialize-error';
import type { Failure as StoredFailure } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { holdsAtMost, jsonWithin } from '../checks/bounded-json.ts';
import { storableText, storableValue } from '../checks/storable-text.ts';

/** How much of a failure its text shows. */
export type FailureDetail = 'brief' | 'default' | 'verbose';

const messageLimit = 8 * 1024;
const stackLimit = 16 * 1024;
/** Limits of an error's own properties, in characters and in levels. */
const extraLimit = 2 * stackLimit;
const extraDepth = 4;

/**
 * The reason why a job has no value: an error as data, readable in every process, without live references.
 *
 * A job that returns a Failure fails and keeps its changes; a job that throws fails and drops them.
 *
 * @example
 * ```ts
 * import { Failure } from 'signalbox';
 *
 * const failure = Failure.from(new TypeError('no such customer'));
 * console.log(failure.check('TypeError'), String(failure)); // => true <Failure TypeError: no such customer>
 * ```
 */
export class Failure {
  readonly data: StoredFailure;

  constructor(data: StoredFailure) {
    this.data = data;
  }

  /** Makes a failure from any thrown value. */
  static from(error: unknown): Failure {
    return isA(error, Failure) ? error : new Failure(failureData(error, 0));
  }

  get name(): string {
    return this.data.name;
  }

  get message(): string {
    return this.data.message;
  }

  get code(): string | null {
    return this.data.code;
  }

  get stack(): string {
    return this.data.stack;
  }

  get cause(): Failure | null {
    return this.data.cause === null ? null : new Failure(this.data.cause);
  }

  /** Whether the failure, or one of its causes, has one of these names or codes. */
  check(...namesOrCodes: readonly string[]): boolean {
    for (let at: StoredFailure | null = this.data; at !== null; at = at.cause) {
      if (namesOrCodes.includes(at.name) || (at.code !== null && namesOrCodes.includes(at.code))) return true;
    }
    return false;
  }

  /** Returns the first of these names and codes that matches. Throws the failure, as an Error, when no one matches. */
  trap(...namesOrCodes: readonly string[]): string {
    const trapped = namesOrCodes.find((name) => this.check(name));
    if (trapped === undefined) throw this.toError();
    return trapped;
  }

  /**
   * Returns the failure as an Error, with its cause. One of a class that the language has built in, such as `TypeError`, is
   * of that class again; any other is an `Error` with the name and the code.
   */
  toError(): Error {
    const options = this.data.cause === null ? undefined : { cause: this.cause?.toError() };
    const Class = builtInErrors.get(this.name) ?? Error;
    const error =
      this.name === 'AggregateError'
        ? new AggregateError(partsOf(this.data), this.message, options)
        : new Class(this.message, options);
    if (error.name !== this.name)
      Object.defineProperty(error, 'name', { value: this.name, configurable: true, writable: true });
    error.stack = this.stack;
    return Object.assign(error, this.code === null ? {} : { code: this.code });
  }

  /**
   * Returns the text. `brief`: one short line a frame; `default`: the stack; `verbose`: with causes and further
   * properties.
   */
  text(detail: FailureDetail = 'default'): string {
    if (detail === 'brief') return [this.#title(), ...framesOf(this.stack)].join('\n');
    if (detail === 'default') return this.stack || this.#title();
    const extra = Object.entries(this.data.extra).map(
      ([key, value]) => `  ${key} = ${JSON.stringify(value)}`,
    );
    const code = this.code === null ? [] : [`  code = ${this.code}`];
    const cause = this.cause === null ? [] : ['caused by', this.cause.text('verbose')];
    return [
      '*--- Failure ---',
      this.text('default'),
      ...code,
      ...extra,
      ...cause,
      '*--- End of Failure ---',
    ].join('\n');
  }

  toString(): string {
    return `<Failure ${this.#title()}>`;
  }

  #title(): string {
    return `${this.name}: ${this.message}`;
  }
}

const builtInErrors: ReadonlyMap<string, ErrorConstructor> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => [
    Class.name,
    Class,
  ]),
);

/** The errors within an AggregateError: they are stored with its other properties. */
function partsOf({ extra }: StoredFailure): unknown[] {
  const { errors } = extra;
  if (!Array.isArray(errors)) return [];
  return errors.map((part: Json) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part) || !('message' in part)) return part;
    const { name, message, stack } = part as { readonly [key: string]: Json };
    const text = { name: textOf(name ?? 'Error'), message: textOf(message), stack: textOf(stack ?? '') };
    return new Failure({ ...text, code: null, cause: null, extra: {} }).toError();
  });
}

/** The frames of a stack, each as function and place without folders and column. */
function framesOf(stack: string): string[] {
  return [...stack.matchAll(/^ +at (?:(.*) \()?(.*?)\)?$/gm)].map(([, code, place = '']) => {
    const file = place.slice(1 + Math.max(place.lastIndexOf('/'), place.lastIndexOf('\\')));
    return `  ${code ?? 'anonymous'} ${file.replace(/:\d+$/, '')}`;
  });
}

// A program may throw anything: a Proxy that throws, or an error whose name is a getter that throws. Examining it must
// never fail.

function isA<Instance>(value: unknown, kind: abstract new (...args: never[]) => Instance): value is Instance {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

function propertyOf(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function failureData(error: unknown, depth: number): StoredFailure {
  if (!isA(error, Error)) {
    return {
      name: 'NonError',
      message: clipped(textOf(error), messageLimit),
      stack: '',
      code: null,
      cause: null,
      extra: {},
    };
  }
  const {
    name: _name,
    message: _message,
    stack: _stack,
    code,
    cause: _cause,
    ...rest
  } = ownProperties(error);
  const cause = propertyOf(error, 'cause');
  return {
    name: clipped(textOf(propertyOf(error, 'name') ?? 'Error'), 128),
    message: clipped(textOf(propertyOf(error, 'message') ?? ''), messageLimit),
    stack: clipped(textOf(propertyOf(error, 'stack') ?? ''), stackLimit),
    code: code === undefined || code === null ? null : clipped(textOf(code), 128),
    cause: cause === undefined || depth >= 8 ? null : failureData(cause, depth + 1),
    extra: error instanceof SignalboxError ? ownExtra(rest) : rest,
  };
}

/** Errors of this package are known by their code. What is kept beside it is that another attempt cannot help. */
function ownExtra({ unrecoverable }: Record<string, Json>): Record<string, Json> {
  return unrecoverable === true ? { unrecoverable } : {};
}

/**
 * The error's own properties as JSON; only its code when they are too large or cannot be read. A failure is
 * always storable.
 */
function ownProperties(error: Error): Record<string, Json> {
  try {
    if (!holdsAtMost(error, extraLimit, extraDepth)) return onlyCode(error);
    const serialised = serializeError(error, { maxDepth: extraDepth, useToJSON: false });
    const text = jsonWithin(serialised, extraLimit) ?? '{}';
    return storableValue(text) as Record<string, Json>;
  } catch {
    return onlyCode(error);
  }
}

function onlyCode(error: Error): Record<string, Json> {
  const code = propertyOf(error, 'code');
  return typeof code === 'string' || typeof code === 'number' ? { code } : {};
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return jsonWithin(value, messageLimit * 4) ?? String(value);
  } catch {
    try {
      return String(value);
    } catch {
      return 'a value that cannot be shown';
    }
  }
}

function clipped(text: string, limit: number): string {
  return storableText(text.length > limit ? `${text.slice(0, limit)}…` : text);
}
