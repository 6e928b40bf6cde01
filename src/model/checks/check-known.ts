import { invalidOption } from '../../errors.ts';

/** Refuses what stands where options do and is none. */
export function checkObject(given: unknown, option: string): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw invalidOption(option, 'an object of options', given);
}

/** Refuses options that nobody would read: a misspelt one must not be left out in silence. */
export function checkKnown(given: object, known: readonly string[]): void {
  checkObject(given, 'options');
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined || known.includes(option)) continue;
    const verb = known.length === 1 ? 'is' : 'are';
    throw invalidOption(option, `absent: only ${known.join(', ')} ${verb} known`, value);
  }
}
