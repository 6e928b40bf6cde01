import type { Outcome } from '../../../machines/job.context.ts';
import { SignalboxError } from '../../errors.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Engine } from '../box/engine.ts';
import type { Job } from '../handles/job.ts';
import type { LiveJobInfo } from './job-info.ts';
import type { Run } from './run.ts';

/** A worker's place in an agent. */
export interface AgentSlot {
  readonly number: number;
}

/** A job in a worker: the worker's place, and what the dispatcher remembers of the job. */
export interface AtWork {
  readonly slot: AgentSlot | null;
  readonly info: LiveJobInfo;
}

/** The workers of an agent: which of them is at what, and what the dispatcher remembers of that. */
export class Workers {
  readonly #engine: Engine;
  readonly #slotFreed: () => void;
  readonly #runs = new Set<Run>();
  /** Places that are taken for jobs whose code has not been called yet. */
  readonly #taken = new Set<number>();
  readonly #freeNumbers: number[] = [];
  readonly #idleWaiters: (() => void)[] = [];
  #nextNumber = 0;

  /** `slotFreed` is called when a job was lost to other hands: nothing else tells the agent. */
  constructor(engine: Engine, slotFreed: () => void) {
    this.#engine = engine;
    this.#slotFreed = slotFreed;
  }

  /** The jobs that workers are on right now, newest first. */
  activeJobs(): { readonly id: string; readonly started: number }[] {
    return [...this.#runs]
      .filter((run) => run.info !== null && run.info.completed === null)
      .map((run) => ({ id: run.job.id, started: run.info?.started?.getTime() ?? 0 }))
      .reverse();
  }

  /** Tells all code that runs to stop. */
  abort(reason: unknown): void {
    for (const run of this.#runs) run.abort(reason);
  }

  get #isBusy(): boolean {
    return this.#runs.size > 0 || this.#taken.size > 0;
  }

  /** Resolves when no worker is busy, nor about to be. */
  async idle(): Promise<void> {
    while (this.#isBusy) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** A free worker, or a new one. */
  take(): AgentSlot {
    const number = this.#freeNumbers.pop() ?? this.#nextNumber++;
    this.#taken.add(number);
    return { number };
  }

  release(slot: AgentSlot | null): void {
    if (slot === null) return;
    if (!this.#freeNumbers.includes(slot.number)) this.#freeNumbers.push(slot.number);
    this.#taken.delete(slot.number);
    this.#tellIdle();
  }

  started(run: Run): void {
    this.#runs.add(run);
    if (run.slot !== null) this.#taken.delete(run.slot.number);
  }

  /** The worker is done with the job. `outcome` null: it was put back. */
  ended(run: Run, outcome: Outcome | null): void {
    // What waited has let its worker go already.
    if (!this.#drop(run) || run.info === null || run.info.completed !== null) return;
    const { info } = run;
    info.failed = outcome?.ok === false;
    info.keep(outcome);
    info.completed = new Date(this.#engine.now());
    this.release(run.slot);
  }

  /** The worker is free, though the job waits for another job or a promise. */
  waits(run: Run, inner: Job<unknown> | null): void {
    const { info } = run;
    if (info === null) {
      this.#drop(run);
      return;
    }
    info.keepText(inner === null ? 'null' : String(inner));
    info.completed = new Date(this.#engine.now());
    this.release(run.slot);
    // A detached promise still belongs to the run, so that it is aborted with it.
    if (inner !== null) this.#drop(run);
    this.logCompleted(run);
  }

  /** The job is in other hands: nothing was written. */
  lost(run: Run): void {
    const { info } = run;
    if (!this.#drop(run) || info === null) return;
    run.abort(new Error('the job is in other hands'));
    info.reassigned = true;
    this.#slotFreed();
    if (info.completed !== null) return;
    this.release(run.slot);
    // The record tells what the store knows by now.
    void this.#engine.store
      .get('job', run.job.id)
      .then((job) => {
        info.failed = job?.outcome?.ok === false;
        info.keep(job?.outcome ?? null);
      })
      .catch(() => {})
      .then(() => {
        info.completed = new Date(this.#engine.now());
      });
  }

  /** Something broke that is no failure of the job: the worker is replaced, the job stays as it is until it is cleaned. */
  broke(run: Run, error: unknown): void {
    if (!this.#drop(run) || run.info === null || run.info.completed !== null) return;
    this.replaced({ slot: run.slot, info: run.info }, error);
  }

  /** A worker that broke: its place is free, and what broke it is kept and logged. */
  replaced({ slot, info }: AtWork, error: unknown): void {
    const failure = Failure.from(error);
    info.failed = true;
    info.keep({ ok: false, failure: failure.data });
    info.completed = new Date(this.#engine.now());
    this.release(slot);
    // A box that is stopped leaves its jobs as they are: nothing broke.
    if (error instanceof SignalboxError && error.code === 'BOX_STOPPED') return;
    this.#engine.log.events(
      'CRITICAL',
      () => `unexpected error in worker ${info.thread}, which is replaced: ${info.shown(failure).text()}`,
    );
  }

  logCompleted(run: Run): void {
    const { info } = run;
    if (info === null || !this.#engine.log.isRead('INFO')) return;
    this.#engine.log.trace('INFO', () => `completed in thread ${info.thread}: ${info.call}`, {
      job: run.job.id,
    });
  }

  /** False when it was not among them. */
  #drop(run: Run): boolean {
    const dropped = this.#runs.delete(run);
    this.#tellIdle();
    return dropped;
  }

  #tellIdle(): void {
    if (this.#isBusy) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
