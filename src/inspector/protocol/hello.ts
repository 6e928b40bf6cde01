import type { ActionName } from './actions.ts';

/** What a page learns first. */
export interface Hello {
  /** Version of the protocol. */
  readonly v: 1;
  /** Name of the store. */
  readonly store: string;
  /** Where its records are: `memory`, the directory of a json store, or `PostgreSQL`. */
  readonly place: string;
  /** `live`: the store of a process that is at work; `closed`: a store that is read without being opened. */
  readonly source: 'live' | 'closed';
  /** Why pages cannot be shown as they were at an earlier moment, in words; null: they can. */
  readonly noPast: string | null;
  readonly user: string;
  readonly level: 'read' | 'operate' | 'admin';
  /** What this person can do here: nothing else is offered. */
  readonly actions: readonly ActionName[];
  /** Seq of the oldest entry that history still holds. */
  readonly keptFrom: number;
}

/** An answer without data. */
export interface Problem {
  readonly error: {
    readonly code: string;
    /** What happened, in a sentence. */
    readonly text: string;
    /** What to do about it. */
    readonly repair: string;
    /** Ids of jobs that may have been meant. */
    readonly nearest?: readonly string[];
  };
}
