import type { ScheduledJob } from '../../../../machines/schedule.context.ts';
import { newJobRecord } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { queueOf } from '../../../reading/job-place.ts';
import type { Shown, ShownJob } from '../../../reading/shown.ts';
import type { HistoryEntry, Patch } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';

/** What is known of the job that an entry is about. */
export interface Subject {
  readonly job: JobRecord | undefined;
  readonly name: string | null;
}

const unknown: Subject = { job: undefined, name: null };

/** How many jobs one question reads: with a database each is a statement of its own. */
const mostJobs = { here: 20_000, elsewhere: 50 };
/** Of how many failed jobs it reads the history, which says what must not be shown. */
const mostHistories = { here: 40, elsewhere: 10 };
const mostEntries = 200;

/** The jobs that entries are about, each read once, and no more of them than a question may cost. */
export class Subjects {
  readonly #reader: StoreReader;
  readonly #shown: Shown;
  readonly #known = new Map<string, Subject>();
  readonly #names = new Map<string, string>();
  readonly #safe = new Map<string, ShownJob>();
  #jobsLeft: number;
  #historiesLeft: number;

  constructor(reader: StoreReader, shown: Shown) {
    this.#reader = reader;
    this.#shown = shown;
    const where = reader.exclusive ? 'here' : 'elsewhere';
    this.#jobsLeft = mostJobs[where];
    this.#historiesLeft = mostHistories[where];
  }

  /** Whether no other job may be read: what is asked of it then is not known. */
  get isExhausted(): boolean {
    return this.#jobsLeft <= 0;
  }

  /** Remembers the names that entries say themselves: of jobs that were made among them. */
  learn(entries: readonly HistoryEntry[]): void {
    for (const { kind, id, patch } of entries)
      if (kind === 'job' && typeof patch?.name === 'string') this.#names.set(id, patch.name);
  }

  /** The definition of the job of an entry; null: it is about none, or that is not known. */
  async nameOf(entry: HistoryEntry): Promise<string | null> {
    const id = jobIdOf(entry);
    return id === null ? null : (this.#names.get(id) ?? (await this.job(id)).name);
  }

  async of(entry: HistoryEntry): Promise<Subject> {
    const id = jobIdOf(entry);
    return id === null ? unknown : this.job(id);
  }

  async job(id: string): Promise<Subject> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (this.isExhausted) return unknown;
    this.#jobsLeft -= 1;
    const job = await this.#reader.get('job', id);
    const subject = { job, name: job?.name ?? null };
    this.#known.set(id, subject);
    return subject;
  }

  /** The queue of a job, through its parents; null: none, or not known. */
  async queue({ job }: Subject): Promise<string | null> {
    return job === undefined ? null : queueOf(this.#reader, job);
  }

  /** A job with the secrets of its whole history. Null: that would cost too much, or is not kept. */
  async safe({ job }: Subject): Promise<ShownJob | null> {
    if (job === undefined) return null;
    const known = this.#safe.get(job.id);
    if (known !== undefined) return known;
    if (this.#historiesLeft <= 0) return null;
    this.#historiesLeft -= 1;
    const patches: (Patch | null)[] = [];
    for await (const { patch } of this.#reader.history('job', job.id, job.lastSeq))
      if (patches.push(patch) >= mostEntries) break;
    const shown = this.#shown.job(job, patches);
    this.#safe.set(job.id, shown);
    return shown;
  }

  /** What a schedule puts, as it may be shown. */
  scheduled({ content, annotations, ...rest }: ScheduledJob): ScheduledJob {
    const shown = this.#shown.job(newJobRecord('', content as Pick<JobRecord, 'name'>));
    const notes = Object.entries(annotations ?? {}).map(
      ([name, value]) => [name, shown.annotation(value)] as const,
    );
    return {
      ...rest,
      content: shown.patch(content),
      annotations: annotations === null ? null : Object.fromEntries(notes),
    };
  }
}

/** The job that an entry is about; null: none. */
function jobIdOf({ kind, id }: Pick<HistoryEntry, 'kind' | 'id'>): string | null {
  if (kind === 'job') return id;
  return kind === 'annotation' ? id.slice(0, id.indexOf('/')) : null;
}
