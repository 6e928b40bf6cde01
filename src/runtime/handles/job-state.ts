import type { JobEvent } from '../../../machines/job.events.ts';
import type { Json } from '../../../machines/json.ts';
import { BadStatusError, SignalboxError, shown } from '../../errors.ts';
import { type JobStatus, statusOfState } from '../../model/jobs/step.ts';
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

/** The state of a job object: as a draft what it is to become, as a handle what the store answered last. */
export class JobState {
  definition: Definition | null;
  args: readonly unknown[];
  settings: JobSettings;
  work: UnitOfWork | null = null;
  record: JobRecord | null = null;
  annotations: Record<string, Json> | null = null;
  /** Jobs that its values refer to, as far as they were read. */
  known: KnownJobs = noKnownJobs;
  #status: JobStatus | null = null;
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

  get status(): JobStatus {
    return this.#status ?? (this.record === null ? 'NEW' : statusOfState(this.record.state));
  }

  /** Takes over an answer of the store. `status` where the record alone does not say it: for a callback. */
  learn(record: JobRecord, status: JobStatus | null = null): void {
    this.record = record;
    this.#status = status;
    this.#isTentative = false;
  }

  /** Becomes the state of the record that was stored for it. */
  attach(work: UnitOfWork, record: JobRecord): void {
    if (this.record !== null || this.definition !== null) work.onRollback?.(this.#restorer());
    this.work = work;
    this.learn(record);
    this.#isTentative = work.rollBack !== undefined;
  }

  /**
   * Restores the present state. A draft whose commit was rolled back keeps its id: should it have been stored all the same,
   * putting it again reports that.
   */
  #restorer(): () => void {
    const { work, record } = this;
    const status = this.#status;
    return () => {
      if (record === null && this.record !== null) this.settings = { ...this.settings, id: this.record.id };
      this.work = work;
      this.record = record;
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
    const context = this.work?.context;
    const definition = this.definition ?? context?.registry.definition(name);
    const { args } = new Redactor(definition?.redact ?? [], this.record?.args ?? draftArgs(this.args));
    return jobText({ id, store: context?.store.name ?? null, name, args });
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
