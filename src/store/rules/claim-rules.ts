import { ConflictError } from '../../errors.ts';
import { unpaused } from '../../model/jobs/pauses.ts';
import { isDead } from '../../model/monitoring/liveness.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import type { Candidate, Change, ClaimRequest } from '../store.ts';
import { offersOf } from './claim-order.ts';
import { type ClaimTerms, type Limits, type QuotaSlots, verdictOn } from './claim-verdict.ts';
import type { Lane } from './lanes.ts';
import type { Walk } from './lines/levels.ts';
import type { Aside } from './parking/aside.ts';
import { quotasIn, roomIn } from './parking/room.ts';
import { Spent } from './parking/spent.ts';
import type { Tables } from './tables.ts';

/** Whether the agent of a claim exists, and its dispatcher may claim. @throws ConflictError when its settings were changed. */
export function mayClaim(tables: Tables, request: ClaimRequest, now: number): boolean {
  const { agent } = request;
  if (agent === null) return true;
  const record = tables.get('agent', agent);
  if (record === undefined) return false;
  const changed = changedSettings(request, record.lastSeq);
  if (changed !== null) throw changed;
  const representation = tables.get('representation', representationOf(agent));
  return representation === undefined || isLive(representation, now);
}

/** The refusal of a claim with settings that its agent has no more, given `lastSeq` of its record. Null when they are the newest. */
export function changedSettings({ agent, agentSeq }: ClaimRequest, seq: number): ConflictError | null {
  if (agentSeq === undefined || agentSeq === seq) return null;
  return new ConflictError({
    subject: `agent/${agent}`,
    expected: `at seq ${agentSeq}`,
    actual: `seq ${seq}`,
  });
}

/** Whether its dispatcher may claim: it is activated and does not count as dead. */
function isLive(representation: RepresentationRecord, now: number): boolean {
  return representation.state === 'activated' && !isDead(representation, now);
}

/** Id of the representation of an agent. */
export function representationOf(agent: string): string {
  return agent.slice(0, agent.lastIndexOf('/'));
}

/** How many jobs the agent of a claim holds. */
export function heldBy({ jobs }: Tables, { queue, agent }: ClaimRequest): number {
  return agent === null ? 0 : jobs.held(queue, ...placeOf(queue, agent)).size;
}

/** The dispatcher and the name of an agent. */
export function placeOf(queue: string, agent: string): readonly [dispatcher: string, name: string] {
  const [dispatcher = '', name = ''] = agent.slice(queue.length + 1).split('/');
  return [dispatcher, name];
}

/** How many jobs a claim may take at most. */
export function roomOf({ limit, size }: ClaimRequest, held: number): number {
  return size === undefined ? limit : Math.min(limit, size - held);
}

/** What a claim takes, before it is committed. */
export interface Taken {
  readonly changes: readonly Change[];
  /** Ids of the jobs that are handed out, in order. */
  readonly ids: readonly string[];
  /** Seq of the newest entry of the jobs that were taken: nothing starts before it is synced. */
  readonly newestSeq: number;
  /** It has not looked at all jobs. */
  readonly mayBeMore: boolean;
  /** A quota without keys had no room: time may open it. */
  readonly isHeldUp: boolean;
}

/** How far a claim has come. */
interface Walked {
  readonly parking: ParkingPort;
  parked: number;
  /** It has to begin anew before it looks at more. */
  isCut: boolean;
  isHeldUp: boolean;
}

/** Jobs that can be taken, one after the other. `leave` lets the walk continue after the newest one. */
interface Candidates {
  next(): Candidate | null;
  leave(): void;
}

/** Where a claim parks jobs for which one of their keys has no room. */
export interface ParkingPort {
  /** Returns whether the job passes on the room of another key. */
  park(queue: string, lane: Lane, job: JobRecord, limit: string): boolean;
}

/**
 * Lets a claim take waiting jobs of its queue until it has enough. It changes no record by itself; jobs for which one of their keys
 * has no room are parked. `there`: the quotas before it.
 */
export function take(
  tables: Tables,
  request: ClaimRequest,
  now: number,
  there = quotasIn(tables),
  parking: ParkingPort = tables.jobs.queues,
): Taken {
  const changes: Change[] = [];
  const ids: string[] = [];
  const spent = new Spent(request.queue, there, now);
  const isMore = letOutIn(tables, request, now, there);
  const walked: Walked = { parking, parked: 0, isCut: false, isHeldUp: false };
  let newestSeq = 0;
  const claimable = (): Claimable => new Claimable(tables, request, now, spent.limits, walked);
  const candidates = request.choose === null ? claimable() : new Chosen(claimable, request.choose);
  for (let candidate = candidates.next(); candidate !== null; candidate = candidates.next()) {
    const made = request.take(candidate);
    candidates.leave();
    if (made === null) continue;
    if (!candidate.expired) spent.take(candidate);
    changes.push(...made);
    ids.push(made.findLast((change) => change.kind === 'job')?.id ?? candidate.job.id);
    if (candidate.job.lastSeq > newestSeq) newestSeq = candidate.job.lastSeq;
    if (ids.length >= request.limit) break;
  }
  changes.push(...spent.changes());
  return { changes, ids, newestSeq, mayBeMore: isMore || walked.isCut, isHeldUp: walked.isHeldUp };
}

/** Lets out what was parked and may be offered to a claim. Returns whether there is more to look at. */
function letOutIn(tables: Tables, { queue, isPoll }: ClaimRequest, now: number, there: QuotaSlots): boolean {
  const asideOf = (job: JobRecord): Aside | null => tables.jobs.queues.asideOf(queue, job);
  const roomOf = roomIn(there, now);
  return tables.jobs.queues.parking(queue)?.ready(now, roomOf, asideOf, isPoll === true) ?? false;
}

/** Lets out what a claim has made room for by what it has parked. Returns whether it has let any out. */
export function letOutAfter(tables: Tables, { queue }: ClaimRequest, now: number): boolean {
  return tables.jobs.queues.parking(queue)?.settle(now, roomIn(quotasIn(tables), now)) ?? false;
}

/** How many jobs one claim may park. */
const mostParked = 1000;

/** What a claim may take of its queue, in order. */
class Claimable implements Candidates {
  readonly #queue: string;
  readonly #terms: ClaimTerms;
  readonly #offers: Walk;
  readonly #walked: Walked;

  /** `limits`: with what the claim has taken of them so far. */
  constructor(tables: Tables, request: ClaimRequest, now: number, limits: Limits, walked: Walked) {
    const { queue } = request;
    const accepts = unpaused(request.accepts, tables.get('queue', queue)?.pauses ?? [], now);
    this.#queue = queue;
    this.#walked = walked;
    this.#offers = offersOf(tables.jobs.queues.lanes(queue), {
      find: tables.findJob,
      until: now,
      order: () => tables.levelOrder(queue, now),
      // Expired jobs are offered as wrappers, which another lane rule may accept: their lanes are always
      // walked.
      accepts: (lane) => lane.hasDeadlines || accepts.lane(lane.name, lane.quotaNames),
    });
    this.#terms = { accepts, now, limits };
  }

  next(): Candidate | null {
    for (let job = this.#offers.next(); job !== undefined; job = this.#offers.next()) {
      const verdict = verdictOn(job, this.#terms);
      if (!('obstacle' in verdict)) return verdict;
      if (verdict.obstacle === 'full') {
        this.#walked.isHeldUp = true;
        this.#offers.block();
      } else if (verdict.obstacle !== 'parked') this.#offers.pass();
      else if (!this.#park(job, verdict.limit)) return null;
    }
    return null;
  }

  leave(): void {
    this.#offers.pass();
  }

  /** Returns whether the claim may go on. Where room is passed on, what comes after would overtake the job that gets it. */
  #park(job: JobRecord, limit: string): boolean {
    const { lane } = this.#offers;
    this.#offers.pass();
    if (lane === undefined) return true;
    this.#walked.parked += 1;
    if (this.#walked.parking.park(this.#queue, lane, job, limit)) this.#walked.isCut = true;
    if (this.#walked.parked >= mostParked) this.#walked.isCut = true;
    return !this.#walked.isCut;
  }
}

/** What a chooser takes of what is claimable: for each job that it takes it sees everything again. */
class Chosen implements Candidates {
  readonly #claimable: () => Claimable;
  readonly #choose: NonNullable<ClaimRequest['choose']>;
  readonly #takenIds = new Set<string>();

  constructor(claimable: () => Claimable, choose: NonNullable<ClaimRequest['choose']>) {
    this.#claimable = claimable;
    this.#choose = choose;
  }

  next(): Candidate | null {
    const seen = new Map<string, Candidate>();
    const job = this.#choose(this.#shown(seen));
    const candidate = job === null ? undefined : seen.get(job.id);
    if (candidate === undefined) return null;
    this.#takenIds.add(candidate.job.id);
    return candidate;
  }

  leave(): void {}

  *#shown(seen: Map<string, Candidate>): Generator<JobRecord> {
    const claimable = this.#claimable();
    for (let candidate = claimable.next(); candidate !== null; candidate = claimable.next()) {
      claimable.leave();
      if (this.#takenIds.has(candidate.job.id)) continue;
      seen.set(candidate.job.id, candidate);
      yield candidate.job;
    }
  }
}
