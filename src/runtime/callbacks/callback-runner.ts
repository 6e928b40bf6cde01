import type { Outcome } from '../../../machines/job.context.ts';
import { BadStatusError, ConflictError, SignalboxError, TimeoutError } from '../../errors.ts';
import { isExpired } from '../../model/jobs/deadline.ts';
import { startsSynced } from '../../model/jobs/retry.ts';
import { afterStep, newJobRecord, statusOfState, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { decodeValue, referredJobs } from '../../model/values/values.ts';
import type { Callback, Expectation } from '../../store/store.ts';
import type { LiveAgent } from '../agents/agent-actor.ts';
import type { Engine } from '../box/engine.ts';
import { queueOf } from '../commits/job-place.ts';
import { fiveTimes, isStoreAway, mustSucceed } from '../commits/retry.ts';
import type { Unit } from '../commits/unit-of-work.ts';
import { handedOn } from '../dispatchers/release-jobs.ts';
import { type Holder, isMade, isSameCall, Run } from '../execution/run.ts';
import type { AgentSlot } from '../execution/worker-slots.ts';
import { Job } from '../handles/job.ts';
import type { PendingCallback } from '../handles/job-attributes.ts';
import { callsHandler } from '../jobs/effects.ts';
import { Drafts, placedIn } from '../jobs/job-drafts.ts';
import { CallbackChoice } from './callback-choice.ts';
import { abortAbandoned, endJob } from './fail-job.ts';
import { decideInterrupted } from './interrupted-callback.ts';

/** Where callbacks run: in the worker that holds the root job, or outside any agent. */
export interface CallbackContext {
  readonly agent: LiveAgent | null;
  readonly slot: AgentSlot | null;
  readonly holder: Holder | null;
  readonly queue: string;
}

/** Runs the callbacks of finished jobs, one after the other in the order they were added, until none is left. */
export class Callbacks {
  readonly #engine: Engine;
  readonly #choice: CallbackChoice;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#choice = new CallbackChoice(engine);
  }

  /** Performs the callbacks of a job whose outcome came from outside its worker: here, or in a system job's worker. */
  async performFor(job: JobRecord, within: CallbackContext | null = null): Promise<void> {
    const what = (): string => `the callbacks of ${this.#engine.executor.text(job)}`;
    // Whoever reads an outcome may read it before it is synced, and no callback hears of one that a power cut could take back.
    await mustSucceed(this.#engine, what, () => this.#engine.store.settled());
    await this.perform(within ?? (await mustSucceed(this.#engine, what, () => this.#outside(job))), job);
  }

  async #outside(job: JobRecord): Promise<CallbackContext> {
    return { agent: null, slot: null, holder: null, queue: (await queueOf(this.#engine.store, job)) ?? '' };
  }

  /**
   * Calls every callback that nobody has begun, and those that are added meanwhile, then completes the job. The commit of
   * COMPLETED is refused while an unstarted callback exists, so one is run, once, and never lost. It must succeed: what
   * conditions and the store throw is tried again, for ever.
   */
  perform(context: CallbackContext, job: JobRecord): Promise<void> {
    const engine = this.#engine;
    return mustSucceed(
      engine,
      () => `performing the callbacks of ${engine.executor.text(job)}`,
      async () => {
        for (;;) {
          if (await this.#callUnstarted(context, job)) continue;
          const now = await engine.store.get('job', job.id);
          if (now === undefined || now.state !== 'callbacks') return;
          const complete = stepJob(now, { type: 'job.complete', at: engine.now(), unstarted: 0 });
          const expect: Expectation[] = [{ what: 'noUnstartedCallback', id: job.id }, ...believing(context)];
          await engine.commit(by(context, engine), [complete], expect).written;
          return;
        }
      },
      () => engine.registry.redactorOf(job),
    );
  }

  /**
   * Calls those that nobody has begun, in order; one walk for all of them, since there may be thousands. True when there
   * was one: more may have been added since, behind those that were there.
   */
  async #callUnstarted(context: CallbackContext, parent: JobRecord, only?: string): Promise<boolean> {
    let wasOne = false;
    for (const callback of await this.#engine.store.callbacks(parent.id)) {
      // Most have been called when there are thousands: passing one by must cost next to nothing.
      if (callback.kind === 'job' && callback.record.state !== 'new') continue;
      if (only !== undefined && callback.record.id !== only) continue;
      const next = await this.#unstarted(callback, parent.id);
      if (next === null) continue;
      wasOne = true;
      await this.#call(context, next, parent);
    }
    return wasOne;
  }

  /** The job that is to be called, as it is now: others had their turn since the list was read. */
  async #unstarted({ kind, record }: Callback, parent: string): Promise<JobRecord | null> {
    const id = kind === 'job' ? record.id : (record.chosen ?? (await this.#choice.make(record.id, parent)));
    const job = await this.#engine.store.get('job', id);
    return job?.state === 'new' ? job : null;
  }

  async #call(context: CallbackContext, callback: JobRecord, parent: JobRecord): Promise<void> {
    const engine = this.#engine;
    // Added since its parent was read, it may be unsynced: nothing runs that a power cut could take back.
    if (callback.createdSeq > parent.lastSeq) await engine.store.settled();
    if (isExpired(callback, engine.store.now())) return this.#callTooLate(context, callback);
    const start = stepJob(callback, { type: 'job.start', at: engine.now() });
    const begun = afterStep(callback, start);
    engine.log.trace(
      'DEBUG',
      () => `starting callback ${engine.executor.text(callback)} to ${engine.executor.text(parent)}`,
      { job: callback.id },
    );
    try {
      // As it was read: a call that goes on from an older record would not know itself again.
      const asRead = { what: 'rev', kind: 'job', id: callback.id, rev: callback.rev } as const;
      const ticket = engine.commit(by(context, engine), [start], [...believing(context), asRead]);
      await (this.#startsSynced(callback) ? ticket.synced : ticket.written);
    } catch (error) {
      // Somebody else began it: the next look at the list passes it by.
      if (error instanceof ConflictError) return;
      // Only an answer that was lost leaves a doubt: another call that was refused may have begun as this one would have.
      if (!isStoreAway(error) || !(await isMade(engine, begun))) throw error;
    }
    if (callsHandler(start)) await this.#run(context, begun, parent);
  }

  /** A policy that nobody knows here may forbid a second run. */
  #startsSynced(callback: JobRecord): boolean {
    const policy = this.#engine.registry.policyOf(callback);
    return policy === undefined || startsSynced(policy);
  }

  async #callTooLate(context: CallbackContext, callback: JobRecord): Promise<void> {
    const engine = this.#engine;
    engine.log.events('ERROR', () => `callback ${engine.executor.text(callback)} is too late to be called`, {
      job: callback.id,
    });
    const error = new TimeoutError({
      what: `the start of callback ${callback.id}`,
      limit: `${callback.beginBy} ms`,
    });
    const failure = Failure.from(error).data;
    const fail = { type: 'job.fail', at: engine.now(), failure, expired: true } as const;
    await this.perform(
      context,
      await endJob(engine, callback, fail, [
        { what: 'rev', kind: 'job', id: callback.id, rev: callback.rev },
        ...believing(context),
      ]),
    );
  }

  async #run(context: CallbackContext, job: JobRecord, parent: JobRecord): Promise<void> {
    const engine = this.#engine;
    // Its start is stored, and nobody else would call it: what it needs is read however long the store is away.
    const what = (): string => `loading ${engine.executor.text(job)}`;
    const [input, annotations, now] = await mustSucceed(engine, what, () =>
      Promise.all([this.#input(parent), engine.annotationsOf(job.id), engine.store.get('job', job.id)]),
    );
    // Meanwhile its worker may have been taken for dead, and its call be in other hands.
    if (!isSameCall(job, now)) return;
    await new Promise<void>((resolve) => {
      // Where nobody holds the root job the callback's own token tells this attempt from the next.
      const holder = context.holder ?? { id: job.id, epoch: job.epoch, claim: job.claim };
      const run = new Run({ engine, ...context, holder, job, input: [input], annotations, info: null });
      run.onDone = resolve;
      context.agent?.workers.started(run);
      engine.executor.execute(run);
    });
  }

  /** What a callback is called with: the value of its parent, or the Failure. */
  async #input(parent: JobRecord): Promise<unknown> {
    const outcome: Outcome | null =
      (await this.#engine.store.get('job', parent.id))?.outcome ?? parent.outcome;
    if (outcome === null) return null;
    if (!outcome.ok) return new Failure(outcome.failure);
    const jobs = new Map<string, Job<unknown>>();
    for (const id of referredJobs(outcome.value)) {
      const record = await this.#engine.store.get('job', id);
      if (record !== undefined) jobs.set(id, Job.of(this.#engine.direct, record));
    }
    return decodeValue(outcome.value, (id) => jobs.get(id) ?? Job.reference(this.#engine.direct, id));
  }

  /**
   * Adds a callback. On a completed job it runs at once, outside any agent: when its commit is made. It is stored first,
   * so it is never lost.
   */
  async add(unit: Unit, parent: string, callback: PendingCallback): Promise<void> {
    const drafts = new Drafts(unit);
    const id = drafts.callback(callback, parent);
    drafts.expect.push({ what: 'atMost', of: 'callbacks', id: parent, most: this.#engine.limits.callbacks });
    // A conflict may mean that the parent is completed by now, or be about something else: its record tells.
    const isLate = await fiveTimes(async () => {
      const late = (await unit.peek('job', parent))?.state === 'completed';
      const expect: readonly Expectation[] = late ? [] : [{ what: 'notCompleted', id: parent }];
      await unit.submit(drafts.made, [...drafts.expect, ...expect]);
      return late;
    });
    drafts.attach();
    if (!isLate) return;
    const what = (): string => `calling what was added to completed job ${parent}`;
    await unit.whenCommitted(() => mustSucceed(this.#engine, what, () => this.#performAdded(parent, id)));
  }

  /** Calls one callback of a completed job, or all that are left. */
  async #performAdded(id: string, added?: string): Promise<void> {
    const parent = await this.#engine.store.get('job', id);
    if (parent === undefined) return;
    const context = await this.#outside(parent);
    // A conflict at its start may be about something else: then it is still there, and nobody else would call it.
    while (await this.#callUnstarted(context, parent, added));
  }

  /**
   * A job that nobody is at any more, called outside any agent by a process that is gone: it is aborted, unless it waits
   * for another. Its callbacks get a system job that goes on with them; without a queue it happens here. One that an
   * agent holds, whose process is not at its callbacks, leaves it as it does when that process is gone.
   */
  async readopt(job: JobRecord): Promise<void> {
    const engine = this.#engine;
    if (job.state.startsWith('active')) {
      const aborted = await abortAbandoned(engine, job);
      return aborted === null ? undefined : this.readopt(aborted);
    }
    const queue = await queueOf(engine.store, job);
    if (queue !== null && job.state === 'callbacks' && job.parent !== null && 'agent' in job.parent) {
      const asRead = { what: 'rev', kind: 'job', id: job.id, rev: job.rev } as const;
      await engine.commit(engine.uuid, handedOn(engine, job, queue), [asRead]).written;
      return;
    }
    if (queue === null || (await engine.store.get('queue', queue)) === undefined) {
      const ended = this.goOn(job);
      if (engine.store.exclusive) return ended;
      // A poll does not wait for the code of a job.
      ended.catch((error: unknown) =>
        engine.log.events(
          'CRITICAL',
          () => `could not go on with ${engine.executor.text(job)}: ${String(error)}`,
        ),
      );
      return;
    }
    const system = newJobRecord(engine.ids.newId(), {
      name: systemNames.resumeCallbacks,
      args: [{ $job: job.id }],
      failureLogLevel: 'CRITICAL',
    });
    await engine.commit(engine.uuid, [placedIn(queue, system, engine)], []).written;
  }

  /** Adds to a proxy: to its chosen job when it is decided, else for whichever will be. */
  async addToProxy(unit: Unit, proxy: string, job: Job<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const record = await unit.peek('proxy', proxy);
      if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: proxy });
      if (record.chosen !== null) return this.add(unit, record.chosen, { job });
      const drafts = new Drafts(unit);
      drafts.store(job, { proxy }, 'callback.add');
      // The proxy's rev grows with it: a choice that has not seen it is refused, so nothing is left behind.
      const touch = {
        kind: 'proxy',
        id: proxy,
        event: 'callback.add',
        from: null,
        to: null,
        patch: null,
      } as const;
      try {
        await unit.submit(
          [...drafts.made, touch],
          [...drafts.expect, { what: 'rev', kind: 'proxy', id: proxy, rev: record.rev }],
        );
        drafts.attach();
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= 5) throw error;
      }
    }
  }

  /** Goes on with the callbacks of a job: also of a completed one, to which some were added late and left unfinished. */
  async goOn(job: JobRecord, within: CallbackContext | null = null): Promise<void> {
    if (job.state !== 'completed') return this.resume(job, within);
    await this.#goOnWithBegun(job, within);
    await this.#performAdded(job.id);
  }

  /**
   * Goes on with the callbacks of a job whose worker went away: those that nobody began are called, the interrupted one is
   * decided by its policy, completed ones are left alone. @throws BadStatusError in any status but CALLBACKS.
   */
  async resume(job: JobRecord, within: CallbackContext | null = null): Promise<void> {
    if (job.state !== 'callbacks') throw refused(job, 'resuming callbacks');
    await this.#goOnWithBegun(job, within);
    await this.performFor(job, within);
  }

  async #goOnWithBegun(job: JobRecord, within: CallbackContext | null): Promise<void> {
    for (const callback of await this.#engine.store.callbacks(job.id)) {
      const id = callback.kind === 'job' ? callback.record.id : callback.record.chosen;
      const record = id === null ? undefined : await this.#engine.store.get('job', id);
      if (record?.state === 'callbacks') await this.resume(record, within);
      else if (record?.state.startsWith('active')) await this.handleInterrupt(record, job, within);
    }
  }

  /**
   * Decides about a callback that was ACTIVE when its worker went away. One that waits for another job goes on waiting,
   * or takes its outcome. @throws BadStatusError when it is not ACTIVE, or its parent is not at its callbacks: in
   * CALLBACKS, or completed with a callback added late.
   */
  async handleInterrupt(
    callback: JobRecord,
    parent: JobRecord,
    within: CallbackContext | null = null,
  ): Promise<void> {
    const isAtCallbacks = parent.state === 'callbacks' || parent.state === 'completed';
    if (!isAtCallbacks) throw refused(parent, 'the interruption of a callback');
    if (!callback.state.startsWith('active')) throw refused(callback, 'an interruption');
    const ended = await decideInterrupted(this.#engine, callback);
    if (ended !== null) await this.performFor(ended, within);
  }
}

function refused(job: JobRecord, event: string): BadStatusError {
  return new BadStatusError({ what: `job ${job.id}`, status: statusOfState(job.state), event, guards: [] });
}

function by(context: CallbackContext, engine: Engine): string {
  return context.agent?.dispatcher.uuid ?? engine.uuid;
}

/** Callbacks are written by whoever holds the root job, as long as it does. */
function believing(context: CallbackContext): readonly Expectation[] {
  return context.holder === null ? [] : [{ what: 'holder', ...context.holder }];
}
