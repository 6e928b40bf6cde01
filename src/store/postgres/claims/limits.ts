import { freeTokens, openLimit, opensAt } from '../../../model/jobs/rate.ts';
import { limitId, quotaOfLimit } from '../../../model/records/keys.ts';
import type { JobRecord, QuotaRecord } from '../../../model/records/records.ts';
import type { ParkingPort } from '../../rules/claim-rules.ts';
import type { Quota, QuotaSlots } from '../../rules/claim-verdict.ts';
import type { Lane } from '../../rules/lanes.ts';
import { freeSlots } from '../../rules/parking/room.ts';
import type { WorkingSet } from '../commits/working-set.ts';
import type { SqlConnection } from '../sql-port.ts';
import { nameOf } from '../transactions.ts';

/** A row of \`room\`. */
interface Room {
  /** How many slots are taken. */
  readonly taken: number;
  readonly hasParked: boolean;
  /** When parked jobs are to be offered again for what time has done, or a changed quota. */
  readonly opens: number;
}

const noRoom: Room = { taken: 0, hasParked: false, opens: Number.POSITIVE_INFINITY };

/** Quotas and keys as a claim has read them. */
export class Limits {
  readonly #set: WorkingSet;
  readonly #schema: string;
  readonly #rooms = new Map<string, Room>();

  /** `set`: gets the records of quotas and limits. */
  constructor(schema: string, set: WorkingSet) {
    this.#schema = schema;
    this.#set = set;
  }

  /** Reads those that are not known yet. Each by its key: without statistics the planner would read all of them. */
  async load(connection: SqlConnection, ids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#rooms.has(id));
    if (unknown.length === 0) return;
    const quotas = [...new Set(unknown.map(quotaOfLimit))];
    const schema = this.#schema;
    const records = (kind: string): string =>
      `SELECT r.* FROM unnest($1::text[]) AS u (id) CROSS JOIN LATERAL (
         SELECT o.id, o.rev, o.last_seq, o.body FROM ${schema}.${kind} o WHERE o.id = u.id OFFSET 0) AS r`;
    const roomText = `SELECT r.* FROM unnest($1::text[], $2::text[]) AS u (id, quota) CROSS JOIN LATERAL (
         SELECT o.id, o.used, o.line, o.opens, q.opens_after IS NOT NULL AS is_changed
         FROM ${schema}.room o LEFT JOIN ${schema}.quota q ON q.id = u.quota WHERE o.id = u.id OFFSET 0) AS r`;
    const [quotaRows, limitRows, rooms] = await Promise.all([
      connection.named(nameOf(schema, 'limit_quotas'), records('quota'), [quotas]),
      connection.named(nameOf(schema, 'limit_records'), records('limit'), [unknown]),
      connection.named(nameOf(schema, 'limit_rooms'), roomText, [unknown, unknown.map(quotaOfLimit)]),
    ]);
    this.#set.loadSettings('quota', quotaRows);
    this.#set.loadSettings('limit', limitRows);
    for (const id of unknown) this.#rooms.set(id, noRoom);
    for (const { id, used, line, opens, is_changed: isChanged } of rooms) {
      const hasParked = line !== null;
      const opensAt = opens === null ? Number.POSITIVE_INFINITY : Number(opens);
      this.#rooms.set(String(id), {
        taken: Number(used),
        hasParked,
        opens: isChanged === true ? 0 : opensAt,
      });
    }
  }

  /** Whether jobs are parked under a key that has got room, and were not offered again yet: they come before others of it. */
  isBehind(now: number): boolean {
    return [...this.#rooms.values()].some(({ hasParked, opens }) => hasParked && opens <= now);
  }

  /** The quotas before the claim. A job with a key is not subject to a quota without keys, and the other way round. */
  readonly slots: QuotaSlots = (id) => {
    const quota = this.#quota(id);
    if (quota === undefined || quota.keyed !== (id !== quotaOfLimit(id))) return undefined;
    const { size, rate } = quota;
    const state = this.#set.tables.get('limit', id) ?? openLimit;
    return { size, rate, taken: this.#rooms.get(id)?.taken ?? 0, state };
  };

  /** Whether jobs are parked under a key that has room. */
  hasWaiting(id: string, now: number): boolean {
    const quota = this.slots(id);
    if (quota === undefined || this.#rooms.get(id)?.hasParked !== true) return false;
    return freeSlots(quota) > 0 && freeTokens(quota.rate, quota.state, now) > 0;
  }

  /** When time makes room for the jobs that a claim parks under a key, and the revisions that say so; null: a slot must become free. */
  opening(
    id: string,
    now: number,
  ): { readonly at: number | null; readonly quotaRev: number; readonly rev: number } {
    const { rate, state } = this.slots(id) as Quota;
    const isShut = freeTokens(rate, state, now) === 0;
    return {
      at: isShut ? opensAt(rate, state, now) : null,
      quotaRev: this.#quota(id)?.rev ?? 0,
      rev: this.#set.tables.get('limit', id)?.rev ?? 0,
    };
  }

  /** Whether time opens one of them. */
  get areTimed(): boolean {
    return [...this.#rooms.keys()].some((id) => {
      const quota = this.slots(id);
      return quota !== undefined && (quota.rate !== null || quota.state.closedUntil !== null);
    });
  }

  #quota(id: string): QuotaRecord | undefined {
    return this.#set.tables.get('quota', quotaOfLimit(id));
  }
}

/** The limits that a claim of waiting jobs has to know. */
export function limitsOfJobs(queue: string, jobs: Iterable<JobRecord>): Set<string> {
  const ids = new Set<string>();
  for (const { quotaNames, keys } of jobs)
    for (const name of keys === null ? quotaNames : [...quotaNames, ...keys]) ids.add(limitId(queue, name));
  return ids;
}

/** What a claim parks: in the tables that it judges by, and in a note of what has to be parked in the database. */
export class NotedParking implements ParkingPort {
  /** By job: the key under which it is parked. */
  readonly under = new Map<string, string>();
  /** Keys with room that jobs which were parked leave to others. */
  readonly passed = new Set<string>();
  readonly #set: WorkingSet;
  readonly #limits: Limits;
  readonly #now: number;

  constructor(set: WorkingSet, limits: Limits, now: number) {
    this.#set = set;
    this.#limits = limits;
    this.#now = now;
  }

  park(queue: string, lane: Lane, job: JobRecord, limit: string): boolean {
    this.under.set(job.id, limit);
    this.#set.tables.jobs.queues.park(queue, lane, job, limit);
    let passesOn = false;
    for (const key of job.keys ?? []) {
      const id = limitId(queue, key);
      if (id === limit || !this.#limits.hasWaiting(id, this.#now)) continue;
      this.passed.add(id);
      passesOn = true;
    }
    return passesOn;
  }
}
