import type { JobEvent } from '../../../machines/job.events.ts';
import type { Json } from '../../../machines/json.ts';
import { BadStatusError, SignalboxError, shown } from '../../errors.ts';
import { type JobStatus, statusOfState } from '../../model/jobs/step.ts';
import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { jobText } from '../../model/values/job-text.ts';
import { Redactor } from '../../model/values/redaction.ts';
import { decodeValue, encodeValue, referredJobs } from '../../model/values/values.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Definition } from '../definitions/definition.ts';
import { changeJob } from '../jobs/change-job.ts';
import type { JobDrafts } from '../jobs/job-drafts.ts';
import { isJob } from '../jobs/job-like.ts';
import type { JobSettings } from '../jobs/job-settings.ts';
import { asHandles, jobsIn, type KnownJobs, noKnownJobs } from '../jobs/referred-jobs.ts';
import { servicesOf } from './services.ts';

/** A job as `JSON.stringify` and `console.log` show it. Null: not known, or none. */
export interface ShownJob {
  readonly id: string | null;
  readonly name: string | null;
  readonly status: JobStatus | 'UNKNOWN';
  readonly queue: string | null;
  readonly outcome:
    | { readonly ok: true; readonly value: unknown }
    | {
        readonly ok: false;
        readonly failure: { readonly name: string; readonly message: string; readonly code: string | null };
      }
    | null;
}

/** The state of a job object: as a draft what it is to become, as a handle what the store answered last. */
export class JobState {
  definition: Definition | null;
  args: readonly unknown[];
  settings: JobSettings;
  work: UnitOfWork | null = null;
  record: JobRecord | null = null;
  annotations: Record<string, Json> | null = null;
  /** What the put that made it a handle did. */
  putResult: PutResult | null = null;
  /** Jobs that its values refer to, as far as they were read. */
  known: KnownJobs = noKnownJobs;
  #status: JobStatus | 'UNKNOWN' | null = null;
  /** The store has not answered about it since it was put in a commit that may be rolled back. */
  #isTentative = false;

  constructor(definition: Definition | null, args: readonly unknown[], settings: JobSettings) {
    this.definition = definition;
    this.args = args;
    this.settings = settings;
  }

  get id(): string | null {
    return this.record?.id ?? this.settings.id ?? null;
  }

  get name(): string {
    return this.record?.name ?? this.definition?.name ?? '';
  }

  get status(): JobStatus | 'UNKNOWN' {
    return this.#status ?? (this.record === null ? 'NEW' : statusOfState(this.record.state));
  }

  /**
   * Takes over an answer of the store. `status` where the record alone does not say it: for a callback, and for a record
   * that only stands for one of which nothing but the id is known.
   */
  learn(record: JobRecord, status: JobStatus | 'UNKNOWN' | null = null): void {
    this.record = record;
    this.#status = status;
    this.#isTentative = false;
  }

  /** Becomes the state of the record that was stored for it. */
  attach(work: UnitOfWork, record: JobRecord, putResult: PutResult | null = null): void {
    if (this.record !== null || this.definition !== null) work.onRollback?.(this.#restorer());
    this.work = work;
    this.putResult = putResult;
    this.learn(record);
    this.#isTentative = work.rollBack !== undefined;
  }

  /**
   * Restores the present state. A draft whose commit was rolled back keeps its id: should it have been stored all the same,
   * putting it again reports that.
   */
  #restorer(): () => void {
    const { work, record, putResult } = this;
    const status = this.#status;
    return () => {
      if (record === null && this.record !== null) this.settings = { ...this.settings, id: this.record.id };
      this.work = work;
      this.record = record;
      this.putResult = putResult;
      this.#status = status;
    };
  }

  /** Makes it the draft that it was before a commit that was rolled back. False when there was none. */
  withdraw(): boolean {
    if (this.#isTentative) this.work?.rollBack?.();
    return this.record === null;
  }

  /** The unit it writes through and its record. @throws BadStatusError while it is not stored. */
  stored(): { readonly work: UnitOfWork; readonly record: JobRecord } {
    const { work, record } = this;
    if (work !== null && record !== null) return { work, record };
    throw this.refused('calls that need a store (put it, or store it with box.storeNew(job), first)', 'NEW');
  }

  /** The record as it is now. @throws SignalboxError `JOB_NOT_FOUND`. */
  async read(): Promise<JobRecord> {
    const { work, record } = this.stored();
    const now = await work.readChecked('job', record.id);
    if (now === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: record.id });
    return now;
  }

  /** Sends an event to the stored job, with the drafts that it needs. @throws BadStatusError when the chart refuses it. */
  async send(event: JobEvent, drafts?: JobDrafts): Promise<void> {
    const { work, record } = this.stored();
    const changed = await changeJob(work, record.id, event, drafts?.changes ?? []);
    drafts?.attach();
    this.learn(changed);
  }

  /** Reads the jobs in the result of the job, so that the program sees them as they are now. */
  async readResult({ outcome }: JobRecord): Promise<void> {
    const { work } = this.stored();
    if (outcome?.ok !== true || referredJobs(outcome.value).length === 0) return;
    this.known = await jobsIn((id) => work.read('job', id), [outcome.value]);
    await work.context.store.settled();
  }

  /** A stored value as programs see it; jobs in it that were not read are handles that `refresh()` fills. */
  decode(value: Json): unknown {
    if (this.work === null) return undefined;
    const { work, handles } = servicesOf(this.work.context);
    return decodeValue(value, asHandles(handles, work, this.known));
  }

  refused(event: string, status = this.status): BadStatusError {
    return new BadStatusError({ what: this.text(), status, event, guards: [] });
  }

  text(): string {
    const { id, name } = this;
    return jobText({ id, store: this.work?.context.store.name ?? null, name, args: this.#redactor().args });
  }

  /** What is known, without secrets, and without a question to the store. */
  shown(): ShownJob {
    const { id, name, status, record } = this;
    const parent = record?.parent ?? null;
    const queue = parent !== null && 'queue' in parent ? parent.queue : null;
    return { id, name: name || null, status, queue, outcome: this.#shownOutcome(record?.outcome ?? null) };
  }

  #shownOutcome(outcome: JobRecord['outcome']): ShownJob['outcome'] {
    if (outcome === null) return null;
    const redactor = this.#redactor();
    if (!outcome.ok) {
      const { name, message, code } = redactor.failure(outcome.failure);
      return { ok: false, failure: { name, message, code } };
    }
    try {
      return { ok: true, value: decodeValue(redactor.value(outcome.value), (id) => ({ $job: id })) };
    } catch {
      // What the codec cannot read is shown as that: an object that is printed must not throw.
      return { ok: true, value: '<encoded>' };
    }
  }

  #redactor(): Redactor {
    const definition = this.definition ?? this.work?.context.registry.definition(this.name);
    return new Redactor(definition?.redact ?? [], this.record?.args ?? draftArgs(this.args));
  }
}

function draftArgs(args: readonly unknown[]): readonly Json[] {
  return args.map((arg) => {
    try {
      return encodeValue(arg, 'args', (value) => (isJob(value) ? (value.id ?? '?') : null));
    } catch {
      return `<${shown(arg)}>`;
    }
  });
}
