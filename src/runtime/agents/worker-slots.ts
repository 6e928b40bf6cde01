import type { Outcome } from '../../../machines/job.context.ts';
import { ShutdownError, SignalboxError } from '../../errors.ts';
import { Failure } from '../../model/values/failure.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText } from '../environment/logging.ts';
import type { LiveJobInfo } from '../execution/job-info.ts';
import { logWorker } from '../execution/outcome-log.ts';
import type { AgentSlot, Run, RunWorkers } from '../execution/run.ts';
import type { JobLike } from '../jobs/job-like.ts';

/** A job in a worker: the worker's place, and what the dispatcher remembers of the job. */
export interface AtWork {
  readonly slot: AgentSlot | null;
  readonly info: LiveJobInfo;
}

/** The workers of an agent: which run each of them has, and what the dispatcher remembers of it. */
export class WorkerSlots implements RunWorkers {
  readonly #context: RuntimeContext;
  readonly #slotFreed: () => void;
  readonly #runs = new Set<Run>();
  /** Runs whose code goes on although their jobs have gone on without it. */
  readonly #abandoned = new Set<Run>();
  /** How many jobs were claimed and are not begun yet. */
  #expected = 0;
  /** Slots that are taken for jobs whose code has not been called yet. */
  readonly #taken = new Set<number>();
  readonly #freeNumbers: number[] = [];
  readonly #idleWaiters: (() => void)[] = [];
  #nextNumber = 0;
  #aborts = 0;
  #handsOn = false;

  /** `slotFreed` is called when a job was reassigned: nothing else notifies the agent. */
  constructor(context: RuntimeContext, slotFreed: () => void) {
    this.#context = context;
    this.#slotFreed = slotFreed;
  }

  /** The jobs that workers are on right now, newest first. */
  activeJobs(): { readonly id: string; readonly started: number }[] {
    return [...this.#runs]
      .filter((run) => run.info !== null && run.info.completedAt === null)
      .map((run) => ({ id: run.job.id, started: run.info?.startedAt ?? 0 }))
      .reverse();
  }

  get aborts(): number {
    return this.#aborts;
  }

  get handsOn(): boolean {
    return this.#handsOn;
  }

  /** From now on what runs is handed on: another worker takes it. */
  handOn(): void {
    this.#handsOn = true;
  }

  /** How many places are taken by code that did not stop when it was asked to. */
  get abandonedCount(): number {
    return this.#abandoned.size;
  }

  /** What runs. */
  get runs(): Iterable<Run> {
    return this.#runs;
  }

  /** The process stops: what runs is asked to stop, and handed back when it does. */
  shutDown(): void {
    for (const run of this.#runs) {
      run.isShutDown = true;
      run.abort(new ShutdownError({ id: run.job.id }));
    }
  }

  /** The definitions of what runs in this thread. */
  *names(): Generator<string> {
    for (const run of this.#runs)
      if (run.thread === null && (run.info === null || run.info.completedAt === null)) yield run.job.name;
  }

  /** Signals all running code to stop. */
  abort(reason: unknown): void {
    this.#aborts += 1;
    for (const run of this.#runs) run.abort(reason);
  }

  get #isBusy(): boolean {
    return this.#expected > 0 || this.#runs.size > 0 || this.#taken.size > 0;
  }

  /** Resolves when no worker is busy, nor about to be. */
  async idle(): Promise<void> {
    while (this.#isBusy) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** So many jobs were claimed. Each takes a worker when it begins: those before it may have theirs until the claim is written. */
  expect(jobs: number): void {
    this.#expected += jobs;
  }

  /** So many jobs that were expected do not begin. */
  expectNoMore(jobs: number): void {
    this.#expected -= jobs;
    this.#resolveIdle();
  }

  /** A free worker, or a new one, for an expected job. */
  take(): AgentSlot {
    this.#expected -= 1;
    const number = this.#freeNumbers.pop() ?? this.#nextNumber++;
    this.#taken.add(number);
    return { number };
  }

  release(slot: AgentSlot | null): void {
    if (slot === null) return;
    if (!this.#freeNumbers.includes(slot.number)) this.#freeNumbers.push(slot.number);
    this.#taken.delete(slot.number);
    this.#resolveIdle();
  }

  started(run: Run): void {
    this.#runs.add(run);
    if (run.slot !== null) this.#taken.delete(run.slot.number);
  }

  ended(run: Run, outcome: Outcome | null): void {
    // A job that waited has freed its worker already.
    if (!this.#drop(run) || run.info === null || run.info.completedAt !== null) return;
    const { info } = run;
    info.failed = outcome?.ok === false;
    info.keep(outcome);
    info.completedAt = this.#context.now();
    if (!run.isAbandoned) this.release(run.slot);
  }

  abandoned(run: Run): void {
    this.#abandoned.add(run);
  }

  codeEnded(run: Run): void {
    if (!this.#abandoned.delete(run)) return;
    // A job that waited for a promise has freed its worker already.
    if (run.info !== null) this.release(run.slot);
    this.#slotFreed();
  }

  waits(run: Run, inner: JobLike | null): void {
    const { info } = run;
    if (info === null) {
      this.#drop(run);
      return;
    }
    info.keepText(inner === null ? 'null' : String(inner));
    info.completedAt = this.#context.now();
    this.release(run.slot);
    // A detached promise still belongs to the run, so that it is aborted with it.
    if (inner !== null) this.#drop(run);
    this.logCompleted(run);
  }

  lost(run: Run): void {
    const { info } = run;
    if (!this.#drop(run) || info === null) return;
    run.abort(new Error('the job was reassigned'));
    info.reassigned = true;
    this.#slotFreed();
    if (info.completedAt !== null) return;
    this.release(run.slot);
    // The record has the outcome, if there is one by now.
    void this.#context.store
      .get('job', run.job.id)
      .then((job) => {
        info.failed = job?.outcome?.ok === false;
        info.keep(job?.outcome ?? null);
      })
      .catch(() => {})
      .then(() => {
        info.completedAt = this.#context.now();
      });
  }

  /** The worker is replaced. The job stays as it is until the dispatcher is deactivated. */
  workerFailed(run: Run, error: unknown): void {
    if (!this.#drop(run) || run.info === null || run.info.completedAt !== null) return;
    this.replaced({ slot: run.slot, info: run.info }, error);
  }

  /** Frees the slot of a worker that failed, and keeps and logs the error. */
  replaced({ slot, info }: AtWork, error: unknown): void {
    const failure = Failure.from(error);
    info.failed = true;
    info.keep({ ok: false, failure: failure.data });
    info.completedAt = this.#context.now();
    this.release(slot);
    // A box that is stopped leaves its jobs as they are: nothing failed.
    if (error instanceof SignalboxError && error.code === 'BOX_STOPPED') return;
    const shown = info.shown(failure);
    this.#context.log.events(
      'CRITICAL',
      () => `unexpected error in worker ${info.thread}, which is replaced: ${errorText(shown)}`,
      { queue: info.queue, agent: info.agent, err: shown.toError() },
    );
  }

  logCompleted(run: Run): void {
    if (run.info !== null) logWorker(this.#context, 'completed', run.info.thread, run.job);
  }

  /** False when it was not among them. */
  #drop(run: Run): boolean {
    const dropped = this.#runs.delete(run);
    this.#resolveIdle();
    return dropped;
  }

  #resolveIdle(): void {
    if (this.#isBusy) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
