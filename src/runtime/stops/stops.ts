/*
 * Room: stops.
 *
 * Owns: How running code is stopped: because its job is cancelled, because a time limit has passed, or because
 *   its process ends; and how code puts its own job off. Stops asks the code, waits for the grace, and goes on
 *   without it; AttemptLimits watches the time; PutOffs puts jobs back that have not failed.
 *
 * Invariant: Code is asked to stop only once the record says so, on disk. What code gives after its job has
 *   gone on without it counts for nothing, and its place in the agent stays taken until it ends.
 *
 * May import: environment, definitions, commits, execution.
 */
import { stopError } from '../../model/jobs/stop-error.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { durationText } from '../../time.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { jobFields } from '../execution/outcome-log.ts';
import { isSameCall, isStopping, type Run } from '../execution/run.ts';
import type { RunSteps } from '../execution/run-steps.ts';

/** The dependencies of the stops. */
export interface StopsDeps {
  readonly context: RuntimeContext;
  /** What runs in this process now. */
  readonly runs: () => Iterable<Run>;
  readonly steps: Pick<RunSteps, 'finish' | 'retry'>;
}

/** Stops the code of jobs that are cancelled or have exceeded a time limit. */
export class Stops {
  readonly #context: RuntimeContext;
  readonly #deps: StopsDeps;

  constructor(deps: StopsDeps) {
    this.#context = deps.context;
    this.#deps = deps;
  }

  /** A chart asks that the code of a job stop. Nothing happens when it does not run in this process. */
  request(id: string): void {
    for (const run of this.#deps.runs()) if (run.job.id === id) void this.#look(run);
  }

  /** Looks whether anything that runs here is to stop: a request from another process may have got lost. */
  async lookAgain(held: readonly JobRecord[]): Promise<void> {
    const known = new Map(held.map((job) => [job.id, job]));
    for (const run of [...this.#deps.runs()]) {
      const job = known.get(run.job.id);
      // Callbacks run in the workers of agents, which do not hold them.
      if (job !== undefined) this.#ask(run, job);
      else if (run.job.id !== run.holder?.id) await this.#look(run);
    }
  }

  async #look(run: Run): Promise<void> {
    const now = await this.#context.store.get('job', run.job.id).catch(() => undefined);
    if (now !== undefined) this.#ask(run, now);
  }

  /** While an outcome is being committed nothing is stopped: that commit is first, or it is refused. */
  #ask(run: Run, now: JobRecord): void {
    const { stop, state } = now;
    if (stop === null || !isStopping(state) || !isSameCall(run.job, now)) return;
    if (run.askedIn === state || run.phase === 'commit' || run.isAbandoned) return;
    run.askedIn = state;
    run.job = { ...run.job, state, stop };
    const { thread } = run;
    run.abort(stopError(run.job, stop));
    // Its thread ends with it when it does not stop.
    if (thread !== null) return;
    const grace = this.#context.registry.graceOf(run.job.name);
    run.watch(this.#context.reactor.callLater(grace, () => this.#abandon(run, grace)));
  }

  /** Nothing is watched any more: the box has stopped. */
  end(): void {
    for (const run of this.#deps.runs()) run.watch(null);
  }

  /** The code has ended, and gave no value. */
  stopped(run: Run, error: unknown): void {
    run.watch(null);
    run.phase = 'commit';
    this.#end(run, error);
  }

  /** JavaScript cannot end code that does not listen: the job goes on without it. */
  #abandon(run: Run, grace: number): void {
    if (run.phase === 'commit') return;
    const { log } = this.#context;
    const what = (): string =>
      `${jobLabel(run.job)} did not stop within ${durationText(grace)}, and the job goes on without its code, whose worker stays taken until it ends: let it heed local.signal`;
    log.events('WARNING', what, jobFields(run.job, run));
    run.isAbandoned = true;
    run.agent?.workers.abandoned(run);
    // What it put and changed is dropped, and it can add nothing.
    run.startOver();
    run.unit.end();
    this.#end(run, null);
  }

  #end(run: Run, error: unknown): void {
    const { steps } = this.#deps;
    const { stop } = run.job;
    if (stop === null) return;
    const failure = Failure.from(stopError(run.job, stop, error ?? undefined));
    // Whether another attempt makes sense is a question for a limit of one attempt only.
    if (stop.cause === 'timeout' || stop.cause === 'heartbeat') steps.retry(run, failure, 'jobError');
    else steps.finish(run, { ok: false, failure: failure.data }, run.job.waitingOn);
  }
}
