import type { FailureView, Tree } from './tree.ts';

/** The status of a durable actor. */
export type DurableStatus = 'active' | 'suspended' | 'done' | 'failed' | 'stopped';

/** Durable actors: how many there are of each machine, and a page of them. */
export interface DurableView {
  readonly machines: readonly DurableMachine[];
  readonly rows: readonly DurableRow[];
  /** `after` of the next page; null: the list ends here. */
  readonly next: string | null;
}

/** The actors of one machine, counted. */
export interface DurableMachine {
  readonly machine: string;
  readonly n: number;
  /** By status, then by state. */
  readonly counts: readonly { readonly status: DurableStatus; readonly state: string; readonly n: number }[];
}

/** One actor in the list. */
export interface DurableRow {
  readonly id: string;
  readonly machine: string;
  readonly version: string;
  readonly status: DurableStatus;
  /** The paths of its leaf states, joined by `|`. */
  readonly state: string;
  /** Its earliest timer; null: it has none. */
  readonly timer: { readonly dueAt: number; readonly words: string } | null;
  readonly children: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  /** Why it is suspended, or has failed, in a few words. */
  readonly why: string | null;
}

/** Everything that the page of a durable actor shows. */
export interface DurableActorView {
  readonly id: string;
  readonly machine: string;
  readonly version: string;
  readonly status: DurableStatus;
  readonly state: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly verdict: { readonly code: string; readonly text: string; readonly remedy: string };
  /** The events that it may take; null: its machine is not known here. */
  readonly next: readonly DurableNext[] | null;
  readonly timers: readonly DurableTimer[];
  readonly timerCount: number;
  readonly mail: { readonly count: number; readonly first: readonly DurableMessage[] };
  readonly children: readonly DurableChild[];
  readonly childCount: number;
  readonly parent: { readonly actor: string; readonly child: string } | null;
  /** Its chart, with what it did there. Where its machine is not known: the states that it was in. */
  readonly states: readonly DurableState[];
  /** Why `states` is not the chart; null: it is. */
  readonly noChart: string | null;
  readonly context: Tree;
  readonly output: Tree | null;
  readonly failure: FailureView | null;
  /** Why none of its values is shown; null: they are. */
  readonly hidden: string | null;
  /** The newest lines, oldest first. */
  readonly history: readonly DurableLine[];
  /** How many entries are kept or read, and whether there are older ones. */
  readonly entries: number;
  readonly isCut: boolean;
}

/** An event that an actor may take. */
export interface DurableNext {
  readonly event: string;
  /** The guards of which one must let it pass; empty: none has to. */
  readonly guards: readonly string[];
  /** Whether it would be taken now; null: that depends on what the event carries. */
  readonly isOpen: boolean | null;
}

export interface DurableTimer {
  readonly id: string;
  readonly words: string;
  readonly dueAt: number;
  /** The child that gets it, or `#parent`; null: the actor. */
  readonly to: string | null;
}

export interface DurableMessage {
  readonly id: string;
  /** Null: it is encoded. */
  readonly event: string | null;
  readonly from: { readonly kind: 'actor' | 'job'; readonly id: string } | null;
  readonly at: number;
}

export interface DurableChild {
  /** As its machine names it. */
  readonly id: string;
  readonly kind: 'job' | 'actor';
  /** Id of the job or of the actor. */
  readonly target: string;
  readonly src: string;
  /** Of a job its state, of an actor its status; null: it is gone. */
  readonly state: string | null;
  readonly ending: string | null;
  /** Where the machine of an actor is. */
  readonly at: string | null;
}

/** A state of a machine, and how often and how long this actor was there. */
export interface DurableState {
  readonly path: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly invokes: readonly string[];
  readonly ways: readonly DurableWay[];
  readonly visits: number;
  readonly ms: number;
  readonly isNow: boolean;
}

export interface DurableWay {
  readonly words: string;
  readonly guard: string | null;
  readonly targets: readonly string[];
}

/** One entry of the journal about an actor. */
export interface DurableLine {
  readonly seq: number;
  readonly at: number;
  readonly afterMs: number | null;
  readonly event: string;
  readonly words: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly by: string;
  /** What the event carried; null: nothing. */
  readonly arg: Tree | null;
}
