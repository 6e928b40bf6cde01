import { isDeepStrictEqual } from 'node:util';
import type { HistoryEntry } from '../../../index.ts';
import type { ReplayedRecord } from './replayed-record.ts';

type Records = ReadonlyMap<string, ReplayedRecord>;
type Held = ReadonlyMap<string, ReadonlySet<string>>;

interface Rate {
  readonly limit: number;
  readonly per: number;
  readonly burst: number;
}

/** Checks what limits promise: how many hold a quota or a key of one, how many begin in a time, and that none waits for ever. */
export class LimitAudit {
  readonly #records: Records;
  readonly #hasPeers: boolean;
  /** Limits in which jobs have just given up slots that a claim need not know of. */
  #givenUp: { readonly at: number; readonly limits: Set<string> } = { at: Number.NaN, limits: new Set() };
  /** When jobs began under each limit that has a rate. */
  readonly #begun = new Map<string, number[]>();

  constructor(records: Records, hasPeers: boolean) {
    this.#records = records;
    this.#hasPeers = hasPeers;
  }

  /** No job enters a full quota, or a full key of one. Returns what is wrong. */
  *entering(entry: HistoryEntry, held: Held): Generator<string> {
    for (const limit of (entry.patch?.quotas as readonly string[] | undefined) ?? []) {
      const holders = held.get(limit) ?? new Set();
      const size = Number(this.#quotaOf(limit)?.fields.size ?? Number.POSITIVE_INFINITY);
      if (!holders.has(entry.id) && holders.size >= size)
        yield `${isKey(limit) ? 'I20' : 'I7'} ${limit} of size ${size} is full with ${[...holders]}`;
    }
  }

  /** In each window of its time no more begin than a rate and its burst allow. Returns what is wrong. */
  *beginning(entry: HistoryEntry): Generator<string> {
    for (const limit of (entry.patch?.quotas as readonly string[] | undefined) ?? []) {
      const rate = this.#quotaOf(limit)?.fields.rate as Rate | null | undefined;
      if (rate == null) continue;
      let begun = this.#begun.get(limit) ?? [];
      // A clock that was set back says nothing about the time between.
      if ((begun.at(-1) ?? 0) > entry.at) begun = [];
      const most = rate.limit + rate.burst - 1;
      const first = begun.at(-most);
      begun.push(entry.at);
      this.#begun.set(limit, begun.slice(-most));
      if (first !== undefined && entry.at - first < rate.per)
        yield `I21 ${most + 1} began under ${limit} in ${entry.at - first} ms, in ${rate.per} ms only ${most} may`;
    }
  }

  /** None is taken before one like it that was put earlier and needs no more than it. Returns the one that was overtaken. */
  overtaken(claimed: ReplayedRecord, jobs: Iterable<ReplayedRecord>): string | null {
    const { fields } = claimed;
    // One that is too late may be left to an agent that takes such jobs.
    const mayBeLate = fields.beginBy != null || fields.deadline != null;
    if (fields.keys == null || mayBeLate || lineOf(claimed) !== 'now') return null;
    for (const job of jobs) {
      const waits = job.state === 'pending' && lineOf(job) === 'now' && placeIn(job) < placeIn(claimed);
      if (waits && alike.every((key) => isDeepStrictEqual(job.fields[key] ?? null, fields[key] ?? null)))
        if (needed.every((key) => isWithin(job.fields[key], fields[key]))) return job.id;
    }
    return null;
  }

  /** A job that waits for nothing but keys that have room is not forgotten. Null: it waits for something else. */
  forgotten(job: ReplayedRecord, held: Held): string | null {
    const keys = (job.fields.keys as readonly string[] | null | undefined) ?? [];
    if (job.state !== 'pending' || keys.length === 0 || !this.haveRoom(job, held, Number.POSITIVE_INFINITY))
      return null;
    return `I22 still waits, and its keys ${keys.join(' and ')} have room`;
  }

  /**
   * A claim takes an expired job out of its queue: the slots that it had are free for the claim after that. And where stores have
   * peers, a claim is judged by what it reads at one moment: what is given up before it commits is free for the claim after that.
   */
  givesUp(
    { event, at }: HistoryEntry,
    before: ReplayedRecord | undefined,
    after: ReplayedRecord | null,
  ): void {
    if (event !== 'job.pull' && !this.#hasPeers) return;
    if (this.#givenUp.at !== at) this.#givenUp = { at, limits: new Set() };
    const kept = (after?.fields.quotas ?? []) as readonly string[];
    for (const limit of (before?.fields.quotas ?? []) as readonly string[])
      if (event === 'job.pull' || !kept.includes(limit)) this.#givenUp.limits.add(limit);
  }

  /** Whether all quotas and keys of a waiting job have a slot, and are open at an instant. Their rates owe nothing then. */
  haveRoom({ id, fields }: ReplayedRecord, held: Held, at: number): boolean {
    const queue = (fields.parent as { readonly queue?: string } | null)?.queue;
    const names = needed.flatMap((kind) => (fields[kind] ?? []) as readonly string[]);
    if (queue === undefined) return false;
    return names.every((name) => {
      const limit = `${queue}/${name}`;
      const size = this.#quotaOf(limit)?.fields.size ?? Number.POSITIVE_INFINITY;
      const holders = held.get(limit);
      const { tat, closedUntil } = this.#records.get(`limit/${limit}`)?.fields ?? {};
      if (Number(tat ?? 0) > at || Number(closedUntil ?? 0) > at) return false;
      // What a claim has spent follows the jobs that it takes.
      if (this.#begun.get(limit)?.at(-1) === at) return false;
      if (this.#givenUp.at === at && this.#givenUp.limits.has(limit)) return false;
      return holders === undefined || holders.has(id) || holders.size < Number(size);
    });
  }

  #quotaOf(limit: string): ReplayedRecord | undefined {
    const [queue, name] = limit.split('/');
    return this.#records.get(`quota/${queue}/${name}`);
  }
}

/** What is the same in jobs that agents do not tell apart. */
const alike = ['parent', 'name', 'quotas', 'priority', 'beginBy', 'deadline'];
/** What they need: names of quotas, and keys. */
const needed = ['quotaNames', 'keys'];

function isWithin(some: unknown, all: unknown): boolean {
  const names = (all ?? []) as readonly string[];
  return ((some ?? []) as readonly string[]).every((name) => names.includes(name));
}

function lineOf({ fields }: ReplayedRecord): unknown {
  return (fields.order as readonly [string, number] | null | undefined)?.[0];
}

function placeIn({ fields }: ReplayedRecord): number {
  return (fields.order as readonly [string, number] | null | undefined)?.[1] ?? 0;
}

function isKey(limit: string): boolean {
  return limit.split('/').length > 2;
}
