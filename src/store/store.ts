import type { Ending, JobState } from '../../machines/job.context.ts';
import type { Json } from '../../machines/json.ts';
import type { AnnotationRecord, JobRecord, ProxyRecord } from '../model/records/records.ts';
import type { HistoryEntry, Kind, Line, Patch, Records } from './entry.ts';

/** A change to be made: an entry before the store has placed it. */
export interface Change {
  readonly kind: Kind;
  readonly id: string;
  readonly event: string;
  /**
   * The state that the change was computed from. The store refuses the commit when the record has left it.
   */
  readonly from: string | null;
  readonly to: string | null;
  readonly patch: Patch | null;
  readonly gone?: boolean;
}

/** A precondition of a commit. One that does not hold refuses the whole commit with `ConflictError`. */
export type Precondition =
  /** The record is as it was read; rev 0 says that there is none. */
  | { readonly check: 'rev'; readonly kind: Kind; readonly id: string; readonly rev: number }
  /**
   * The writer still holds the job: it was not claimed or reassigned since. Refused with `ReassignedError`.
   */
  | { readonly check: 'holder'; readonly id: string; readonly epoch: number; readonly claim: number }
  /** Every callback of the job has begun. */
  | { readonly check: 'noUnstartedCallback'; readonly id: string }
  /** The job exists. Refused with `JOB_NOT_FOUND`. */
  | { readonly check: 'exists'; readonly id: string }
  /** The job exists and is not completed. */
  | { readonly check: 'notCompleted'; readonly id: string }
  /**
   * The job `on` does not wait for this one, directly or through other jobs. Refused with `AWAITED_ITSELF`.
   */
  | { readonly check: 'notAwaitedBy'; readonly id: string; readonly on: string }
  /**
   * With this commit at most that many jobs wait in a queue (refused with `QUEUE_FULL`), or at most that many
   * annotations or callbacks belong to a job (`TOO_MANY`). `id` is that of the queue or the job.
   */
  | {
      readonly check: 'atMost';
      readonly of: 'waiting' | 'annotations' | 'callbacks';
      readonly id: string;
      readonly most: number;
    }
  /** The representation of this id holds this many jobs: none was claimed since they were counted. */
  | {
      readonly check: 'holds';
      readonly id: string;
      readonly queue: string;
      readonly dispatcher: string;
      readonly count: number;
    };

/** Changes that become visible together or not at all. */
export interface Commit {
  /** Who commits: `<dispatcher uuid or 'client'>`. The store adds its epoch. */
  readonly by: string;
  readonly changes: readonly Change[];
  readonly expect: readonly Precondition[];
  /**
   * The connection of a transaction that the program ends itself. The changes become visible when that
   * transaction commits; the ticket resolves when they are part of it. Refused by stores without
   * `transaction`.
   */
  readonly within?: unknown;
}

/** How durable a commit is by now. Both promises reject when it was refused or its outcome is unknown. */
export interface Ticket {
  /** Handed to the operating system: survives a killed process. */
  readonly written: Promise<void>;
  /** On disk: survives a power cut. */
  readonly synced: Promise<void>;
}

/** Which jobs a claim may take. */
export interface Acceptance {
  /** Called once for each lane: every job in it has this definition and these quota names. */
  lane(name: string, quotaNames: readonly string[]): boolean;
  /** Called for each candidate; null accepts all. A refused job costs this one call. */
  readonly job: ((job: JobRecord) => boolean) | null;
  /**
   * The condition of `job` as data, when it only compares values: paths into the arguments, and the values
   * there. A database need not load the jobs that do not match.
   */
  readonly args?: { readonly [path: string]: Json };
}

/** A job that a claim may take. */
export interface Candidate {
  readonly job: JobRecord;
  /** It can no longer start in time. */
  readonly expired: boolean;
  /** Ids of the existing quotas that it names. */
  readonly quotas: readonly string[];
}

/** A claim: which jobs, how many, and what taking one changes. */
export interface ClaimRequest {
  readonly queue: string;
  readonly limit: number;
  readonly by: string;
  /**
   * Id of the agent's record. Nothing is claimed when that record is gone, when its representation is not
   * activated or counts as dead, or, on a store that several processes share, when that was activated in
   * another opening. Null: for no agent that has a record.
   */
  readonly agent: string | null;
  /**
   * `lastSeq` of that record as the claim has its size, its filter or its chooser from it. When the record has changed since,
   * nothing is claimed, and the claim is refused with `ConflictError`. Without it any will do.
   */
  readonly agentSeq?: number;
  /**
   * How many jobs the agent may hold. The claim takes `limit` or what is left of the size, whichever is less,
   * counted in the same commit. Without it `limit` alone counts.
   */
  readonly size?: number;
  readonly accepts: Acceptance;
  /**
   * Chooses among everything claimable instead of taking the first: receives it in order and returns one of
   * it or null. Called until it returns null or `limit` is reached.
   */
  readonly choose: ((claimable: Iterable<JobRecord>) => JobRecord | null) | null;
  /**
   * Computes the changes of one taking, from the record as it is now, inside the same commit. Null leaves the
   * job. Its last change of kind job names the job that the claim hands out.
   */
  take(candidate: Candidate): readonly Change[] | null;
}

/** What a claim took. */
export interface Claimed {
  readonly jobs: readonly JobRecord[];
  /** How many jobs the agent holds with them, when the claim was given its size and has counted them. */
  readonly held?: number;
  /** Ids of those among them that have annotations, when the claim has read that as well. */
  readonly annotated?: ReadonlySet<string>;
  /** Resolves when the callables may start: the claim is written, and every put among them synced. */
  readonly startable: Promise<void>;
  readonly ticket: Ticket;
}

/** What an open store needs from outside. */
export interface StorePorts {
  /** The clock: epoch milliseconds. */
  now(): number;
  /** Runs a function in a later turn of the event loop, as soon as possible. */
  defer(run: () => void): void;
  newId(): string;
  /** Reports something that an operator must see. */
  report(message: string): void;
}

/** A store as it is configured: where it is and how, not yet open. */
export interface Store {
  /** The second part of a job's name `[id, storeName]`. */
  readonly name: string;
  open(ports: StorePorts): Promise<OpenStore>;
}

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
  readonly list: JobList;
  /** Only jobs of this queue. */
  readonly queue?: string;
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
   * `within`: the job as the transaction with this connection sees it. Ignored by stores without
   * `transaction`.
   */
  get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<Records[K] | undefined>;
  /** Records whose id starts with `prefix`, in order of id. */
  list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]>;
  /** Waiting jobs in the order in which they are offered: all, or the first `most`. */
  waiting(queue: string, most?: number): Promise<readonly JobRecord[]>;
  /** How many jobs wait in a queue: all, or those of one definition. */
  waitingCount(queue: string, name?: string): Promise<number>;
  /** Jobs an agent holds, in order of claim. `agent` null: of all agents of the dispatcher. */
  held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]>;
  heldCount(queue: string, dispatcher: string, agent: string): Promise<number>;
  /** Jobs an agent has completed, newest first. */
  completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]>;
  /** Callbacks and proxies of a job, in order. */
  callbacks(job: string): Promise<readonly Callback[]>;
  /** Jobs that belong to a callback proxy: its branches, and what was added before it was decided. */
  branches(proxy: string): Promise<readonly JobRecord[]>;
  /** Jobs that wait for the result of any of these. */
  waiters(jobs: readonly string[]): Promise<readonly JobRecord[]>;
  /** Ids of the jobs that hold a slot of a quota, in order of entry. */
  quotaHolders(quota: string): Promise<readonly string[]>;
  /** How many jobs there are, without reading them. */
  counts(): Promise<JobCounts>;
  /** A page of one of the lists of jobs. @throws SignalboxError `LIST_UNAVAILABLE` when this store does not have that list. */
  jobsPage(request: JobPageRequest): Promise<JobPage>;
  /** Jobs in a state, or with values, that this version does not know: kept, shown, and left alone. */
  quarantined(): Promise<readonly JobRecord[]>;
  /**
   * Jobs that a process ran outside any agent, or whose callbacks it ran, and did not finish before it ended.
   * Where several processes share a store the openings show which have ended; a store that one process holds
   * is asked at open, when every other one has.
   */
  orphans(): Promise<readonly JobRecord[]>;
  annotations(job: string): Promise<readonly AnnotationRecord[]>;
  /** Which of these jobs have annotations: most have none, and need not be read one by one. */
  annotated(jobs: readonly string[]): Promise<ReadonlySet<string>>;
  /** The earliest instant later than `since` at which a waiting job becomes due, or null. */
  due(since: number): Promise<number | null>;
}

/**
 * The two ways to change a store: a commit of given changes, and a claim, which selects jobs and changes
 * them.
 */
export interface Commits {
  commit(commit: Commit): Ticket;
  claim(request: ClaimRequest): Promise<Claimed>;
  /**
   * Runs `work` in a transaction of the database, then makes the commit that `commit` computes from its
   * answer as the last statement of it: both or neither. When that commit is refused, `commit` is called
   * again with the refusal: it returns another one, or throws the refusal. Null on a store that is no
   * database.
   */
  readonly transaction:
    | (<Result>(
        work: (connection: unknown) => Promise<Result>,
        commit: (result: Result, refusal: Error | null) => Commit,
      ) => Promise<Result>)
    | null;
  /** Resolves when everything written by now is synced. */
  settled(): Promise<void>;
  /** Resolves when no call to the store is under way: for reactors that move time by hand. Never rejects. */
  idle(): Promise<void>;
  /** Calls the listener once, when the store can no longer be trusted to write. */
  onFailure(listener: (error: Error) => void): void;
}

/** A place in the journal: an entry, and its instant. */
export interface Position {
  readonly seq: number;
  readonly at: number;
}

/** The journal of a store: synced entries only. */
export interface JournalReader {
  /** Calls the listener with lines as they become synced, in order. Returns a function that ends it. */
  follow(listener: (lines: readonly Line[]) => void): () => void;
  /**
   * Calls the listener with queues in which another process has put jobs or freed slots: a hint, which may
   * get lost. Never called by a store that only one process can hold.
   */
  onHint(listener: (queue: string) => void): void;
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
}

/**
 * An open store: records, their indexes, and the journal. Everything is asynchronous, so the same engine runs
 * on a file and on a database. Code that needs one side of it takes that interface alone; only what opened
 * the store closes it.
 */
export interface OpenStore extends StoreInfo, RecordReader, Commits, JournalReader {
  /**
   * Makes a past of the store, at its newest synced entry. It holds its own copy of all records. Null on a store that can show
   * only the history of single records.
   */
  readonly past: (() => Promise<Past>) | null;
  /**
   * Syncs what is written and frees what the store holds. Rejects when that failed, unless the store had
   * failed before.
   */
  close(): Promise<void>;
}
