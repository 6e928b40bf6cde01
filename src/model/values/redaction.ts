import type { Failure as FailureData } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError, shown } from '../../errors.ts';
import { Failure } from './failure.ts';

/** Replaces what is not shown. */
const hidden = '[redacted]';

/** Keys whose values are never shown, independent of the definition. Without `-` and `_`, in lower case. */
const secretKeys: readonly string[] = [
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'secret',
  'clientsecret',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'authtoken',
  'sessiontoken',
  'apikey',
  'accesskey',
  'secretkey',
  'privatekey',
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'credentials',
  'connectionstring',
];

const secretKeySet: ReadonlySet<string> = new Set(secretKeys);

/** The parts of a path such as `0.card.number`; `*` matches any key or index. */
type Path = readonly string[];

/** The end of a text that was cut. */
const cut = '…';

/** Shorter texts are too common to be replaced everywhere. */
const shortestSecret = 4;

/** Refuses what is not a list of paths: `0.card` in the arguments, `result`, `result.token`, `failure`. */
export function checkRedaction(paths: unknown): readonly string[] {
  if (
    Array.isArray(paths) &&
    paths.every((path) => typeof path === 'string' && /^[^.]+(\.[^.]+)*$/.test(path))
  )
    return [...paths];
  throw new SignalboxError('INVALID_OPTION', {
    option: 'redact',
    expected: "a list of paths such as '0.card.number', 'result.token' or 'failure'",
    actual: shown(paths),
  });
}

/**
 * Hides the confidential parts of one job in logs, in records of dispatchers, and in texts. It does not change what is
 * stored, nor what the program gets.
 */
export class Redactor {
  readonly #paths: readonly Path[];
  readonly #secrets = new Set<string>();
  /** The redacted arguments. */
  readonly args: readonly Json[];

  constructor(paths: readonly string[], args: readonly Json[]) {
    this.#paths = paths.map((path) => path.split('.'));
    this.args = this.version(args);
  }

  /** Returns another version of the arguments, redacted. What it hides is hidden in texts, too. */
  version(args: readonly Json[]): readonly Json[] {
    return args.map((arg, index) => this.#redacted(arg, below(this.#paths, String(index))));
  }

  /** Returns a value that no path leads to, such as an annotation: without secret keys, and with redacted texts. */
  plain(value: Json): Json {
    return this.#scrubbed(this.#redacted(value, []));
  }

  /** Returns the redacted result. */
  value(value: Json): Json {
    return this.#redacted(value, below(this.#paths, 'result'));
  }

  /** Returns the redacted failure. Its texts hide what is hidden among the arguments. */
  failure(failure: FailureData): FailureData {
    const { name, message, stack, code, cause, extra } = failure;
    const shown = { name: this.text(name), code: code === null ? null : this.text(code) };
    if (below(this.#paths, 'failure').some((path) => path.length === 0))
      return { ...shown, message: hidden, stack: `${shown.name}: ${hidden}`, cause: null, extra: {} };
    return {
      ...shown,
      message: this.text(name === 'NonError' ? this.#thrown(message) : message),
      stack: this.text(stack),
      cause: cause === null ? null : this.failure(cause),
      extra: this.#scrubbed(this.#redacted(extra, [])) as FailureData['extra'],
    };
  }

  /** A thrown value that is not an error is stored as its JSON, which may have been cut. */
  #thrown(message: string): string {
    if (!/^[[{]/.test(message)) return message;
    try {
      return JSON.stringify(this.#redacted(JSON.parse(message) as Json, []));
    } catch {
      const keys = message.matchAll(/"([^"\\]*)":/g);
      for (const { 0: found, 1: key = '', index } of keys)
        if (isSecret(key)) return `${message.slice(0, index)}${found}"${hidden}"${cut}`;
      return message;
    }
  }

  /** Returns the text without what is hidden among the arguments. */
  text(text: string): string {
    let shown = text;
    // Longest first: when one secret contains another, replacing the shorter one first would leave the rest visible.
    for (const secret of [...this.#secrets].sort((one, other) => other.length - one.length)) {
      shown = shown.replaceAll(secret, hidden);
      const escaped = escapedOf(secret);
      if (escaped !== secret) shown = shown.replaceAll(escaped, hidden);
    }
    return shown.endsWith(cut) ? this.#withoutBegun(shown.slice(0, -1)) + cut : shown;
  }

  /** Hides the end of a text that was cut within a secret. */
  #withoutBegun(text: string): string {
    for (const secret of this.#secrets) {
      for (const form of [secret, escapedOf(secret)]) {
        const at = beginningOf(form, text);
        if (at >= 0) return text.slice(0, at) + hidden;
      }
    }
    return text;
  }

  #redacted(value: Json, paths: readonly Path[]): Json {
    if (paths.some((path) => path.length === 0)) return this.#hide(value);
    if (value === null || typeof value !== 'object' || isReference(value)) return value;
    if (Array.isArray(value))
      return value.map((part: Json, index) => this.#redacted(part, below(paths, String(index))));
    return Object.fromEntries(
      Object.entries(value).map(([stored, part]) => {
        const key = stored.startsWith('$$') ? stored.slice(1) : stored;
        return [stored, isSecret(key) ? this.#hide(part) : this.#redacted(part, below(paths, key))];
      }),
    );
  }

  #hide(value: Json): Json {
    for (const text of textsIn(value)) if (text.length >= shortestSecret) this.#secrets.add(text);
    return hidden;
  }

  #scrubbed(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map((part: Json) => this.#scrubbed(part));
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [this.text(key), this.#scrubbed(part)]),
    );
  }
}

/** Whether any of the redacted paths leads to a value among the arguments, past it, or into it. */
export function hidesPath(paths: readonly string[], keys: readonly string[]): boolean {
  return paths.some((path) =>
    path.split('.').every((part, at) => at >= keys.length || part === '*' || part === keys[at]),
  );
}

/** Whether the way to a value, or the value, has a key whose value is never shown. */
export function holdsSecretKey(keys: readonly string[], value: Json): boolean {
  if (keys.some(isSecret)) return true;
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(([key, part]) => holdsSecretKey([key], part as Json));
}

function isSecret(key: string): boolean {
  return secretKeySet.has(key.replaceAll(/[-_]/g, '').toLowerCase());
}

/**
 * Whether it is a reference to a job. The properties of an error are not escaped: they may have a `$job` beside
 * other keys.
 */
function isReference(value: object): boolean {
  return '$job' in value && typeof value.$job === 'string' && Object.keys(value).length === 1;
}

/** A text as it is written in JSON. */
function escapedOf(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The index at which the text's end is a beginning of the secret; -1 when no end of the text is one. */
function beginningOf(secret: string, text: string): number {
  const first = secret.slice(0, shortestSecret);
  let at = text.indexOf(first, Math.max(0, text.length - secret.length));
  while (at >= 0 && !secret.startsWith(text.slice(at))) at = text.indexOf(first, at + 1);
  return at;
}

/** The rest of the paths that lead through a key. */
function below(paths: readonly Path[], key: string): readonly Path[] {
  if (paths.length === 0) return paths;
  return paths.filter(([first]) => first === key || first === '*').map((path) => path.slice(1));
}

function* textsIn(value: Json): Generator<string> {
  if (typeof value === 'string' || typeof value === 'number') yield String(value);
  else if (value !== null && typeof value === 'object') {
    for (const part of Object.values(value)) yield* textsIn(part as Json);
  }
}

/** An error as a log may show it. */
export function shownError(redactor: Redactor, error: unknown): Error {
  return new Failure(redactor.failure(Failure.from(error).data)).toError();
}
