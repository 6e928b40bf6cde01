import type { Failure } from './job.context.ts';
import type { Json } from './json.ts';

/** A timer of an actor: when it is due, its place among equals, what it sends, and where: to a child, `#parent`, or null: the actor. */
export type ActorTimer = readonly [dueAt: number, seq: number, event: Json, to: string | null];

/** A child of an actor: a job, or an actor. */
export interface ActorChild {
  readonly kind: 'job' | 'actor';
  /** The name of its source in `setup({ actors })`. */
  readonly src: string;
  /** Id of the job or of the actor. */
  readonly id: string;
  /** Grows with every child of this name: an outcome of an earlier run is dropped. */
  readonly run: number;
}

/** Whose child an actor or a job is: who gets its outcome. */
export interface ActorParent {
  readonly actor: string;
  /** The name of the parent's machine. */
  readonly machine: string;
  readonly child: string;
  readonly run: number;
}

/** All data of a durable actor but the keys of its context and the state of its machine. Instants are epoch milliseconds. */
export interface ActorContext {
  /** Name of its machine. */
  readonly machine: string;
  readonly version: string;
  /** Identifies the structure of the machine that made the last step. */
  readonly hash: string;
  /** Ids of the states that history states remember, by id of the history state. */
  readonly history: { readonly [node: string]: readonly string[] } | null;
  readonly timers: { readonly [id: string]: ActorTimer } | null;
  readonly children: { readonly [child: string]: ActorChild } | null;
  /** The last run of each child name that is not among `children` any more. */
  readonly runs: { readonly [child: string]: number } | null;
  /** The earliest of its timers. */
  readonly dueAt: number | null;
  readonly parent: ActorParent | null;
  /** What its machine gave when it was done. */
  readonly output: Json;
  /** Why it failed, or was suspended. */
  readonly failure: Failure | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
}

/** Returns the context of an actor before its start. */
export function newActorContext(): ActorContext {
  return {
    machine: '',
    version: '',
    hash: '',
    history: null,
    timers: null,
    children: null,
    runs: null,
    dueAt: null,
    parent: null,
    output: null,
    failure: null,
    startedAt: 0,
    finishedAt: null,
  };
}
