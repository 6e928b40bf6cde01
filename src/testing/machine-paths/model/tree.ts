/*
 * Room: model.
 *
 * Owns: What a machine and its children do without an engine: the steps of paths on trees of actors, the walk
 *   over all of them, and which paths are chosen.
 *
 * Invariant: Pure: the same machine, events and outcomes give the same paths.
 *
 * May import: nothing.
 */
import type { DurableEffect, PreparedMachine } from '../../../model/durable/machine.ts';
import type { ActorRecord } from '../../simulate/oracle/events.ts';
import type { JobChild } from './job-child.ts';
import type { Scripted } from './outcomes.ts';

/** What makes something happen: an event from outside, the outcome of a job, or the time up to the next timer. */
export type TreeStep =
  | { readonly kind: 'event'; readonly actor: string; readonly event: { readonly type: string } }
  | { readonly kind: 'outcome'; readonly job: string; readonly outcome: Scripted }
  | { readonly kind: 'time' };

/** An actor of a tree. */
export interface TreeActor {
  readonly machine: PreparedMachine;
  readonly record: ActorRecord;
}

/** An actor, its children and theirs, at rest: nothing happens before the next step. */
export interface Tree {
  readonly now: number;
  /** By id; the first is the root. Those that have ended are there as well. */
  readonly actors: ReadonlyMap<string, TreeActor>;
  /** The jobs whose outcome is not there, by actor and child. */
  readonly jobs: ReadonlyMap<string, JobChild>;
}

/** A step of one actor, as its journal has it. */
export interface Moved {
  readonly actor: string;
  readonly machine: PreparedMachine;
  readonly event: string;
  readonly from: string | null;
  readonly to: string;
  /** The transitions that it took. */
  readonly ways: readonly MachineWay[];
}

/** A transition of a machine. */
export interface MachineWay {
  /** Path of the state that has it; empty: the machine itself. */
  readonly source: string;
  /** As the machine calls it; empty: as soon as its guard lets it pass. */
  readonly event: string;
  readonly guard: string | null;
  /** Paths of the states that it leads to; empty: it changes no state. */
  readonly targets: readonly string[];
}

/** What a step has made of a tree. */
export interface Grown {
  readonly tree: Tree;
  readonly moved: readonly Moved[];
  /** What the steps asked for that needs a job. */
  readonly jobs: readonly JobEffect[];
  /** The machine threw at an event from outside: nothing has changed. */
  readonly refused: Error | null;
}

export type JobEffect = Extract<DurableEffect, { readonly type: 'put' | 'startJob' }> & {
  readonly machine: PreparedMachine;
};

/** How the root is started, and treated. */
export interface Root {
  readonly id: string;
  readonly machine: PreparedMachine;
  readonly onError: 'suspend' | 'fail';
}

/** When the next timer of an active actor is due; null: none is. */
export function nextDue({
  actors,
}: Pick<Tree, 'actors'>): { readonly at: number; readonly actor: string } | null {
  let next: { readonly at: number; readonly actor: string } | null = null;
  for (const [actor, { record }] of actors) {
    if (record.status !== 'active' || record.dueAt === null) continue;
    if (next === null || record.dueAt < next.at) next = { at: record.dueAt, actor };
  }
  return next;
}
