/*
 * Room: records.
 *
 * Owns: The shapes of what is stored, the names of system jobs, and the test whether a record from a file can
 *   be right.
 *
 * Invariant: A record is data alone: it needs no process to be read.
 *
 * May import: checks.
 */
import type { ActorContext, ActorParent, ActorStatus } from '../../../machines/actor.machine.ts';
import type { Failure, JobContext, JobState, Place } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import type { RepresentationContext, RepresentationState } from '../../../machines/representation.machine.ts';
import type { ScheduleContext } from '../../../machines/schedule.context.ts';
import type { ScheduleState } from '../../../machines/schedule.machine.ts';

/** The keys that every record has: format version, revision, and the seq of its last entry. */
export interface Reserved {
  readonly v: number;
  readonly rev: number;
  readonly lastSeq: number;
}

/** A job as it is stored: the context of its chart, and the keys that the store needs. */
export interface JobRecord extends Reserved, JobContext {
  readonly id: string;
  readonly state: JobState;
  /** Seq of its first entry: breaks ties of order. */
  readonly createdSeq: number;
  /** Seq of the entry that put it into its line; 0 while it is in none. */
  readonly position: number;
  /** The unique name that it took when it was put: the id of its record. */
  readonly uniqueKey: string | null;
  /** The actor that gets its outcome as a message; null: none does. */
  readonly reply: ActorParent | null;
  /**
   * Keys and values of the stored record that no version writes. They are kept and shown, and the job is never
   * changed.
   */
  readonly unsound?: readonly (readonly [key: string, value: Json])[];
}

/** A branch of a callback proxy: a job, or null to pass the outcome on, and the condition of its choice. */
export interface ProxyBranch {
  /** Name of the condition that the parent's outcome must meet. */
  readonly when: string;
  readonly job: string | null;
}

/** Callbacks of which one is chosen: the first whose condition the parent's outcome meets. */
export interface ProxyRecord extends Reserved {
  readonly id: string;
  readonly parent: Place;
  /** Seq of its first entry: its place among the callbacks. */
  readonly createdSeq: number;
  readonly branches: readonly ProxyBranch[];
  /** The branch that is chosen when no condition is met. */
  readonly otherwise: string | null;
  /** The branch that was chosen; null while undecided. */
  readonly chosen: string | null;
}

/** One annotation of a job. Its id is `<job id>/<name>`. */
export interface AnnotationRecord extends Reserved {
  readonly id: string;
  readonly value: Json;
}

/** Who has paused something, why, and until when. */
export interface PauseMark {
  readonly by: string;
  readonly at: number;
  readonly reason: string | null;
  /** When it ends by itself; null: never. */
  readonly until: number | null;
}

/** A pause of a queue. */
export interface QueuePause extends PauseMark {
  /** The pattern of the definitions that it stops; null: all. */
  readonly job: string | null;
}

/** A queue. Its id is its name. */
export interface QueueRecord extends Reserved {
  readonly id: string;
  readonly createdAt: number;
  /** Milliseconds that one level of priority is worth; null: a lower level always goes first. */
  readonly agingMs: number | null;
  readonly pauses: readonly QueuePause[];
}

/** A quota. Its id is `<queue>/<name>`. */
export interface QuotaRecord extends Reserved {
  readonly id: string;
  /** How many jobs may hold a slot in it; null: any number. */
  readonly size: number | null;
  /** How many jobs may begin in a time; null: any number. */
  readonly rate: { readonly limit: number; readonly per: number; readonly burst: number } | null;
  /** Each key of it has the size and the rate for itself. */
  readonly keyed: boolean;
  /** An operator has set it: the code does not change it. */
  readonly pinned: boolean;
}

/**
 * What cannot be derived of a quota, or of one key of it: its id is `<queue>/<name>` or `<queue>/<name>/<key>`. It exists only while
 * it says something.
 */
export interface LimitRecord extends Reserved {
  readonly id: string;
  /** The instant from which on the rate owes nothing any more. */
  readonly tat: number | null;
  /** Nothing begins before this instant. */
  readonly closedUntil: number | null;
}

/** A schedule. Its id is `<queue>/<name>`. */
export interface ScheduleRecord extends Reserved, ScheduleContext {
  readonly id: string;
  readonly state: ScheduleState;
}

/**
 * A unique name, and the job that took it last. Its id is `<queue>/<definition>/<hash of the key>`, for a name of the whole store
 * `*` in place of the queue. Whether it is taken follows from that job, so nothing is ever released.
 */
export interface UniqueRecord extends Reserved {
  readonly id: string;
  readonly job: string;
  /** When the job took it. */
  readonly at: number;
  /** The job holds it until its code is called first; otherwise until it has its outcome. */
  readonly untilStart: boolean;
  /** It is taken until then, also when the job is over; null: as long as the job holds it. */
  readonly until: number | null;
}

/**
 * A durable actor. Its id is `<machine>/<key>`, that of a child `<id of the parent>/<child>`. Each key of its context is a key of the
 * record, with `c:` before it, so a patch holds what a step has changed.
 */
export interface ActorRecord extends Reserved, ActorContext {
  readonly id: string;
  readonly status: ActorStatus;
  /** Where its machine is: the paths of the leaf states in document order, joined by `|`. */
  readonly state: string;
  /** Seq of its first entry. */
  readonly createdSeq: number;
  readonly [key: `c:${string}`]: Json;
}

/** A message to an actor. Its id is `<id of the actor>#<id of the message>`. */
export interface MessageRecord extends Reserved {
  readonly id: string;
  readonly actor: string;
  /** The name of the actor's machine. */
  readonly machine: string;
  readonly event: Json;
  /** The actor or the job that has sent it; null: a program. */
  readonly from: string | null;
  /** Of the outcome of a child: which run of it. */
  readonly run: number | null;
  readonly at: number;
  readonly state: 'waiting' | 'taken' | 'dead';
  /** When it was taken, or became dead; null: when it was sent, or it waits. Retention counts from it. */
  readonly endedAt: number | null;
  /** Why it is dead: `threw`, `skipped`, `stopped`, `finished`, `unknown`. */
  readonly reason: string | null;
  /** Why the step that should have taken it threw. */
  readonly failure: Failure | null;
}

/** A dispatcher's representation in one queue. Its id is `<queue>/<uuid>`. */
export interface RepresentationRecord extends Reserved, RepresentationContext {
  readonly id: string;
  readonly state: RepresentationState;
}

/** Which jobs an agent takes: data, or the name of a registered filter or chooser. */
export type Selection =
  | { readonly kind: 'any' }
  | { readonly kind: 'data'; readonly filter: FilterData }
  | { readonly kind: 'filter'; readonly name: string }
  | { readonly kind: 'chooser'; readonly name: string };

/** A declarative filter: every given part must hold. In patterns `*` matches any characters. */
export interface FilterData {
  /** Patterns of definition names, one of which must match. */
  readonly jobs?: readonly string[];
  /** Patterns of definition names, none of which may match. */
  readonly notJobs?: readonly string[];
  /** Quota names, all of which the job must carry. */
  readonly quotas?: readonly string[];
  /** Paths into the arguments (`0.tenant`) and the JSON value each must have. */
  readonly args?: { readonly [path: string]: Json };
}

/** The settings of an agent. Its id is `<queue>/<uuid>/<name>`. */
export interface AgentRecord extends Reserved {
  readonly id: string;
  readonly size: number;
  readonly selection: Selection;
  /** An operator has set them: the code does not change them. */
  readonly pinned: boolean;
  /** Why it could not claim; null while it can. */
  readonly failure: Failure | null;
  readonly paused: PauseMark | null;
  /** Its code runs in threads; null or absent: it runs in the thread of the process. */
  readonly thread?: ThreadSettings | null;
}

/** How the threads of an agent are. */
export interface ThreadSettings {
  /** How much the heap of each may hold, in MiB; null: as much as Node allows. */
  readonly maxHeapMb: number | null;
  /** How long one may be idle before it is ended, in milliseconds. */
  readonly idle: number;
  /** After how many jobs one is replaced; null: never for that. */
  readonly maxJobs: number | null;
}

/** The store's own record: one, with id `store`. */
export interface StoreRecord extends Reserved {
  readonly id: string;
  /** Grows with every opening. */
  readonly epoch: number;
  /** A known word, encoded by the codec of the store; absent in a store without a codec. */
  readonly codec?: Json;
  /** What each definition that was ever known here hides; absent before the first one. */
  readonly redactions?: { readonly [definition: string]: readonly string[] };
  /** What a person did last with `box.operate`: the history of this record has them all. Absent before the first. */
  readonly lastAction?: LastAction;
  /** The promotion that filled this store; absent in a store that began empty. */
  readonly promotion?: PromotionRecord;
}

/** What a person did. */
export interface LastAction {
  /** Names it, so that it is done once. */
  readonly key: string;
  /** As the method of `box.operate` is called: `cancel`, `pause`. */
  readonly action: string;
  /** Id of a job or an agent, or a queue with the pattern of jobs: `mail: mail.*`. */
  readonly target: string;
  readonly user: string;
  readonly reason: string | null;
  /** How many records it changed. */
  readonly count: number;
  /** What the call gave. */
  readonly answer: Json;
}

/** The record of the promotion that filled a store. */
export interface PromotionRecord {
  readonly id: string;
  /** Id of the json store that was promoted. */
  readonly store: string;
  /** Seq of its newest entry. */
  readonly seq: number;
  readonly at: number;
}

/** The format version written into new records. */
export const recordVersion = 1;
