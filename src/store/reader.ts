import type { ActorStatus } from '../../machines/actor.machine.ts';
import type { Ending, JobState } from '../../machines/job.context.ts';
import type { JobStatus } from '../model/jobs/step.ts';
import type {
  ActorRecord,
  AnnotationRecord,
  JobRecord,
  MessageRecord,
  ProxyRecord,
  ScheduleRecord,
} from '../model/records/records.ts';
import type { HistoryEntry, Kind, Line, Records } from './entry.ts';

/** The openings of a store, by epoch. */
export interface Openings {
  /** Those that were not closed and still give signs of life, this opening among them. */
  readonly alive: ReadonlySet<number>;
  readonly newest: number;
}

/** A callback of a job: a job, or a proxy that chooses one. */
export type Callback =
  | { readonly kind: 'job'; readonly record: JobRecord }
  | { readonly kind: 'proxy'; readonly record: ProxyRecord };

/** The lists of jobs. Each is an index in its own order, so that a page of it stays cheap. */
export type JobList =
  /** In the order of claims, of one queue after the other. */
  | 'waiting'
  /** By agents, in the order of claims. */
  | 'held'
  /** Completed without success, newest first. */
  | 'failed'
  /** Completed, newest first. */
  | 'ended'
  /** In no queue and no callback of another job, and not completed; by id. */
  | 'unplaced'
  /** In a state, or with values, that this version does not know; by id. */
  | 'quarantined';

/** A page of a list of jobs. */
export interface JobPageRequest {
  /**
   * `all`: all jobs, callbacks included, newest first: in the order in which they were created, or in that of ids, which begin with
   * their time. `tagged`: those with the tag, newest first. A cursor of these two stays good while jobs change, come and go.
   */
  readonly list: JobList | 'all' | 'tagged';
  /** The tag of the list `tagged`. */
  readonly tag?: string;
  /** Only jobs that are in this queue, or have ended there. */
  readonly queue?: string;
  /** Only jobs in one of these statuses. */
  readonly status?: readonly JobStatus[];
  /** Only jobs that ended so. */
  readonly ending?: readonly Ending[];
  /** Only jobs whose definition matches one of these patterns, as filters have them. */
  readonly names?: readonly string[];
  /** The `next` of the page before. */
  readonly after?: string;
  /** How many jobs; at most 200. */
  readonly limit: number;
  /** What no index knows. */
  readonly matches?: (job: JobRecord) => boolean;
  /** At most that many jobs are looked at. Default 20,000. */
  readonly look?: number;
}

/** What a page holds. */
export interface JobPage {
  readonly jobs: readonly JobRecord[];
  /** `after` of the next page; null: the list ends here. */
  readonly next: string | null;
  /** How many jobs were looked at. */
  readonly looked: number;
  /** Whether there are jobs behind the end of what is looked at. */
  readonly isCut: boolean;
}

/** A page of the actors of a store, in order of id. */
export interface ActorPageRequest {
  /** Only actors of this machine. */
  readonly machine?: string;
  /** Only actors in one of these statuses. */
  readonly status?: readonly ActorStatus[];
  /** Only actors in this state, or in one below it: `shipping` finds `shipping.parcel.packed|shipping.invoice`; `a|b`: in both. */
  readonly state?: string;
  /** The `next` of the page before. */
  readonly after?: string;
  /** How many actors; at most 200. */
  readonly limit: number;
}

/** What a page of actors holds. */
export interface ActorPage {
  readonly actors: readonly ActorRecord[];
  /** `after` of the next page; null: the list ends here. */
  readonly next: string | null;
}

/** How many actors of one machine are in a status and a state. */
export interface ActorCount {
  readonly machine: string;
  readonly status: ActorStatus;
  readonly state: string;
  readonly n: number;
}

/** How many there are; `more`: at least that many. */
export interface Count {
  readonly n: number;
  readonly more: boolean;
}

/** How many jobs a store holds. Those that this version cannot read count in `lists.quarantined` alone. */
export interface JobCounts {
  readonly states: Readonly<Record<JobState, Count>>;
  /** Of completed jobs. */
  readonly endings: Readonly<Record<Ending, Count>>;
  readonly lists: Readonly<Record<JobList, Count>>;
}

/**
 * Waiting jobs of one queue that a claim need not tell apart: same definition, same priority, same quotas, all with or all without a
 * deadline, and all with or all without quota slots.
 */
export interface LaneSummary {
  /** The name of the definition. */
  readonly name: string;
  /** The priority of its jobs. */
  readonly level: number;
  readonly quotaNames: readonly string[];
  readonly hasDeadlines: boolean;
  readonly holdsSlots: boolean;
  /** How many wait in each line of it. */
  readonly putBack: number;
  readonly now: number;
  readonly held: number;
  /** `beginAfter` of the first job of a line, the earliest of them. */
  readonly oldestAt: number | null;
  /** Whether there are more jobs, and maybe more lanes, than this store looks at. */
  readonly isCut: boolean;
}

/** How many jobs are offered before one, when agents accept all. */
export interface QueuePlace {
  readonly n: number;
  readonly is: 'exact' | 'atMost' | 'atLeast';
}

/** What an open store is: its name, its epoch, its clock and who shares it. */
export interface StoreInfo {
  readonly name: string;
  /** Grows with every opening: the fence against earlier processes. */
  readonly epoch: number;
  /** Only one process can hold it at a time. */
  readonly exclusive: boolean;
  /** Its records are lost when its process ends. */
  readonly isVolatile: boolean;
  /** Where an instance keeps its UUID, or null. */
  readonly directory: string | null;
  /** How many connections, or units that count as connections, may be in use at once. */
  poolSize: number;
  /** The store's clock. */
  now(): number;
  /** Which openings there are. Work that was begun in one that is not alive will not continue there. */
  openings(): Promise<Openings>;
}

/**
 * The records of a store and their indexes. Reads show what is written; `settled` resolves when it is synced.
 */
export interface RecordReader {
  /**
   * `within`: the record as the transaction with this connection sees it. Ignored by stores without
   * `transaction`.
   */
  get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<Records[K] | undefined>;
  /** Records whose id starts with `prefix`, in order of id. */
  list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]>;
  /** Waiting jobs in the order in which they are offered: all, or the first `most`. */
  waiting(queue: string, most?: number): Promise<readonly JobRecord[]>;
  /** How many jobs wait in a queue: all, or those of one definition. */
  waitingCount(queue: string, name?: string): Promise<number>;
  /** The lanes of a queue in which jobs wait, without looking at the jobs. */
  lanes(queue: string): Promise<readonly LaneSummary[]>;
  /** The place of a job in its queue; null: it waits in none. */
  place(job: string): Promise<QueuePlace | null>;
  /** Jobs whose id begins so, in order of id, at most `limit`. Among many a store looks at some only. */
  find(prefix: string, limit: number): Promise<readonly JobRecord[]>;
  /** Jobs an agent holds, in order of claim. `agent` null: of all agents of the dispatcher. */
  held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]>;
  heldCount(queue: string, dispatcher: string, agent: string): Promise<number>;
  /** Jobs an agent has completed, newest first. */
  completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]>;
  /** Callbacks and proxies of a job, in order. */
  callbacks(job: string): Promise<readonly Callback[]>;
  /** Jobs that belong to a callback proxy: its branches, and what was added before it was decided. */
  branches(proxy: string): Promise<readonly JobRecord[]>;
  /**
   * Which of these jobs one that is not over refers to: in its arguments, by waiting for it, as a callback of it that is not over, or
   * as the job whose callback it is.
   */
  referred(jobs: readonly string[]): Promise<ReadonlySet<string>>;
  /** Jobs that wait for the result of any of these. */
  waiters(jobs: readonly string[]): Promise<readonly JobRecord[]>;
  /** Ids of the jobs that hold a slot of a quota, in order of entry. */
  quotaHolders(quota: string): Promise<readonly string[]>;
  /**
   * How many jobs a claim has found without room for this key (`<queue>/<name>/<key>`), and does not look at until there is. Those
   * that no claim has looked at yet are not among them.
   */
  parked(limit: string): Promise<number>;
  /** How many jobs there are, without reading them. */
  counts(): Promise<JobCounts>;
  /** A page of one of the lists of jobs. */
  jobsPage(request: JobPageRequest): Promise<JobPage>;
  /** Jobs in a state, or with values, that this version does not know: kept, shown, and left alone. */
  quarantined(): Promise<readonly JobRecord[]>;
  /**
   * Jobs that a process ran outside any agent, or whose callbacks it ran, and did not finish before it ended.
   * Where several processes share a store the openings show which have ended; a store that one process holds
   * is asked at open, when every other one has.
   */
  orphans(): Promise<readonly JobRecord[]>;
  /** Jobs that agents hold and whose attempts should be over for long: their processes cannot end them. */
  overdue(): Promise<readonly JobRecord[]>;
  annotations(job: string): Promise<readonly AnnotationRecord[]>;
  /** Which of these jobs have annotations: most have none, and need not be read one by one. */
  annotated(jobs: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * The earliest instant later than `since` at which a waiting job, a schedule or a timer of an actor becomes due, a limit opens that waiting jobs have,
   * or a pause ends by itself; or null. A store may also say when a waiting job is too late, which a poll finds otherwise.
   */
  due(since: number): Promise<number | null>;
  /** Active actors of these machines with a timer that is due by an instant, earliest first, at most so many: their ids. */
  dueActors(machines: readonly string[], now: number, most: number): Promise<readonly string[]>;
  /**
   * Ids of actors of these machines that have waiting messages and are not suspended, in order of id, behind one, at most so many.
   * Those that are not there or have ended are among them: their mail is to become dead letters.
   */
  mailed(machines: readonly string[], after: string, most: number): Promise<readonly string[]>;
  /** Waiting messages of an actor in the order of their commits, at most so many. */
  mail(actor: string, most: number): Promise<readonly MessageRecord[]>;
  /** How many messages wait for an actor. */
  mailCount(actor: string): Promise<number>;
  actorsPage(request: ActorPageRequest): Promise<ActorPage>;
  /** How many actors there are, by machine, status and state. */
  actorCounts(): Promise<readonly ActorCount[]>;
  /** Messages that no actor takes any more, newest first, at most so many. */
  deadLetters(most: number): Promise<readonly MessageRecord[]>;
  /** Schedules whose next tick is due by an instant, earliest first, at most so many. */
  dueSchedules(now: number, most: number): Promise<readonly ScheduleRecord[]>;
}

/** A place in the journal: an entry, and its instant. */
export interface Position {
  readonly seq: number;
  readonly at: number;
}

/** What another process has done that may matter here. A hint may get lost: what it is about is found by a poll as well. */
export type Hint =
  /** It has put jobs in this queue, or freed slots. */
  | { readonly queue: string }
  /** It has asked that the code of this job stop. */
  | { readonly stop: string }
  /** It has sent messages to actors of this machine, or started some. */
  | { readonly machine: string };

/** The journal of a store: synced entries only. */
export interface JournalReader {
  /** Calls the listener with lines as they become synced, in order. Returns a function that ends it. */
  follow(listener: (lines: readonly Line[]) => void): () => void;
  /** Calls the listener with what other processes have done. Never called by a store that only one process can hold. */
  onHint(listener: (hint: Hint) => void): void;
  /**
   * Entries of one subject, newest first, as far back as history is kept. `from`: seq of one of them, where it begins: what is
   * known of a record that is gone.
   */
  history(kind: Kind, id: string, from?: number): AsyncIterable<HistoryEntry>;
  /** Synced entries from a cursor on, oldest first. */
  entries(from: number): AsyncIterable<HistoryEntry>;
  /** Seq of the oldest entry that history still holds. */
  oldestSeq(): number;
  /** The newest synced entry, and its instant. Seq 0: there is none yet. */
  position(): Promise<Position>;
  /**
   * Seq of the newest synced entry that is not later than an instant. Where all that are kept are later, the one before them. Where
   * a clock was set back, it is one of those that were made about then.
   */
  seqAt(instant: number): Promise<number>;
}

/**
 * The reading half of a store: what needs no process at work. An open store is one, and so is a store that is read without
 * being opened.
 */
export interface StoreReader
  extends Pick<StoreInfo, 'name' | 'exclusive' | 'isVolatile' | 'now'>,
    RecordReader,
    JournalReader {}

/**
 * A store as it was right after one entry: it answers every question of a reader, the order of claims and quotas included, with
 * what was true then. Nothing is run again, and nothing changes by it.
 */
export interface Past extends StoreReader {
  /** The entry of the moment. `now()` is its instant. */
  readonly seq: number;
  /** The earliest moment that history can show. */
  readonly from: number;
  /** The latest one: grows while the store is at work. */
  readonly to: number;
  /**
   * Moves to the moment right after another entry. A move begins when the one before it is over; answers meanwhile are those of a
   * moment on the way.
   * @throws SignalboxError `HISTORY_CUT`, `INVALID_OPTION`, and what reading the store throws; then the moment is `seq`.
   */
  moveTo(seq: number): Promise<void>;
  /** Makes another past of the same store, at the same moment, which moves by itself. The records are shared. */
  fork(): Promise<Past>;
}
