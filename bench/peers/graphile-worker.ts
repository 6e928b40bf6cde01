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

interface GraphileWorker {
  makeWorkerUtils(options: object): Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: unknown): Promise<unknown>;
    addJobs(jobs: readonly { identifier: string; payload: unknown }[]): Promise<unknown>;
    release(): Promise<void>;
  }>;
  run(options: object): Promise<{ stop(): Promise<void> }>;
  Logger: new (factory: () => () => void) => object;
}

type Query = (...args: unknown[]) => Promise<{ rowCount: number | null }>;

interface NodePostgres {
  default: {
    Pool: new (
      options: object,
    ) => {
      on(event: 'connect', listener: (client: { query: Query }) => void): void;
      on(event: 'error', listener: () => void): void;
      end(): Promise<void>;
    };
  };
}

const concurrency = 24;
const worker = {
  concurrentJobs: concurrency,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const poolSize = 24;

/** Graphile Worker with its local queue and batched completions. */
export async function open(settings: Settings, signals: Signals): Promise<Contestant> {
  const schema = schemaOf(settings);
  const { makeWorkerUtils, run, Logger } = await load<GraphileWorker>('graphile-worker');
  const {
    default: { Pool },
  } = await load<NodePostgres>('pg');
  const pool = new Pool({ connectionString: schema.url, max: poolSize });
  pool.on('error', () => {});
  pool.on('connect', (client) => observe(client, signals));
  const logger = new Logger(() => () => {});
  const shared = { pgPool: pool, schema: schema.name, logger, preset: { worker } };
  const tools = await makeWorkerUtils(shared);
  await tools.migrate();
  let runner: { stop(): Promise<void> } | null = null;
  return {
    putBulk: async (count) =>
      void (await tools.addJobs(jobArguments(count).map((payload) => ({ identifier: 'noop', payload })))),
    put: async () => void (await tools.addJob('noop', { n: 0 })),
    work: async () => {
      runner = await run({
        ...shared,
        noHandleSignals: true,
        parsedCronItems: [],
        taskList: { noop: async () => signals.started() },
      });
    },
    serverCpuUs: schema.serverCpuUs,
    close: async () => {
      await runner?.stop();
      await tools.release();
      await pool.end();
    },
    clear: schema.clear,
  };
}

/**
 * The event comes before the jobs are deleted, so a job counts at the answer to the statement that deletes
 * it.
 */
function observe(client: { query: Query }, signals: Signals): void {
  const query = client.query.bind(client) as Query;
  client.query = (...args) => {
    const answer = query(...args);
    const [{ name }] = args as [{ name?: string }];
    if (name?.startsWith('complete_job') === true) {
      answer.then(
        ({ rowCount }) => {
          for (let job = 0; job < (rowCount ?? 0); job += 1) signals.completed();
        },
        () => {},
      );
    }
    return answer;
  };
}

export function lacks(): Promise<string | null> {
  return lackOfPackage('graphile-worker');
}

export function facts(): Facts {
  return {
    versions: versionsOf('graphile-worker', 'pg'),
    settings: `concurrency ${concurrency}, local queue of ${worker.localQueue.size}, batches of completions without delay, pool of ${poolSize}, bulk put by addJobs`,
    fsync: 'every commit',
  };
}
