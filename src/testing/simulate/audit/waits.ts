import type { HistoryEntry } from '../../../index.ts';
import { mayBegin } from './claim-order.ts';
import { isOpen, placeOf, type ReplayedRecord } from './replayed-record.ts';

/** What a wait is judged by: as the journal gives it. */
export interface WaitFacts {
  readonly records: ReadonlyMap<string, ReplayedRecord>;
  /** The jobs that agents hold. */
  readonly agents: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether the quotas of a job, and its keys, have room for it at an instant. */
  hasRoom(job: ReplayedRecord, at: number): boolean;
}

/** Polls happen at their time, and what they find takes a moment. */
const slackMs = 1000;
/** Code that was told to stop may go on for so long, and takes a slot of its agent that the journal does not show. */
const longestRestMs = 75_000;
const stops = ['job.timeout', 'job.cancel', 'job.interrupt', 'job.reschedule'];

/**
 * Checks, while nothing fails, that a job with keys is taken at the latest one poll after it could be, and one poll later for each
 * job before it that has one of its keys.
 */
export class WaitAudit {
  #calm: { readonly pollMs: number; readonly isUp: (dispatcher: string) => boolean } | null = null;
  /** Since when each could be taken, at least. */
  readonly #since = new Map<string, number>();
  /** When each agent was last told to stop code. */
  readonly #stoppedAt = new Map<string, number>();
  #lookedAt = 0;

  /** From now on nothing fails. */
  begin(now: number, pollMs: number, isUp: (dispatcher: string) => boolean): void {
    this.#lookedAt = now;
    this.#calm = { pollMs, isUp };
  }

  /** Notes what happens to a job of an agent. */
  note({ event, at }: HistoryEntry, agent: string): void {
    if (stops.includes(event)) this.#stoppedAt.set(agent, at);
  }

  /** Looks at what has been so since it looked last: nothing was changed meanwhile. Returns what is wrong. */
  *look(now: number, facts: WaitFacts): Generator<string> {
    if (this.#calm === null) return;
    const from = this.#lookedAt;
    this.#lookedAt = now;
    const keyed = [...facts.records.values()].filter((job) => isOpen(job) && job.fields.keys != null);
    for (const job of keyed) {
      if (!this.#isFree(job, from, facts)) {
        this.#since.delete(job.id);
        continue;
      }
      const since = this.#since.get(job.id) ?? from;
      this.#since.set(job.id, since);
      const before = keyed.filter((other) => other.lastSeq < job.lastSeq && sharesKey(other, job)).length;
      if (now - since <= this.#calm.pollMs * (1 + before) + slackMs) continue;
      yield `I22 job ${job.id} could be taken for ${now - since} ms, with ${before} before it: ${JSON.stringify(job.fields)}`;
      this.#since.set(job.id, now);
    }
  }

  #isFree(job: ReplayedRecord, at: number, facts: WaitFacts): boolean {
    const place = placeOf(job);
    if (place === null || !('queue' in place) || Number(job.fields.beginAfter ?? 0) > at) return false;
    const queue = facts.records.get(`queue/${place.queue}`);
    const hasRoom = (one: ReplayedRecord): boolean => facts.hasRoom(one, at);
    const judged = { queue, slackMs: 0, changedAt: () => 0, hasRoom };
    return mayBegin(job, at, judged) && this.#hasFreeAgent(place.queue, at, facts);
  }

  /** Whether an agent that takes any job, and whose process is well, has a free slot. */
  #hasFreeAgent(queue: string, at: number, { records, agents }: WaitFacts): boolean {
    return [...records.values()].some(({ kind, id, fields }) => {
      if (kind !== 'agent' || !id.startsWith(`${queue}/`)) return false;
      const stoppedAt = this.#stoppedAt.get(id) ?? Number.NEGATIVE_INFINITY;
      const dispatcher = id.split('/')[1] ?? '';
      const isWell =
        this.#calm?.isUp(dispatcher) === true &&
        isAtWork(records.get(`representation/${queue}/${dispatcher}`), at) &&
        at - stoppedAt > longestRestMs;
      const takesAny = (fields.selection as { readonly kind: string } | undefined)?.kind === 'any';
      return isWell && takesAny && (agents.get(id)?.size ?? 0) < Number(fields.size ?? 3);
    });
  }
}

/** Whether a dispatcher has just shown a sign of life: one that comes back waits until what it was before counts as dead. */
function isAtWork(representation: ReplayedRecord | undefined, at: number): boolean {
  const { activated, lastPing, pingInterval } = representation?.fields ?? {};
  const sign = Math.max(Number(activated ?? 0), Number(lastPing ?? 0));
  return representation?.state === 'activated' && at - sign <= Number(pingInterval) + slackMs;
}

function sharesKey({ fields }: ReplayedRecord, other: ReplayedRecord): boolean {
  const keys = (other.fields.keys ?? []) as readonly string[];
  return ((fields.keys ?? []) as readonly string[]).some((key) => keys.includes(key));
}
