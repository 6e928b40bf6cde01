/*
 * Room: checks.
 *
 * Owns: What every input is checked with: options, names, limits, texts that stores can keep, JSON within
 *   bounds.
 *
 * Invariant: A check throws before anything is written, and its error says what was expected, what came, and
 *   how to repair it.
 *
 * May import: nothing.
 */
import { invalidOption } from '../../errors.ts';

/** Refuses a value that is not an object of options. @throws SignalboxError `INVALID_OPTION`. */
export function checkObject(given: unknown, option: string): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw invalidOption(option, 'an object of options', given);
}

/** Refuses unknown options: a misspelt one must not be ignored in silence. @throws SignalboxError `INVALID_OPTION`. */
export function checkKnown(given: object, known: readonly string[]): void {
  checkObject(given, 'options');
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined || known.includes(option)) continue;
    const verb = known.length === 1 ? 'is' : 'are';
    throw invalidOption(option, `absent: only ${known.join(', ')} ${verb} known`, value);
  }
}

/**
 * Refuses what is not a whole number from `least` to `most`. A `most` of `Infinity` also accepts `Infinity`, which means
 * no limit. @throws SignalboxError `INVALID_OPTION`.
 */
export function checkCount(
  value: unknown,
  option: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  if (value === Number.POSITIVE_INFINITY && most === value) return value;
  throw invalidOption(option, `a whole number from ${least} up`, value);
}

/** Refuses what is neither true nor false. @throws SignalboxError `INVALID_OPTION`. */
export function checkFlag(value: unknown, option: string): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidOption(option, 'true or false', value);
}
