import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Contestant, ContestantModule, Settings } from './contestant.ts';
import type { Progress, WorkerOptions } from './process-worker.ts';
import { cpuUs } from './processor-time.ts';
import { medians } from './statistics.ts';

export interface ProcessesOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
  readonly jobs: number;
  /** How many worker processes run. */
  readonly processes: number;
  /** How long jobs are put and worked off before anything counts. */
  readonly warmUpMs: number;
  /** How often the same processes are measured. The medians count. */
  readonly repeats: number;
  /** After this time the rate is that of the jobs that have completed by then. */
  readonly limitMs: number;
}

/** The speed of several processes together. */
export interface Processes {
  /** Jobs put by one bulk call of a process without workers, until the workers have completed them. */
  readonly totalPerS: number;
  /** Processor time of all workers and of the process that puts. */
  readonly cpuUsPerJob: number;
  readonly serverCpuUsPerJob: number | null;
}

/** Starts worker processes, warms them up, then puts jobs in bulk and waits until all are completed, several times. */
export async function measure(options: ProcessesOptions): Promise<Processes> {
  const { jobs, processes, warmUpMs, repeats, limitMs } = options;
  const settings = { ...options.settings, dir: join(options.settings.dir, `of-${processes}`) };
  const module: ContestantModule = await import(options.contestant);
  const putter = await module.open(settings, { started() {}, completed() {} });
  const team = await Team.started({ contestant: options.contestant, settings }, processes);

  const warmAt = performance.now() + warmUpMs;
  while (performance.now() < warmAt) {
    await putter.putBulk(jobs);
    await team.whenCompleted(jobs, performance.now() + limitMs);
  }

  const taken: Processes[] = [];
  for (let time = 0; time < repeats; time += 1) taken.push(await putAndWait(putter, team, jobs, limitMs));
  await team.end();
  await putter.close();
  await putter.clear?.();
  return medians(taken);
}

async function putAndWait(putter: Contestant, team: Team, jobs: number, limitMs: number): Promise<Processes> {
  const ownBefore = cpuUs();
  const [cpuBefore, serverBefore] = [team.cpuUs, await putter.serverCpuUs()];
  const before = team.completions;
  const begin = performance.now();
  await putter.putBulk(jobs);
  await team.whenCompleted(jobs, begin + limitMs);
  const ms = performance.now() - begin;
  const teamUs = team.cpuUs - cpuBefore;
  const serverUs = (await putter.serverCpuUs()) - serverBefore;
  const completions = team.completions - before;
  return {
    totalPerS: (completions / ms) * 1_000,
    cpuUsPerJob: (teamUs + cpuUs() - ownBefore) / completions,
    serverCpuUsPerJob: Number.isNaN(serverUs) ? null : serverUs / completions,
  };
}

/** Worker processes and their progress together. */
class Team {
  readonly #workers: readonly ChildProcess[];
  readonly #kill = () => {
    for (const worker of this.#workers) worker.kill('SIGKILL');
  };
  readonly #told = new Map<ChildProcess, Progress>();
  #awaited = 0;
  #heard = () => {};

  private constructor(workers: readonly ChildProcess[]) {
    this.#workers = workers;
    // Also runs when the command is interrupted.
    process.once('exit', this.#kill);
    for (const worker of workers) {
      worker.on('message', (progress: Progress) => {
        this.#told.set(worker, progress);
        this.#heard();
      });
    }
  }

  /** Resolves when all workers run. */
  static async started(options: WorkerOptions, count: number): Promise<Team> {
    const file = new URL('./process-worker.ts', import.meta.url).pathname;
    const workers = Array.from({ length: count }, () =>
      fork(file, [JSON.stringify(options)], { execArgv: ['--import', 'tsx'], stdio: 'inherit' }),
    );
    const team = new Team(workers);
    await new Promise<void>((resolve, reject) => {
      team.#heard = () => team.#told.size === count && resolve();
      for (const worker of workers) {
        worker.on('exit', (code) =>
          reject(new Error(`Expected a worker to continue, got its end (${code}).`)),
        );
      }
    });
    return team;
  }

  get completions(): number {
    return [...this.#told.values()].reduce((sum, { completions }) => sum + completions, 0);
  }

  get cpuUs(): number {
    return [...this.#told.values()].reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  }

  /** Resolves when `count` more jobs than in earlier calls are completed, or when `latestAt` has passed. */
  whenCompleted(count: number, latestAt: number): Promise<void> {
    this.#awaited += count;
    return new Promise((resolve) => {
      this.#heard = () => {
        if (this.completions < this.#awaited && performance.now() < latestAt) return;
        this.#heard = () => {};
        resolve();
      };
      this.#heard();
    });
  }

  async end(): Promise<void> {
    for (const worker of this.#workers) {
      worker.removeAllListeners('exit');
      const ended = once(worker, 'exit');
      worker.disconnect();
      await ended;
    }
    process.off('exit', this.#kill);
  }
}
