import type { Ending, Place } from '../../../machines/job.context.ts';
import { isFailed, isReadable } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { referredJobs } from '../../model/values/values.ts';
import type { CallbackIndex } from './callback-index.ts';
import type { FindJob } from './lines/line.ts';
import { CreatedJobs } from './lists/created-jobs.ts';
import { EndedJobs } from './lists/ended-jobs.ts';
import type { Listed } from './lists/page.ts';
import { QueueIndex } from './parking/queue-index.ts';

/**
 * The indexes of jobs: one for every question except their id. All are built from the records, which the
 * indexes never change.
 */
export class JobIndexes {
  /** Completed jobs, oldest first. */
  readonly completed = new EndedJobs((id) => this.#findJob(id)?.lastSeq);
  /** Those of them that did not succeed and were not cancelled, oldest first. */
  readonly failed = new EndedJobs((id) => this.#findJob(id)?.lastSeq);
  /** The others of them, oldest first. */
  readonly unfailed = new Set<string>();
  /** How many of them ended so. */
  readonly endings: Record<Ending, number> = {
    succeeded: 0,
    failed: 0,
    aborted: 0,
    expired: 0,
    cancelled: 0,
  };
  /** Jobs that wait. */
  readonly queues: QueueIndex;
  /** Jobs in no queue and no callback, that are not completed. */
  readonly unplaced = new Set<string>();
  /**
   * Jobs that this version cannot read: they are in no other index, so nothing happens to them; kept and
   * shown.
   */
  readonly quarantined = new Set<string>();
  readonly #findJob: FindJob;
  readonly #callbacks: CallbackIndex;
  readonly #held = new Map<string, Set<string>>();
  readonly #filed = new Map<string, Set<string>>();
  readonly #quotaHolders = new Map<string, Set<string>>();
  readonly #branches = new Map<string, Set<string>>();
  readonly #waiters = new Map<string, Set<string>>();
  /** How many unfinished jobs have a job among their arguments. */
  readonly #references = new Map<string, number>();
  readonly #tagged = new Map<string, Set<string>>();
  /** The tag whose jobs were listed last, and these in their order. */
  #listed: { readonly tag: string; readonly jobs: CreatedJobs } | null = null;
  #newestKey = { queue: '', dispatcher: '', agent: '', key: '//' };

  constructor(findJob: FindJob, callbacks: CallbackIndex) {
    this.#findJob = findJob;
    this.queues = new QueueIndex(findJob);
    this.#callbacks = callbacks;
  }

  held(queue: string, dispatcher: string, agent: string): ReadonlySet<string> {
    return this.#held.get(this.#agentKey(queue, dispatcher, agent)) ?? none;
  }

  filed(queue: string, dispatcher: string, agent: string): ReadonlySet<string> {
    return this.#filed.get(this.#agentKey(queue, dispatcher, agent)) ?? none;
  }

  /** Jobs that agents hold, by agent. */
  heldByAgent(): Iterable<ReadonlySet<string>> {
    return this.#held.values();
  }

  /** Names of the agents of a dispatcher that hold jobs, whether or not their settings still exist. */
  holdingAgents(queue: string, dispatcher: string): string[] {
    const prefix = this.#agentKey(queue, dispatcher, '');
    const names: string[] = [];
    for (const [key, jobs] of this.#held) {
      if (jobs.size > 0 && key.startsWith(prefix)) names.push(key.slice(prefix.length));
    }
    return names.sort();
  }

  /** How many jobs all agents of a dispatcher hold in a queue. */
  heldBy(queue: string, dispatcher: string): number {
    return this.holdingAgents(queue, dispatcher).reduce(
      (count, agent) => count + this.held(queue, dispatcher, agent).size,
      0,
    );
  }

  quotaHolders(quota: string): ReadonlySet<string> {
    return this.#quotaHolders.get(quota) ?? none;
  }

  /** Jobs that belong to a callback proxy. */
  branches(proxy: string): ReadonlySet<string> {
    return this.#branches.get(proxy) ?? none;
  }

  /** Jobs that wait for the result of a job. */
  waiters(job: string): ReadonlySet<string> {
    return this.#waiters.get(job) ?? none;
  }

  /** Jobs with a tag, newest first. */
  tagged(tag: string): Listed {
    if (this.#listed?.tag !== tag) {
      const find: FindJob = (id) => (this.#tagged.get(tag)?.has(id) === true ? this.#findJob(id) : undefined);
      this.#listed = { tag, jobs: new CreatedJobs(find) };
    }
    return this.#listed.jobs.newestFirst(() =>
      [...(this.#tagged.get(tag) ?? [])].flatMap((id) => this.#findJob(id) ?? []),
    );
  }

  /** Moves a job between its tags. It has them in any state, also where this version cannot read it. */
  retag(id: string, before: readonly string[] | null, after: readonly string[] | null): void {
    for (const tag of before ?? []) {
      const jobs = this.#tagged.get(tag);
      jobs?.delete(id);
      if (jobs?.size === 0) this.#tagged.delete(tag);
      if (this.#listed?.tag === tag) this.#listed.jobs.drop();
    }
    for (const tag of after ?? []) {
      addTo(this.#tagged, tag, id);
      const job = this.#listed?.tag === tag ? this.#findJob(id) : undefined;
      if (job !== undefined) this.#listed?.jobs.add(job);
    }
  }

  /** Whether an unfinished job has this one in its arguments, or waits for it. */
  isGiven(job: string): boolean {
    return (this.#references.get(job) ?? 0) > 0 || this.waiters(job).size > 0;
  }

  /**
   * Whether an unfinished job refers to this one: in its arguments, by waiting for it, or as its callback.
   */
  isReferred(job: JobRecord): boolean {
    if (this.isGiven(job.id) || this.#callbacks.hasLeft(job.id)) return true;
    const parent = this.#findJob(this.#callbacks.parentOf(job.parent) ?? '');
    return parent !== undefined && parent.state !== 'completed';
  }

  /** Adds a job to the indexes. `old` is the job as it has just left. */
  enter(job: JobRecord, old: JobRecord | undefined): void {
    if (!isReadable(job)) {
      this.quarantined.add(job.id);
      return;
    }
    const previous = old !== undefined && isReadable(old) ? old : undefined;
    if (job.parent !== null) this.#enterPlace(job, job.parent, previous);
    if (isUnplaced(job)) this.unplaced.add(job.id);
    for (const quota of job.quotas) addTo(this.#quotaHolders, quota, job.id);
    if (job.waitingOn !== null) addTo(this.#waiters, job.waitingOn, job.id);
    if (!refersAlike(job, previous)) this.#count(job, 1);
    if (job.state === 'completed') this.#end(job, job.ending);
  }

  #end({ id, lastSeq }: JobRecord, ending: Ending | null): void {
    this.completed.add(id, lastSeq);
    if (ending !== null) this.endings[ending] += 1;
    if (isFailed(ending)) this.failed.add(id, lastSeq);
    else this.unfailed.add(id);
  }

  #enterPlace(job: JobRecord, place: Place, previous: JobRecord | undefined): void {
    if ('queue' in place) {
      if (!('agent' in place)) this.queues.enter(place.queue, job);
      else {
        const index = job.callbacksEnd === null ? this.#held : this.#filed;
        addTo(index, this.#agentKey(place.queue, place.dispatcher, place.agent), job.id);
      }
    } else if ('job' in place) {
      if (!isSameCallback(job, previous)) this.#callbacks.add(place, `job/${job.id}`, job.position);
    } else if ('proxy' in place) addTo(this.#branches, place.proxy, job.id);
  }

  /**
   * Removes a job from the indexes. `young` is the job as it is about to enter again. A place that both have
   * is kept: agents and quotas list jobs in order of entry, and to find a place among thousands of callbacks
   * costs a read of each.
   */
  leave(job: JobRecord, young: JobRecord | undefined): void {
    if (this.quarantined.delete(job.id)) return;
    const next = young !== undefined && isReadable(young) ? young : undefined;
    if (job.parent !== null) this.#leavePlace(job, job.parent, next);
    if (isUnplaced(job)) this.unplaced.delete(job.id);
    for (const quota of job.quotas) {
      if (next?.quotas.includes(quota) !== true) this.#leaveQuota(quota, job.id);
    }
    if (!refersAlike(job, next)) this.#count(job, -1);
    if (job.waitingOn !== null) {
      const waiting = this.#waiters.get(job.waitingOn);
      waiting?.delete(job.id);
      if (waiting?.size === 0) this.#waiters.delete(job.waitingOn);
    }
    if (job.state !== 'completed') return;
    this.completed.delete(job.id);
    this.failed.delete(job.id);
    this.unfailed.delete(job.id);
    if (job.ending !== null) this.endings[job.ending] -= 1;
  }

  #leaveQuota(quota: string, id: string): void {
    const holders = this.#quotaHolders.get(quota);
    holders?.delete(id);
    if (holders?.size === 0) this.#quotaHolders.delete(quota);
    this.queues.touch(quota);
  }

  #leavePlace(job: JobRecord, place: Place, next: JobRecord | undefined): void {
    if ('queue' in place) {
      if (!('agent' in place)) this.queues.leave(place.queue, job);
      else if (next?.parent !== place || next.callbacksEnd !== job.callbacksEnd) {
        const index = job.callbacksEnd === null ? this.#held : this.#filed;
        index.get(this.#agentKey(place.queue, place.dispatcher, place.agent))?.delete(job.id);
      }
    } else if ('job' in place) {
      if (!isSameCallback(job, next)) this.#callbacks.drop(place, `job/${job.id}`);
    } else if ('proxy' in place) this.#branches.get(place.proxy)?.delete(job.id);
  }

  /**
   * Returns the key of an agent: for the same agent as before the same text. Consecutive jobs belong to one
   * agent, and to build and hash its key for each of them costs 4 to 5 % of what the tables do for a job.
   */
  #agentKey(queue: string, dispatcher: string, agent: string): string {
    const newest = this.#newestKey;
    if (newest.agent === agent && newest.dispatcher === dispatcher && newest.queue === queue)
      return newest.key;
    const key = `${queue}/${dispatcher}/${agent}`;
    this.#newestKey = { queue, dispatcher, agent, key };
    return key;
  }

  #count(job: JobRecord, by: number): void {
    if (job.state === 'completed') return;
    for (const arg of job.args) {
      for (const id of referredJobs(arg)) {
        const count = (this.#references.get(id) ?? 0) + by;
        if (count > 0) this.#references.set(id, count);
        else this.#references.delete(id);
      }
    }
  }
}

const none: ReadonlySet<string> = new Set();

/** Whether no index of places has it, and it is not over: it was stored for later, pulled, called, or interrupted. */
function isUnplaced({ parent, state }: JobRecord): boolean {
  return (parent === null || 'system' in parent || 'left' in parent) && state !== 'completed';
}

/** Whether both refer to the same jobs, so that nothing is counted anew. */
function refersAlike(job: JobRecord, other: JobRecord | undefined): boolean {
  return other?.args === job.args && (other.state === 'completed') === (job.state === 'completed');
}

/** Whether both have the same place among the callbacks of the same parent. */
function isSameCallback(job: JobRecord, other: JobRecord | undefined): boolean {
  return other?.parent === job.parent && other.position === job.position;
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, new Set([id]));
  else ids.add(id);
}

/** Whether any index depends on what changed. Records share unchanged values, so identity decides. */
export function movesIndex(before: JobRecord, after: JobRecord): boolean {
  return (
    before.parent !== after.parent ||
    before.position !== after.position ||
    before.quotas !== after.quotas ||
    before.callbacksEnd !== after.callbacksEnd ||
    before.quotaNames !== after.quotaNames ||
    before.keys !== after.keys ||
    before.name !== after.name ||
    before.priority !== after.priority ||
    before.beginBy !== after.beginBy ||
    before.deadline !== after.deadline ||
    before.waitingOn !== after.waitingOn ||
    before.args !== after.args ||
    before.unsound !== after.unsound ||
    (before.state !== after.state && isReadable(before) !== isReadable(after)) ||
    (before.state === 'completed') !== (after.state === 'completed')
  );
}
