import type { JobFeatures } from './job-settings.ts';
import type { PostgresServer } from './postgres-server.ts';

/** The settings of a contestant. Each contestant reads the ones that apply to it. */
export interface Settings {
  /** An empty directory on the disk that is measured. */
  readonly dir: string;
  /** How many jobs may be in progress at once. A contestant may use a better number of its own. */
  readonly size: number;
  /** The features that its jobs use. Only Signalbox has them. */
  readonly features?: JobFeatures;
  /** Milliseconds added to every sync of Signalbox. */
  readonly slowSyncMs?: number;
  /** SQLite with an fsync per commit. */
  readonly isSynced?: boolean;
  /** The socket of the Redis of this run. */
  readonly redisSocket?: string;
  /** The PostgreSQL of this run. */
  readonly postgres?: PostgresServer;
}

/** What a contestant reports while it is measured. */
export interface Signals {
  /** The code of a job has been called. */
  started(): void;
  /** A job has completed, as durably as the contestant promises. */
  completed(): void;
  /** A claim has taken jobs. Only Signalbox on a database reports it. */
  claimed?(): void;
}

/** A job queue with the same interface as every other. Its jobs get `{ n }` and do nothing. */
export interface Contestant {
  /** Puts `count` jobs in the fastest way; resolves when they are acknowledged. */
  putBulk(count: number): Promise<void>;
  /** Puts one job; resolves when it is acknowledged. */
  put(): Promise<void>;
  /** Starts the workers. */
  work(): Promise<void>;
  /** Processor time of servers outside this process, in microseconds; NaN when it is not known. */
  serverCpuUs(): Promise<number>;
  close(): Promise<void>;
  /** Removes what a closed contestant has left on a server, and returns figures about it. */
  clear?(): Promise<object>;
}

/** Facts that are printed beside the figures. */
export interface Facts {
  readonly versions: string;
  readonly settings: string;
  /** What is on disk when a put or a result is acknowledged. */
  readonly fsync: string;
}

/** The interface of a module that holds a contestant. */
export interface ContestantModule {
  open(settings: Settings, signals: Signals): Promise<Contestant>;
  facts(settings: Settings): Facts;
  /**
   * Returns why it cannot be measured here, and the repair; null when it can. Modules without dependencies
   * need no `lacks`.
   */
  lacks?(settings: Settings): Promise<string | null>;
}

/** The arguments of the jobs of a bulk put. */
export function jobArguments(count: number): { n: number }[] {
  return Array.from({ length: count }, (_, n) => ({ n }));
}

export const noServer = async () => 0;
