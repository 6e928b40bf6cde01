import { hash } from 'node:crypto';
import type { Json } from '../../../machines/json.ts';
import { invalidOption, SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import type { OnConflict, UniqueRule } from '../../model/jobs/unique/name-answer.ts';
import { canonicalJson } from '../../model/values/canonical-json.ts';
import { type Duration, durationMs } from '../../time.ts';

/** Why there is one job where several were put: which of them count as the same, for how long, and what a later put does. */
export interface Unique<Args extends readonly unknown[] = never[]> {
  /** What tells jobs of the definition apart: a JSON value made of the arguments, at most 16 KiB. Default: all arguments. */
  readonly key?: NoInfer<(...args: Args) => unknown>;
  /** A job keeps others off until its code is called first, or until its outcome is stored. Default `ended`. */
  readonly until?: 'started' | 'ended';
  /** And at least so long after its put, even when it is over. At most 365 days. Default: no such time. */
  readonly within?: Duration;
  /** Among the jobs of one queue, or of all queues of the store. Default `queue`. */
  readonly scope?: 'queue' | 'store';
  /**
   * What a put does while another job keeps it off. `return`: it gives that job. `reject`: it throws `DUPLICATE_JOB`. `replace`:
   * that job gets its arguments, priority, keys and tags, unless it has started. `debounce`: likewise, and it begins so long after the
   * newest put, but at most `maxWait` after the first. Default `return`.
   */
  readonly onConflict?:
    | 'return'
    | 'reject'
    | 'replace'
    | { readonly debounce: Duration; readonly maxWait?: Duration };
}

/** How the jobs of a definition are unique, as the registry holds it. */
export interface UniqueSettings extends UniqueRule {
  readonly key: ((...args: never[]) => unknown) | null;
  readonly withinMs: number | null;
  readonly scope: 'queue' | 'store';
}

const longestWithinMs = 365 * 24 * 60 * 60 * 1000;

/** The largest key, as JSON, in bytes. */
const largestKey = 16 * 1024;

/**
 * Checks the option `unique`, over what the definition says. Null: no name is asked for.
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`.
 */
export function uniqueSettings(
  given: Unique | false | null | undefined,
  known: UniqueSettings | null = null,
): UniqueSettings | null {
  if (given === undefined) return known;
  if (given === false || given === null) return null;
  checkKnown(given, ['key', 'until', 'within', 'scope', 'onConflict']);
  const { key, until, within, scope, onConflict } = given;
  if (key !== undefined && typeof key !== 'function') throw invalidOption('unique.key', 'a function', key);
  return {
    key: key ?? known?.key ?? null,
    until: oneOf(until, ['started', 'ended'], 'unique.until') ?? known?.until ?? 'ended',
    withinMs: within === undefined ? (known?.withinMs ?? null) : checkWithin(within),
    scope: oneOf(scope, ['queue', 'store'], 'unique.scope') ?? known?.scope ?? 'queue',
    onConflict: onConflict === undefined ? (known?.onConflict ?? 'return') : checkConflict(onConflict),
  };
}

function oneOf<Text extends string>(
  given: Text | undefined,
  texts: readonly Text[],
  option: string,
): Text | undefined {
  if (given === undefined || texts.includes(given)) return given;
  throw invalidOption(option, texts.map((text) => `'${text}'`).join(' or '), given);
}

function checkWithin(within: Duration): number {
  const ms = durationMs(within, 'unique.within');
  if (ms <= longestWithinMs) return ms;
  throw invalidOption('unique.within', 'at most 365 days', within);
}

function checkConflict(given: NonNullable<Unique['onConflict']>): OnConflict {
  if (given === 'return' || given === 'reject' || given === 'replace') return given;
  if (typeof given !== 'object' || given === null)
    throw invalidOption('unique.onConflict', "'return', 'reject', 'replace' or { debounce: '10s' }", given);
  checkKnown(given, ['debounce', 'maxWait']);
  const debounce = durationMs(given.debounce, 'unique.onConflict.debounce');
  const maxWait = given.maxWait === undefined ? null : durationMs(given.maxWait, 'unique.onConflict.maxWait');
  if (maxWait !== null && maxWait < debounce)
    throw invalidOption('unique.onConflict.maxWait', 'no less than debounce', given.maxWait);
  return { debounce, maxWait };
}

/**
 * The id of a unique name: `<queue>/<definition>/<SHA-256 of the key as JSON>`. The default queue and the store as a whole have no
 * name of a queue: `` and `*`.
 * @throws SignalboxError `ARGS_TOO_LARGE`.
 */
export function uniqueName(scope: string, definition: string, key: Json): string {
  const text = canonicalJson(key);
  const actual = Buffer.byteLength(text);
  if (actual > largestKey)
    throw new SignalboxError('ARGS_TOO_LARGE', {
      path: 'the key of `unique`',
      limit: largestKey,
      actual,
      unit: 'bytes',
      repair: 'Give `unique` a `key` of less: an id, or a hash.',
    });
  return `${scope}/${definition}/${hash('sha256', text, 'hex')}`;
}
