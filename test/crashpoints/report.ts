import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Told } from './explore.ts';

/** What all processes have seen together: an image that two have met counts once. */
export class Total {
  readonly images = new Set<string>();
  readonly nested = new Set<string>();
  readonly afterKill = new Set<string>();
  damages = 0;
  readonly violations: Told[] = [];
  violationCount = 0;
}

/** Says what was found, and how to see it again. */
export function show({ what, where, again }: Told): void {
  console.error(`\nViolation: ${what}\n${where}\nAgain: npm run crashpoints -- ${again} --keep DIR`);
}

/** Puts the files of a violation in a directory. */
export function keepFiles({ files }: Told, dir: string): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, path), bytes, { mode: 0o600 });
  }
  console.error(`The files of the first violation are in ${dir}.`);
}

/** The figures of a run. */
export interface Report {
  readonly images: number;
  readonly nested: number;
  readonly killThenPowerLoss: number;
  readonly damages: number;
  readonly violations: number;
  readonly mutants: { readonly total: number; readonly caught: number; readonly missed: readonly string[] };
  readonly seconds: number;
}

/** The figures for people. */
export function tableOf({
  images,
  nested,
  killThenPowerLoss,
  damages,
  violations,
  mutants,
  seconds,
}: Report): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ['what a power cut may leave, distinct images', images],
    ['the same, cut again while it recovers', nested],
    ['the same, after kill -9 and a new opening', killThenPowerLoss],
    ['damages of a closed store, and of a crashed one', damages],
    ['violations', violations],
    ['mutants caught', `${mutants.caught} of ${mutants.total}`],
    ['seconds', seconds],
  ];
  const lines = rows.map(([what, value]) => `${what.padEnd(50)}${value.toLocaleString('en').padStart(10)}`);
  return [...lines, ...mutants.missed.map((name) => `not caught: ${name}`)].join('\n');
}
