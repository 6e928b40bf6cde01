import type { Count } from './answer.ts';
import type { EndingName, JobStatusName } from './explanation.ts';

/** The six lists of jobs. Each is an index in its own order. */
export type JobListName = 'waiting' | 'held' | 'failed' | 'ended' | 'unplaced' | 'quarantined';

/** One page of one list, with the counts of all. */
export interface JobsPage {
  readonly list: JobListName;
  /** The queue that it is limited to; null: all. */
  readonly queue: string | null;
  readonly rows: readonly JobRow[];
  /** Ask for the page after it with this cursor; null: it is the last one. */
  readonly next: string | null;
  /** How many jobs were looked at for it. */
  readonly looked: number;
  /** Whether the list goes on beyond what is looked at: filter to see more. */
  readonly isCut: boolean;
  readonly counts: Readonly<Record<JobListName, Count>>;
  /** Names of all queues, for the choice of one. */
  readonly queues: readonly string[];
  /** Words of the filter that mean nothing. */
  readonly unknown: readonly string[];
}

/** One job in a list. */
export interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly status: JobStatusName;
  readonly state: string;
  readonly ending: EndingName | null;
  readonly queue: string | null;
  /** The agent that holds it or has filed it. */
  readonly agent: string | null;
  readonly attempts: number;
  /** When it is due; in the past for one that waits. */
  readonly beginAfter: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** How long it has existed, or existed; null: no longer kept. */
  readonly totalMs: number | null;
  /** How long its last attempt ran, or has run; null: there was none. */
  readonly runMs: number | null;
  /** Where its time went, in order; empty: no longer kept. */
  readonly life: readonly LifePart[];
  /** Why it is where it is, or the error it failed with, in a few words; null: nothing to say. */
  readonly why: string | null;
}

/** A part of the life of a job. */
export interface LifePart {
  readonly is: 'held' | 'waiting' | 'running' | 'callbacks';
  readonly ms: number;
}
