import type { PostgresServer } from './postgres-server.ts';

/** What a contestant is told. Each reads what concerns it. */
export interface Settings {
  /** An empty directory on the disk that is measured. */
  readonly dir: string;
  /** How many jobs may be in progress at once, where the contestant does not do best with a number of its own. */
  readonly size: number;
  /** Milliseconds added to every sync of ours. */
  readonly slowSyncMs?: number;
  /** SQLite with an fsync per commit. */
  readonly isSynced?: boolean;
  /** Where the Redis of this run listens. */
  readonly redisSocket?: string;
  /** The PostgreSQL of this run. */
  readonly postgres?: PostgresServer;
}

/** What a contestant tells whoever measures it. */
export interface Signals {
  /** The code of a job has been called. */
  started(): void;
  /** A job has completed, as durably as the contestant promises. */
  completed(): void;
}

/** A job queue that is driven through the same course as every other. Its jobs get `{ n }` and do nothing. */
export interface Contestant {
  /** Puts that many jobs the fastest way there is; resolves when they are acknowledged. */
  putBulk(count: number): Promise<void>;
  /** Puts one job; resolves when it is acknowledged. */
  put(): Promise<void>;
  /** Lets the workers begin. */
  work(): Promise<void>;
  /** Processor time that servers outside this process have used for it, in microseconds; NaN when nobody can tell. */
  serverCpuUs(): Promise<number>;
  close(): Promise<void>;
  /** Removes what a closed one has left on a server, and tells figures of it. */
  clear?(): Promise<object>;
}

/** Printed beside the figures. */
export interface Facts {
  readonly versions: string;
  readonly settings: string;
  /** What is on disk when a put or a result is acknowledged. */
  readonly fsync: string;
}

/** The face of a module that holds a contestant. */
export interface ContestantModule {
  open(settings: Settings, signals: Signals): Promise<Contestant>;
  facts(settings: Settings): Facts;
  /** Why it cannot be measured here, and how to mend that. Null when it can, and what ships with the repository always can. */
  lacks?(settings: Settings): Promise<string | null>;
}

/** The arguments of the jobs of a bulk put. */
export function jobArguments(count: number): { n: number }[] {
  return Array.from({ length: count }, (_, n) => ({ n }));
}

export const noServer = async () => 0;
