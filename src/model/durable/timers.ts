import type { ActorTimer } from '../../../machines/actor.machine.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError, shown } from '../../errors.ts';
import { setOwn } from '../checks/own-keys.ts';
import type { ActorRecord } from '../records/records.ts';
import type { Changes } from './freeze.ts';
import type { StepAt } from './machine.ts';

const mostTimers = 1000;

/** The timers of an actor in a step. */
export class Timers {
  readonly #record: ActorRecord | null;
  readonly #at: StepAt;
  #timers: Map<string, ActorTimer> | null = null;
  #nextSeq = 0;

  constructor(record: ActorRecord | null, at: StepAt) {
    this.#record = record;
    this.#at = at;
  }

  /** Arms a timer; one of the same id is replaced. `to`: a child, `#parent`, or null for the actor. */
  arm(id: string | undefined, delay: number, event: Json, to: string | null): void {
    const { id: actor, now } = this.#at;
    const dueAt = Math.ceil(now + Math.max(0, delay));
    if (!Number.isSafeInteger(dueAt))
      throw new TypeError(
        `Expected the delay of ${shown(id)} to be milliseconds, got ${delay}. Give a number of milliseconds that ends.`,
      );
    const timers = this.#own();
    const seq = this.#nextSeq;
    this.#nextSeq += 1;
    const own = id ?? unusedId(timers, seq);
    timers.delete(own);
    timers.set(own, [dueAt, seq, event, to]);
    if (timers.size > mostTimers)
      throw new SignalboxError('ACTOR_LIMIT', {
        id: actor,
        what: 'timers',
        limit: mostTimers,
        actual: timers.size,
      });
  }

  cancel(id: string): void {
    if (this.#timers !== null || (this.#record?.timers != null && Object.hasOwn(this.#record.timers, id)))
      this.#own().delete(id);
  }

  /** Cancels what would be sent to a child. */
  cancelTo(child: string): void {
    if (this.#timers === null && this.#record?.timers == null) return;
    const timers = this.#own();
    for (const [id, [, , , to]] of timers) if (to === child) timers.delete(id);
  }

  clear(): void {
    if (this.#record?.timers != null || this.#timers !== null) this.#own().clear();
  }

  #own(): Map<string, ActorTimer> {
    if (this.#timers === null) {
      this.#timers = new Map(Object.entries(this.#record?.timers ?? {}));
      for (const [, seq] of this.#timers.values()) this.#nextSeq = Math.max(this.#nextSeq, seq + 1);
    }
    return this.#timers;
  }

  writeTo(changes: Changes): void {
    if (this.#timers === null) return;
    const timers: Record<string, ActorTimer> = {};
    let dueAt: number | null = null;
    for (const [id, timer] of this.#timers) {
      setOwn(timers, id, timer);
      dueAt = dueAt === null ? timer[0] : Math.min(dueAt, timer[0]);
    }
    changes.timers = dueAt === null ? null : (timers as unknown as Json);
    changes.dueAt = dueAt;
  }
}

function unusedId(timers: ReadonlyMap<string, ActorTimer>, seq: number): string {
  let id = `signalbox.timer.${seq}`;
  while (timers.has(id)) id += '+';
  return id;
}

/** Ids of the timers of an actor that are due, in the order in which they fire. */
export function dueTimers(record: ActorRecord, now: number): readonly string[] {
  if (record.timers === null || record.dueAt === null || record.dueAt > now) return [];
  return Object.entries(record.timers)
    .filter(([, [dueAt]]) => dueAt <= now)
    .sort(([, [dueAt, seq]], [, [otherDueAt, otherSeq]]) => dueAt - otherDueAt || seq - otherSeq)
    .map(([id]) => id);
}
