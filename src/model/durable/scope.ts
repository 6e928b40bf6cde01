import type { AnyActorScope, AnyTransitionDefinition, EventObject } from 'xstate';

/** An action as XState hands it to the executor of its scope. */
export interface AskedAction {
  readonly type: string;
  readonly info: { readonly context: unknown; readonly event: EventObject };
  // XState itself writes the target of `sendTo` into it when it is known: it is read after the step.
  readonly params: unknown;
  readonly exec: unknown;
}

/** Stands for an actor in a step. It can be a target, and does nothing. A context that holds one is refused. */
export class ActorRef {
  readonly id: string;
  readonly sessionId: string;
  readonly src: string;
  readonly _parent: unknown;
  readonly system: unknown;

  constructor(id: string, src: string, parent: unknown, system: unknown) {
    this.id = id;
    this.sessionId = id;
    this.src = src;
    this._parent = parent;
    this.system = system;
  }

  get ref(): this {
    return this;
  }

  send(): void {
    throw acts('send');
  }

  getSnapshot(): undefined {
    return undefined;
  }

  subscribe(): never {
    throw acts('subscribe');
  }

  on(): never {
    throw acts('on');
  }

  toJSON(): unknown {
    return { xstate$$type: 1, id: this.id };
  }
}

/** One step: the scope that XState needs, and what the machine asked for in it. */
export interface OpenStep {
  readonly scope: AnyActorScope;
  readonly self: ActorRef;
  readonly actions: readonly AskedAction[];
  readonly emitted: readonly EventObject[];
  /** The transitions that were taken, in order, but those that do nothing. */
  readonly transitions: readonly AnyTransitionDefinition[];
}

interface Moved {
  readonly _transitions?: readonly AnyTransitionDefinition[];
}

/** Opens a step: nothing that is asked for in it is done. */
export function openStep(id: string, parent: string | null): OpenStep {
  const actions: AskedAction[] = [];
  const emitted: EventObject[] = [];
  const transitions: AnyTransitionDefinition[] = [];
  const system = new InertSystem(transitions);
  const self = new ActorRef(
    id,
    '',
    parent === null ? undefined : new ActorRef(parent, '', undefined, system),
    system,
  );
  const scope = {
    self,
    id,
    sessionId: id,
    logger: nothing,
    defer: refuseSpawn,
    system,
    stopChild: nothing,
    emit: (event: EventObject) => emitted.push(event),
    // XState puts another one around it while it makes a microstep, and calls this one without its object.
    actionExecutor: (action: AskedAction) => {
      actions.push(action);
    },
  };
  return { scope: scope as unknown as AnyActorScope, self, actions, emitted, transitions };
}

const nothing = (): void => {};

// Of XState's own actions only `spawn` in an `assign` calls it while a step is made.
function refuseSpawn(): never {
  throw new TypeError(
    'Expected children to be started with spawnChild or invoke, got spawn in an assign. A context holds data, and no reference to an actor: use spawnChild with an id.',
  );
}

function acts(method: string): Error {
  return new TypeError(
    `Expected a step to be pure, got ${method}() of an actor in it. Use sendTo, raise or sendToActor as an action.`,
  );
}

/** The system of one step, which does nothing. A class: one object with all these methods for each step takes half a kilobyte. */
class InertSystem {
  readonly scheduler = inertScheduler;
  readonly _snapshot = nothingScheduled;
  readonly _clock = inertClock;
  readonly #transitions: AnyTransitionDefinition[];

  constructor(transitions: AnyTransitionDefinition[]) {
    this.#transitions = transitions;
  }

  _sendInspectionEvent({ _transitions }: Moved): void {
    if (_transitions === undefined) return;
    for (const each of _transitions)
      if (each.target !== undefined || each.actions.length > 0) this.#transitions.push(each);
  }

  _bookId(): string {
    return 'x';
  }

  _register(): void {}

  _unregister(): void {}

  _set(): void {}

  _relay(): never {
    throw acts('send');
  }

  get(): undefined {
    return undefined;
  }

  getAll(): object {
    return {};
  }

  inspect(): object {
    return { unsubscribe: nothing };
  }

  getSnapshot(): object {
    return nothingScheduled;
  }

  start(): void {}

  _logger(): void {}
}

const inertScheduler = { schedule: nothing, cancel: nothing, cancelAll: nothing };
const inertClock = { setTimeout: nothing, clearTimeout: nothing };
const nothingScheduled = { _scheduledEvents: {} };

let instant: number | null = null;

/** The instant of the step that is made now; null: none is. For what guards and assigns ask. */
export function stepInstant(): number | null {
  return instant;
}

/** Makes a step at an instant: it is synchronous, so no two are made at once. */
export function atInstant<Result>(now: number, make: () => Result): Result {
  const before = instant;
  instant = now;
  try {
    return make();
  } finally {
    instant = before;
  }
}
