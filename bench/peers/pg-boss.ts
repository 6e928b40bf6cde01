import { setTimeout as delay } from 'node:timers/promises';
import {
  type Contestant,
  type Facts,
  jobArguments,
  type Settings,
  type Signals,
} from '../measures/contestant.ts';
import { schemaOf } from '../measures/postgres-schema.ts';
import { lackOfPackage } from './lack.ts';
import { load, versionsOf } from './load.ts';

interface PgBoss {
  default: new (
    options: object,
  ) => {
    on(event: 'error', listener: (error: unknown) => void): void;
    start(): Promise<unknown>;
    createQueue(name: string): Promise<void>;
    send(name: string, data: object): Promise<unknown>;
    insert(jobs: readonly { name: string; data: object }[]): Promise<unknown>;
    fetch(name: string, options: object): Promise<readonly { id: string }[]>;
    complete(name: string, ids: readonly string[]): Promise<unknown>;
    stop(options: object): Promise<void>;
  };
}

const batchSize = 100;
const workers = 4;
/** The shortest interval at which its own workers look for jobs. */
const pollMs = 500;

/** pg-boss. Batches are fetched and completed by the calls that its own workers make. */
export async function open(settings: Settings, signals: Signals): Promise<Contestant> {
  const schema = schemaOf(settings);
  const { default: Boss } = await load<PgBoss>('pg-boss');
  const boss = new Boss({ connectionString: schema.url, schema: schema.name, max: 10 });
  boss.on('error', console.error);
  await boss.start();
  await boss.createQueue('noop');
  let isWorking = true;
  let wakeUp = new AbortController();
  const wake = () => {
    wakeUp.abort();
    wakeUp = new AbortController();
  };
  const loop = async () => {
    while (isWorking) {
      const { signal } = wakeUp;
      const jobs = await boss.fetch('noop', { batchSize, priority: false });
      if (jobs.length === 0) {
        await delay(pollMs, undefined, { signal }).catch(() => {});
        continue;
      }
      for (const _ of jobs) signals.started();
      await boss.complete(
        'noop',
        jobs.map(({ id }) => id),
      );
      for (const _ of jobs) signals.completed();
    }
  };
  let loops: Promise<unknown> = Promise.resolve();
  return {
    putBulk: async (count) => {
      await boss.insert(jobArguments(count).map((data) => ({ name: 'noop', data })));
      wake();
    },
    put: async () => {
      await boss.send('noop', { n: 0 });
      wake();
    },
    work: async () => {
      loops = Promise.all(Array.from({ length: workers }, loop));
    },
    serverCpuUs: schema.serverCpuUs,
    close: async () => {
      isWorking = false;
      wake();
      await loops;
      await boss.stop({ graceful: false, wait: true });
    },
    clear: schema.clear,
  };
}

export function lacks(): Promise<string | null> {
  return lackOfPackage('pg-boss');
}

export function facts(): Facts {
  return {
    versions: versionsOf('pg-boss', 'pg'),
    settings: `${workers} loops of fetch and complete in batches of ${batchSize}, without priorities, woken by puts of the same process, bulk put by insert`,
    fsync: 'every commit',
  };
}
