import type { JobEvent } from '../../../machines/job.events.ts';
import type { Json } from '../../../machines/json.ts';
import { BadStatusError, SignalboxError, shown } from '../../errors.ts';
import { type JobStatus, statusOfState } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { jobText } from '../../model/values/job-text.ts';
import { Redactor } from '../../model/values/redaction.ts';
import { encodeValue } from '../../model/values/values.ts';
import type { Unit } from '../commits/unit-of-work.ts';
import type { Drafts } from '../jobs/job-drafts.ts';
import { isJob } from '../jobs/job-like.ts';
import type { JobSettings } from '../jobs/job-settings.ts';
import type { Definition } from './define-job.ts';

/** What an object of a job knows: as a draft what it is to be, as a handle what the store said last. */
export class JobKnowledge {
  definition: Definition | null;
  args: readonly unknown[];
  settings: JobSettings;
  unit: Unit | null = null;
  record: JobRecord | null = null;
  annotations: Record<string, Json> | null = null;
  #status: JobStatus | null = null;
  /** Nothing was heard of it since it was put in a commit that may come to nothing. */
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

  /** Takes the word of the store. `status` only where it is more than the record tells: that of a callback. */
  learn(record: JobRecord, status: JobStatus | null = null): void {
    this.record = record;
    this.#status = status;
    this.#isTentative = false;
  }

  /** Becomes what is known of the record that was stored for it. */
  attach(unit: Unit, record: JobRecord): void {
    if (this.record !== null || this.definition !== null) unit.onWithdrawal?.(this.#asItWas());
    this.unit = unit;
    this.learn(record);
    this.#isTentative = unit.withdraw !== undefined;
  }

  /** A draft that came to nothing keeps its id: should it have been stored all the same, putting it again says so. */
  #asItWas(): () => void {
    const { unit, record } = this;
    const status = this.#status;
    return () => {
      if (record === null && this.record !== null) this.settings = { ...this.settings, id: this.record.id };
      this.unit = unit;
      this.record = record;
      this.#status = status;
    };
  }

  /** Makes it the draft that it was before a commit that came to nothing. False when there was none. */
  withdraw(): boolean {
    if (this.#isTentative) this.unit?.withdraw?.();
    return this.record === null;
  }

  /** The unit it writes through and its record. @throws BadStatusError while it is not stored. */
  stored(): { readonly unit: Unit; readonly record: JobRecord } {
    const { unit, record } = this;
    if (unit !== null && record !== null) return { unit, record };
    throw this.refused('a question to the store; put it first', 'NEW');
  }

  /** The record as it is now. @throws SignalboxError `JOB_NOT_FOUND`. */
  async read(): Promise<JobRecord> {
    const { unit, record } = this.stored();
    const now = await unit.get('job', record.id);
    if (now === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: record.id });
    return now;
  }

  /** Steps the stored job, together with what `drafts` made. @throws BadStatusError when the chart refuses. */
  async send(event: JobEvent, drafts?: Drafts): Promise<void> {
    const { unit, record } = this.stored();
    const changed = await unit.engine.change(unit, record.id, event, drafts?.made ?? []);
    drafts?.attach();
    this.learn(changed);
  }

  refused(event: string, status = this.status): BadStatusError {
    return new BadStatusError({ what: this.text(), status, event, guards: [] });
  }

  text(): string {
    const { id, name } = this;
    const engine = this.unit?.engine;
    const definition = this.definition ?? engine?.registry.definition(name);
    const { args } = new Redactor(definition?.redact ?? [], this.record?.args ?? draftArgs(this.args));
    return jobText({ id, store: engine?.store.name ?? null, name, args });
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
