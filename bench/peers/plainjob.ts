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

interface Sqlite {
  pragma(text: string): unknown;
}

interface Plainjob {
  better(database: Sqlite): unknown;
  defineQueue(options: { connection: unknown; logger: Logger }): {
    add(type: string, data: unknown): unknown;
    addMany(type: string, data: readonly unknown[]): unknown;
    close(): void;
  };
  defineWorker(
    type: string,
    run: () => void,
    options: { queue: unknown; logger: Logger; pollIntervall: number; onCompleted: () => void },
  ): { start(): Promise<void>; stop(): Promise<void> };
}

type Logger = Record<'error' | 'warn' | 'info' | 'debug', (message: string) => void>;

const quiet = () => {};
const logger: Logger = { error: console.error, warn: quiet, info: quiet, debug: quiet };

/**
 * plainjob on better-sqlite3. One worker: more workers, in this process or in others, were not faster on two
 * cores.
 */
export async function open(settings: Settings, signals: Signals): Promise<Contestant> {
  const { dir, isSynced = false } = settings;
  const { better, defineQueue, defineWorker } = await load<Plainjob>('plainjob');
  const { default: Database } = await load<{ default: new (file: string) => Sqlite }>('better-sqlite3-12');
  mkdirSync(dir, { recursive: true });
  const database = new Database(join(dir, 'queue.db'));
  const queue = defineQueue({ connection: better(database), logger });
  // defineQueue sets 1, NORMAL: in WAL mode a commit is not synced.
  if (isSynced) database.pragma('synchronous = FULL');
  const worker = defineWorker('noop', signals.started.bind(signals), {
    queue,
    logger,
    pollIntervall: 1,
    onCompleted: signals.completed.bind(signals),
  });
  let running: Promise<void> | null = null;
  return {
    putBulk: async (count) => void queue.addMany('noop', jobArguments(count)),
    put: async () => void queue.add('noop', { n: 0 }),
    work: async () => {
      running = worker.start();
    },
    serverCpuUs: noServer,
    close: async () => {
      await worker.stop();
      await running;
      queue.close();
    },
  };
}

export async function lacks(): Promise<string | null> {
  return (await lackOfPackage('plainjob')) ?? (await lackOfSqlite('better-sqlite3-12'));
}

export function facts({ isSynced = false }: Settings): Facts {
  return {
    versions: versionsOf('plainjob', 'better-sqlite3-12'),
    settings: 'WAL, one worker, poll interval 1 ms, bulk put by addMany',
    fsync: isSynced ? 'every commit (synchronous=FULL)' : 'none per commit (synchronous=NORMAL, as it ships)',
  };
}
