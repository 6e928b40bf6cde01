import { ConflictError, type Intercept, local, type ScheduledCall, SignalboxError } from '../../index.ts';
import {
  type Changed,
  type ConnectionFaults,
  noDelay,
  type StoreCall,
} from '../simulate/cluster/connection-faults.ts';
import type { Nemesis, NemesisDeps } from '../simulate/cluster/nemesis.ts';
import type { SimulatedProcess } from '../simulate/cluster/simulated-process.ts';
import { lostConnection } from '../simulate/world/faults.ts';
import type { PerturbationName } from './perturbations.ts';

/** What is done to a life, once. */
export interface Strike {
  /** Number of the call of the store at which it is done. */
  readonly call: number;
  readonly perturbation: PerturbationName;
  /** The job that is taken out or cancelled; null: none is. */
  readonly job: string | null;
  /** The instant to which time jumps; null: it does not. */
  readonly until: number | null;
}

/** A commit or a claim of a life that has changed something. */
export interface MadeCall {
  readonly call: number;
  readonly changes: readonly Changed[];
  /** The definition whose code is called next, before any later call of the store changes something; null: none is. */
  calls: string | null;
}

/** How long the store is away, and how long a process takes to start again. */
const awayMs = 12_000;
const restartMs = 1000;
/** How long code hangs after it was asked to stop. */
const hangsMs = 3_600_000;
const heldUp = { there: 10, back: 0 };

/** Counts what the processes of a life commit, and strikes at chosen ones of these commits. */
export class StrikingNemesis implements Nemesis {
  readonly made: MadeCall[] = [];
  readonly #deps: NemesisDeps;
  readonly #strikes: Strike[];
  /** Strikes at commits that are still to come. */
  readonly #armed = new Set<{ readonly perturbation: PerturbationName; readonly event: string }>();
  readonly #numbers = new WeakMap<StoreCall, number>();
  readonly #struck = new Set<Strike>();
  #calls = 0;
  #isOver = false;
  /** What the next code does instead of what it would do. */
  #nextCode: 'throws' | 'hangs' | null = null;
  #sendsTwice = false;
  /** The job for which an operator asks for something; null: none. */
  #askedFor: string | null = null;

  constructor(deps: NemesisDeps, strikes: readonly Strike[]) {
    this.#deps = deps;
    this.#strikes = [...strikes];
  }

  /** The strikes that came. One that changes the life before another may leave none for that. */
  get struck(): number {
    return this.#struck.size;
  }

  /** Strikes at the next commit or claim with an event; null: at once, as if one had just been made. */
  arm(perturbation: PerturbationName, event: string | null): void {
    if (event !== null) {
      this.#armed.add({ perturbation, event });
      return;
    }
    this.#deps.world.note(`is struck: ${perturbation}`);
    const [process] = this.#deps.cluster.processes;
    if (process !== undefined)
      this.#acts[perturbation]?.(process, { call: 0, perturbation, job: null, until: null });
  }

  begin(): void {
    this.#deps.cluster.disturb((process) => this.#faultsOf(process));
  }

  end(): void {
    this.#isOver = true;
    this.#nextCode = null;
    this.#deps.cluster.heal();
  }

  sendsTwice(): boolean {
    const sendsTwice = this.#sendsTwice;
    this.#sendsTwice = false;
    return sendsTwice;
  }

  intercept: Intercept = ({ name }, call) => {
    const last = this.made.at(-1);
    if (last !== undefined) last.calls ??= name;
    const does = this.#nextCode;
    this.#nextCode = null;
    if (does === null) return call();
    this.#deps.world.note(`the code of ${name} ${does}`);
    if (does === 'hangs') return this.#hang();
    throw new Error('this call of the code throws, by the perturbation "throws"');
  };

  /** Code that does not stop when it is asked to, and ends long after that: its slot is free then. */
  #hang(): Promise<never> {
    return new Promise((_resolve, reject) => {
      local.signal.addEventListener('abort', () => {
        this.#later(hangsMs, () =>
          reject(new Error('this call of the code has hung, by the perturbation "hangs"')),
        );
      });
    });
  }

  #faultsOf(process: SimulatedProcess): ConnectionFaults {
    return {
      refusal: (call) => this.#refusal(process, call),
      delay: (call) => (this.#isHeldUp(call) ? heldUp : noDelay),
      losesAnswer: (call) => this.#strikeOf(call, 'unanswered') !== undefined,
      answersLater: () => false,
      made: (call, changes) => this.#made(process, call, changes),
    };
  }

  #refusal(process: SimulatedProcess, call: StoreCall): Error | null {
    if (call.kind === 'read') return null;
    this.#calls += 1;
    this.#numbers.set(call, this.#calls);
    if (call.kind === 'commit') this.#comes(this.#calls, call.changes, false);
    if (this.#strikeOf(call, 'conflict') !== undefined)
      return new ConflictError({ subject: 'a record', expected: 'at rev 1', actual: 'rev 2' });
    if (this.#strikeOf(call, 'full') !== undefined)
      return new SignalboxError('STORE_FULL', { path: 'the simulated store', needed: 1 });
    if (this.#strikeOf(call, 'disconnect') === undefined) return null;
    process.connection.isDown = true;
    this.#later(awayMs, () => {
      process.connection.isDown = false;
    });
    return lostConnection();
  }

  /** The strike of this kind that this call gets, which counts as done then. */
  #strikeOf(call: StoreCall, perturbation: PerturbationName): Strike | undefined {
    const number = this.#numbers.get(call);
    const found = this.#strikes.find((each) => each.call === number && each.perturbation === perturbation);
    if (found === undefined || this.#isOver) return undefined;
    this.#struck.add(found);
    this.#deps.world.note(`call ${number} is struck: ${perturbation}`);
    return found;
  }

  /** Turns what is armed for a call into strikes at it: those that are done when it is made, or those that decide whether it is. */
  #comes(call: number, changes: readonly Changed[], isMade: boolean): void {
    for (const armed of this.#armed) {
      const { perturbation, event } = armed;
      const isDoneThen = this.#acts[perturbation] !== undefined;
      if (isMade !== isDoneThen || !changes.some((change) => change.event === event)) continue;
      this.#armed.delete(armed);
      this.#strikes.push({ call, perturbation, job: null, until: null });
    }
  }

  #made(process: SimulatedProcess, call: StoreCall, changes: readonly Changed[]): void {
    const number = this.#numbers.get(call);
    if (number === undefined) return;
    this.made.push({ call: number, changes, calls: null });
    this.#comes(number, changes, true);
    for (const { perturbation } of this.#strikes.filter((each) => each.call === number)) {
      const act = this.#acts[perturbation];
      const strike = act === undefined ? undefined : this.#strikeOf(call, perturbation);
      if (strike !== undefined) act?.(process, strike);
    }
  }

  /** What is done when a call is made and written. */
  readonly #acts: {
    readonly [name in PerturbationName]?: (process: SimulatedProcess, strike: Strike) => void;
  } = {
    lost: () => {
      const { cluster } = this.#deps;
      for (const each of cluster.processes) cluster.kill(each);
      cluster.crash();
    },
    kill: (process) => {
      this.#deps.cluster.kill(process);
      this.#later(restartMs, () => this.#deps.cluster.start(null));
    },
    taken: (process) => {
      const { cluster, deathMs } = this.#deps;
      process.lane.pause();
      cluster.start(null);
      this.#later(3 * deathMs, () => process.lane.resume());
    },
    stopped: (process) => {
      const { cluster } = this.#deps;
      // Code that was to be called is called before the signal comes.
      this.#later(1, () =>
        this.#ask(null, async () => {
          await process.box?.stop({ abort: '5s' });
          cluster.kill(process);
          this.#later(restartMs, () => cluster.start(null));
        }),
      );
    },
    late: (process, { until }) => this.#jump(process, until),
    timer: (process, { until }) => this.#jump(process, until),
    pulled: ({ box }, { job }) =>
      this.#ask(job, async () => {
        if (box === null || job === null) return;
        const found = await box.job(job).refresh();
        const { queue } = await found.place();
        if (queue !== null) await box.queue(queue).remove(found);
      }),
    cancelled: ({ box }, { job }) =>
      this.#ask(job, async () => {
        if (job !== null) await box?.job(job).cancel({ reason: 'the perturbation "cancelled"' });
      }),
    throws: () => {
      this.#nextCode = 'throws';
    },
    hangs: () => {
      this.#nextCode = 'hangs';
    },
    twice: () => {
      this.#sendsTwice = true;
    },
  };

  /** Nothing of the process happens until an instant: then all that is due is. */
  #jump({ lane }: SimulatedProcess, until: number | null): void {
    if (until === null) return;
    lane.pause();
    this.#later(until - this.#deps.world.now() + 1000, () => lane.resume());
  }

  /** What an operator asks for. It comes before what the process itself does with the job. */
  #ask(job: string | null, call: () => Promise<void>): void {
    this.#askedFor = job;
    call()
      .catch((error: unknown) => this.#deps.world.note(`the request is refused: ${String(error)}`))
      .finally(() => {
        this.#askedFor = null;
      });
  }

  #isHeldUp({ kind, changes }: StoreCall): boolean {
    if (this.#askedFor === null || kind === 'read') return false;
    return !changes.some(({ id, event }) => id === this.#askedFor && /^job\.(pull|cancel)$/.test(event));
  }

  #later(delayMs: number, call: () => void): ScheduledCall {
    const { scheduler, lane } = this.#deps.world;
    return scheduler.callLater(lane, delayMs, () => {
      if (!this.#isOver) call();
    });
  }
}
