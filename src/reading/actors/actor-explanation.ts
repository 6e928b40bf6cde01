import type { ActorStatus } from '../../../machines/actor.machine.ts';
import type { Failure } from '../../../machines/job.context.ts';
import type { Verdict } from '../explanation.ts';

/** An event that an actor may take where it is. */
export interface NextActorEvent {
  /** As its machine names it: it may end in a wildcard. */
  readonly event: string;
  /** Of each transition for it, the guard that must let it pass; null: none. */
  readonly guards: readonly (string | null)[];
  /** Whether it would be taken now; null: that depends on what the event carries. */
  readonly isOpen: boolean | null;
}

/** A timer of an actor. */
export interface WaitingTimer {
  readonly id: string;
  readonly dueAt: number;
  /** Milliseconds until then; 0: it is due. */
  readonly inMs: number;
  /** The type of the event that it sends; null: it is encoded. */
  readonly event: string | null;
  /** The child that gets it, or `#parent`; null: the actor. */
  readonly to: string | null;
}

/** A message that waits for an actor. */
export interface WaitingMessage {
  readonly id: string;
  /** The type of its event; null: it is encoded. */
  readonly event: string | null;
  /** The actor or the job that has sent it; null: a program. */
  readonly from: string | null;
  readonly at: number;
}

/** A child of an actor. */
export interface ActorChildState {
  /** As its machine names it. */
  readonly name: string;
  readonly kind: 'job' | 'actor';
  /** The name of what it is made of, in `setup({ actors })`. */
  readonly src: string;
  /** Id of the job or of the actor. */
  readonly id: string;
  readonly run: number;
  /** Of a job its state in the chart of jobs, of an actor its status; null: it is gone. */
  readonly state: string | null;
  /** How a job ended; null: it has not, or it is an actor. */
  readonly ending: string | null;
  /** Where the machine of an actor is; null: it is a job, or gone. */
  readonly at: string | null;
}

/** Where an actor is, what may come next, and what it waits for. */
export interface ActorExplanation {
  readonly actor: string;
  readonly machine: string;
  readonly version: string;
  readonly status: ActorStatus;
  /** The paths of its leaf states in document order, joined by `|`. */
  readonly state: string;
  /** The clock of the store at which this was asked. */
  readonly at: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly verdict: Verdict;
  /** Why it failed, or was suspended. */
  readonly failure: Failure | null;
  /** The events of programs that it may take, those of inner states first; null: its machine is not known here. */
  readonly next: readonly NextActorEvent[] | null;
  /** Its timers, the earliest first, at most 100, and how many there are. */
  readonly timers: readonly WaitingTimer[];
  readonly timerCount: number;
  /** The messages that wait for it: how many, and the first of them. */
  readonly mail: { readonly count: number; readonly first: readonly WaitingMessage[] };
  /** Its children in order of their names, at most 100, and how many there are. */
  readonly children: readonly ActorChildState[];
  readonly childCount: number;
  /** Whose child it is; null: it was started by a program. */
  readonly parent: { readonly actor: string; readonly child: string } | null;
}
