import type { StoredJob } from './stored-job.ts';

/** A row of `lease`, as it is believed to be. */
export interface Lease {
  readonly token: number;
  readonly rev: number;
  readonly ids: readonly string[];
  /** The entry by which each came into it. */
  readonly seqs: readonly number[];
  readonly lanes: readonly number[];
}

/** How many of those are kept in mind: they are asked for right after their end. */
const mostEnded = 20_000;

/**
 * The leases of this opening and the jobs that they hold, as this process has left them. The revision of a lease says at each
 * commit whether that is still so: who else changes it, or a job that it holds, makes it grow.
 */
export class OwnLeases {
  readonly #leases = new Map<number, Lease>();
  readonly #jobs = new Map<string, StoredJob>();
  /** Jobs that ended here and for which no other one waited then. */
  #endedAlone = new Set<string>();

  job(id: string): StoredJob | undefined {
    return this.#jobs.get(id);
  }

  lease(token: number): Lease | undefined {
    return this.#leases.get(token);
  }

  /** A lease is so now; null: it is gone. */
  keep(token: number, lease: Lease | null): void {
    if (lease === null) this.#leases.delete(token);
    else this.#leases.set(token, lease);
  }

  keepJob(id: string, job: StoredJob | null): void {
    if (job === null) this.#jobs.delete(id);
    else this.#jobs.set(id, job);
  }

  /** A job is over, and no other one waited for it. */
  endAlone(id: string): void {
    if (this.#endedAlone.size >= mostEnded) this.#endedAlone = new Set();
    this.#endedAlone.add(id);
  }

  /** Whether no job can wait for this one; asked once. */
  hasEndedAlone(id: string): boolean {
    return this.#endedAlone.delete(id);
  }

  /** What is believed may be wrong: it is read again when it is needed. */
  forget(): void {
    this.#leases.clear();
    this.#jobs.clear();
  }
}
