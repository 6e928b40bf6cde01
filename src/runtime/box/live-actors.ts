import type { Actor, AnyActorRef, InspectionEvent } from 'xstate';
import type { Json } from '../../../machines/json.ts';
import type { supervisorMachine } from '../../../machines/supervisor.machine.ts';
import { invalidOption } from '../../errors.ts';

/** A live machine of this process, as it is now. */
export interface ActorView {
  /** `supervisor`, or what names it among the children of the supervisor, `agent:<queue>/<dispatcher>/<name>:<number>`. */
  readonly id: string;
  /** The chart that it follows: `signalbox/machines` exports it. */
  readonly machine: 'supervisor' | 'dispatcher' | 'agent';
  readonly state: string;
  /** The data of its chart. */
  readonly context: { readonly [key: string]: Json };
  /** Id of the actor that it belongs to; null for the supervisor. */
  readonly parent: string | null;
  /** UUID, of a dispatcher and of its agents. */
  readonly dispatcher?: string;
  /** Of an agent: its queue and its name. */
  readonly queue?: string;
  readonly agent?: string;
}

/** An event that a live machine took, or ignored. */
export interface ActorChange {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly event: string;
  /** What the event brought: plain values only. */
  readonly data: { readonly [key: string]: Json };
  /** The state before. */
  readonly from: string;
  /** The actor after it. */
  readonly actor: ActorView;
}

type Listener = (change: ActorChange) => void;

/** The live machines of one box: the supervisor and its children. Jobs are none. */
export class LiveActors {
  readonly #root: Actor<typeof supervisorMachine>;
  readonly #now: () => number;
  readonly #failed: (error: unknown) => void;
  readonly #listeners = new Set<Listener>();
  /** One subscription for all of them; null while no listener is there. */
  #watching: { unsubscribe(): void } | null = null;
  #changes: ActorChange[] = [];

  constructor(
    root: Actor<typeof supervisorMachine>,
    now: () => number,
    /** Called when a listener fails. */
    failed: (error: unknown) => void,
  ) {
    this.#root = root;
    this.#now = now;
    this.#failed = failed;
  }

  /** The supervisor, then each dispatcher with its agents. */
  views(): readonly ActorView[] {
    const children = this.#children().map((child) => this.#viewOf(child));
    const dispatchers = children.filter(({ machine }) => machine === 'dispatcher');
    const agentsOf = (parent: string | null): readonly ActorView[] =>
      children.filter((child) => child.machine === 'agent' && child.parent === parent);
    return [
      this.#viewOf(this.#root),
      ...dispatchers.flatMap((dispatcher) => [dispatcher, ...agentsOf(dispatcher.id)]),
    ];
  }

  /** Returns a function that removes the listener. */
  watch(listener: Listener): () => void {
    if (typeof listener !== 'function') throw invalidOption('listener', 'a function', listener);
    // The same function may watch twice.
    const own: Listener = (change) => listener(change);
    this.#listeners.add(own);
    this.#watching ??= this.#begin();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0) return;
      this.#watching?.unsubscribe();
      this.#watching = null;
    };
  }

  #begin(): { unsubscribe(): void } {
    // The last known state of each actor: what is inspected has the state after the event alone.
    const states = new WeakMap<AnyActorRef, string>();
    for (const actor of [this.#root, ...this.#children()]) states.set(actor, stateOf(actor));
    return this.#root.system.inspect((event) => this.#inspected(event, states));
  }

  /** In the middle of a transition: listeners are called when it is over. */
  #inspected(event: InspectionEvent, states: WeakMap<AnyActorRef, string>): void {
    if (event.type !== '@xstate.snapshot') return;
    const actor = event.actorRef as AnyActorRef;
    const from = states.get(actor);
    states.set(actor, stateOf(actor));
    const { type, ...data } = event.event;
    // XState's own events say what `child.spawn` and `child.leave` have said.
    if (from === undefined || type.startsWith('xstate.')) return;
    if (this.#changes.length === 0) queueMicrotask(() => this.#tell());
    this.#changes.push({ at: this.#now(), event: type, data: plain(data), from, actor: this.#viewOf(actor) });
  }

  #tell(): void {
    const changes = this.#changes;
    this.#changes = [];
    for (const change of changes)
      for (const listener of this.#listeners) {
        try {
          listener(change);
        } catch (error) {
          this.#failed(error);
        }
      }
  }

  #children(): readonly AnyActorRef[] {
    const { children } = this.#root.getSnapshot();
    return Object.values(children as Record<string, AnyActorRef | undefined>).filter(
      (child) => child !== undefined,
    );
  }

  #viewOf(actor: AnyActorRef): ActorView {
    const { context } = actor.getSnapshot() as { readonly context: object };
    const now = { state: stateOf(actor), context: plain(context) };
    if (actor === this.#root) return { id: 'supervisor', machine: 'supervisor', ...now, parent: null };
    const { id } = actor;
    const [machine = '', place = ''] = id.slice(0, id.lastIndexOf(':')).split(/:(.*)/s);
    if (machine === 'dispatcher') return { id, machine, ...now, parent: 'supervisor', dispatcher: place };
    const [queue = '', dispatcher = '', agent = ''] = place.split('/');
    // The newest one of a UUID: one that was forgotten has no agents left.
    const parent = this.#children().findLast((child) => child.id.startsWith(`dispatcher:${dispatcher}:`));
    return { id, machine: 'agent', ...now, parent: parent?.id ?? null, dispatcher, queue, agent };
  }
}

function stateOf(actor: AnyActorRef): string {
  return String((actor.getSnapshot() as { readonly value: unknown }).value);
}

/** What can be shown of the data of a machine: no functions, no machines. */
function plain(data: object): { readonly [key: string]: Json } {
  const shown = (value: unknown): value is Json =>
    value === null || ['string', 'number', 'boolean'].includes(typeof value);
  return Object.fromEntries(Object.entries(data).filter((entry): entry is [string, Json] => shown(entry[1])));
}
