import type { Json } from '../../machines/json.ts';
import type { JobRecord } from '../model/records/records.ts';
import type { Kind, Patch } from './entry.ts';
import type { StoreFiles } from './log.ts';
import type { JournalReader, Past, RecordReader, StoreInfo } from './reader.ts';

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
  /** What the event of an actor carried beside its type. */
  readonly arg?: Json;
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
   * annotations or callbacks belong to a job (`TOO_MANY`), or messages wait for an actor (`MAILBOX_FULL`). `id` is that of the queue,
   * the job or the actor.
   */
  | {
      readonly check: 'atMost';
      readonly of: 'waiting' | 'annotations' | 'callbacks' | 'mail';
      readonly id: string;
      readonly most: number;
    }
  /** No message waits for the actor. */
  | { readonly check: 'noMail'; readonly id: string }
  /** The actor exists and has not ended. Refused with `ACTOR_NOT_FOUND`, `ACTOR_FINISHED`. */
  | { readonly check: 'accepts'; readonly id: string }
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
  /**
   * True when the store shows the commit already, and writes what is committed next in the same tick together with it or not at
   * all. Absent when the store shows it once it is written.
   */
  readonly isStaged?: true;
  /**
   * Of a store that answers commits together, though each can be refused by itself: promises for all of them, which never reject.
   * One reaction to such a promise costs less than one for each commit.
   */
  readonly group?: Pick<Ticket, 'written' | 'synced'>;
  /** With `group`, once that is over: why this commit was refused; null: it was not. */
  refusal?(stage: 'written' | 'synced'): Error | null;
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
  /** It stands for all jobs of a lane and is none of them: where it cannot be taken, each is asked about. */
  readonly isExample?: true;
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
  /** It belongs to a poll: of keys that have room, one more parked job each is offered. */
  readonly isPoll?: boolean;
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
  /** The store took the first that it found: there may be more to claim, though these are fewer than wanted. */
  readonly mayBeMore?: true;
  /** The instant that `due` gives may be another one now, since limits open later than before. */
  readonly opensLater?: true;
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
  /** Where another thread can read the same, and how far. Null on a store that has no files, or that answers other values than they hold. */
  readonly files: (() => StoreFiles) | null;
  /**
   * Syncs what is written and frees what the store holds. Rejects when that failed, unless the store had
   * failed before.
   */
  close(): Promise<void>;
}
