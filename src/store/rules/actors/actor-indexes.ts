import type { ActorRecord } from '../../../model/records/records.ts';
import type { ActorCount } from '../../reader.ts';
import { DueList } from '../lines/due-list.ts';
import { IdList } from '../lines/id-list.ts';

/** The actors of one machine. */
interface OfMachine {
  readonly ids: IdList;
  /** Active ones, by their earliest timer. */
  readonly dues: DueList;
  /** How many are in each status and state. */
  readonly counts: Map<string, ActorCount>;
}

/** Whether an actor has come to its end. */
export function hasEnded({ status }: Pick<ActorRecord, 'status'>): boolean {
  return status === 'done' || status === 'failed' || status === 'stopped' || status === 'absent';
}

/** Whether an actor is in a state of its machine, or in one below it; of several, joined by `|`, in all of them. */
export function isInState({ state }: Pick<ActorRecord, 'state'>, wanted: string): boolean {
  const leaves = state.split('|');
  return wanted
    .split('|')
    .every((path) => leaves.some((leaf) => leaf === path || leaf.startsWith(`${path}.`)));
}

/** Actors by machine, by when they are due, and by when they ended. */
export class ActorIndexes {
  readonly #machines = new Map<string, OfMachine>();
  /** Those that have ended, by their instants. */
  readonly finished = new DueList();
  finishedCount = 0;

  /** A step changes little of this, as a rule nothing but the counts. */
  replace(before: ActorRecord | undefined, after: ActorRecord | undefined): void {
    if (before?.machine === after?.machine) this.#move(before, after);
    else {
      this.#move(before, undefined);
      this.#move(undefined, after);
    }
  }

  machines(): Iterable<string> {
    return this.#machines.keys();
  }

  /** Ids of the actors of a machine, in order, behind one. */
  ids(machine: string, after: string): Iterable<string> {
    return this.#machines.get(machine)?.ids.behind(after) ?? [];
  }

  /** Ids of active actors of a machine that are due, earliest first. */
  due(machine: string, now: number): Iterable<string> {
    return this.#machines.get(machine)?.dues.until(now) ?? [];
  }

  /** When next an active actor is due, later than an instant. */
  dueAfter(since: number): number | null {
    let earliest: number | null = null;
    for (const { dues } of this.#machines.values()) {
      const at = dues.after(since);
      if (at !== null && at < (earliest ?? Number.POSITIVE_INFINITY)) earliest = at;
    }
    return earliest;
  }

  counts(): readonly ActorCount[] {
    return [...this.#machines.values()].flatMap(({ counts }) => [...counts.values()]).sort(inOrder);
  }

  /** Both are of one machine. */
  #move(before: ActorRecord | undefined, after: ActorRecord | undefined): void {
    const actor = after ?? before;
    if (actor === undefined) return;
    const { id, machine } = actor;
    const { ids, dues, counts } = this.#of(machine);
    if (before === undefined) ids.add(id);
    else if (after === undefined) ids.drop(id);
    moveIn(dues, id, dueAt(before), dueAt(after));
    const [ended, ends] = [finishedAt(before), finishedAt(after)];
    moveIn(this.finished, id, ended, ends);
    this.finishedCount += (ends === null ? 0 : 1) - (ended === null ? 0 : 1);
    if (before?.status === after?.status && before?.state === after?.state) return;
    if (before !== undefined) count(counts, before, -1);
    if (after !== undefined) count(counts, after, 1);
    if (counts.size === 0) this.#machines.delete(machine);
  }

  #of(machine: string): OfMachine {
    let of = this.#machines.get(machine);
    if (of === undefined) {
      of = { ids: new IdList(), dues: new DueList(), counts: new Map() };
      this.#machines.set(machine, of);
    }
    return of;
  }
}

function moveIn(list: DueList, id: string, before: number | null, after: number | null): void {
  if (before === after) return;
  if (before !== null) list.drop(id, before);
  if (after !== null) list.add(id, after);
}

function dueAt(actor: ActorRecord | undefined): number | null {
  return actor?.status === 'active' ? actor.dueAt : null;
}

function finishedAt(actor: ActorRecord | undefined): number | null {
  return actor !== undefined && hasEnded(actor) ? actor.finishedAt : null;
}

function count(counts: OfMachine['counts'], { machine, status, state }: ActorRecord, by: number): void {
  const key = `${status} ${state}`;
  const n = (counts.get(key)?.n ?? 0) + by;
  if (n === 0) counts.delete(key);
  else counts.set(key, { machine, status, state, n });
}

function inOrder(one: ActorCount, other: ActorCount): number {
  return (
    compared(one.machine, other.machine) ||
    compared(one.status, other.status) ||
    compared(one.state, other.state)
  );
}

function compared(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
