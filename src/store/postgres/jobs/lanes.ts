import { hasDeadline } from '../../../model/jobs/deadline.ts';
import { limitNames } from '../../../model/records/keys.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Rows } from '../sql-port.ts';

/** What jobs of one lane have in common: a claim need not tell them apart. */
export interface LaneKey {
  readonly name: string;
  readonly quotaNames: readonly string[];
  /** Its own retry policy, by name. */
  readonly policy: string | null;
  /** They were never claimed, and have neither a deadline nor slots: what a claim makes of one it makes of each, but for slots of keys. */
  readonly isPlain: boolean;
  /** They must start before an instant. */
  readonly hasDeadlines: boolean;
  /** They kept slots of quotas when they were put back. */
  readonly holdsSlots: boolean;
  /** They have their outcome, and only wait to be filed. */
  readonly isOver: boolean;
  /** Their priority. */
  readonly level: number;
  /** The limits of which they have keys. */
  readonly limits: readonly string[];
}

/** The lane of a waiting job, as text. */
export function laneKeyOf(job: JobRecord): string {
  const { name, quotaNames, retryPolicy, priority, keys } = job;
  const hasDeadlines = hasDeadline(job);
  const [holdsSlots, isOver] = [job.quotas.length > 0, job.outcome !== null];
  const isNew = job.claim === 0 && job.attempts === 0;
  const isPlain = !hasDeadlines && !holdsSlots && !isOver && isNew;
  const flags = [isPlain, hasDeadlines, holdsSlots, isOver].map(Number);
  const limits = keys === null ? [] : [limitNames(keys)];
  const level = priority === 0 && keys === null ? [] : [priority];
  return JSON.stringify([name, quotaNames, retryPolicy, ...flags, ...level, ...limits]);
}

/** What the text of a lane says. */
export function partsOfLane(key: string): LaneKey {
  const [name, quotaNames, policy, ...rest] = JSON.parse(key) as LaneText;
  const [isPlain, hasDeadlines, holdsSlots, isOver, level = 0, limits = []] = rest;
  const flags = {
    isPlain: isPlain === 1,
    hasDeadlines: hasDeadlines === 1,
    holdsSlots: holdsSlots === 1,
    isOver: isOver === 1,
  };
  return { name, quotaNames, policy, ...flags, level, limits };
}

type Flag = 0 | 1;
type LaneText = [string, string[], string | null, Flag, Flag, Flag, Flag, level?: number, limits?: string[]];

/** A job that was put into a lane. */
export interface LanePut {
  readonly queue: string;
  readonly lane: number;
  readonly turn: number;
  /** The turn behind all that its commit has put. */
  readonly end: number;
  /** It goes before all others. */
  readonly isPutBack: boolean;
  /** The instant of one that is not due; null: it can be claimed. */
  readonly due: number | null;
}

/** A lane as this process knows it. */
export interface Lane {
  readonly queue: string;
  readonly key: string;
  /** Never changes once it is given; null: it is not known here. */
  number: number | null;
}

/** The lanes that this process knows. */
export class Lanes {
  readonly #lanes = new Map<string, Map<string, Lane>>();
  readonly #numbered = new Map<number, Lane>();
  /** Jobs that are put together are mostly of one lane. */
  #newest: Lane | null = null;
  readonly #query: (text: string, values: readonly unknown[]) => Promise<Rows>;
  readonly #schema: string;

  /** `query`: makes a statement in a transaction of its own, which outlives that of a program. */
  constructor(schema: string, query: (text: string, values: readonly unknown[]) => Promise<Rows>) {
    this.#schema = schema;
    this.#query = query;
  }

  /** The lane of a queue with this key. */
  in(queue: string, key: string): Lane {
    const newest = this.#newest;
    if (newest !== null && newest.key === key && newest.queue === queue) return newest;
    const lanes = this.#lanes.get(queue) ?? new Map<string, Lane>();
    this.#lanes.set(queue, lanes);
    const lane = lanes.get(key) ?? { queue, key, number: null };
    lanes.set(key, lane);
    this.#newest = lane;
    return lane;
  }

  /** What a number means, if it is known here. */
  of(number: number): Lane | undefined {
    return this.#numbered.get(number);
  }

  /** Takes note of what a look has found. */
  learn(queue: string, key: string, number: number): void {
    const lane = this.in(queue, key);
    lane.number = number;
    this.#numbered.set(number, lane);
  }

  /** Gives lanes their numbers. */
  async make(wanted: readonly Lane[]): Promise<void> {
    const [queues, keys] = [wanted.map(({ queue }) => queue), wanted.map(({ key }) => key)];
    const lanes = keys.map(partsOfLane);
    const [levels, keyed] = [lanes.map(({ level }) => level), lanes.map(({ limits }) => limits.length > 0)];
    // Claims that do not know of the lane take nothing more: a job in it may go before those that they know.
    const text = `WITH made AS (
        INSERT INTO ${this.#schema}.lane (queue, key, level, is_keyed) SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::boolean[]) ORDER BY 1, 2
        ON CONFLICT DO NOTHING RETURNING queue, level
      ) UPDATE ${this.#schema}.queue SET marks = marks + 1 WHERE id IN (SELECT queue FROM made WHERE level <> 0)`;
    await this.#query(text, [queues, keys, levels, keyed]);
    const rows = await this.#query(
      `SELECT l.id, l.queue, l.key FROM unnest($1::text[], $2::text[]) AS w (queue, key)
       JOIN ${this.#schema}.lane l ON l.queue = w.queue AND l.key = w.key`,
      [queues, keys],
    );
    for (const { id, queue, key } of rows) this.learn(String(queue), String(key), Number(id));
  }
}
