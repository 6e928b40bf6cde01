import { isSpent } from '../../model/jobs/rate.ts';
import type { ActorRecord, JobRecord, MessageRecord } from '../../model/records/records.ts';
import type { Kind } from '../entry.ts';
import { hasEnded } from '../rules/actors/actor-indexes.ts';
import type { Mail } from '../rules/actors/mail.ts';
import type { Tables } from '../rules/tables.ts';
import type { Change } from '../store.ts';

/** How long completed jobs and actors that have ended are kept, and how many. */
export interface Retention {
  /** Milliseconds; default 7 days. */
  readonly completedMaxAgeMs: number;
  /** Of jobs that failed, were aborted or have expired. Milliseconds; default 30 days. */
  readonly failedMaxAgeMs: number;
  /** Default 100,000, and as many that failed, were aborted or have expired. */
  readonly completedMaxCount: number;
  /** Of actors that have ended. Milliseconds; default 7 days. */
  readonly finishedMaxAgeMs: number;
  /** How many actors that have ended. Default 100,000. */
  readonly finishedMaxCount: number;
}

const dayMs = 24 * 60 * 60 * 1000;

/** The defaults of retention. */
export const defaultRetention: Retention = {
  completedMaxAgeMs: 7 * dayMs,
  failedMaxAgeMs: 30 * dayMs,
  completedMaxCount: 100_000,
  finishedMaxAgeMs: 7 * dayMs,
  finishedMaxCount: 100_000,
};

/** How long a message is known that was taken: so long its id is refused when it is sent again. */
const takenMaxAgeMs = dayMs;
/** How long a dead letter is kept. */
const deadMaxAgeMs = 30 * dayMs;

/** The value of an option that sets no limit to what a store keeps. */
export const noLimit = Number.POSITIVE_INFINITY;

const roundMs = 60_000;
/** Changes of one round at most: its commit is one line of the journal. */
const roundMaxChanges = 5000;

/** Decides which completed jobs, ended actors and messages to drop, and when to look for them. */
export class Evictions {
  readonly #tables: Tables;
  readonly #retention: Retention;
  #nextRound = 0;

  constructor(tables: Tables, retention: Retention) {
    this.#tables = tables;
    this.#retention = retention;
  }

  /**
   * Returns the changes that drop completed jobs beyond the retention, oldest first, each with what belongs
   * to it; never one that an unfinished job refers to. So it does with actors that have ended, but for those whose parents wait for
   * them, and with messages that are over. Looks for them once a minute, or when there are one in a hundred too many.
   */
  due(now: number): Change[] {
    const { completedMaxAgeMs, failedMaxAgeMs, completedMaxCount, finishedMaxCount } = this.#retention;
    const { failed, unfailed } = this.#tables.jobs;
    const most = completedMaxCount * 1.01;
    const isFull =
      unfailed.size > most ||
      failed.size > most ||
      this.#tables.actors.finishedCount > finishedMaxCount * 1.01;
    if (now < this.#nextRound && !isFull) return [];
    this.#nextRound = now + roundMs;
    const changes = this.#spent(now);
    this.#drop(changes, unfailed, now, completedMaxAgeMs);
    this.#drop(changes, failed, now, failedMaxAgeMs);
    this.#dropActors(changes, now);
    this.#dropMail(changes, this.#tables.mail.taken, now - takenMaxAgeMs);
    this.#dropMail(changes, this.#tables.mail.dead, now - deadMaxAgeMs);
    return changes;
  }

  /** Adds the changes that drop the oldest of a list: those beyond an age, and those that are too many. */
  #drop(
    changes: Change[],
    ids: Iterable<string> & { readonly size: number },
    now: number,
    maxAgeMs: number,
  ): void {
    let left = ids.size - this.#retention.completedMaxCount;
    for (const id of ids) {
      const job = this.#tables.findJob(id) as JobRecord;
      const isOld = (job.activeEnd ?? 0) < now - maxAgeMs;
      if ((left <= 0 && !isOld) || changes.length >= roundMaxChanges) return;
      if (this.#tables.jobs.isReferred(job)) continue;
      left -= 1;
      changes.push(...this.#of(job, now));
    }
  }

  #dropActors(changes: Change[], now: number): void {
    const { finishedMaxAgeMs, finishedMaxCount } = this.#retention;
    const { actors } = this.#tables;
    let left = actors.finishedCount - finishedMaxCount;
    for (const id of actors.finished.until(Number.POSITIVE_INFINITY)) {
      const actor = this.#tables.get('actor', id) as ActorRecord;
      const isOld = (actor.finishedAt as number) < now - finishedMaxAgeMs;
      if ((left <= 0 && !isOld) || changes.length >= roundMaxChanges) return;
      if (this.#isAwaited(actor)) continue;
      left -= 1;
      changes.push(evicted('actor', id));
    }
  }

  /** Whether the parent of an actor is alive and has it as its child: it has not taken its end yet. */
  #isAwaited({ parent }: ActorRecord): boolean {
    if (parent === null) return false;
    const above = this.#tables.get('actor', parent.actor);
    return above !== undefined && !hasEnded(above) && above.children?.[parent.child]?.run === parent.run;
  }

  /** The oldest of messages that are over. */
  #dropMail(changes: Change[], ended: Mail['taken'], before: number): void {
    for (const id of ended.until(Number.POSITIVE_INFINITY)) {
      const { endedAt, at } = this.#tables.get('message', id) as MessageRecord;
      if ((endedAt ?? at) >= before || changes.length >= roundMaxChanges) return;
      changes.push(evicted('message', id));
    }
  }

  /** Drops the records of limits and unique names that say nothing any more. */
  #spent(now: number): Change[] {
    const changes: Change[] = [];
    for (const name of this.#tables.leftNames) {
      if (changes.length >= roundMaxChanges) break;
      if (!this.#isAhead(name, now)) changes.push(evicted('unique', name));
    }
    for (const limit of this.#tables.all('limit')) {
      if (changes.length >= roundMaxChanges) break;
      if (isSpent(limit, now)) changes.push(evicted('limit', limit.id));
    }
    return changes;
  }

  /** Drops a job and all that belongs to it. Only its proxy names a branch that was not chosen. */
  #of({ id, uniqueKey }: JobRecord, now: number): Change[] {
    const { callbacks } = this.#tables;
    const changes = [
      evicted('job', id),
      ...this.#nameOf(id, uniqueKey, now),
      ...this.#tables.annotations(id).map((name) => evicted('annotation', `${id}/${name}`)),
    ];
    for (const subject of callbacks.of(id)) {
      const [kind, ...rest] = subject.split('/');
      const child = rest.join('/');
      if (kind === 'job') changes.push(...this.#unused(child, now));
      else {
        changes.push(evicted('proxy', child));
        for (const branch of this.#tables.jobs.branches(child)) changes.push(...this.#unused(branch, now));
      }
    }
    return changes;
  }

  /** The unique name of a dropped job goes with it, unless another job has taken it or it has a window that lasts. */
  #nameOf(job: string, name: string | null, now: number): Change[] {
    const isIts = name !== null && this.#tables.get('unique', name)?.job === job;
    return isIts && !this.#isAhead(name, now) ? [evicted('unique', name)] : [];
  }

  #isAhead(name: string, now: number): boolean {
    return (this.#tables.get('unique', name)?.until ?? 0) > now;
  }

  /**
   * Drops a callback of a dropped job, if it never began. One that began is dropped when its own time has
   * come.
   */
  #unused(id: string, now: number): Change[] {
    const job = this.#tables.findJob(id);
    return job?.state !== 'new' || this.#tables.jobs.isGiven(id) ? [] : this.#of(job, now);
  }
}

function evicted(kind: Kind, id: string): Change {
  return { kind, id, event: 'evicted', from: null, to: null, patch: null, gone: true };
}
