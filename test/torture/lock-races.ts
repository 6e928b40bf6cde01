import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../../src/testing/simulate/world/random.ts';
import type { Part, PartOptions } from './part.ts';
import { WorkerProcess } from './worker-process.ts';

/** How many processes race, and how often. */
export interface RaceOptions extends PartOptions {
  readonly rounds: number;
  readonly racers?: number;
}

/** What is done to a holder. */
const ends = ['killed', 'stopped', 'blocked', 'released'] as const;
type End = (typeof ends)[number];

const program = join('test', 'torture', 'racer.ts');
// Each of the others tries some thirty times meanwhile.
const watchMs = 40;
const patienceMs = 10_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lets processes race for one store: whichever way its holder ends, there is never a second one. */
export async function lockPart(options: RaceOptions): Promise<Part> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-races-'));
  const race = new Race(options, join(folder, 'store'));
  try {
    return await race.run();
  } finally {
    race.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Race {
  readonly #options: RaceOptions;
  readonly #dir: string;
  readonly #random: SeededRandom;
  readonly #racers: WorkerProcess[] = [];
  readonly #violations: string[] = [];
  readonly #ends: Record<End, number> = { killed: 0, stopped: 0, blocked: 0, released: 0 };
  readonly #reopenMs: number[] = [];
  #doubleHolders = 0;

  constructor(options: RaceOptions, dir: string) {
    this.#options = options;
    this.#dir = dir;
    this.#random = new SeededRandom(options.seed);
  }

  async run(): Promise<Part> {
    const { rounds, progress, racers = 4 } = this.#options;
    for (let number = 0; number < racers; number += 1) this.#join(number);
    for (let round = 1; round <= rounds && this.#violations.length === 0; round += 1) {
      const holder = await this.#holder();
      if (holder === null) {
        this.#violations.push(`no process got the free store within ${patienceMs} ms`);
        break;
      }
      const end = this.#random.pick(ends);
      this.#ends[end] += 1;
      await this.#end(holder, end);
      progress(`round ${round} of ${rounds}: the holder was ${end}`);
    }
    const sorted = this.#reopenMs.sort((one, other) => one - other);
    return {
      figures: {
        lock: {
          rounds,
          racers,
          ends: this.#ends,
          doubleHolders: this.#doubleHolders,
          reopenMsMedian: sorted[Math.floor(sorted.length / 2)] ?? null,
          reopenMsMax: sorted.at(-1) ?? null,
        },
      },
      violations: this.#violations,
    };
  }

  end(): void {
    for (const racer of this.#racers) racer.signal('SIGKILL');
  }

  /** One in three has no fs-native-extensions. */
  #join(number: number): void {
    const args = [this.#dir, number % 3 === 1 ? 'flock(1)' : 'both'];
    const racer = new WorkerProcess({ root: this.#options.root, program, args });
    racer.tell('race');
    this.#racers[number] = racer;
  }

  /** Waits until one holds the store, and checks that it is the only one. */
  async #holder(): Promise<WorkerProcess | null> {
    const end = performance.now() + patienceMs;
    while (this.#holders().length === 0 && performance.now() < end) await pause(1);
    await this.#watch();
    return this.#holders()[0] ?? null;
  }

  async #watch(): Promise<void> {
    await pause(watchMs);
    const holders = this.#holders();
    if (holders.length > 1) {
      this.#doubleHolders += 1;
      this.#violations.push(`${holders.length} processes hold the store at once`);
    }
    for (const { lines } of this.#racers) {
      const broken = lines.find((line) => line.startsWith('broken'));
      if (broken !== undefined) this.#violations.push(`a racer could not open the store: ${broken}`);
    }
  }

  async #end(holder: WorkerProcess, end: End): Promise<void> {
    if (end === 'stopped') {
      holder.signal('SIGSTOP');
      await this.#watch();
      holder.signal('SIGCONT');
    }
    if (end === 'blocked') {
      holder.tell(`block ${watchMs * 2}`);
      await this.#watch();
    }
    const begin = performance.now();
    if (end === 'killed') {
      const number = this.#racers.indexOf(holder);
      this.#racers.splice(number, 1);
      holder.signal('SIGKILL');
      await holder.exited();
      // Those that are there already may have it now; the new one needs a while to load.
      while (this.#holders().length === 0 && performance.now() < begin + patienceMs) await pause(1);
      this.#reopenMs.push(Math.round(performance.now() - begin));
      this.#racers.splice(number, 0, holder);
      this.#join(number);
    } else {
      holder.tell('release');
      while (!holder.lines.includes('released')) await pause(1);
      holder.lines.length = 0;
      holder.tell('race');
    }
  }

  #holders(): readonly WorkerProcess[] {
    return this.#racers.filter(({ lines }) => lines.includes('held') && !lines.includes('released'));
  }
}
