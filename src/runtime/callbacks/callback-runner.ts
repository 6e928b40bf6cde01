/*
 * Room: callbacks.
 *
 * Owns: What follows an outcome: callbacks, the choice of a callback proxy, and the ends of jobs that their
 *   own code does not bring: failed by the program, expired, interrupted, aborted, handed over to a system
 *   job.
 *
 * Invariant: A job is COMPLETED only when no callback of it is NEW: the commit of COMPLETED is refused while
 *   one is, so a callback that is added meanwhile runs once and is never lost. No callback sees an outcome
 *   that a power cut could take back.
 *
 * May import: definitions, commits, jobs, execution, stops.
 */
import { BadStatusError, ConflictError, TimeoutError } from '../../errors.ts';
import { isExpired, limitOfStart } from '../../model/jobs/deadline.ts';
import { startsSynced } from '../../model/jobs/retry.ts';
import { afterStep, callsHandler, statusOfState, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { queueOf } from '../../reading/job-place.ts';
import type { Callback } from '../../store/reader.ts';
import type { Precondition } from '../../store/store.ts';
import type { Committer } from '../commits/committer.ts';
import { holderOf, ifHeldBy, ifUnchanged } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import { isStoreAway } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { callOf, jobFields } from '../execution/outcome-log.ts';
import type { OutcomeWaits } from '../execution/outcome-waits.ts';
import type { RetryPolicies } from '../execution/retry-policies.ts';
import {
  type CallbackContext,
  HandedOverError,
  isCommitted,
  isHeldBy,
  isSameCall,
  Run,
} from '../execution/run.ts';
import type { CallbackSteps, RunSteps } from '../execution/run-steps.ts';
import { annotationsOf } from '../jobs/annotations.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import type { OutsideRuns } from '../stops/outside-runs.ts';
import { CallbackChoice } from './callback-choice.ts';
import { callbackInput } from './callback-input.ts';
import { endJob } from './end-job.ts';
import { handOver } from './hand-over.ts';
import { decideInterruptedCallback } from './interrupted-job.ts';

/** The dependencies of the callback runner. */
export interface CallbackRunnerDeps {
  readonly work: UnitOfWork;
  readonly handles: JobHandles;
  readonly policies: RetryPolicies;
  readonly waits: OutcomeWaits;
  readonly steps: Pick<RunSteps, 'execute'>;
  readonly outside: OutsideRuns;
}

/**
 * Runs the callbacks of finished jobs, one after the other in the order in which they were added.
 */
export class CallbackRunner implements CallbackSteps {
  readonly #context: RuntimeContext;
  readonly #committer: Committer;
  readonly #deps: CallbackRunnerDeps;
  readonly #choice: CallbackChoice;

  constructor(deps: CallbackRunnerDeps) {
    this.#context = deps.work.context;
    this.#committer = deps.work.committer;
    this.#deps = deps;
    this.#choice = new CallbackChoice(deps.work, deps.handles);
  }

  /** Calls the callbacks of a job whose outcome came from outside its worker: here, or in a system job's worker. */
  async performFor(job: JobRecord, within: CallbackContext | null = null): Promise<void> {
    const { store } = this.#context;
    const what = (): string => `the callbacks of ${jobLabel(job)}`;
    // The outcome may have been read before it is synced.
    await retryForever(this.#context, what, () => store.settled());
    await this.perform(
      within ?? (await retryForever(this.#context, what, () => this.#outsideAgents(job))),
      job,
    );
  }

  async #outsideAgents(job: JobRecord): Promise<CallbackContext> {
    const queue = (await queueOf(this.#context.store, job)) ?? '';
    return { agent: null, slot: null, holder: null, queue, about: job.id };
  }

  /**
   * Calls every callback that is NEW, and those that are added meanwhile, then completes the job. Must succeed: what
   * conditions and the store throw is tried again for ever. `done` is called as soon as the completion is written, so that the
   * worker is free before a job begins that was claimed for its slot.
   */
  perform(context: CallbackContext, job: JobRecord, done: () => void = () => {}): Promise<void> {
    const { store, registry } = this.#context;
    return retryForever(
      this.#context,
      () => `performing the callbacks of ${jobLabel(job)}`,
      async () => {
        for (;;) {
          if (await this.#callNew(context, job)) continue;
          const now = await store.get('job', job.id);
          if (now === undefined || now.state !== 'callbacks') return;
          const complete = stepJob(now, { type: 'job.complete', at: this.#context.now(), unstarted: 0 });
          const expect: Precondition[] = [{ check: 'noUnstartedCallback', id: job.id }, ...ifHeld(context)];
          const ticket = this.#committer.commit(this.#authorIn(context), [complete], expect);
          this.#committer.whenWritten(ticket, done);
          await ticket.written;
          return;
        }
      },
      { redactor: () => registry.redactorOf(job) },
    );
  }

  /** Calls callbacks of a completed job that were added late: one of them, or all that are NEW. */
  async performLate(id: string, added?: string): Promise<void> {
    const parent = await this.#context.store.get('job', id);
    if (parent === undefined) return;
    const context = await this.#outsideAgents(parent);
    // A conflict at its start may be about something else: then the callback is still NEW, and no other process calls it.
    while (await this.#callNew(context, parent, added));
  }

  /**
   * Calls the callbacks that are NEW, in order, in one walk: there may be thousands. True when there was one: more may have
   * been added after them since.
   */
  async #callNew(context: CallbackContext, parent: JobRecord, only?: string): Promise<boolean> {
    let wasOne = false;
    for (const callback of await this.#context.store.callbacks(parent.id)) {
      // Most have been called when there are thousands: to skip one must cost next to nothing.
      if (callback.kind === 'job' && callback.record.state !== 'new') continue;
      if (only !== undefined && callback.record.id !== only) continue;
      const next = await this.#ifNew(callback, parent.id);
      if (next === null) continue;
      wasOne = true;
      await this.#call(context, next, parent);
    }
    return wasOne;
  }

  /** The job to call, as it is now: it may have been called since the list was read. */
  async #ifNew({ kind, record }: Callback, parent: string): Promise<JobRecord | null> {
    const id = kind === 'job' ? record.id : (record.chosen ?? (await this.#choice.make(record.id, parent)));
    const job = await this.#context.store.get('job', id);
    return job?.state === 'new' ? job : null;
  }

  async #call(context: CallbackContext, callback: JobRecord, parent: JobRecord): Promise<void> {
    const { store, log, registry } = this.#context;
    // A callback that was added since its parent was read may be unsynced: nothing runs that a power cut could take back.
    if (callback.createdSeq > parent.lastSeq) await store.settled();
    if (isExpired(callback, store.now())) return this.#failExpired(context, callback);
    if (registry.definition(callback.name) === undefined) return this.#handOver(context, callback);
    const start = stepJob(callback, { type: 'job.start', at: this.#context.now() });
    const begun = afterStep(callback, start);
    if (log.isRead('DEBUG')) {
      const calls = (): string => `${callOf(this.#context, callback)} to ${callOf(this.#context, parent)}`;
      log.trace('DEBUG', () => `starting callback ${calls()}`, { job: callback.id });
    }
    const aborts = abortsIn(context);
    try {
      const expect = [...ifHeld(context), ifUnchanged(callback)];
      const ticket = this.#committer.commit(this.#authorIn(context), [start], expect);
      await (this.#startsSynced(callback) ? ticket.synced : ticket.written);
    } catch (error) {
      // Another process has started it: the next look at the list skips it.
      if (error instanceof ConflictError) return;
      // When only the answer was lost, the call may have begun: only then it is looked up.
      if (!isStoreAway(error) || !(await isCommitted(this.#context, begun))) throw error;
    }
    if (callsHandler(start)) await this.#run(context, begun, parent, aborts);
  }

  /**
   * Hands the root job over to a process that knows a callback, and waits there until there is one: a system job that needs
   * the definition takes its place, and the job stays in CALLBACKS.
   * @throws HandedOverError when that is done; SignalboxError `UNKNOWN_DEFINITION` for a job without a queue, whose callback is
   * looked at again later.
   */
  async #handOver(context: CallbackContext, { name }: JobRecord): Promise<void> {
    const { store, ids, uuid, log, registry } = this.#context;
    const id = context.about ?? context.holder?.id ?? '';
    const job = await store.get('job', id);
    const queue = job === undefined ? null : await queueOf(store, job);
    const isThere = queue !== null && (await store.get('queue', queue)) !== undefined;
    if (job?.state !== 'callbacks' || queue === null || !isThere) {
      registry.mustKnowName(name);
      return;
    }
    const input = { systemId: ids.newId(), queue, needs: name, at: store.now(), assigner: uuid };
    const changes = handOver(job, input);
    await this.#committer.commit(this.#authorIn(context), changes, [ifUnchanged(job), ...ifHeld(context)])
      .written;
    const what = (): string => `${jobLabel(job)} is handed over to a process that knows its callback ${name}`;
    log.events('WARNING', what, jobFields(job, context));
    throw new HandedOverError({ id });
  }

  /** A policy that is unknown in this process may forbid a second run. */
  #startsSynced(callback: JobRecord): boolean {
    const policy = this.#context.registry.policyOf(callback);
    return policy === undefined || startsSynced(policy);
  }

  async #failExpired(context: CallbackContext, callback: JobRecord): Promise<void> {
    const late = (): string => `callback ${jobLabel(callback)} is too late to be called`;
    this.#context.log.events('ERROR', late, jobFields(callback, context));
    const what = `the start of callback ${callback.id}`;
    const failure = Failure.from(new TimeoutError({ what, limit: limitOfStart(callback) })).data;
    const fail = { type: 'job.fail', at: this.#context.now(), failure, expired: true } as const;
    const expect = [ifUnchanged(callback), ...ifHeld(context)];
    await this.perform(context, await endJob(this.#committer, callback, fail, expect));
  }

  /** `aborts`: those of its workers before its start was committed. */
  async #run(context: CallbackContext, job: JobRecord, parent: JobRecord, aborts: number): Promise<void> {
    const { store } = this.#context;
    // Its start is stored, and no other process calls it: what it needs is read however long the store is away.
    const what = (): string => `loading ${jobLabel(job)}`;
    const [input, annotations, now] = await retryForever(this.#context, what, () =>
      Promise.all([this.#input(parent), annotationsOf(store, job.id), store.get('job', job.id)]),
    );
    // Its worker may have been declared dead meanwhile, and the callback reassigned.
    if (!isSameCall(job, now)) return;
    for (let known = aborts; known !== abortsIn(context); ) {
      known = abortsIn(context);
      if (!(await this.#isHeld(context))) return;
    }
    // Without a holder of the root job, the callback's own claim distinguishes this attempt from the next.
    const holder = context.holder ?? holderOf(job);
    const { work, steps, outside } = this.#deps;
    const run = new Run({ work, ...context, holder, job, input: [input], annotations, info: null });
    context.agent?.workers.started(run);
    await outside.call(run, (begun) => steps.execute(begun));
    if (run.handedOver !== null) throw run.handedOver;
  }

  /** Whether the root job is still held here. The callback itself does not change before its new holder decides about it. */
  async #isHeld({ holder }: CallbackContext): Promise<boolean> {
    if (holder === null) return true;
    const what = (): string => `looking whether job ${holder.id} was reassigned`;
    const root = await retryForever(this.#context, what, () => this.#context.store.get('job', holder.id));
    return isHeldBy(holder, root);
  }

  async #input(parent: JobRecord): Promise<unknown> {
    const { work, handles } = this.#deps;
    const now = await this.#context.store.get('job', parent.id);
    return callbackInput(work, handles, now?.outcome ?? parent.outcome);
  }

  /** Continues the callbacks of a job: also of a completed one, to which some were added late and left unfinished. */
  async continueCallbacks(job: JobRecord, within: CallbackContext | null = null): Promise<void> {
    if (job.state !== 'completed') return this.resume(job, within);
    await this.#decideBegun(job, within);
    await this.performLate(job.id);
  }

  /**
   * Continues the callbacks of a job whose worker disappeared: those that are NEW are called, an interrupted one is decided
   * by its policy, completed ones are left alone. @throws BadStatusError in any status but CALLBACKS.
   */
  async resume(job: JobRecord, within: CallbackContext | null = null): Promise<void> {
    if (job.state !== 'callbacks') throw refused(job, 'resuming callbacks');
    await this.#decideBegun(job, within);
    await this.performFor(job, within);
  }

  async #decideBegun(job: JobRecord, within: CallbackContext | null): Promise<void> {
    const { store } = this.#context;
    for (const callback of await store.callbacks(job.id)) {
      const id = callback.kind === 'job' ? callback.record.id : callback.record.chosen;
      const record = id === null ? undefined : await store.get('job', id);
      if (record?.state === 'callbacks') await this.resume(record, within);
      else if (record?.state.startsWith('active')) await this.handleInterrupt(record, job, within);
    }
  }

  /**
   * Decides about a callback that was ACTIVE when its worker disappeared. One that waits for another job continues to wait,
   * or takes its outcome. @throws BadStatusError when it is not ACTIVE, or its parent has no callbacks to call: it is neither
   * in CALLBACKS nor completed.
   */
  async handleInterrupt(
    callback: JobRecord,
    parent: JobRecord,
    within: CallbackContext | null = null,
  ): Promise<void> {
    const hasCallbacks = parent.state === 'callbacks' || parent.state === 'completed';
    if (!hasCallbacks) throw refused(parent, 'the interruption of a callback');
    if (!callback.state.startsWith('active')) throw refused(callback, 'an interruption');
    const { policies, waits } = this.#deps;
    const deps = { committer: this.#committer, policies, waits };
    const held = within === null ? [] : ifHeld(within);
    const ended = await decideInterruptedCallback(deps, callback, held);
    if (ended !== null) await this.performFor(ended, within);
  }

  #authorIn(context: CallbackContext): string {
    return context.agent?.owner.uuid ?? this.#context.uuid;
  }
}

function refused(job: JobRecord, event: string): BadStatusError {
  return new BadStatusError({ what: `job ${job.id}`, status: statusOfState(job.state), event, guards: [] });
}

function abortsIn({ agent }: CallbackContext): number {
  return agent?.workers.aborts ?? 0;
}

/** Callbacks are written by the holder of the root job, as long as it holds that job. */
function ifHeld({ holder }: CallbackContext): readonly Precondition[] {
  return holder === null ? [] : [ifHeldBy(holder)];
}
