import type { MessageRecord } from '../../../model/records/records.ts';
import { DueList } from '../lines/due-list.ts';
import { IdList } from '../lines/id-list.ts';

/** The waiting messages of one actor, in the order of their commits. */
interface Mailbox {
  readonly messages: DueList;
  /** How many of them name each machine: one, as a rule. */
  readonly machines: Map<string, number>;
  n: number;
}

/**
 * Messages: those that wait, by actor; the actors that have some, by machine; and those that are over. A
 * suspended actor is left out of those that have mail.
 */
export class Mail {
  readonly #isSuspended: (actor: string) => boolean;
  readonly #boxes = new Map<string, Mailbox>();
  /** Actors with mail by machine, in order of id. */
  readonly #mailed = new Map<string, IdList>();
  /** Messages that are over, in the order in which they became so. */
  readonly taken = new DueList();
  readonly dead = new DueList();

  constructor(isSuspended: (actor: string) => boolean) {
    this.#isSuspended = isSuspended;
  }

  replace(before: MessageRecord | undefined, after: MessageRecord | undefined): void {
    if (before !== undefined) this.#leave(before);
    if (after !== undefined) this.#enter(after);
  }

  /** An actor was suspended, or goes on. */
  turn(actor: string, isSuspended: boolean): void {
    for (const machine of this.#boxes.get(actor)?.machines.keys() ?? [])
      if (isSuspended) this.#mailed.get(machine)?.drop(actor);
      else this.#listOf(machine).add(actor);
  }

  count(actor: string): number {
    return this.#boxes.get(actor)?.n ?? 0;
  }

  /** Ids of the waiting messages of an actor, in the order of their commits. */
  of(actor: string): Iterable<string> {
    return this.#boxes.get(actor)?.messages.until(Number.POSITIVE_INFINITY) ?? [];
  }

  /** Actors of a machine that have mail and are not suspended, in order of id, behind one. */
  mailed(machine: string, after: string): Iterable<string> {
    return this.#mailed.get(machine)?.behind(after) ?? [];
  }

  #enter({ id, actor, machine, state, lastSeq }: MessageRecord): void {
    if (state !== 'waiting') {
      this.#over(state).add(id, lastSeq);
      return;
    }
    const box = this.#boxes.get(actor) ?? { messages: new DueList(), machines: new Map(), n: 0 };
    this.#boxes.set(actor, box);
    box.messages.add(id, lastSeq);
    box.n += 1;
    const n = box.machines.get(machine) ?? 0;
    box.machines.set(machine, n + 1);
    if (n === 0 && !this.#isSuspended(actor)) this.#listOf(machine).add(actor);
  }

  #leave({ id, actor, machine, state, lastSeq }: MessageRecord): void {
    if (state !== 'waiting') {
      this.#over(state).drop(id, lastSeq);
      return;
    }
    const box = this.#boxes.get(actor) as Mailbox;
    box.messages.drop(id, lastSeq);
    box.n -= 1;
    const n = (box.machines.get(machine) as number) - 1;
    if (n > 0) box.machines.set(machine, n);
    else {
      box.machines.delete(machine);
      if (!this.#isSuspended(actor)) this.#mailed.get(machine)?.drop(actor);
    }
    if (box.n === 0) this.#boxes.delete(actor);
  }

  #over(state: 'taken' | 'dead'): DueList {
    return state === 'taken' ? this.taken : this.dead;
  }

  #listOf(machine: string): IdList {
    const list = this.#mailed.get(machine) ?? new IdList();
    this.#mailed.set(machine, list);
    return list;
  }
}
