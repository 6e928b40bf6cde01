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
/** Of an error's own properties: characters, and levels. */
const plainLimit = 2 * stackLimit;
const plainDepth = 4;

/**
 * Why a job has no value: an error as data, readable in every process, holding nothing alive.
 *
 * A job that returns a Failure fails without its changes being dropped; one that throws fails and drops them.
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

  /** A failure from whatever was thrown. */
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

  /** Whether it, or one of its causes, is of one of these names or codes. */
  check(...namesOrCodes: readonly string[]): boolean {
    for (let at: StoredFailure | null = this.data; at !== null; at = at.cause) {
      if (namesOrCodes.includes(at.name) || (at.code !== null && namesOrCodes.includes(at.code))) return true;
    }
    return false;
  }

  /** The name or code of these that it has. Throws it, as an Error again, when it has none. */
  trap(...namesOrCodes: readonly string[]): string {
    const trapped = namesOrCodes.find((name) => this.check(name));
    if (trapped === undefined) throw this.toError();
    return trapped;
  }

  /** The failure as an Error again, with its cause. */
  toError(): Error {
    const error = new Error(
      this.message,
      this.data.cause === null ? undefined : { cause: this.cause?.toError() },
    );
    Object.defineProperty(error, 'name', { value: this.name, configurable: true, writable: true });
    error.stack = this.stack;
    return Object.assign(error, this.code === null ? {} : { code: this.code });
  }

  /** Its text. `brief`: one short line a frame; `default`: the stack; `verbose`: with causes and further properties. */
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

/** The frames of a stack, each as function and place without folders and column. */
function framesOf(stack: string): string[] {
  return [...stack.matchAll(/^ +at (?:(.*) \()?(.*?)\)?$/gm)].map(([, code, place = '']) => {
    const file = place.slice(1 + Math.max(place.lastIndexOf('/'), place.lastIndexOf('\\')));
    return `  ${code ?? 'anonymous'} ${file.replace(/:\d+$/, '')}`;
  });
}

// Whatever is thrown may be anything: a Proxy that throws, an error whose name is a getter that throws. Looking at it
// must never be what fails.

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
  const { name: _name, message: _message, stack: _stack, code, cause: _cause, ...rest } = plain(error);
  const cause = propertyOf(error, 'cause');
  return {
    name: clipped(textOf(propertyOf(error, 'name') ?? 'Error'), 128),
    message: clipped(textOf(propertyOf(error, 'message') ?? ''), messageLimit),
    stack: clipped(textOf(propertyOf(error, 'stack') ?? ''), stackLimit),
    code: code === undefined || code === null ? null : clipped(textOf(code), 128),
    cause: cause === undefined || depth >= 8 ? null : failureData(cause, depth + 1),
    extra: error instanceof SignalboxError ? {} : rest,
  };
}

/** Own properties as JSON, whatever they hold: a failure must never fail to be stored. */
function plain(error: Error): Record<string, Json> {
  try {
    if (!holdsAtMost(error, plainLimit, plainDepth)) return pick(error);
    const serialised = serializeError(error, { maxDepth: plainDepth, useToJSON: false });
    const text = jsonWithin(serialised, plainLimit) ?? '{}';
    return storableValue(text) as Record<string, Json>;
  } catch {
    return pick(error);
  }
}

function pick(error: Error): Record<string, Json> {
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
      return 'something that cannot be shown';
    }
  }
}

function clipped(text: string, limit: number): string {
  return storableText(text.length > limit ? `${text.slice(0, limit)}…` : text);
}
