import { SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkAnnotationName } from '../../model/checks/names.ts';
import type { AnnotationRecord } from '../../model/records/records.ts';
import { encodeValue } from '../../model/values/values.ts';
import { type Duration, durationMs } from '../../time.ts';
import type { Engine } from '../box/engine.ts';
import type { Dispatcher } from '../dispatchers/dispatcher.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { answeredWithin } from '../environment/reactor/time-limits.ts';
import { currentRun } from '../execution/current-run.ts';
import type { Run } from '../execution/run.ts';
import { storedJobOnly } from '../jobs/job-drafts.ts';
import type { Job } from './job.ts';
import { Queue } from './queue.ts';

function mustRun(call: string): Run {
  const run = currentRun.getStore();
  if (run === undefined) throw new SignalboxError('NO_CURRENT_JOB', { call });
  return run;
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

/** How much longer than asked a store that does not answer is waited for. */
const unansweredMs = 2000;

/** The annotation once it is there; undefined when it is not by the end. */
async function liveAnnotation(
  engine: Engine,
  id: string,
  times: { readonly end: number; readonly poll: number },
): Promise<AnnotationRecord | undefined> {
  for (;;) {
    const annotation = await engine.store.get('annotation', id);
    const remaining = times.end - engine.now();
    if (annotation !== undefined || remaining <= 0) return annotation;
    await engine.sleep(Math.min(times.poll, remaining));
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
    return currentRun.getStore()?.view ?? null;
  },

  /** The current job's queue. @throws SignalboxError `NO_CURRENT_JOB`. */
  getQueue(): Queue {
    const run = mustRun('getQueue()');
    return new Queue(run.unit, run.queue);
  },

  /** The dispatcher that runs this code; null when none does. */
  getDispatcher(): Dispatcher | null {
    return currentRun.getStore()?.agent?.dispatcher ?? null;
  },

  /** The dispatcher's reactor. @throws SignalboxError `NO_CURRENT_JOB`. */
  getReactor(): Reactor {
    const run = mustRun('getReactor()');
    return run.agent?.dispatcher.reactor ?? run.engine.reactor;
  },

  /** Name of the agent whose slot this code has; null outside an agent. */
  getAgentName(): string | null {
    return currentRun.getStore()?.agent?.name ?? null;
  },

  /** Aborts when the job is taken over, its dispatcher stops, or the store fails. */
  get signal(): AbortSignal {
    return mustRun('signal').signal;
  },

  /**
   * Does some work in a transaction of the database and ends the job in it: its result is what the work gives, and both are
   * committed or neither is. `client` is a connection of the package `pg`; the transaction is begun and ended for you,
   * and reads what is committed (READ COMMITTED). What the code returns afterwards counts no more.
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
   * ReassignedError when the job is in other hands: nothing was written then.
   */
  async transaction<Result>(work: (client: unknown) => Promise<Result>): Promise<Result> {
    const run = mustRun('transaction()');
    return run.engine.finishing.finishWithin(run, work, (result) =>
      result === undefined ? null : encodeValue(result, 'result', storedJobOnly, run.engine.limits),
    );
  },

  /**
   * Sets an annotation of the current or another job, at once and for good, whatever becomes of this attempt.
   * @throws SignalboxError `ARGS_…` when the value is not JSON, `INVALID_OPTION`, `TOO_MANY`, `JOB_NOT_FOUND`.
   */
  async setLiveAnnotation(name: string, value: unknown, job?: Job<unknown>): Promise<void> {
    const run = mustRun('setLiveAnnotation()');
    checkAnnotationName(name);
    const path = `annotations[${JSON.stringify(name)}]`;
    const encoded = encodeValue(value, path, storedJobOnly, run.engine.limits);
    const id = job?.record.id ?? run.job.id;
    const changes = [run.engine.annotation(id, name, encoded)];
    await run.engine.commit(run.by, changes, run.engine.believingAnnotation(id)).written;
  },

  /**
   * Reads an annotation as it is in the store now, waiting for a missing one up to `timeout`. A store that does not
   * answer is waited for two seconds longer; then the default is given, too.
   */
  async getLiveAnnotation(name: string, options: LiveAnnotationOptions = {}): Promise<unknown> {
    const { engine, job } = mustRun('getLiveAnnotation()');
    checkAnnotationName(name);
    checkKnown(options, ['default', 'timeout', 'poll', 'job']);
    const id = options.job?.record.id ?? job.id;
    const timeout = durationMs(options.timeout ?? 0, 'timeout');
    const found = liveAnnotation(engine, `${id}/${name}`, {
      end: engine.now() + timeout,
      poll: durationMs(options.poll ?? 1000, 'poll'),
    });
    const annotation = await answeredWithin(engine.reactor, found, timeout + unansweredMs);
    return annotation === undefined ? (options.default ?? null) : engine.decode(annotation.value);
  },
};
