import type { Outcome } from '../../../machines/job.context.ts';
import { copyOfInfo, cutResult, type JobInfo } from '../../model/monitoring/job-infos.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobText } from '../../model/values/job-text.ts';
import type { Redactor } from '../../model/values/redaction.ts';
import type { Registry } from '../definitions/registry.ts';
import { outcomeText } from './outcome-log.ts';

/** A dispatcher's record of a job. Its texts are made when they are read. */
export class LiveJobInfo implements JobInfo {
  failed = false;
  readonly agent: string;
  readonly queue: string;
  pollId: bigint | null = null;
  readonly quotaNames: readonly string[];
  /** In epoch milliseconds. */
  startedAt: number | null = null;
  completedAt: number | null = null;
  thread: string | null = null;
  reassigned = false;
  readonly #job: JobRecord;
  readonly #store: string;
  #outcome: Outcome | null = null;
  #text: string | null = null;

  readonly #registry: Pick<Registry, 'redactorOf'>;

  constructor(
    agent: { readonly name: string; readonly queue: string },
    job: JobRecord,
    store: string,
    registry: Pick<Registry, 'redactorOf'>,
  ) {
    this.#registry = registry;
    this.agent = agent.name;
    this.queue = agent.queue;
    this.quotaNames = job.quotaNames;
    this.#job = job;
    this.#store = store;
  }

  get started(): Date | null {
    return dateOf(this.startedAt);
  }

  set started(started: Date | null) {
    this.startedAt = started?.getTime() ?? null;
  }

  get completed(): Date | null {
    return dateOf(this.completedAt);
  }

  set completed(completed: Date | null) {
    this.completedAt = completed?.getTime() ?? null;
  }

  get call(): string {
    const { args } = this.#redactor;
    return jobText({ id: this.#job.id, store: this.#store, name: this.#job.name, args });
  }

  get result(): string | null {
    if (this.#text !== null) return cutResult(this.#text);
    if (this.#outcome === null) return null;
    return cutResult(outcomeText(this.#outcome, this.#redactor));
  }

  toJSON(): unknown {
    return copyOfInfo(this).toJSON();
  }

  /** A failure as a log may show it. */
  shown(failure: Failure): Failure {
    return new Failure(this.#redactor.failure(failure.data));
  }

  get #redactor(): Redactor {
    return this.#registry.redactorOf(this.#job);
  }

  keep(outcome: Outcome | null): void {
    this.#outcome = outcome;
  }

  keepText(text: string): void {
    this.#text = text;
  }
}

function dateOf(instant: number | null): Date | null {
  return instant === null ? null : new Date(instant);
}
