import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkQuotaNames } from '../../model/checks/names.ts';
import { afterStep, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { beginningMs, durationMs } from '../../time.ts';
import type { Engine } from '../box/engine.ts';
import type { Made, Unit } from '../commits/unit-of-work.ts';
import { checkLogLevel } from '../environment/logging.ts';
import type { Job } from '../handles/job.ts';
import { alreadyStored, contentOf, Drafts } from './job-drafts.ts';
import { changedSettings, type JobSettings, jobSettings } from './job-settings.ts';

/** What `put` may override. */
export interface PutOptions
  extends Pick<
    JobSettings,
    'beginAfter' | 'beginBy' | 'failureLogLevel' | 'retryPolicy' | 'quotaNames' | 'id'
  > {
  /**
   * A connection of the package `pg` in an open transaction of yours: the job is put when that commits, and never was when
   * it is rolled back. The handle works from then on, and not through this connection. On a PostgreSQL store.
   */
  readonly client?: unknown;
}

/** Jobs that go into a queue in one commit. Nothing is written, and no draft is changed, before `submit`. */
export class PutBatch {
  readonly #unit: Unit;
  readonly #engine: Engine;
  readonly #queue: string;
  readonly #options: PutOptions;
  readonly #changes: JobSettings | null;
  readonly #drafts: Drafts;
  readonly #puts: Made[] = [];
  readonly #quotaNames = new Set<string>();
  readonly #stored = new Map<string, Job<unknown>>();

  constructor(unit: Unit, queue: string, { client: _client, ...options }: PutOptions) {
    checkKnown(options, jobSettings);
    this.#unit = unit;
    this.#engine = unit.engine;
    this.#queue = queue;
    this.#options = options;
    this.#drafts = new Drafts(unit);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#changes = given.length === 0 ? null : Object.fromEntries(given);
  }

  /** A plain draft costs no promise: there may be thousands. */
  add(job: Job<unknown>): Promise<void> | undefined {
    if (job.isStored) return this.#addStored(job);
    const settings = this.#changes === null ? job.settings : changedSettings(job.settings, this.#changes);
    if (settings.id !== undefined) return this.#addNamed(job, settings, settings.id);
    this.#addDraft(job, settings);
    return undefined;
  }

  async submit(): Promise<void> {
    await this.#engine.mustHaveQuotas(this.#queue, [...this.#quotaNames], this.#unit);
    if (this.#puts.length === 0) return;
    const { waiting: most } = this.#engine.limits;
    if (most < Number.POSITIVE_INFINITY)
      this.#drafts.expect.push({ what: 'atMost', of: 'waiting', id: this.#queue, most });
    await this.#unit.submit([...this.#puts, ...this.#drafts.made], this.#drafts.expect);
    this.#drafts.attach();
    for (const [id, job] of this.#stored)
      job.attach(this.#unit.ofHandles, (await this.#unit.peek('job', id)) ?? job.record);
  }

  async #addNamed(job: Job<unknown>, settings: JobSettings, id: string): Promise<void> {
    if (!(await this.#isAlreadyPut(job, id))) this.#addDraft(job, settings);
  }

  #addDraft(job: Job<unknown>, settings: JobSettings): void {
    const record = this.#drafts.record(job, null, settings);
    const step = this.#step(record, record.beginAfter, this.#engine.store.now());
    const patch = contentOf(record);
    for (const key in step.patch) patch[key] = step.patch[key] as Json;
    const { kind, id, event, from, to, effects } = step;
    this.#puts.push({ kind, id, event, from, to, patch, effects, job: record });
    this.#drafts.companions(job, afterStep(record, step), settings.annotations);
    for (const name of record.quotaNames) this.#quotaNames.add(name);
  }

  /** A job that was pulled, or stored NEW with another. */
  async #addStored(job: Job<unknown>): Promise<void> {
    const options = this.#options;
    const { id } = job.record;
    if (this.#stored.has(id)) throw alreadyStored(job);
    const record = await this.#unit.get('job', id);
    if (record === undefined) {
      if (job.withdraw()) return this.add(job);
      throw new SignalboxError('JOB_NOT_FOUND', { id });
    }
    const now = this.#engine.store.now();
    const beginAfter =
      options.beginAfter == null ? record.beginAfter : beginningMs(options.beginAfter, now, 'beginAfter');
    const step = this.#step(record, beginAfter, now);
    checkLogLevel(options.failureLogLevel ?? null);
    for (const name of checkQuotaNames(options.quotaNames ?? record.quotaNames)) this.#quotaNames.add(name);
    this.#puts.push({ ...step, patch: { ...step.patch, ...overridden(this.#engine, options) } });
    this.#drafts.expect.push({ what: 'rev', kind: 'job', id, rev: record.rev });
    this.#stored.set(id, job);
  }

  #step(record: JobRecord, beginAfter: number | null, at: number): Transition {
    const begin = beginAfter ?? at;
    return stepJob(record, {
      type: 'job.put',
      queue: this.#queue,
      at,
      beginAfter: begin,
      assigner: this.#engine.uuid,
    });
  }

  /** The same job under the same id is the repetition of a put whose outcome was unknown. */
  async #isAlreadyPut(job: Job<unknown>, id: string): Promise<boolean> {
    const present = await this.#unit.peek('job', id);
    if (present === undefined) return false;
    const args = new Drafts(this.#unit).args(job.args);
    if (present.name !== job.name || JSON.stringify(present.args) !== JSON.stringify(args)) {
      throw new SignalboxError('JOB_EXISTS', { id });
    }
    await this.#engine.store.settled();
    job.attach(this.#unit.ofHandles, present);
    return true;
  }
}

/** What the options change in a stored job. */
function overridden(engine: Engine, options: PutOptions): { readonly [name: string]: Json } {
  return {
    ...(options.beginBy == null ? {} : { beginBy: durationMs(options.beginBy, 'beginBy') }),
    ...(options.failureLogLevel == null ? {} : { failureLogLevel: options.failureLogLevel }),
    ...(options.retryPolicy == null ? {} : { retryPolicy: engine.policyName(options.retryPolicy) }),
    ...(options.quotaNames === undefined ? {} : { quotaNames: [...options.quotaNames] }),
  };
}
