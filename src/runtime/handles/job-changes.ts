import { checkAnnotationName, checkQuotaNames } from '../../model/checks/names.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import { encodeValue } from '../../model/values/values.ts';
import { type Beginning, beginningMs, type Duration, durationMs } from '../../time.ts';
import { failFromOutside, handleInterrupt } from '../callbacks/fail-job.ts';
import { queueOf } from '../commits/job-place.ts';
import { checkLogLevel, type LogLevel } from '../environment/logging.ts';
import { currentRun } from '../execution/current-run.ts';
import { Drafts, storedJobOnly } from '../jobs/job-drafts.ts';
import type { JobDefinition } from './define-job.ts';
import { KnownJob } from './job-attributes.ts';
import type { JobKnowledge } from './job-state.ts';

/** A job that can be changed once it is stored: each change is an event that the chart accepts or refuses. */
export class ChangeableJob<Result> extends KnownJob<Result> {
  readonly #known: JobKnowledge;

  constructor(known: JobKnowledge) {
    super(known);
    this.#known = known;
  }

  /** Replaces the definition of a job that is NEW. @throws BadStatusError in any other status. */
  async setCallable(definition: JobDefinition<never, Result>): Promise<void> {
    const callable = definition.definition;
    if (this.#known.record === null) {
      this.#known.definition = callable;
      return;
    }
    this.#known.stored().unit.engine.registry.mustKnow(callable);
    await this.#known.send({ type: 'callable.set', name: callable.name });
  }

  /**
   * Changes the arguments of a stored job that has not started.
   * @throws BadStatusError from ACTIVE on; SignalboxError `ARGS_…`.
   */
  async setArgs(args: readonly unknown[]): Promise<void> {
    const drafts = new Drafts(this.#known.stored().unit);
    await this.#known.send({ type: 'args.set', args: drafts.args(args) }, drafts);
  }

  /** Appends to the arguments: also while it is ACTIVE, where only joined jobs look at them again. */
  async appendArgs(args: readonly unknown[]): Promise<void> {
    if (this.#known.record === null) {
      this.#known.args = [...this.#known.args, ...args];
      return;
    }
    const drafts = new Drafts(this.#known.stored().unit);
    await this.#known.send({ type: 'args.append', args: drafts.args(args) }, drafts);
  }

  /**
   * Changes the earliest start of a stored job that is NEW.
   * @throws BadStatusError in any other status; SignalboxError `INVALID_INSTANT`.
   */
  async setBeginAfter(beginAfter: Beginning | null): Promise<void> {
    const now = this.#known.stored().unit.engine.store.now();
    const at = beginAfter === null ? null : beginningMs(beginAfter, now, 'beginAfter');
    await this.#known.send({ type: 'beginAfter.set', beginAfter: at });
  }

  /**
   * Changes the time in which a stored job must start, while it is NEW or PENDING.
   * @throws BadStatusError later; SignalboxError `INVALID_DURATION`.
   */
  async setBeginBy(beginBy: Duration | null): Promise<void> {
    await this.#known.send({
      type: 'beginBy.set',
      beginBy: beginBy === null ? null : durationMs(beginBy, 'beginBy'),
    });
  }

  /** In any status. A job that has used a policy keeps that one. */
  async setRetryPolicy(retryPolicy: RetryPolicy | string | null): Promise<void> {
    const name = this.#known.stored().unit.engine.policyName(retryPolicy);
    await this.#known.send({ type: 'retryPolicy.set', retryPolicy: name });
  }

  /** In any status. */
  async setFailureLogLevel(failureLogLevel: LogLevel | null): Promise<void> {
    checkLogLevel(failureLogLevel);
    await this.#known.send({ type: 'failureLogLevel.set', failureLogLevel });
  }

  /**
   * Changes the quotas of a stored job, while it is NEW or PENDING.
   * @throws BadStatusError later; SignalboxError `QUOTA_NOT_FOUND`, `INVALID_OPTION`.
   */
  async setQuotaNames(quotaNames: readonly string[]): Promise<void> {
    const names = checkQuotaNames(quotaNames);
    const { engine } = this.#known.stored().unit;
    const record = await this.#known.read();
    const queue = record.parent !== null && 'queue' in record.parent ? record.parent.queue : null;
    if (queue !== null && record.state === 'pending') await engine.mustHaveQuotas(queue, names);
    await this.#known.send({ type: 'quotaNames.set', quotaNames: names, unknown: 0 });
  }

  /**
   * Sets an annotation of a stored job, in any status.
   * @throws SignalboxError `ARGS_…` when the value is not JSON, `INVALID_OPTION`, `TOO_MANY`, `JOB_NOT_FOUND`.
   */
  async setAnnotation(name: string, value: unknown): Promise<void> {
    const { unit } = this.#known.stored();
    checkAnnotationName(name);
    const path = `annotations[${JSON.stringify(name)}]`;
    const encoded = encodeValue(value, path, storedJobOnly, unit.engine.limits);
    const { id } = this.record;
    await unit.submit([unit.engine.annotation(id, name, encoded)], unit.engine.believingAnnotation(id));
    this.#known.annotations = { ...this.#known.annotations, [name]: encoded };
  }

  /**
   * Fails a job that has not started, by a TimeoutError or the error given.
   * @throws BadStatusError once it is ACTIVE or COMPLETED.
   */
  async fail(error?: unknown): Promise<void> {
    const { unit } = this.#known.stored();
    await failFromOutside(unit.engine, unit, this.record.id, error);
    await this.refresh();
  }

  /**
   * Decides about a job whose worker went away, as its policy says: back to its queue, or aborted. In CALLBACKS it goes
   * on with them. Meant for system jobs, in whose queue the job is put. @throws BadStatusError unless ACTIVE or in CALLBACKS.
   */
  async handleInterrupt(): Promise<void> {
    const { engine } = this.#known.stored().unit;
    const queue =
      currentRun.getStore()?.queue ?? (await queueOf(engine.store, await this.#known.read())) ?? '';
    await handleInterrupt(engine, this.record.id, queue, { within: null, system: null });
    await this.refresh();
  }

  /**
   * Goes on with its callbacks after their worker went away: see the system jobs.
   * @throws BadStatusError unless it is in CALLBACKS.
   */
  async resumeCallbacks(): Promise<void> {
    await this.#known.stored().unit.engine.callbacks.resume(await this.#known.read());
    await this.refresh();
  }
}
