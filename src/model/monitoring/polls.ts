/*
 * Room: monitoring.
 *
 * Owns: What a dispatcher remembers and computes for people: polls, records of jobs, statistics, health, who
 *   is dead.
 *
 * Invariant: Nothing here is stored, and nothing here changes a job.
 *
 * May import: checks, records.
 */
/** A job as monitoring names it: `[id, storeName]`. */
export type JobName = readonly [id: string, store: string];

/** What a poll found at one agent. */
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

/** What a poll found in one queue, by agent name; null when the queue was skipped. */
export type QueuePoll = Record<string, AgentPoll> | null;

/**
 * The record of one poll, by queue name. Its key decreases with time, so that newer polls sort first.
 */
export class PollInfo {
  readonly queues: Record<string, QueuePoll> = {};
  /** Set when the record is added to a dispatcher's polls. */
  key: bigint = 0n;
  /** When the poll ended. */
  timestamp: Date = new Date(0);
  /** A free value for tests and for programs that make records themselves. */
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

// Four low bits distinguish records of one instant, and keys count down from a far end.
const farEnd = 1n << 56n;

/** The first key of an instant: the instant has this key and the 15 keys below it. */
function pollKey(instant: number): bigint {
  return farEnd - (BigInt(Math.floor(instant * 1000)) << 4n);
}

/** Returns the instant at which a key was made, in epoch milliseconds. */
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

  /** Adds a record with its instant and key, and drops the oldest one when there are more than the size. */
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

  /** Returns the newest record; undefined before the first poll. */
  newest(): PollInfo | undefined {
    return this.#records[0];
  }

  /** Returns the newest record at or before a key or an instant. */
  at(bound: bigint | Date): PollInfo | undefined {
    return this.#records.find((poll) => isAtOrBefore(poll, bound));
  }

  /** Returns the newest record strictly before a key or an instant. */
  before(bound: bigint | Date): PollInfo | undefined {
    return this.#records.find((poll) => isBefore(poll, bound));
  }

  /** Drops all records. */
  clear(): void {
    this.#records = [];
  }

  /** Returns a copy that does not change while records are added and dropped. */
  toArray(): readonly PollInfo[] {
    return [...this.#records];
  }
}

/** Whether a poll was before a bound. Keys decrease with time, so "before" is a larger key. */
export function isBefore(poll: PollInfo, bound: bigint | Date): boolean {
  return typeof bound === 'bigint' ? poll.key > bound : poll.timestamp.getTime() < bound.getTime();
}

/** Whether a poll was at or before a bound. */
export function isAtOrBefore(poll: PollInfo, bound: bigint | Date): boolean {
  return typeof bound === 'bigint' ? poll.key >= bound : poll.timestamp.getTime() <= bound.getTime();
}
