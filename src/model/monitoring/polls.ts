/** A job as monitoring names it: `[id, storeName]`. */
export type JobName = readonly [id: string, store: string];

/** What a poll saw of one agent. */
export interface AgentPoll {
  size: number;
  /** Jobs it held before claiming. */
  len: number;
  /** Why claiming failed; null when it did not. */
  error: string | null;
  /** Jobs claimed by this poll, and by wake-ups until the next: the newest `jobsSize` of them. */
  newJobs: JobName[];
  /** How many were claimed in all. */
  claimed: number;
  /** Jobs it held in the store at this poll, before claiming. */
  activeJobs: JobName[];
}

/** What a poll saw of one queue, by agent name; null when the queue was skipped. */
export type QueuePoll = Record<string, AgentPoll> | null;

/**
 * The record of one poll: a mapping of queue names. Its key decreases with time, so that newer polls sort first.
 */
export class PollInfo {
  readonly queues: Record<string, QueuePoll> = Object.create(null) as Record<string, QueuePoll>;
  /** Set when the record is added to a dispatcher's polls. */
  key: bigint = 0n;
  /** When the poll ended. */
  timestamp: Date = new Date(0);
  /** Free for tests and for whoever makes records by hand. */
  readonly note: unknown;

  constructor(note?: unknown) {
    this.note = note;
  }

  get isEmpty(): boolean {
    return Object.keys(this.queues).length === 0;
  }

  toJSON(): unknown {
    return { key: String(this.key), timestamp: this.timestamp.toISOString(), queues: this.queues };
  }
}

// The lineage keeps four spare low bits for records of one instant, and counts down from a far end.
const farEnd = 1n << 56n;

/** The first key of an instant: keys of the instant are this and the 15 below it. */
function pollKey(instant: number): bigint {
  return farEnd - (BigInt(Math.floor(instant * 1000)) << 4n);
}

/** Epoch milliseconds of the instant that a key was made at. */
export function pollInstant(key: bigint): number {
  return Number((farEnd - key) >> 4n) / 1000;
}

/** The newest polls, newest first. */
export class Polls implements Iterable<PollInfo> {
  readonly size: number;
  #records: PollInfo[] = [];

  constructor(size: number) {
    this.size = size;
  }

  get length(): number {
    return this.#records.length;
  }

  /** Adds a record, stamped with its instant and key, and drops the oldest beyond the size. */
  add(poll: PollInfo, now: number): void {
    const newest = this.#records[0];
    const key = pollKey(now);
    poll.timestamp = new Date(now);
    poll.key = newest !== undefined && newest.key <= key ? newest.key - 1n : key;
    this.#records.unshift(poll);
    if (this.#records.length > this.size) this.#records.length = this.size;
  }

  [Symbol.iterator](): Iterator<PollInfo> {
    return this.#records[Symbol.iterator]();
  }

  /** The newest record, or undefined before the first poll. */
  newest(): PollInfo | undefined {
    return this.#records[0];
  }

  /** The newest at or before a key or an instant. */
  at(bound: bigint | Date): PollInfo | undefined {
    return this.#records.find((poll) => isAtOrBefore(poll, bound));
  }

  /** The newest strictly before a key or an instant. */
  before(bound: bigint | Date): PollInfo | undefined {
    return this.#records.find((poll) => isBefore(poll, bound));
  }

  /** Drops all records. */
  clear(): void {
    this.#records = [];
  }

  /** A copy that stays as it is while records are added and dropped. */
  toArray(): readonly PollInfo[] {
    return [...this.#records];
  }
}

/** Keys decrease with time, so "before" is a larger key. */
export function isBefore(poll: PollInfo, bound: bigint | Date): boolean {
  return typeof bound === 'bigint' ? poll.key > bound : poll.timestamp.getTime() < bound.getTime();
}

/** At an instant counts as not after it. */
export function isAtOrBefore(poll: PollInfo, bound: bigint | Date): boolean {
  return typeof bound === 'bigint' ? poll.key >= bound : poll.timestamp.getTime() <= bound.getTime();
}
