import type { Outcome } from '../../machines/job.context.ts';
import { Failure } from '../model/failure.ts';
import { cutResult, type JobInfo } from '../model/job-infos.ts';
import { jobText, valueText } from '../model/job-text.ts';
import type { JobRecord } from '../model/records.ts';
import type { LiveAgent } from './live-agent.ts';

/** A dispatcher's record of a job. Its texts are made when somebody reads them. */
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

  constructor(agent: Pick<LiveAgent, 'name' | 'queue'>, job: JobRecord, store: string) {
    this.agent = agent.name;
    this.queue = agent.queue;
    this.quotaNames = job.quotaNames;
    this.#job = job;
    this.#store = store;
  }

  get call(): string {
    return jobText({ id: this.#job.id, store: this.#store, name: this.#job.name, args: this.#job.args });
  }

  get result(): string | null {
    if (this.#text !== null) return cutResult(this.#text);
    if (this.#outcome === null) return null;
    return cutResult(
      this.#outcome.ok ? valueText(this.#outcome.value) : new Failure(this.#outcome.failure).text('verbose'),
    );
  }

  keep(outcome: Outcome | null): void {
    this.#outcome = outcome;
  }

  keepText(text: string): void {
    this.#text = text;
  }
}
