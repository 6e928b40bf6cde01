import { parseArgs } from 'node:util';

/** The arguments of the command. Parts that are 0 or false are left out. */
export interface Wanted {
  readonly store: 'json' | 'postgres';
  /** How long faults are done to processes on a database. */
  readonly seconds: number;
  readonly kills: number;
  readonly mutants: boolean;
  readonly failures: boolean;
  readonly powerCuts: number;
  readonly fullDisk: boolean;
  readonly lockRounds: number;
  readonly seed: number;
  readonly json: boolean;
}

/** One line for each argument, as the command prints them. */
export const usage = `npm run torture [-- ARGUMENTS]
  --kills N        kills of processes that put and run jobs on one json store (default 50)
  --mutants        the same kills on copies of the sources that lack a safeguard each: all must be caught
  --failures       each file operation of a workload fails, in every way
  --power-cuts N   N power cuts on each of ext4, XFS and btrfs, on loop images (root)
  --full-disk      disks of 60, 100 and 140 kB that fill up and are freed again
  --lock-rounds N  N rounds in which four processes race for one store
  --seed N         repeats a run (default: by chance; it is printed)
  --store STORE    json (default) or postgres, which takes --seconds, --seed and --json only
  --seconds N      with --store postgres: kills, pauses, cut connections and crashes for N seconds (default 45)
  --json           one JSON object as the last line of standard output
A part that is named runs alone; name several to run several.`;

/** Reads the arguments. Text says what is wrong with them. */
export function wantedOf(args: readonly string[]): Wanted | string {
  try {
    const { values } = parseArgs({ args: [...args], options });
    const { store = 'json' } = values;
    if (store !== 'json' && store !== 'postgres') return `Expected --store json or postgres, got ${store}.`;
    if (values.seconds !== undefined && store === 'json')
      return 'Expected --kills N for the json store, got --seconds, which is for --store postgres.';
    const counts = {
      kills: values.kills,
      powerCuts: values['power-cuts'],
      lockRounds: values['lock-rounds'],
    };
    for (const [name, text] of Object.entries({ ...counts, seed: values.seed, seconds: values.seconds })) {
      if (text !== undefined && !/^\d{1,9}$/.test(text))
        return `Expected ${name} to be a whole number, got ${text}.`;
    }
    const hasOtherPart =
      values.mutants ||
      values.failures ||
      values['full-disk'] ||
      counts.powerCuts !== undefined ||
      counts.lockRounds !== undefined;
    if (store === 'postgres' && (hasOtherPart || counts.kills !== undefined))
      return 'Expected --seconds N alone for --store postgres, got a part that is for the json store.';
    return {
      store,
      seconds: Number(values.seconds ?? 45),
      kills: Number(counts.kills ?? (hasOtherPart || store === 'postgres' ? 0 : 50)),
      mutants: values.mutants,
      failures: values.failures,
      powerCuts: Number(counts.powerCuts ?? 0),
      fullDisk: values['full-disk'],
      lockRounds: Number(counts.lockRounds ?? 0),
      seed: Number(values.seed ?? Math.floor(Math.random() * 1_000_000)),
      json: values.json,
    };
  } catch (error) {
    return (error as Error).message;
  }
}

const options = {
  kills: { type: 'string' },
  mutants: { type: 'boolean', default: false },
  failures: { type: 'boolean', default: false },
  'power-cuts': { type: 'string' },
  'full-disk': { type: 'boolean', default: false },
  'lock-rounds': { type: 'string' },
  seed: { type: 'string' },
  store: { type: 'string' },
  seconds: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;
