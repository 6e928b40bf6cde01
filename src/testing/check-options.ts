import { SignalboxError } from '../index.ts';

/** Refuses what stands where options do and is none. @throws SignalboxError `INVALID_OPTION`. */
export function checkObject(given: unknown, what = 'options'): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(what, 'an object of options', String(given));
}

/** Refuses what is no object of options, and options that nobody would read. @throws SignalboxError `INVALID_OPTION`. */
export function checkOptions(given: object, known: readonly string[], what?: string): void {
  checkObject(given, what);
  for (const [option, value] of Object.entries(given))
    if (value !== undefined && !known.includes(option))
      throw invalid(option, `absent: only ${known.join(', ')} are known`, String(value));
}

/** The error of a wrong option. */
export function invalid(option: string, expected: string, actual: string): SignalboxError {
  return new SignalboxError('INVALID_OPTION', { option, expected, actual });
}
