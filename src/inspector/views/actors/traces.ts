import type { Json } from '../../../../machines/json.ts';
import type { EventLine } from '../../protocol/actors.ts';
import type { TakenEdge } from '../../protocol/job.ts';
import type { LiveActor, Trace } from './actor-source.ts';
import { edgeOf, graphOf } from './graphs.ts';

/** An event of a live machine, as its box tells it. */
export interface LiveChange {
  readonly at: number;
  readonly event: string;
  readonly data: { readonly [key: string]: Json };
  readonly from: string;
  readonly actor: LiveActor;
}

/** How many events of one machine are kept. */
const mostEvents = 50;

/** What the live machines of a process did since they are looked at. Pure: its caller says what happened, and when. */
export class Traces {
  readonly #since: number;
  readonly #machines = new Map<string, MachineTrace>();

  constructor(actors: readonly LiveActor[], at: number) {
    this.#since = at;
    for (const actor of actors) this.#machines.set(actor.id, new MachineTrace(actor, at));
  }

  note(change: LiveChange): void {
    const { actor, event, data, from, at } = change;
    const known = this.#machines.get(actor.id) ?? new MachineTrace({ ...actor, state: from }, at);
    this.#machines.set(actor.id, known);
    known.note(change);
    if (event === 'child.leave') this.#machines.delete(String(data.id));
  }

  of(actor: LiveActor, now: number): Trace {
    const machine = this.#machines.get(actor.id) ?? new MachineTrace(actor, now);
    return { since: this.#since, ...machine.until(now) };
  }
}

class MachineTrace {
  readonly #machine: LiveActor['machine'];
  readonly #visits = new Map<string, { visits: number; ms: number }>();
  readonly #taken = new Map<string, TakenEdge>();
  readonly #events: EventLine[] = [];
  #state: string;
  #enteredAt: number;
  #count = 0;

  constructor({ machine, state }: LiveActor, at: number) {
    this.#machine = machine;
    this.#state = state;
    this.#enteredAt = at;
    this.#stay(state).visits = 1;
  }

  note({ at, event, data, from, actor }: LiveChange): void {
    const to = actor.state;
    const edge = edgeOf(graphOf(this.#machine), from, event, to);
    this.#count += 1;
    this.#events.unshift({
      n: this.#count,
      at,
      event,
      note: noteOf(data),
      from,
      to,
      isIgnored: edge === undefined,
    });
    if (this.#events.length > mostEvents) this.#events.length = mostEvents;
    if (edge === undefined) return;
    const { source, guard, target } = edge;
    const key = [source, event, guard, target].join('|');
    const count = (this.#taken.get(key)?.count ?? 0) + 1;
    this.#taken.set(key, { source, event, guard, target, count, isLast: false, isKnown: true });
    if (target === null) return;
    this.#stay(this.#state).ms += Math.max(0, at - this.#enteredAt);
    this.#stay(to).visits += 1;
    this.#state = to;
    this.#enteredAt = at;
  }

  until(now: number): Omit<Trace, 'since'> {
    const inState = Math.max(0, now - this.#enteredAt);
    const states = graphOf(this.#machine).nodes.filter(({ parent }) => parent !== null);
    return {
      states: states.map(({ path: state }) => {
        const { visits, ms } = this.#visits.get(state) ?? { visits: 0, ms: 0 };
        const isNow = state === this.#state;
        return { state, visits, ms: isNow ? ms + inState : ms, isNow, isKnown: true };
      }),
      taken: [...this.#taken.values()],
      events: [...this.#events],
    };
  }

  #stay(state: string): { visits: number; ms: number } {
    const found = this.#visits.get(state) ?? { visits: 0, ms: 0 };
    this.#visits.set(state, found);
    return found;
  }
}

function noteOf(data: { readonly [key: string]: Json }): string {
  return Object.entries(data)
    .map(([key, value]) => (key === 'id' ? String(value) : `${key} ${value === '' ? "''" : String(value)}`))
    .join(', ')
    .slice(0, 200);
}
