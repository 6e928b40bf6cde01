import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../src/testing/simulate/world/random.ts';
import { type PutKind, putKinds } from './jobs.ts';
import type { KillPoint } from './kill-points.ts';
import { type Death, deathOf, type Way } from './killing.ts';
import { createLedger } from './ledger.ts';
import type { PartOptions } from './part.ts';
import { killAtSyscall } from './strace.ts';
import type { LifeOrder } from './worker.ts';
import { complaintsOf, WorkerProcess } from './worker-process.ts';

/** How processes are killed. */
export interface CampaignOptions extends PartOptions {
  readonly kills: number;
  readonly ways: readonly Way[];
  readonly calls?: readonly KillPoint['call'][];
  /** What the workers put. Default: every kind. */
  readonly kinds?: readonly PutKind[];
  /** How long it may take until every job is completed after the last kill. */
  readonly finishMs: number;
}

/** What the processes of a campaign showed, in the order in which they lived. */
interface Observed {
  /** Lines on the pipe of each life. */
  readonly lives: readonly (readonly string[])[];
  /** Kills by way. One whose place was not reached in time counts as a kill by time. */
  readonly kills: Readonly<Record<Way, number>>;
  /** Lives that opened the store while the one before still lived. */
  readonly doubleHolders: number;
  /** Lives that ended by themselves, or did not complete every job in time. */
  readonly crashes: readonly string[];
  /** All that is wrong in the above and in what they logged, in words. */
  readonly problems: readonly string[];
}

/** A campaign that is over: the store and the ledger stay until `remove`. */
export interface Campaign extends Observed {
  readonly directory: string;
  readonly ledger: string;
  remove(): void;
}

const program = join('test', 'torture', 'worker.ts');
// A place that is never reached must not keep a campaign.
const longestLifeMs = 1_500;
// Time enough to open a store whose lock does not hold.
const rivalMs = 60;
// Loading takes most of a second, and the next process must be at the door when the one before dies.
const loadedAhead = 2;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lets processes work on one store, one after the other, and kills each; the last one may finish. */
export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { folder, ledger } = createLedger();
  const directory = join(folder, 'store');
  mkdirSync(directory, { mode: 0o700 });
  const observed = await new Lives(options, [directory, ledger]).run();
  return { directory, ledger, ...observed, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** One life as it is planned. */
interface Plan {
  readonly order: LifeOrder;
  /** Null for the life that may finish. */
  readonly death: Death | null;
}

class Lives {
  readonly #options: CampaignOptions;
  readonly #args: readonly string[];
  readonly #plans: readonly Plan[];
  readonly #loaded: WorkerProcess[] = [];
  readonly #lives: WorkerProcess[] = [];
  readonly #crashes: string[] = [];
  readonly #kills: Record<Way, number> = { time: 0, call: 0, strace: 0 };
  #doubleHolders = 0;

  constructor(options: CampaignOptions, args: readonly string[]) {
    this.#options = options;
    this.#args = args;
    this.#plans = plansOf(options);
  }

  async run(): Promise<Observed> {
    try {
      let worker = await this.#next(this.#plans[0] as Plan);
      worker.tell(this.#plans[0]?.order);
      for (const [index, { death }] of this.#plans.entries()) {
        if (death === null) {
          await this.#finish(worker);
          break;
        }
        const plan = this.#plans[index + 1] as Plan;
        const next = await this.#next(plan);
        await this.#killed(worker, death, () => next.tell(plan.order), next);
        this.#options.progress(`kill ${index + 1} of ${this.#options.kills}: ${describe(death)}`);
        worker = next;
      }
    } finally {
      for (const spare of [...this.#lives, ...this.#loaded]) spare.signal('SIGKILL');
    }
    return this.#observed();
  }

  /** A process that waits for its order, with strace in place when that is to kill it. Others are loading meanwhile. */
  async #next({ death }: Plan): Promise<WorkerProcess> {
    const place = { root: this.#options.root, program, args: this.#args };
    const left = this.#plans.length - this.#lives.length;
    while (this.#loaded.length < Math.min(loadedAhead, left)) this.#loaded.push(new WorkerProcess(place));
    const worker = this.#loaded.shift() as WorkerProcess;
    this.#lives.push(worker);
    if (death?.way === 'strace') {
      await worker.said('ready');
      await killAtSyscall(worker.child.pid as number, death.point);
    }
    return worker;
  }

  async #killed(
    worker: WorkerProcess,
    death: Death,
    sendOff: () => void,
    next: WorkerProcess,
  ): Promise<void> {
    const way = death.way === 'time' || !(await this.#diesByItself(worker)) ? 'time' : death.way;
    this.#kills[way] += 1;
    if (death.way === 'time') {
      await worker.said(death.since);
      await pause(death.ms);
      if (death.rival === 'whileStopped') worker.signal('SIGSTOP');
      if (death.rival !== 'after') {
        // One that is still opening may be overtaken; one that has opened holds the store until it is killed.
        const holds = hasOpened(worker);
        sendOff();
        await pause(rivalMs);
        if (holds && hasOpened(next)) this.#doubleHolders += 1;
      }
    }
    worker.signal('SIGKILL');
    if (death.way !== 'time' || death.rival === 'after') sendOff();
    await worker.ended();
    if (worker.child.signalCode !== 'SIGKILL')
      this.#crashes.push(`a worker ended with code ${worker.child.exitCode}`);
  }

  async #diesByItself(worker: WorkerProcess): Promise<boolean> {
    await worker.said('opened');
    return await Promise.race([worker.exited().then(() => true), pause(longestLifeMs).then(() => false)]);
  }

  async #finish(worker: WorkerProcess): Promise<void> {
    if ((await worker.said('finished', this.#options.finishMs)) === null) {
      const left = worker.lines.findLast((line) => line.startsWith('left'));
      this.#crashes.push(
        `not everything came to an end in ${this.#options.finishMs} ms: ${left ?? 'not even opened'}`,
      );
      worker.signal('SIGKILL');
    }
    await worker.ended();
  }

  #observed(): Observed {
    const complaints = complaintsOf(this.#lives.map((life, index) => [`life ${index + 1}`, life]));
    const double = `${this.#doubleHolders} times two processes held the store`;
    return {
      lives: this.#lives.map(({ lines }) => lines),
      kills: this.#kills,
      doubleHolders: this.#doubleHolders,
      crashes: this.#crashes,
      problems: [...(this.#doubleHolders > 0 ? [double] : []), ...this.#crashes, ...complaints],
    };
  }
}

function hasOpened({ lines }: WorkerProcess): boolean {
  return lines.some((line) => line.startsWith('opened'));
}

function plansOf({ kills, seed, ways, calls, kinds = putKinds }: CampaignOptions): readonly Plan[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: kills + 1 }, (_, index): Plan => {
    const death = index < kills ? deathOf(random, ways, calls) : null;
    const killPoint = death?.way === 'call' ? death.point : null;
    const order = {
      life: index + 1,
      seed: random.integer(0, 2 ** 31 - 1),
      kinds,
      // The life that finishes has to know what the lives before it did not.
      isDeployed: death === null || random.integer(0, 1) === 0,
      killPoint,
      finishes: death === null,
    };
    return { order, death };
  });
}

function describe(death: Death): string {
  if (death.way === 'call') return `${death.point.when} ${death.point.call} ${death.point.nth}`;
  if (death.way === 'strace') return `at ${death.point.syscall} ${death.point.nth}`;
  return `${death.ms} ms after it was ${death.since}, the next ${death.rival}`;
}
