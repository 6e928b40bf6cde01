import { SignalboxError, shown } from '../errors.ts';

/** Refuses what stands where options do and is none. */
export function checkObject(given: unknown, option: string): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw new SignalboxError('INVALID_OPTION', {
    option,
    expected: 'an object of options',
    actual: shown(given),
  });
}

/** Refuses options that nobody would read: a misspelt one must not be left out in silence. */
export function checkKnown(given: object, known: readonly string[]): void {
  checkObject(given, 'options');
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined || known.includes(option)) continue;
    throw new SignalboxError('INVALID_OPTION', {
      option,
      expected: `absent: only ${known.join(', ')} ${known.length === 1 ? 'is' : 'are'} known`,
      actual: shown(value),
    });
  }
}
