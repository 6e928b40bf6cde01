import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { afterStep, newJobRecord, stepJob } from '../../model/jobs/step.ts';
import { answerOn, debounced, type PutResult } from '../../model/jobs/unique/name-answer.ts';
import { replacingEvents } from '../../model/jobs/unique/replacing-events.ts';
import type { JobRecord } from '../../model/records/records.ts';
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

/** From when on a job begins at the earliest: one whose put may be followed by others waits for these. */
export function firstBeginning(
  { onConflict }: UniqueSettings,
  beginAfter: number | null,
  now: number,
): number | null {
  return typeof onConflict === 'string' ? beginAfter : debounced(onConflict, now, beginAfter, now);
}

/** The unique names that the puts of one commit ask for. What one put takes, the next one finds. */
export class UniqueNames {
  readonly #work: UnitOfWork;
  readonly #now: number;
  /** Jobs of this commit, as it leaves them, by id. */
  readonly #jobs = new Map<string, JobRecord>();
  /** What this commit writes of each name. */
  readonly #taken = new Map<
    string,
    { readonly job: string; readonly at: number; readonly until: number | null }
  >();

  constructor(work: UnitOfWork, now: number) {
    this.#work = work;
    this.#now = now;
  }

  /**
   * Asks for the name of a job that is put, as it is before its put. `keeps`: it is stored, and takes the name if it can.
   * @throws SignalboxError `DUPLICATE_JOB`.
   */
  async ask({ name, settings }: NamedJob, job: JobRecord): Promise<NameTaking> {
    const record = await this.#work.read('unique', name);
    const taken = this.#taken.get(name) ?? record;
    const holder = taken === undefined ? undefined : await this.#jobOf(taken.job);
    const facts = { record: taken && { ...taken, id: name }, job: holder };
    const verdict = answerOn(settings, facts, job, this.#now);
    if (verdict.answer === 'free')
      return {
        result: 'added',
        change: this.#taking(name, settings, job),
        expect: ifUnchanged(record ?? { id: name, rev: 0 }, 'unique'),
      };
    const held = holder ?? evicted(taken?.job ?? '', job);
    if (verdict.answer === 'duplicate') throw new SignalboxError('DUPLICATE_JOB', { key: name, id: held.id });
    if (!('beginAfter' in verdict)) return { result: 'existing', holder: held, changes: [], expect: [] };
    return { result: verdict.answer, holder: held, ...this.#replaced(held, job, verdict.beginAfter) };
  }

  /** A job of this commit, as its put leaves it. */
  put(job: JobRecord): void {
    this.#jobs.set(job.id, job);
  }

  async #jobOf(id: string): Promise<JobRecord | undefined> {
    return this.#jobs.get(id) ?? (await this.#work.read('job', id));
  }

  #taking(name: string, { withinMs }: UniqueSettings, { id }: JobRecord): Change {
    const until = withinMs === null ? null : this.#now + withinMs;
    const taken = { job: id, at: this.#now, until };
    this.#taken.set(name, taken);
    return { kind: 'unique', id: name, event: 'unique.taken', from: null, to: null, patch: taken };
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
    const isOwn = this.#jobs.has(holder.id);
    if (changes.length > 0) this.#jobs.set(holder.id, job);
    return { changes, expect: isOwn || changes.length === 0 ? [] : [ifUnchanged(holder)] };
  }
}

/** A job that retention has dropped: all that is known is that it was one of these, and is over. */
function evicted(id: string, { name }: JobRecord): JobRecord {
  return newJobRecord(id, { name, state: 'completed' } as never);
}
