import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { StoreKind } from './run-seed.ts';
import type { News, Task } from './task.ts';

const here = fileURLToPath(new URL('../..', import.meta.url));
const replays = 100;

/** Where a run broke first, and how to see it again. */
export interface FirstFailure {
  readonly seed: number;
  readonly violation: string;
  readonly replay: string;
}

/** The results of many seeds. */
export interface SeedFigures {
  readonly seeds: number;
  /** Seeds that broke something. */
  readonly violations: number;
  readonly firstFailure: FirstFailure | null;
  readonly seedsPerS: number;
  /** By processor time: other programs of the machine do not count. */
  readonly seedsPerCpuS: number;
  /** Seeds that were run twice, and of these the ones with the same trace. */
  readonly replays: { readonly total: number; readonly same: number };
}

/** Runs seeds in one process for each core, two at most. Progress goes to standard error. */
export async function runSeeds(about: {
  readonly store: StoreKind;
  readonly from: number;
  readonly seeds: number;
}): Promise<SeedFigures> {
  const { store, from, seeds } = about;
  const step = Math.min(2, availableParallelism());
  const replayEvery = step * Math.max(1, Math.floor(seeds / replays / step));
  const failures: { readonly seed: number; readonly violation: string }[] = [];
  const same: boolean[] = [];
  const progress = new Progress('seeds', seeds);
  const hear = (news: News): void => {
    if (news.news === 'replay') {
      same.push(news.isSame);
      if (!news.isSame) failures.push({ seed: news.seed, violation: 'I17 the same seed has another trace' });
    } else if (news.news === 'seed') {
      progress.add();
      const [violation] = news.violations;
      if (violation === undefined) return;
      failures.push({ seed: news.seed, violation });
      console.error(`\nseed ${news.seed}: ${violation}\n${replayOf(news.seed, store)}`);
    }
  };
  const cpus = await Promise.all(
    Array.from({ length: step }, (_, index) =>
      work(
        here,
        { task: 'seeds', store, from: from + index, to: from + seeds, step, replayEvery, endsAtFirst: false },
        hear,
      ),
    ),
  );
  const cpuS = cpus.reduce((sum, seconds) => sum + seconds, 0);
  const made = seeds + same.length;
  const [first] = failures.sort((one, other) => one.seed - other.seed);
  return {
    seeds,
    violations: new Set(failures.map(({ seed }) => seed)).size,
    firstFailure: first === undefined ? null : { ...first, replay: replayOf(first.seed, store) },
    seedsPerS: made / progress.end(),
    seedsPerCpuS: made / cpuS,
    replays: { total: same.length, same: same.filter(Boolean).length },
  };
}

/** The results of the properties: how many runs, and the shortest that failed. */
export type PropertyFigures = Readonly<
  Record<'lives' | 'models', { readonly runs: number; readonly failure: string | null }>
>;

/** Random lives and the model of public calls, beside each other. */
export async function runProperties(about: {
  readonly store: Exclude<StoreKind, 'postgres'>;
  readonly seed: number;
  readonly lives: number;
  readonly models: number;
}): Promise<PropertyFigures> {
  const { store, seed, lives, models } = about;
  const figures = { lives: { runs: 0, failure: null }, models: { runs: 0, failure: null } } as Record<
    'lives' | 'models',
    PropertyFigures['lives']
  >;
  const hear = (news: News): void => {
    if (news.news !== 'property' || news.runs === 0) return;
    const { name, runs, failure } = news;
    figures[name as 'lives' | 'models'] = { runs, failure };
    console.error(failure === null ? `${runs} ${name} kept every promise` : `${name}: ${failure}`);
  };
  await Promise.all([
    work(here, { task: 'properties', store, seed, lives, models: 0 }, hear),
    work(here, { task: 'properties', store, seed, lives: 0, models }, hear),
  ]);
  return figures;
}

/** Runs one worker on the sources in a directory. Gives the seconds of processor time that it took. @throws when it dies. */
export function work(root: string, task: Task, hear: (news: News) => void): Promise<number> {
  const worker = join(root, 'test', 'simulate', 'worker.ts');
  const args = ['--import', 'tsx', '--conditions', 'signalbox-source', worker, JSON.stringify(task)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  let cpuS = 0;
  child.stderr.on('data', (data: Buffer) => {
    complaint = `${complaint}${data}`.slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const news = JSON.parse(line) as News;
    if (news.news === 'end') cpuS = news.cpuS;
    else hear(news);
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve(cpuS);
      else reject(new Error(`A worker ended with code ${code}: ${complaint}`));
    });
  });
}

/** The command that shows one seed again. */
function replayOf(seed: number, store: StoreKind): string {
  return `npm run simulate -- --seed ${seed} --store ${store} --trace`;
}

/** How far something is, on standard error, once a second at most. */
class Progress {
  readonly #what: string;
  readonly #total: number;
  readonly #began = performance.now();
  #done = 0;
  #told = 0;

  constructor(what: string, total: number) {
    this.#what = what;
    this.#total = total;
  }

  add(): void {
    this.#done += 1;
    const s = this.#seconds();
    if (s - this.#told < 1 && this.#done < this.#total) return;
    this.#told = s;
    process.stderr.write(
      `\r${this.#done} of ${this.#total} ${this.#what}, ${(this.#done / s).toFixed(0)}/s `,
    );
  }

  /** Seconds from beginning to end. */
  end(): number {
    process.stderr.write('\n');
    return this.#seconds();
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }
}
