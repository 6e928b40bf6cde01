/** Work that the chart asks the engine to do. The chart never does it itself. */
export interface Effect {
  /** The action's name in the chart. */
  readonly type: string;
  /** The action's resolved `params`; `undefined` when the chart gives no params. */
  readonly params: unknown;
}

/** The chart accepted the event. */
export interface Moved<Context> {
  readonly moved: true;
  /** The leaf state before the event. */
  readonly from: string;
  /** The leaf state after it: equal to `from` when a transition has no target. */
  readonly to: string;
  /** The context's changed top-level keys, `null` when nothing was assigned. Read-only: it may be shared. */
  readonly patch: Partial<Context> | null;
  /** In the order exit, transition, entry. */
  readonly effects: readonly Effect[];
}

/** The chart has no transition for the event, or its guards refused it. Nothing changed. */
export interface Refused {
  readonly moved: false;
  readonly state: string;
  readonly event: string;
  /** The guards that refused, readable: `isCallback`, `not isCallback`, `and(a, b)`. */
  readonly guards: readonly string[];
}

/** What one event did to one subject of the chart. */
export type Step<Context> = Moved<Context> | Refused;

/** One transition from a leaf state by one event: a row of the step table. */
export interface Edge {
  readonly from: string;
  readonly event: string;
  readonly to: string;
  /** Empty, or the one guard of this edge. */
  readonly guards: readonly string[];
  /** Names of assigns and effects in the order they run: exit, transition, entry. */
  readonly actions: readonly string[];
  /** True when the event is accepted without leaving or entering any state. */
  readonly targetless: boolean;
}

/** What one edge says to an event. */
export interface EdgeAnswer {
  readonly edge: Edge;
  /** What its guard says; true without one. The first edge that says yes is the one that a step takes. */
  readonly answer: boolean;
}

/** A machine's definition as a step table: the same steps as XState, without actors and snapshots. */
export interface CompiledChart<Context, Event extends { type: string }> {
  readonly id: string;
  readonly version: string | undefined;
  /** The leaf state a new subject starts in. The chart's start is not a step: its entry actions do not run. */
  readonly initial: string;
  /** Leaf states as dotted paths without the machine id: `new`, `active.running`. */
  readonly states: readonly string[];
  /** Every event type the chart knows, sorted. */
  readonly events: readonly string[];
  /** Identifies the definition: equal for equal states, transitions, guard and action names, in any key order. */
  readonly hash: string;
  /** Applies one event. `context` may be a whole record; it is read, never changed or kept. */
  step(state: string, context: Context, event: Event): Step<Context>;
  /** Asks every edge that the state has for the event, in the order in which a step tries them. Nothing is performed. */
  ask(state: string, context: Context, event: Event): readonly EdgeAnswer[];
  /** Every row of the table, by state, event and the order in which candidates are tried. */
  edges(): readonly Edge[];
  /** True when a transition exists for the event. No guard is run. */
  accepts(state: string, eventType: string): boolean;
}
