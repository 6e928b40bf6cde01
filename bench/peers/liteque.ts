import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Contestant,
  type Facts,
  jobArguments,
  noServer,
  type Settings,
  type Signals,
} from '../measures/contestant.ts';
import { lackOfPackage, lackOfSqlite } from './lack.ts';
import { load, versionsOf } from './load.ts';

interface Liteque {
  buildDBClient(file: string, options: { runMigrations: boolean }): unknown;
  SqliteQueue: new (
    name: string,
    database: unknown,
    options: { defaultJobArgs: { numRetries: number }; keepFailedJobs: boolean },
  ) => { enqueue(data: unknown): Promise<unknown> };
  Runner: new (
    queue: unknown,
    functions: { run: () => Promise<void>; onComplete: () => Promise<void> },
    options: { concurrency: number; pollIntervalMs: number; timeoutSecs: number },
  ) => { run(): Promise<void>; stop(): void };
}

/** liteque on better-sqlite3. It has no bulk put, and reports a completion just before it deletes the job. */
export async function open({ dir, size }: Settings, signals: Signals): Promise<Contestant> {
  const { buildDBClient, SqliteQueue, Runner } = await load<Liteque>('liteque');
  mkdirSync(dir, { recursive: true });
  const database = buildDBClient(join(dir, 'queue.db'), { runMigrations: true });
  const queue = new SqliteQueue('noop', database, {
    defaultJobArgs: { numRetries: 0 },
    keepFailedJobs: false,
  });
  const runner = new Runner(
    queue,
    { run: async () => signals.started(), onComplete: async () => signals.completed() },
    { concurrency: size, pollIntervalMs: 1, timeoutSecs: 60 },
  );
  let running: Promise<void> | null = null;
  return {
    putBulk: async (count) => {
      for (const data of jobArguments(count)) await queue.enqueue(data);
    },
    put: async () => void (await queue.enqueue({ n: 0 })),
    work: async () => {
      running = runner.run();
    },
    serverCpuUs: noServer,
    // It cannot close its database; the end of the process does.
    close: async () => {
      runner.stop();
      await running;
    },
  };
}

export async function lacks(): Promise<string | null> {
  return (await lackOfPackage('liteque')) ?? (await lackOfSqlite('better-sqlite3'));
}

export function facts({ size }: Settings): Facts {
  return {
    versions: versionsOf('liteque', 'better-sqlite3'),
    settings: `WAL, concurrency ${size}, poll interval 1 ms; it has no bulk put`,
    fsync: 'none per commit (synchronous=NORMAL, as it ships)',
  };
}
