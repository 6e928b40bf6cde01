import type { Outcome } from '../../machines/job.machine.ts';
import { BadStatusError, ConflictError, SignalboxError, TimeoutError } from '../errors.ts';
import { isExpired } from '../model/deadline.ts';
import { Failure } from '../model/failure.ts';
import type { JobRecord, ProxyRecord } from '../model/records.ts';
import { afterStep, newJobRecord, statusOfState, stepJob } from '../model/step.ts';
import { systemNames } from '../model/system-names.ts';
import { decodeValue, referredJobs } from '../model/values.ts';
import type { Change, Expectation } from '../store/store.ts';
import type { AgentSlot, LiveAgent } from './agent-runner.ts';
import { creation, Drafts, placedIn } from './drafts.ts';
import { callsHandler } from './effects.ts';
import type { Engine } from './engine.ts';
import { Job, type PendingCallback } from './job.ts';
import { type Holder, Run } from './run.ts';
import type { Unit } from './unit.ts';

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

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Performs the callbacks of a job outside its worker: its outcome came from somewhere else. */
  async performFor(job: JobRecord): Promise<void> {
    const queue = (await this.#engine.queueOf(job)) ?? '';
    await this.perform({ agent: null, slot: null, holder: null, queue }, job);
  }

  /**
   * Calls every callback that nobody has begun, re-reading the list after each, then completes the job. The commit of
   * COMPLETED is refused while an unstarted callback exists, so one added meanwhile is run, once, and never lost.
   */
  async perform(context: CallbackContext, job: JobRecord): Promise<void> {
    const engine = this.#engine;
    for (;;) {
      const next = await this.#nextUnstarted(job.id);
      if (next !== null) {
        await this.#call(context, next, job);
        continue;
      }
      const now = await engine.store.get('job', job.id);
      if (now === undefined || now.state !== 'callbacks') return;
      const complete = stepJob(now, { type: 'job.complete', at: engine.now(), unstarted: 0 });
      const expect: Expectation[] = [{ what: 'noUnstartedCallback', id: job.id }];
      if (context.holder?.id === job.id) expect.push({ what: 'holder', ...context.holder });
      try {
        await engine.commit(by(context, engine), [complete], expect).written;
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  async #nextUnstarted(id: string): Promise<JobRecord | null> {
    for (const callback of await this.#engine.store.callbacks(id)) {
      if (callback.kind === 'job') {
        if (callback.record.state === 'new') return callback.record;
        continue;
      }
      const chosen = callback.record.chosen ?? (await this.#choose(callback.record, id));
      const job = await this.#engine.store.get('job', chosen);
      if (job?.state === 'new') return job;
    }
    return null;
  }

  /** Decides a pair, once, from the outcome of its parent. A missing branch becomes a job that passes the outcome on. */
  async #choose(proxy: ProxyRecord, parent: string): Promise<string> {
    const engine = this.#engine;
    const owner = await engine.store.get('job', parent);
    const branch = owner?.outcome?.ok === false ? proxy.failure : proxy.success;
    const made: Change[] = [];
    let chosen = branch;
    if (chosen === null) {
      chosen = engine.ids.newId();
      const pass = newJobRecord(chosen, {
        name: systemNames.pass,
        parent: { proxy: proxy.id },
        order: ['callback', 0],
      });
      made.push(creation(pass, 'callback.add'));
    }
    made.push({
      kind: 'proxy',
      id: proxy.id,
      event: 'proxy.choose',
      from: null,
      to: null,
      patch: { chosen },
    });
    await engine.commit(engine.uuid, made, [{ what: 'rev', kind: 'proxy', id: proxy.id, rev: proxy.rev }])
      .written;
    await this.#moveAdded(proxy, chosen);
    return chosen;
  }

  /** What was added to the pair before it was decided is called with the chosen job's outcome. */
  async #moveAdded(proxy: ProxyRecord, chosen: string): Promise<void> {
    const engine = this.#engine;
    const branches = [proxy.success, proxy.failure, chosen];
    const added = (await engine.store.branches(proxy.id)).filter((job) => !branches.includes(job.id));
    const moves = added.map((job) => stepJob(job, { type: 'callback.move', to: chosen }));
    if (moves.length > 0) await engine.commit(engine.uuid, moves, []).written;
  }

  async #call(context: CallbackContext, callback: JobRecord, parent: JobRecord): Promise<void> {
    const engine = this.#engine;
    const expect: Expectation[] = context.holder === null ? [] : [{ what: 'holder', ...context.holder }];
    if (callback.beginAfter !== null && isExpired(callback, engine.now())) {
      const error = new TimeoutError({ what: `the start of callback ${callback.id}`, limit: 'its deadline' });
      await engine.finishing.failFromOutside(engine.direct, callback.id, error, true);
      return;
    }
    const start = stepJob(callback, { type: 'job.start', at: engine.now() });
    engine.log.trace(
      'DEBUG',
      () => `starting callback ${engine.executor.text(callback)} to ${engine.executor.text(parent)}`,
      { job: callback.id },
    );
    try {
      await engine.commit(by(context, engine), [start], expect).written;
    } catch (error) {
      // Somebody else began it: the next look at the list passes it by.
      if (error instanceof ConflictError) return;
      throw error;
    }
    if (callsHandler(start)) await this.#run(context, afterStep(callback, start), parent);
  }

  #run(context: CallbackContext, job: JobRecord, parent: JobRecord): Promise<void> {
    const engine = this.#engine;
    return this.#input(parent).then(
      (input) =>
        new Promise((resolve) => {
          const run = new Run({ engine, ...context, job, input: [input], annotations: {}, info: null });
          run.onDone = resolve;
          context.agent?.runStarted(run);
          engine.executor.execute(run);
        }),
    );
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

  /** Adds a callback. On a completed job it runs at once, outside any agent; it is stored first, so it is never lost. */
  async add(unit: Unit, parent: string, callback: PendingCallback): Promise<void> {
    const drafts = new Drafts(unit);
    drafts.callback(callback, parent);
    try {
      await unit.submit(drafts.made, [...drafts.expect, { what: 'notCompleted', id: parent }]);
      drafts.attach();
      return;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
    await unit.submit(drafts.made, drafts.expect);
    drafts.attach();
    const completed = await this.#engine.store.get('job', parent);
    if (completed !== undefined) await this.#performAdded(completed);
  }

  async #performAdded(parent: JobRecord): Promise<void> {
    const queue = (await this.#engine.queueOf(parent)) ?? '';
    const context: CallbackContext = { agent: null, slot: null, holder: null, queue };
    for (;;) {
      const next = await this.#nextUnstarted(parent.id);
      if (next === null) return;
      await this.#call(context, next, parent);
    }
  }

  /** A job whose callbacks nobody is at any more gets a system job that goes on with them; without a queue it happens here. */
  async readopt(job: JobRecord): Promise<void> {
    const engine = this.#engine;
    const queue = await engine.queueOf(job);
    if (queue === null || (await engine.store.get('queue', queue)) === undefined) return this.resume(job);
    const system = newJobRecord(engine.ids.newId(), {
      name: systemNames.resumeCallbacks,
      args: [{ $job: job.id }],
      failureLogLevel: 'CRITICAL',
    });
    await engine.commit(engine.uuid, [placedIn(queue, system, engine)], []).written;
  }

  /** Adds to a pair: to its chosen job when it is decided, else for whichever will be. */
  async addToProxy(unit: Unit, proxy: string, job: Job<unknown>): Promise<void> {
    const record = await unit.peek('proxy', proxy);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: proxy });
    if (record.chosen !== null) return this.add(unit, record.chosen, { job });
    const drafts = new Drafts(unit);
    drafts.store(job, { proxy }, 'callback.add');
    await unit.submit(drafts.made, [
      ...drafts.expect,
      { what: 'rev', kind: 'proxy', id: proxy, rev: record.rev },
    ]);
    drafts.attach();
  }

  /**
   * Goes on with the callbacks of a job whose worker went away: those that nobody began are called, the interrupted one is
   * decided by its policy, completed ones are left alone. A completed job has some when one was added late.
   * @throws BadStatusError in any other status.
   */
  async resume(job: JobRecord): Promise<void> {
    const engine = this.#engine;
    if (job.state !== 'callbacks' && job.state !== 'completed') {
      throw new BadStatusError({
        what: `job ${job.id}`,
        status: statusOfState(job.state),
        event: 'resuming callbacks',
        guards: [],
      });
    }
    for (const callback of await engine.store.callbacks(job.id)) {
      const record =
        callback.kind === 'job'
          ? callback.record
          : callback.record.chosen === null
            ? undefined
            : await engine.store.get('job', callback.record.chosen);
      if (record === undefined) continue;
      if (record.state === 'callbacks') await this.resume(record);
      else if (record.state === 'active.running') await this.#interrupted(record);
      else if (record.state === 'active.waiting') await this.#interruptedWait(record);
    }
    if (job.state === 'callbacks') await this.performFor(job);
    else await this.#performAdded(job);
  }

  async #interruptedWait(callback: JobRecord): Promise<void> {
    const inner =
      callback.waitingOn === 'promise'
        ? undefined
        : await this.#engine.store.get('job', callback.waitingOn ?? '');
    if (inner === undefined) await this.#interrupted(callback);
    else if (inner.outcome !== null) this.#engine.finishing.announce(inner.id);
  }

  async #interrupted(callback: JobRecord): Promise<void> {
    const engine = this.#engine;
    const policy = engine.registry.policyOf(callback);
    const tools = { wait: (ms: number) => engine.sleep(ms), trace: () => {}, events: () => {} };
    const { answer, data } = policy.interrupted(callback.retryData ?? {}, tools);
    const expect: Expectation[] = [{ what: 'rev', kind: 'job', id: callback.id, rev: callback.rev }];
    if (typeof answer !== 'boolean') {
      engine.log.events(
        'ERROR',
        () => `callback ${engine.executor.text(callback)} cannot be put back; it is tried again`,
      );
    }
    if (answer !== false) {
      engine.log.trace('DEBUG', () => `retrying interrupted callback ${engine.executor.text(callback)}`);
      await engine.commit(
        engine.uuid,
        [stepJob(callback, { type: 'callback.reset', retryData: data })],
        expect,
      ).written;
      return;
    }
    await engine.finishing.abortCallback(callback, data, expect);
  }
}

function by(context: CallbackContext, engine: Engine): string {
  return context.agent?.dispatcher.uuid ?? engine.uuid;
}
