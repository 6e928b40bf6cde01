import type { Json } from '../../machines/json.ts';
import type {
  AgentRecord,
  AnnotationRecord,
  JobRecord,
  ProxyRecord,
  QueueRecord,
  QuotaRecord,
  RepresentationRecord,
  StoreRecord,
} from '../model/records/records.ts';

/** The kinds of record, with the shape of each. */
export interface Records {
  readonly store: StoreRecord;
  readonly queue: QueueRecord;
  readonly quota: QuotaRecord;
  readonly representation: RepresentationRecord;
  readonly agent: AgentRecord;
  readonly job: JobRecord;
  readonly proxy: ProxyRecord;
  readonly annotation: AnnotationRecord;
}

/** A kind of record. */
export type Kind = keyof Records;

/** New values of top-level keys. `null` clears a key. */
export type Patch = Readonly<Record<string, Json>>;

/**
 * One change of one record: the unit of the journal. Its `seq` is the `s` of its line plus its place in it.
 */
export interface Entry {
  readonly kind: Kind;
  readonly id: string;
  /** The type of the event that caused it: `job.claim`, `annotation.set`, `evicted` … */
  readonly event: string;
  /** State before and after; both null for a record without a status, equal for a change without a transition. */
  readonly from: string | null;
  readonly to: string | null;
  readonly patch: Patch | null;
  /** The record is dropped by this entry. */
  readonly gone: boolean;
  /** The seq of the subject's previous entry, 0 for its first. */
  readonly q: number;
}

/** One commit as the journal keeps it: all of it or nothing. */
export interface Line {
  /** Seq of the first entry; entry i has seq s + i; the next line's s is s + entries.length. */
  readonly s: number;
  /** Instant of the commit by the store's clock, epoch milliseconds. */
  readonly at: number;
  /** Who committed: `<dispatcher uuid or 'client'>#<epoch>`. */
  readonly by: string;
  /** Version of the machines that stepped. */
  readonly mv: string;
  readonly entries: readonly Entry[];
}

/** A change to be made: an entry before the store has placed it. */
export interface Change {
  readonly kind: Kind;
  readonly id: string;
  readonly event: string;
  /** The state it was computed from. The store refuses the commit when the record has left it. */
  readonly from: string | null;
  readonly to: string | null;
  readonly patch: Patch | null;
  readonly gone?: boolean;
}

/** What a commit believes in. One that does not hold refuses the whole commit with `ConflictError`. */
export type Expectation =
  /** The record is as it was read; rev 0 says that there is none. */
  | { readonly what: 'rev'; readonly kind: Kind; readonly id: string; readonly rev: number }
  /** The writer holds the job: nobody has claimed or taken it over since. Refused with `ReassignedError`. */
  | { readonly what: 'holder'; readonly id: string; readonly epoch: number; readonly claim: number }
  /** The job has no callback that nobody has begun. */
  | { readonly what: 'noUnstartedCallback'; readonly id: string }
  /** There is such a job. Refused with `JOB_NOT_FOUND`. */
  | { readonly what: 'exists'; readonly id: string }
  /** The job exists and is not completed. */
  | { readonly what: 'notCompleted'; readonly id: string }
  /** The job `on` does not wait for this one, be it through any number of jobs. Refused with `AWAITED_ITSELF`. */
  | { readonly what: 'notAwaitedBy'; readonly id: string; readonly on: string }
  /**
   * With this commit no more than that many jobs wait in a queue (refused with `QUEUE_FULL`), or no more than that many
   * annotations or callbacks belong to a job (`TOO_MANY`). `id` is that of the queue or the job.
   */
  | {
      readonly what: 'atMost';
      readonly of: 'waiting' | 'annotations' | 'callbacks';
      readonly id: string;
      readonly most: number;
    }
  /** The representation of this id holds this many jobs: none was claimed since they were counted. */
  | {
      readonly what: 'holds';
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
  readonly expect: readonly Expectation[];
  /**
   * The connection of a transaction that somebody else ends: the changes become visible when that commits, and the ticket
   * tells that they are in it. Refused by stores without `transaction`.
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
  /** Asked once for each lane: every job in it has this definition and these quota names. */
  lane(name: string, quotaNames: readonly string[]): boolean;
  /** Asked for each candidate; null accepts all. A refused job costs this one call. */
  readonly job: ((job: JobRecord) => boolean) | null;
  /**
   * What `job` asks, as data where it is no more than that: paths into the arguments and the values there. A database need
   * not show it the jobs that these refuse.
   */
  readonly args?: { readonly [path: string]: Json };
}

/** Why and how a candidate is taken. */
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
   * Id of the agent's record: when that is gone nothing is claimed; nor when its representation is not activated or counts
   * as dead, nor, on a store that several processes share, when that was activated in another opening. Null: for no agent
   * that has a record.
   */
  readonly agent: string | null;
  /**
   * How many jobs the agent may hold: `limit` or what is left of it, whichever is less, counted in the same commit.
   * Without it `limit` alone counts.
   */
  readonly size?: number;
  readonly accepts: Acceptance;
  /**
   * Chooses among everything claimable instead of taking the first: receives it in order and returns one of it
   * or null. Asked until it says null or `limit` is reached.
   */
  readonly choose: ((claimable: Iterable<JobRecord>) => JobRecord | null) | null;
  /**
   * Computes the changes of one taking, from the record as it is now, inside the same commit. Null leaves the job.
   * Its last change of kind job names the job that the claim hands out.
   */
  take(candidate: Candidate): readonly Change[] | null;
}

/** What a claim took. */
export interface Claimed {
  readonly jobs: readonly JobRecord[];
  /** How many jobs the agent holds with them, when the claim was given its size and has counted them. */
  readonly held?: number;
  /** Ids of those among them that have annotations, when the claim has found that out by the way. */
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
  /** Says something that an operator must see. */
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
  /** Those that were not closed and give signs of life, the one that is asked among them. */
  readonly alive: ReadonlySet<number>;
  readonly newest: number;
}

/**
 * An open store: records, their indexes, and the journal. Everything is asynchronous, so the same engine runs on a
 * file and on a database. Reads show what is written; `settled` tells when it is synced.
 */
export interface OpenStore {
  readonly name: string;
  /** Grows with every opening: the fence against earlier processes. */
  readonly epoch: number;
  /** Only one process can hold it at a time. */
  readonly exclusive: boolean;
  /** It dies with its process. */
  readonly isVolatile: boolean;
  /** Where an instance keeps its UUID, or null. */
  readonly directory: string | null;
  /** Connections, or what stands for them, that may be in use at once. */
  poolSize: number;
  /** The store's clock. */
  now(): number;
  /** Which openings there are: nothing goes on of what one began that is not alive. */
  openings(): Promise<Openings>;

  /** `within`: a job as the transaction with this connection sees it. Of no account to stores without `transaction`. */
  get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<Records[K] | undefined>;
  /** Records whose id starts with `prefix`, in order of id. */
  list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]>;
  /** Waiting jobs in the order in which they are offered: all, or the first `most`. */
  waiting(queue: string, most?: number): Promise<readonly JobRecord[]>;
  waitingCount(queue: string): Promise<number>;
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
  /** Jobs in a state, or with values, that this version does not know: kept, shown, and left alone. */
  quarantined(): Promise<readonly JobRecord[]>;
  /**
   * Jobs that somebody outside any agent was at, or at their callbacks, and did not finish: nobody living is at them. Where several
   * processes share a store that is known; a store that one holds is asked at open, when nobody can be.
   */
  orphans(): Promise<readonly JobRecord[]>;
  annotations(job: string): Promise<readonly AnnotationRecord[]>;
  /** Which of these jobs have annotations: most have none, and need not be asked one by one. */
  annotated(jobs: readonly string[]): Promise<ReadonlySet<string>>;
  /** The earliest instant later than `since` at which a waiting job becomes due, or null. */
  due(since: number): Promise<number | null>;

  commit(commit: Commit): Ticket;
  /**
   * Does some work in a transaction of the database itself, then makes the commit that follows from its answer as the last
   * thing in it: both or neither. When that is refused another is asked for, or the refusal thrown. Null on a store that is
   * no database.
   */
  readonly transaction:
    | (<Result>(
        work: (connection: unknown) => Promise<Result>,
        commit: (result: Result, refusal: Error | null) => Commit,
      ) => Promise<Result>)
    | null;
  claim(request: ClaimRequest): Promise<Claimed>;
  /** Resolves when everything written by now is synced. */
  settled(): Promise<void>;
  /** Resolves when nothing that was asked of it is under way: for reactors that move time by hand. Never rejects. */
  idle(): Promise<void>;

  /** Lines as they become synced, in order. Returns a function that ends it. */
  follow(listener: (lines: readonly Line[]) => void): () => void;
  /**
   * Hears of queues in which another process has put work, or made room for some: a hint, which may get lost. Never called
   * by a store that only one process can hold.
   */
  onHint(listener: (queue: string) => void): void;
  /** Called once, when the store can no longer be trusted to write. */
  onFailure(listener: (error: Error) => void): void;
  /** Entries of one subject, newest first, as far back as history is kept. */
  history(kind: Kind, id: string): AsyncIterable<HistoryEntry>;
  /** Synced entries from a cursor on, oldest first. */
  entries(from: number): AsyncIterable<HistoryEntry>;
  /** Seq of the oldest entry that history still holds. */
  oldestSeq(): number;
  /** Syncs what is written and lets go. Rejects when that failed; one that had failed before closes in silence. */
  close(): Promise<void>;
}

/** A callback of a job: a job, or a proxy that chooses one. */
export type Callback =
  | { readonly kind: 'job'; readonly record: JobRecord }
  | { readonly kind: 'proxy'; readonly record: ProxyRecord };

/** One entry of the journal with its place, its instant and its author. */
export interface HistoryEntry extends Entry {
  readonly seq: number;
  readonly at: number;
  readonly by: string;
}
