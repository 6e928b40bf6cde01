import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { afterStep, newJobRecord, stepJob } from '../../model/jobs/step.ts';
import { answerOn, debounced, type PutResult } from '../../model/jobs/unique/name-answer.ts';
import { replacingEvents } from '../../model/jobs/unique/replacing-events.ts';
import type { JobRecord, UniqueRecord } from '../../model/records/records.ts';
import { encodeValue } from '../../model/values/values.ts';
import type { Change, Precondition } from '../../store/store.ts';
import type { StagedChange } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { type UniqueSettings, uniqueName } from '../definitions/unique-rule.ts';
import { storedJobOnly } from './job-drafts.ts';

/** A job that is put under a unique name. */
export interface NamedJob {
  readonly name: string;
  readonly settings: UniqueSettings;
}

/** What a put under a unique name adds. `holder`: the job that has the name already. */
export type NameTaking =
  | { readonly result: 'added'; readonly change: Change; readonly expect: Precondition }
  | {
      readonly result: Exclude<PutResult, 'added'>;
      readonly holder: JobRecord;
      readonly changes: readonly StagedChange[];
      readonly expect: readonly Precondition[];
    };

/** The unique name of a job that is put in a queue. @throws SignalboxError `ARGS_…`, and what `key` throws. */
export function nameIn(
  queue: string,
  settings: UniqueSettings,
  { name, args }: Pick<JobRecord, 'name' | 'args'>,
  given: readonly unknown[],
): NamedJob {
  const key =
    settings.key === null
      ? args
      : encodeValue(settings.key(...(given as never[])), 'the key of `unique`', storedJobOnly);
  return { name: uniqueName(settings.scope === 'store' ? '*' : queue, name, key as Json), settings };
}

/**
 * Names a job as it is put under its name: one whose put may be followed by others waits for these. `own`: a record that was made
 * for this put.
 */
export function asNamed(
  own: JobRecord,
  { name, settings: { onConflict } }: NamedJob,
  now: number,
): JobRecord {
  const job = own as { -readonly [K in keyof JobRecord]: JobRecord[K] };
  job.uniqueKey = name;
  if (typeof onConflict !== 'string') job.beginAfter = debounced(onConflict, now, job.beginAfter, now);
  return job;
}

/** What a put writes of its name. In a commit that is not made yet, what is as in a new record may be missing. */
type Taken = Pick<UniqueRecord, 'job' | 'at'> & Partial<Pick<UniqueRecord, 'until' | 'untilStart'>>;

/** The unique names that the puts of one commit ask for. What one put takes, the next one finds. */
export class UniqueNames {
  readonly #work: UnitOfWork;
  readonly #now: number;
  /** Jobs of this commit, as it leaves them, by id, and what it writes of each name; null: it puts one job. */
  readonly #own: { readonly jobs: Map<string, JobRecord>; readonly taken: Map<string, Taken> } | null;

  constructor(work: UnitOfWork, now: number, isOne: boolean) {
    this.#work = work;
    this.#now = now;
    this.#own = isOne ? null : { jobs: new Map(), taken: new Map() };
  }

  /**
   * Asks for the name of a job that is put, as it is before its put.
   * @throws SignalboxError `DUPLICATE_JOB`.
   */
  async ask({ name, settings }: NamedJob, job: JobRecord): Promise<NameTaking> {
    const record = await this.#work.read('unique', name);
    const taken = this.#own?.taken.get(name) ?? record;
    const holder = taken === undefined ? undefined : await this.#jobOf(taken.job);
    const facts = { record: taken && { ...taken, until: taken.until ?? null, id: name }, job: holder };
    const verdict = answerOn(settings, facts, job, this.#now);
    if (verdict.answer === 'free')
      return {
        result: 'added',
        change: this.#taking(name, settings, job, taken),
        expect: ifUnchanged(record ?? { id: name, rev: 0 }, 'unique'),
      };
    const held = holder ?? evicted(taken?.job ?? '', job);
    if (verdict.answer === 'duplicate') throw new SignalboxError('DUPLICATE_JOB', { key: name, id: held.id });
    if (!('beginAfter' in verdict)) return { result: 'existing', holder: held, changes: [], expect: [] };
    return { result: verdict.answer, holder: held, ...this.#replaced(held, job, verdict.beginAfter) };
  }

  /** A job of this commit, as its put leaves it. */
  put(job: JobRecord): void {
    this.#own?.jobs.set(job.id, job);
  }

  async #jobOf(id: string): Promise<JobRecord | undefined> {
    return this.#own?.jobs.get(id) ?? (await this.#work.read('job', id));
  }

  /** What is as before is not written. */
  #taking(name: string, settings: UniqueSettings, { id }: JobRecord, before: Taken | undefined): Change {
    const until = settings.withinMs === null ? null : this.#now + settings.withinMs;
    const untilStart = settings.until === 'started';
    this.#own?.taken.set(name, { job: id, at: this.#now, until, untilStart });
    const patch = {
      job: id,
      at: this.#now,
      ...(untilStart === (before?.untilStart ?? false) ? {} : { untilStart }),
      ...(until === (before?.until ?? null) ? {} : { until }),
    };
    return { kind: 'unique', id: name, event: 'unique.taken', from: null, to: null, patch };
  }

  #replaced(
    holder: JobRecord,
    wanted: JobRecord,
    beginAfter: number | null,
  ): { readonly changes: readonly StagedChange[]; readonly expect: readonly Precondition[] } {
    const changes: StagedChange[] = [];
    let job = holder;
    for (const event of replacingEvents(holder, wanted, { beginAfter, at: this.#now })) {
      const step = stepJob(job, event);
      changes.push(step);
      job = afterStep(job, step);
    }
    const isOwn = this.#own?.jobs.has(holder.id) === true;
    if (changes.length > 0) this.#own?.jobs.set(holder.id, job);
    return { changes, expect: isOwn || changes.length === 0 ? [] : [ifUnchanged(holder)] };
  }
}

/** A job that retention has dropped: all that is known is that it was one of these, and is over. */
function evicted(id: string, { name }: JobRecord): JobRecord {
  return newJobRecord(id, { name, state: 'completed' } as never);
}
