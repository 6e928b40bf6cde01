import type { Outcome } from '../../../machines/job.context.ts';
import { copyOfInfo, cutResult, type JobInfo } from '../../model/monitoring/job-infos.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobText } from '../../model/values/job-text.ts';
import { Redactor } from '../../model/values/redaction.ts';
import { outcomeText } from './outcome-log.ts';

/** A dispatcher's record of a job. Its texts are made when they are read. */
export class LiveJobInfo implements JobInfo {
  failed = false;
  readonly agent: string;
  readonly queue: string;
  pollId: bigint | null = null;
  readonly quotaNames: readonly string[];
  started: Date | null = null;
  completed: Date | null = null;
  thread: string | null = null;
  reassigned = false;
  readonly #job: JobRecord;
  readonly #store: string;
  #outcome: Outcome | null = null;
  #text: string | null = null;

  readonly #redactor: () => Redactor;

  constructor(
    agent: { readonly name: string; readonly queue: string },
    job: JobRecord,
    store: string,
    redactor: () => Redactor = () => new Redactor([], job.args),
  ) {
    this.#redactor = redactor;
    this.agent = agent.name;
    this.queue = agent.queue;
    this.quotaNames = job.quotaNames;
    this.#job = job;
    this.#store = store;
  }

  get call(): string {
    const { args } = this.#redactor();
    return jobText({ id: this.#job.id, store: this.#store, name: this.#job.name, args });
  }

  get result(): string | null {
    if (this.#text !== null) return cutResult(this.#text);
    if (this.#outcome === null) return null;
    return cutResult(outcomeText(this.#outcome, this.#redactor()));
  }

  toJSON(): unknown {
    return copyOfInfo(this).toJSON();
  }

  /** A failure as a log may show it. */
  shown(failure: Failure): Failure {
    return new Failure(this.#redactor().failure(failure.data));
  }

  keep(outcome: Outcome | null): void {
    this.#outcome = outcome;
  }

  keepText(text: string): void {
    this.#text = text;
  }
}
