import { parseArgs } from 'node:util';

/** What the command was asked for. */
export interface Arguments {
  readonly json: boolean;
  /** A small part of everything. */
  readonly quick: boolean;
  /** How many workloads. */
  readonly size: number;
  /** Only this workload (0: only the damages), and no mutants. */
  readonly seed: number | null;
  /** Where the files of the first violation are put. */
  readonly keep: string | null;
}

const options = {
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  size: { type: 'string' },
  seed: { type: 'string' },
  keep: { type: 'string' },
} as const;

const known = 'Known are --json, --quick, --size N, --seed N and --keep DIR.';

/** Reads the arguments. Text says what is wrong with them. */
export function readArguments(given: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({ options, args: [...given] });
    const [size, seed] = [wholeNumber(values.size), wholeNumber(values.seed)];
    if (size === undefined || size === 0 || seed === undefined) {
      return `Expected --size to be a whole number above 0 and --seed one from 0, got ${given.join(' ')}. ${known}`;
    }
    const { json, quick, keep = null } = values;
    return { json, quick, size: size ?? 3, seed, keep };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${known}`;
  }
}

/** Null when nothing was given, undefined when it is no number. */
function wholeNumber(text: string | undefined): number | null | undefined {
  if (text === undefined) return null;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
