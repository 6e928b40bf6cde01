import {
  type Contestant,
  type Facts,
  jobArguments,
  type Settings,
  type Signals,
} from '../measures/contestant.ts';
import { lackOfPackage } from './lack.ts';
import { load, versionsOf } from './load.ts';
import { lackOfRedis, redisVersion } from './redis-server.ts';

interface BullMq {
  Queue: new (
    name: string,
    options: { connection: object },
  ) => {
    add(name: string, data: unknown): Promise<unknown>;
    addBulk(jobs: readonly { name: string; data: unknown }[]): Promise<unknown>;
    close(): Promise<void>;
  };
  Worker: new (
    name: string,
    run: () => Promise<void>,
    options: { connection: object; concurrency: number },
  ) => {
    on(event: 'completed', listener: () => void): unknown;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  };
}

interface IoRedis {
  Redis: new (
    socket: string | undefined,
  ) => {
    flushall(): Promise<unknown>;
    info(section: string): Promise<string>;
    quit(): Promise<unknown>;
  };
}

// Of 10, 50, 100, 200 and 300 this was the fastest on two cores. Two workers, or removing finished jobs, were
// not faster.
const concurrency = 100;

/** BullMQ on the Redis of this run. */
export async function open(settings: Settings, signals: Signals): Promise<Contestant> {
  const { Queue, Worker } = await load<BullMq>('bullmq');
  const { Redis } = await load<IoRedis>('ioredis');
  const client = new Redis(settings.redisSocket);
  await client.flushall();
  const connection = { path: settings.redisSocket, maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection });
  let worker: InstanceType<BullMq['Worker']> | null = null;
  return {
    putBulk: async (count) =>
      void (await queue.addBulk(jobArguments(count).map((data) => ({ name: 'noop', data })))),
    put: async () => void (await queue.add('noop', { n: 0 })),
    work: async () => {
      worker = new Worker('bench', async () => signals.started(), { connection, concurrency });
      worker.on('completed', () => signals.completed());
      await worker.waitUntilReady();
    },
    serverCpuUs: async () => cpuUsIn(await client.info('cpu')),
    close: async () => {
      await worker?.close();
      await queue.close();
      await client.quit();
    },
  };
}

/** Redis reports seconds: of its main thread and of all other threads. */
function cpuUsIn(info: string): number {
  const seconds = [...info.matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].map(([, figure]) => Number(figure));
  return seconds.reduce((sum, figure) => sum + figure, 0) * 1_000_000;
}

export async function lacks({ redisSocket }: Settings): Promise<string | null> {
  if (redisSocket === undefined) return lackOfRedis();
  return (await lackOfPackage('ioredis')) ?? (await lackOfPackage('bullmq'));
}

export function facts(): Facts {
  return {
    versions: `${versionsOf('bullmq', 'ioredis')}, redis-server ${redisVersion()}`,
    settings: `one worker of concurrency ${concurrency}, Redis on a Unix socket, bulk put by addBulk`,
    fsync: 'once a second (appendonly yes, appendfsync everysec)',
  };
}
