import { fileURLToPath } from 'node:url';
import { usage, type Wanted, wantedOf } from './arguments.ts';
import { failuresPart } from './failures-part.ts';
import { fullDiskPart } from './full-disk.ts';
import { killPart } from './kill-part.ts';
import { lockPart } from './lock-races.ts';
import { runMutants } from './mutants.ts';
import { type Part, partOfMutants } from './part.ts';
import { postgresPart } from './postgres/part.ts';
import { powerCutPart } from './power-cuts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const begin = performance.now();
const progress = (line: string): void => {
  process.stderr.write(`${((performance.now() - begin) / 1_000).toFixed(1)} s  ${line}\n`);
};

const wanted = wantedOf(process.argv.slice(2));
if (typeof wanted === 'string') {
  console.error(`${wanted}\n${usage}`);
  process.exitCode = 1;
} else {
  progress(`seed ${wanted.seed}`);
  process.exitCode = print(wanted, await run(wanted));
}

async function run(wanted: Wanted): Promise<Part> {
  const parts: Part[] = [];
  const about = { root, seed: wanted.seed, progress };
  if (wanted.store === 'postgres') parts.push(await postgresPart({ ...about, seconds: wanted.seconds }));
  if (wanted.kills > 0) parts.push(await killPart({ ...about, kills: wanted.kills }));
  if (wanted.mutants) parts.push(partOfMutants(await runMutants(wanted.seed, progress)));
  if (wanted.failures) parts.push(await failuresPart(progress));
  if (wanted.powerCuts > 0) parts.push(await powerCutPart({ ...about, cuts: wanted.powerCuts }));
  if (wanted.fullDisk) parts.push(await fullDiskPart({ root, progress }));
  if (wanted.lockRounds > 0) parts.push(await lockPart({ ...about, rounds: wanted.lockRounds }));
  const seconds = Math.round((performance.now() - begin) / 100) / 10;
  return {
    figures: Object.assign({ seed: wanted.seed, seconds }, ...parts.map(({ figures }) => figures)),
    violations: parts.flatMap(({ violations }) => violations),
  };
}

/** Prints what was found. Returns the exit code. */
function print({ json, seed }: Wanted, { figures, violations }: Part): number {
  if (violations.length > 0) {
    console.error(violations.join('\n'));
    console.error(
      `${violations.length} violations. Repeat with: npm run torture -- --seed ${seed} and the same arguments.`,
    );
  }
  if (json) console.log(JSON.stringify({ ...figures, violations: violations.slice(0, 50) }));
  else {
    for (const [key, value] of Object.entries(figures)) {
      console.log(`${key.padEnd(22)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
    }
  }
  return violations.length > 0 ? 1 : 0;
}
