import type { HistoryEntry } from '../../../index.ts';
import type { ReplayedRecord } from './replayed-record.ts';

/** Checks that no two jobs hold one unique name. It knows who has one by the journal alone. */
export class UniqueAudit {
  readonly #records: ReadonlyMap<string, ReplayedRecord>;
  /** Jobs by the name that they took last. */
  readonly #jobs = new Map<string, Set<string>>();

  constructor(records: ReadonlyMap<string, ReplayedRecord>) {
    this.#records = records;
  }

  /** What an entry breaks, which is applied already. `before`: its record as it was. */
  *broken(entry: HistoryEntry, before: ReplayedRecord | undefined): Generator<string> {
    const { kind, id, at } = entry;
    if (kind === 'unique' && !entry.gone) {
      const taken = this.#records.get(`unique/${id}`)?.fields;
      const until = Number(before?.fields.until ?? 0);
      if (before !== undefined && before.fields.job !== taken?.job && until > at)
        yield `I25 is taken by job ${taken?.job}, ${until - at} ms before the window of job ${before.fields.job} ends`;
      const last = taken?.untilStart === true ? null : before?.fields.job;
      yield* this.#holders(id, last, String(taken?.job));
    } else if (kind === 'job') {
      const [was, is] = [before?.fields.uniqueKey, this.#records.get(`job/${id}`)?.fields.uniqueKey];
      if (was != null && was !== is) this.#jobs.get(String(was))?.delete(id);
      if (is == null) return;
      const jobs = this.#jobs.get(String(is)) ?? new Set();
      this.#jobs.set(String(is), jobs.add(id));
      // That it may be put while others run, its name says with the next entry.
      if (entry.event === 'job.put') yield* this.#holders(String(is), null, id);
    }
  }

  /** `last`: the job that has it until its end; others, from which it went on to that one, hold it until they start. */
  *#holders(name: string, last: unknown, job: string): Generator<string> {
    for (const id of this.#jobs.get(name) ?? []) {
      const other = this.#records.get(`job/${id}`);
      if (id !== job && other !== undefined && holds(other, id !== last))
        yield `I25 name ${name} is held by job ${id}, which is ${other.state}, and by job ${job}`;
    }
  }

  /** What is left at the end: a job that waits under a name which says another one. */
  *rest(): Generator<string> {
    for (const [name, jobs] of this.#jobs) {
      const taken = this.#records.get(`unique/${name}`)?.fields.job;
      for (const id of jobs) {
        const job = this.#records.get(`job/${id}`);
        if (job !== undefined && holds(job, true) && taken !== id)
          yield `I25 job ${id} waits under name ${name}, which is that of job ${taken}`;
      }
    }
  }
}

function holds({ state, fields }: ReplayedRecord, untilStart: boolean): boolean {
  if (state === 'new' || fields.outcome != null) return false;
  return !untilStart || ((state === 'pending' || state === 'assigned') && Number(fields.attempts ?? 0) === 0);
}
