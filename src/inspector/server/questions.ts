import type { Answer } from '../protocol/answer.ts';
import type { ExplanationView } from '../protocol/explanation.ts';
import type { Hello } from '../protocol/hello.ts';
import type { HistoryView, JobView } from '../protocol/job.ts';
import type { JobListName, JobsPage } from '../protocol/jobs.ts';
import type { OverviewView } from '../protocol/overview.ts';

/** Which page of which list of jobs. */
export interface JobsQuestion {
  readonly list: JobListName;
  /** Null: of all queues. */
  readonly queue: string | null;
  /** A filter as a person writes it. */
  readonly text: string;
  readonly after: string | null;
  readonly limit: number;
}

/** Seq of the newest synced entry, and the clock of the store. */
export type Moment = Omit<Answer<never>, 'data'>;

/** What the pages ask of a store. Undefined: there is no such job. */
export interface Questions {
  /** The moment that an answer would be of. */
  moment(): Promise<Moment>;
  hello(): Promise<Answer<Omit<Hello, 'user' | 'level'>>>;
  job(id: string): Promise<Answer<JobView> | undefined>;
  history(id: string, before: number | null): Promise<Answer<HistoryView> | undefined>;
  explain(id: string): Promise<Answer<ExplanationView> | undefined>;
  jobs(question: JobsQuestion): Promise<Answer<JobsPage>>;
  overview(): Promise<Answer<OverviewView>>;
  /** Ids of jobs that begin alike. */
  nearest(id: string): Promise<readonly string[]>;
}
