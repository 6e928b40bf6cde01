/*
 * Room: durable.
 *
 * Owns: The step of a user's machine: what its dialect is, how it is prepared, how a record becomes a snapshot
 *   of XState and back, and what one step changes and asks for.
 *
 * Invariant: A step is pure: it gives a patch and effects as data, and starts nothing. No other code knows the
 *   scope that XState hands to actor logic.
 *
 * May import: checks, chart, values, records.
 */
import type { AnyStateMachine, AnyTransitionDefinition, EventObject, TransitionActorLogic } from 'xstate';
import type { ActorChild, ActorEnding, ActorParent } from '../../../machines/actor.machine.ts';
import type { Json } from '../../../machines/json.ts';
import type { Limits } from '../checks/limits.ts';
import { Failure } from '../values/failure.ts';
import type { ReferJob, ResolveJob } from '../values/values.ts';
import type { Engine } from './engine.ts';
import type { DurableJob, JobSource, PromiseSource } from './sources.ts';

/** What can be durable: a machine, or a reducer made by `fromTransition`. */
// biome-ignore lint/suspicious/noExplicitAny: the parameters of the reducer are invariant
export type DurableLogic = AnyStateMachine | TransitionActorLogic<any, any, any, any>;

/** An actor as a migration sees it. `version`: of the machine that this is a state of. */
export interface StoredSnapshot {
  readonly version: string;
  /** The paths of the leaf states in document order, joined by `|`. */
  readonly state: string;
  readonly context: { readonly [key: string]: unknown };
  readonly history: { readonly [node: string]: readonly string[] } | null;
  readonly timers: {
    readonly [id: string]: readonly [dueAt: number, seq: number, event: Json, to: string | null];
  } | null;
  readonly children: { readonly [child: string]: ActorChild } | null;
}

/** Makes a state of a later version of one of an earlier. Without a `version` of its own it is of the newest. */
export type Migration = (
  old: StoredSnapshot,
) => Omit<StoredSnapshot, 'version'> & { readonly version?: string };

/** What a child is made of. */
export type Source =
  | JobSource
  | PromiseSource
  | { readonly kind: 'machine'; readonly machine: PreparedMachine };

/** A machine that was looked through and can make steps. */
export interface PreparedMachine {
  readonly name: string;
  readonly version: string;
  /** Identifies its structure. */
  readonly hash: string;
  readonly kind: 'machine' | 'reducer';
  /** As the program gave it. */
  readonly given: DurableLogic;
  /** What makes its steps. Of a machine: itself, with inert logic in place of its actors. */
  readonly logic: DurableLogic;
  /** Its states; null: it is a reducer. */
  readonly engine: Engine | null;
  readonly sources: ReadonlyMap<string, Source>;
  /** The machines among its sources. */
  readonly children: readonly PreparedMachine[];
  /** Names of actions that are plain code and may be lost. */
  readonly transient: ReadonlySet<string>;
  /** Versions to which actors may still be pinned. */
  readonly previous: readonly PreparedMachine[];
  readonly migrate: { readonly [version: string]: Migration };
}

/** Where and when a step is made. */
export interface StepAt {
  /** Id of the actor. */
  readonly id: string;
  readonly now: number;
  readonly refer: ReferJob;
  readonly resolve: ResolveJob;
  readonly limits: Pick<Limits, 'depth' | 'keys' | 'bytes' | 'context'>;
  /** Makes the id of the job that is a run of a child: no other run has it. */
  readonly jobId?: (actor: string, child: string, run: number) => string;
  /** Of an actor that starts: whose child it is. */
  readonly parent?: ActorParent | null;
  /** What the machine gets is frozen: it throws where it would change a value in place. */
  readonly isFrozen?: boolean;
}

/** What a step asks for, in the order of the actions of its machine. */
export type DurableEffect =
  | {
      readonly type: 'startJob';
      readonly child: string;
      readonly run: number;
      readonly src: string;
      readonly source: JobSource | PromiseSource;
      /** Of a job: the list of its arguments. */
      readonly input: unknown;
    }
  | {
      readonly type: 'startActor';
      readonly child: string;
      readonly run: number;
      readonly machine: PreparedMachine;
      readonly id: string;
      readonly input: unknown;
    }
  | { readonly type: 'stopChild'; readonly child: ActorChild & { readonly name: string } }
  | { readonly type: 'send'; readonly to: { readonly actor: string }; readonly event: Json }
  | {
      readonly type: 'put';
      readonly job: DurableJob;
      readonly args: readonly unknown[];
      readonly options: object;
    }
  /** Code to be called after the commit, at most once. */
  | { readonly type: 'transient'; readonly name: string; run(): unknown }
  | { readonly type: 'emit'; readonly event: EventObject }
  | { readonly type: 'log'; readonly value: unknown; readonly label: string | undefined };

/** What a step has made of an actor. */
export interface Stepped {
  /** The keys of its record that change; null clears. */
  readonly patch: { readonly [key: string]: Json };
  readonly from: string | null;
  readonly to: string;
  readonly ending: ActorEnding;
  /** Something took the event; otherwise XState has ignored it. */
  readonly isTaken: boolean;
  /** The transitions that it took, in order. */
  readonly transitions: readonly AnyTransitionDefinition[];
  readonly effects: readonly DurableEffect[];
}

/** A step of a machine has thrown: nothing of it counts. */
export class StepError extends Error {
  readonly failure: Failure;

  constructor(cause: unknown) {
    const failure = Failure.from(cause);
    super(failure.message, { cause });
    this.name = 'StepError';
    this.failure = failure;
  }
}

/** The id of the job that is a run of a child. */
export function childJobId(actor: string, child: string, run: number): string {
  return `${actor}/${child}/${run}`;
}

/** The id of the actor that is a child. */
export function childActorId(actor: string, child: string): string {
  return `${actor}/${child}`;
}
