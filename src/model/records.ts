import type { JobContext, JobState, Order, Place } from '../../machines/job.machine.ts';
import type { Json } from '../../machines/json.ts';
import type { RepresentationContext, RepresentationState } from '../../machines/representation.machine.ts';

/** What every record reserves: format version, revision, and the seq of its last entry. */
export interface Reserved {
  readonly v: number;
  readonly rev: number;
  readonly lastSeq: number;
}

/** A job as stored. What the chart calls context stands beside what the store needs. */
export interface JobRecord extends Reserved, JobContext {
  readonly id: string;
  readonly state: JobState;
  /** Seq of its first entry: breaks ties of order. */
  readonly createdSeq: number;
  /** Reserved for schedules, priorities, uniqueness and other stores' lanes. */
  readonly dueAt: number | null;
  readonly priority: number;
  readonly uniqueKey: string | null;
  readonly lane: string | null;
}

/** A pair of callbacks of which one is called, by the parent's outcome. */
export interface ProxyRecord extends Reserved {
  readonly id: string;
  readonly parent: Place;
  readonly order: Order;
  /** Ids of the branches; null passes the outcome through. */
  readonly success: string | null;
  readonly failure: string | null;
  /** The branch that was chosen; null while undecided. */
  readonly chosen: string | null;
}

/** One annotation of a job. Its id is `<job id>/<name>`. */
export interface AnnotationRecord extends Reserved {
  readonly id: string;
  readonly value: Json;
}

/** A queue. Its id is its name. */
export interface QueueRecord extends Reserved {
  readonly id: string;
  readonly createdAt: number;
}

/** A quota. Its id is `<queue>/<name>`. */
export interface QuotaRecord extends Reserved {
  readonly id: string;
  readonly size: number;
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

/** A declarative filter: every given part must hold. In patterns `*` stands for any characters. */
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
}

/** The store's own record: one, with id `store`. */
export interface StoreRecord extends Reserved {
  readonly id: string;
  /** Grows with every opening. */
  readonly epoch: number;
}

/** The format version written into new records. */
export const recordVersion = 1;
