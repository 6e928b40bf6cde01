import { SignalboxError } from '../index.ts';

/** Refuses a value that is not an object of options. @throws SignalboxError `INVALID_OPTION`. */
export function checkObject(given: unknown, what = 'options'): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(what, 'an object of options', String(given));
}

/** Refuses a value that is not an object of options, and unknown options. @throws SignalboxError `INVALID_OPTION`. */
export function checkOptions(given: object, known: readonly string[], what?: string): void {
  checkObject(given, what);
  for (const [option, value] of Object.entries(given))
    if (value !== undefined && !known.includes(option))
      throw invalid(option, `absent: only ${known.join(', ')} are known`, String(value));
}

/** Makes the error of an option with a wrong value. */
export function invalid(option: string, expected: string, actual: string): SignalboxError {
  return new SignalboxError('INVALID_OPTION', { option, expected, actual });
}
