import { SignalboxError, shown } from '../errors.ts';

/** Refuses options that nobody would read: a misspelt one must not be left out in silence. */
export function checkKnown(given: object, known: readonly string[]): void {
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined || known.includes(option)) continue;
    throw new SignalboxError('INVALID_OPTION', {
      option,
      expected: `absent: only ${known.join(', ')} ${known.length === 1 ? 'is' : 'are'} known`,
      actual: shown(value),
    });
  }
}
