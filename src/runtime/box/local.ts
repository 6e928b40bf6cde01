import { invalidOption, SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkAnnotationName, checkReason } from '../../model/checks/names.ts';
import type { DurableLogic } from '../../model/durable/machine.ts';
import { stepInstant } from '../../model/durable/step-instant.ts';
import type { AnnotationRecord } from '../../model/records/records.ts';
import { checkedProgress } from '../../model/values/progress.ts';
import { decodeValue, encodeValue } from '../../model/values/values.ts';
import { type Beginning, beginningMs, type Duration, durationMs } from '../../time.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { Snooze } from '../definitions/snooze.ts';
import { resultOf } from '../definitions/validation.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { sleepUnlessAborted } from '../environment/reactor/sleep-unless-aborted.ts';
import { answeredWithin } from '../environment/reactor/time-limits.ts';
import { currentRun, type Run } from '../execution/run.ts';
import { actorId } from '../handles/actors/actor-commands.ts';
import { DurableActor } from '../handles/actors/durable-actor.ts';
import { Job } from '../handles/job.ts';
import type { MachineDefinition } from '../handles/machines/define-machine.ts';
import { Queue } from '../handles/queue.ts';
import { servicesOf } from '../handles/services.ts';
import { annotationChange, ifAnnotatable } from '../jobs/annotations.ts';
import { storedJobOnly } from '../jobs/job-drafts.ts';
import type { StoredResult, StoredValue } from '../jobs/not-stored.ts';
import { Dispatcher } from './signalbox.ts';

/** The run that the caller belongs to. @throws SignalboxError `NO_CURRENT_JOB`. */
function mustRun(call: string): Run {
  const run = currentRun.getStore();
  if (run === undefined) throw new SignalboxError('NO_CURRENT_JOB', { call });
  return run;
}

/** Refuses what code does whose job went on without it. @throws the reason of the abort. */
function mustCount(run: Run): void {
  if (run.isAbandoned) throw run.signal.reason;
}

/** How long `getLiveAnnotation` waits, and how often it looks. */
export interface LiveAnnotationOptions {
  readonly default?: unknown;
  /** How long to wait for a missing annotation. Default 0: not at all. */
  readonly timeout?: Duration;
  /** How often to look meanwhile. Default 1 s. */
  readonly poll?: Duration;
  /** The job whose annotation it is. Default: the current one. */
  readonly job?: Job<unknown>;
}

/** What ends a `local.sleep` early. */
export interface SleepOptions {
  /** Ends it as well as the signal of the job does. */
  readonly signal?: AbortSignal;
}

/** How long to wait for a store that does not answer, after the time that the caller asked for. */
const unansweredMs = 2000;

/** The annotation once it is there; undefined when it is not by the end. */
async function liveAnnotation(
  { store, now, sleep }: RuntimeContext,
  id: string,
  times: { readonly end: number; readonly poll: number },
): Promise<AnnotationRecord | undefined> {
  for (;;) {
    const annotation = await store.get('annotation', id);
    const remaining = times.end - now();
    if (annotation !== undefined || remaining <= 0) return annotation;
    await sleep(Math.min(times.poll, remaining));
  }
}

/**
 * What a running job can reach: itself, its queue, its dispatcher. What it does through `getJob()` and `getQueue()`
 * is committed with its result, and dropped when it throws; live annotations are committed at once.
 *
 * @example
 * ```ts
 * import { defineJob, local } from 'signalbox';
 *
 * export const countTo = defineJob({
 *   name: 'countTo',
 *   run: async (end: number) => {
 *     for (let at = 1; at <= end && !local.signal.aborted; at += 1) await local.setLiveAnnotation('at', at);
 *     return end;
 *   },
 * });
 * ```
 */
export const local = {
  /** The current job, as it was when this attempt began. Null outside any job. */
  getJob(): Job<unknown> | null {
    const run = currentRun.getStore();
    if (run === undefined) return null;
    if (run.view === null) {
      const view = Job.of(run.unit.handles, run.job);
      view.setKnownAnnotations(run.annotations);
      run.view = view;
    }
    return run.view as Job<unknown>;
  },

  /** The current job's queue. @throws SignalboxError `NO_CURRENT_JOB`. */
  getQueue(): Queue {
    const run = mustRun('getQueue()');
    return new Queue(run.unit.handles, run.queue);
  },

  /**
   * A handle on a durable actor. What is sent through it is committed with the result of the job, and dropped when it throws; so is the
   * step of an `ask`.
   *
   * @example
   * ```ts
   * import { defineJob, defineMachine, local } from 'signalbox';
   * import { fromTransition } from 'xstate';
   *
   * const total = defineMachine(
   *   fromTransition((n: number, event: { type: 'add'; by: number }) => n + event.by, 0),
   *   { name: 'total' },
   * );
   * export const pay = defineJob({
   *   name: 'pay',
   *   run: async (shop: string, cents: number) => {
   *     await local.actor(total, shop).send({ type: 'add', by: cents });
   *   },
   * });
   * ```
   *
   * @throws SignalboxError `NO_CURRENT_JOB`, `INVALID_OPTION`.
   */
  actor<L extends DurableLogic>(machine: MachineDefinition<L>, key: string): DurableActor<L> {
    const run = mustRun('actor()');
    return new DurableActor<L>(run.unit.handles, actorId(machine.name, key), machine);
  },

  /** The dispatcher that runs this code; null when none does. */
  getDispatcher(): Dispatcher | null {
    const owner = currentRun.getStore()?.agent?.owner;
    return owner instanceof Dispatcher ? owner : null;
  },

  /** The dispatcher's reactor. @throws SignalboxError `NO_CURRENT_JOB`. */
  getReactor(): Reactor {
    const run = mustRun('getReactor()');
    return local.getDispatcher()?.reactor ?? run.context.reactor;
  },

  /** Name of the agent whose slot this code has; null outside an agent. */
  getAgentName(): string | null {
    return currentRun.getStore()?.agent?.name ?? null;
  },

  /**
   * Aborts when the job is cancelled (with a `CancelledError`), exceeds a time limit (`TimeoutError`), or its process stops
   * (`ShutdownError`): code that heeds it ends in time. Also when the job is taken over, or the store fails.
   */
  get signal(): AbortSignal {
    return mustRun('signal').signal;
  },

  /**
   * Waits: in real time in production, in virtual time in tests and simulations. Ends at once when the job is aborted, or
   * `signal` is, and throws the reason of the abort.
   *
   * @example
   * ```ts
   * import { defineJob, local } from 'signalbox';
   * import { createTestBox, VirtualReactor } from 'signalbox/testing';
   *
   * const brew = defineJob({
   *   name: 'brew',
   *   run: async () => {
   *     const began = local.now();
   *     await local.sleep('4m');
   *     return local.now() - began;
   *   },
   * });
   * const reactor = new VirtualReactor();
   * const { box, tearDown } = await createTestBox({ reactor, jobs: [brew] });
   * const job = await box.queue().put(brew());
   * await reactor.advance('4m');
   * console.log(await job.result()); // => 240000
   * await tearDown();
   * ```
   *
   * @throws SignalboxError `NO_CURRENT_JOB`, `INVALID_DURATION`, `INVALID_OPTION`; the reason of the abort.
   */
  async sleep(duration: Duration, options: SleepOptions = {}): Promise<void> {
    const run = mustRun('sleep()');
    checkKnown(options, ['signal']);
    const { signal } = options;
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw invalidOption('signal', 'an AbortSignal', signal);
    const ms = durationMs(duration, 'duration');
    await sleepUnlessAborted(
      local.getReactor(),
      ms,
      signal === undefined ? [run.signal] : [run.signal, signal],
    );
  },

  /**
   * The time now, in epoch milliseconds: by the clock of the store, which stamps jobs and which all hosts share. Virtual in
   * tests and simulations. In a guard or an assign of a durable machine: the instant of the step. @throws SignalboxError `NO_CURRENT_JOB`.
   */
  now(): number {
    return stepInstant() ?? mustRun('now()').context.now();
  },

  /**
   * A random number from 0 up to, but without, 1: from `createSignalbox({ random })`, so that a test can repeat it. A
   * simulation draws it from its seed. @throws SignalboxError `NO_CURRENT_JOB`.
   */
  random(): number {
    return mustRun('random()').context.random.next();
  },

  /**
   * Returned from a job, puts it off: it is called again later, and nothing counts as failed. What the attempt put and changed is
   * committed. It holds no slot and no quota meanwhile. A job that is put off more than 1,000 times fails with `TOO_MANY`, and so
   * does with `INVALID_OPTION` a callback, or a job whose retry policy forbids a second start.
   *
   * @param until - a delay such as `'10m'`, or an instant.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, local, memoryStore } from 'signalbox';
   *
   * let isReady = false;
   * const collect = defineJob({
   *   name: 'collect',
   *   run: () => {
   *     if (isReady) return 'collected';
   *     isReady = true;
   *     return local.snooze('20ms', 'not ready');
   *   },
   * });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [collect] });
   * await box.start();
   * const job = await box.queue().put(collect());
   * console.log(await job.result(), (await job.refresh()).record.snoozed); // => collected { times: 1, reason: 'not ready' }
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `NO_CURRENT_JOB`, `INVALID_INSTANT`, `INVALID_OPTION`.
   */
  snooze(until: Beginning, reason?: string): Snooze {
    const run = mustRun('snooze()');
    if (reason !== undefined) checkReason(reason);
    return new Snooze(beginningMs(until, run.context.store.now(), 'until'), reason ?? null);
  },

  /**
   * A sign of life, for a job whose definition has a `heartbeat`. It costs a timer and writes nothing. `local.progress()` is one, too.
   *
   * @example
   * ```ts
   * import { defineJob, local } from 'signalbox';
   *
   * export const copyAll = defineJob({
   *   name: 'copyAll',
   *   heartbeat: '30s',
   *   run: async (files: string[]) => {
   *     for (const _file of files) {
   *       await local.sleep('1s', { signal: local.signal });
   *       local.heartbeat();
   *     }
   *   },
   * });
   * ```
   *
   * @throws SignalboxError `NO_CURRENT_JOB`.
   */
  heartbeat(): void {
    const run = mustRun('heartbeat()');
    servicesOf(run.context).limits.beat(run);
  },

  /**
   * Says how far the job has come: `await job.progress()`, the inspector and `signalbox job` show it. It never waits and fails no
   * job: it is written at once the first time, then at most every half second, the newest one only, and the last one together with
   * the result. It is kept in the annotation `signalbox.progress`, and is a sign of life as `local.heartbeat()` is.
   *
   * @param done - how much is done, zero or more, in any unit.
   * @param total - how much there is to do. Default: not known.
   * @param note - what the code is at, at most 1,000 characters.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, local, memoryStore } from 'signalbox';
   *
   * const resize = defineJob({
   *   name: 'resize',
   *   run: (files: string[]) => {
   *     for (const [index, file] of files.entries()) local.progress(index + 1, files.length, file);
   *   },
   * });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [resize] });
   * await box.start();
   * const job = await box.queue().put(resize(['a.png', 'b.png']));
   * await job.result();
   * const { done, total, note } = (await job.progress()) ?? {};
   * console.log(done, total, note); // => 2 2 b.png
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `NO_CURRENT_JOB`, `INVALID_OPTION`.
   */
  progress(done: number, total?: number, note?: string): void {
    const run = mustRun('progress()');
    const progress = checkedProgress(done, total, note, run.context.now());
    if (run.isAbandoned) return;
    servicesOf(run.context).limits.beat(run);
    run.progress.report(progress);
  },

  /**
   * Does some work in a transaction of the database and ends the job in it: its result is what the work gives, and both are
   * committed or neither is. `client` is a connection of the package `pg`; the transaction is begun and ended for you,
   * and reads what is committed (READ COMMITTED). What the code returns afterwards does not count.
   *
   * @example
   * ```ts
   * import type { PoolClient } from 'pg';
   * import { defineJob, local } from 'signalbox';
   *
   * export const book = defineJob({
   *   name: 'book',
   *   run: (account: string, amount: number) =>
   *     local.transaction(async (client) => {
   *       await (client as PoolClient).query('UPDATE account SET balance = balance - $2 WHERE id = $1', [account, amount]);
   *       return amount;
   *     }),
   * });
   * ```
   *
   * @throws SignalboxError `NO_TRANSACTIONS`, `NO_CURRENT_JOB`, `TRANSACTION_ENDED`, `TRANSACTION_OVER`, `STORE_DISCONNECTED`;
   * ReassignedError when the job was reassigned: nothing was written then.
   */
  async transaction<Result>(
    work: ((client: unknown) => Promise<Result>) & StoredResult<Result>,
  ): Promise<Result> {
    const run = mustRun('transaction()');
    mustCount(run);
    const { completer } = servicesOf(run.context);
    const definition = run.context.registry.definition(run.job.name);
    let stored: unknown;
    // What its schema makes of the result is stored; what it refuses rolls the transaction back.
    const checked = async (client: unknown): Promise<Result> => {
      const result = await work(client);
      stored = definition?.output == null ? result : await resultOf(definition, result);
      return result;
    };
    return completer.finishWithin(run, checked, () =>
      stored === undefined ? null : encodeValue(stored, 'result', storedJobOnly, run.context.limits),
    );
  },

  /**
   * Sets an annotation of the current or another job, at once, also when this attempt fails.
   * @throws SignalboxError `ARGS_…` when the value is not JSON, `INVALID_OPTION`, `TOO_MANY`, `JOB_NOT_FOUND`.
   */
  async setLiveAnnotation<Value>(
    name: string,
    value: Value & StoredValue<Value, 'value'>,
    job?: Job<unknown>,
  ): Promise<void> {
    const run = mustRun('setLiveAnnotation()');
    mustCount(run);
    checkAnnotationName(name);
    const path = `annotations[${JSON.stringify(name)}]`;
    const encoded = encodeValue(value, path, storedJobOnly, run.context.limits);
    const id = job?.record.id ?? run.job.id;
    const { committer } = run.unit;
    const changes = [annotationChange(id, name, encoded)];
    await committer.commit(run.by, changes, ifAnnotatable(run.context, id)).written;
  },

  /**
   * Reads an annotation as it is in the store now, waiting for a missing one up to `timeout`. A store that does not
   * answer is waited for two seconds longer; then the default is given, too.
   */
  async getLiveAnnotation(name: string, options: LiveAnnotationOptions = {}): Promise<unknown> {
    const { context, job } = mustRun('getLiveAnnotation()');
    checkAnnotationName(name);
    checkKnown(options, ['default', 'timeout', 'poll', 'job']);
    const id = options.job?.record.id ?? job.id;
    const timeout = durationMs(options.timeout ?? 0, 'timeout');
    const found = liveAnnotation(context, `${id}/${name}`, {
      end: context.now() + timeout,
      poll: durationMs(options.poll ?? 1000, 'poll'),
    });
    const annotation = await answeredWithin(context.reactor, found, timeout + unansweredMs);
    if (annotation === undefined) return options.default ?? null;
    const { work } = servicesOf(context);
    return decodeValue(annotation.value, (inner) => Job.reference(work, inner));
  },
};
