import { checkCount, checkKnown } from '../../model/checks/check-options.ts';
import { type Duration, durationMs } from '../../time.ts';
import type { Store } from '../store.ts';
import { checkDatabase, checkSchema, onSchema } from './connecting.ts';
import { openPostgres } from './opening/opening.ts';
import { prepared } from './opening/preparing.ts';
import { dayMs } from './opening/retention.ts';
import { type PostgresVerification, verifySchema } from './opening/verifying.ts';
import { type Database, nodePostgres } from './sql-port.ts';

/** The options of a PostgreSQL store, besides the place of its database. */
export interface PostgresStoreSettings {
  /** Second part of a job's name. Default `main`. */
  readonly name?: string;
  /** Schema that holds its tables; made when it is missing. Default `signalbox`. */
  readonly schema?: string;
  /** Connections that may be in use at once, without the one that listens. Default 7. */
  readonly poolSize?: number;
  /** How long a connection may take to be made. Default 5 s. */
  readonly connectTimeout?: Duration;
  /** How long the server may take to answer, and how long a call is tried again after a lost connection. Default 15 s. */
  readonly queryTimeout?: Duration;
  /** How long completed jobs are kept, in whole days of UTC. Default 7 days. */
  readonly completedMaxAge?: Duration;
  /** How long jobs that failed, were aborted or have expired are kept, in whole days of UTC. Default 30 days. */
  readonly failedMaxAge?: Duration;
  /** How long actors are kept that have ended, in whole days of UTC. Default 7 days. */
  readonly finishedMaxAge?: Duration;
  /** How long the journal is kept, in whole days of UTC, and up to a day more. Default 7 days. */
  readonly historyMaxAge?: Duration;
  /** Time between two signs of life, given by a thread of their own. At most a third of any death interval. Default 5 s. */
  readonly heartbeat?: Duration;
  /**
   * Whether statements have names, so that the server plans each of them once a connection. Default true. False behind a pooler
   * that gives connections out by the transaction and does not know such names (PgBouncer before 1.21): it costs some
   * processor time, and nothing else.
   */
  readonly prepare?: boolean;
  /** Accepts a server that may lose what it acknowledged: `synchronous_commit` or `fsync` off. Default false. */
  readonly unsafe?: boolean;
  /** Whose clock counts. `box`: that of the Signalbox, for tests in virtual time. Default `database`. */
  readonly clock?: 'database' | 'box';
}

const known = [
  'connectionString',
  'pool',
  'name',
  'schema',
  'poolSize',
  'connectTimeout',
  'queryTimeout',
  'completedMaxAge',
  'failedMaxAge',
  'finishedMaxAge',
  'historyMaxAge',
  'heartbeat',
  'prepare',
  'unsafe',
  'clock',
] as const satisfies readonly (keyof Database | keyof PostgresStoreSettings)[];

/** The place of the database, and the other options of a PostgreSQL store. */
export type PostgresStoreOptions = Database & PostgresStoreSettings;

/**
 * A store in a PostgreSQL database, version 13 or newer: any number of processes and hosts share its queues. It needs
 * the package `pg`.
 *
 * @example
 * ```ts
 * import { createSignalbox } from 'signalbox';
 * import { postgresStore } from 'signalbox/postgres';
 *
 * export function openBox(connectionString: string) {
 *   return createSignalbox({ store: postgresStore({ connectionString }), jobs: [] });
 * }
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`. Opening throws `STORE_DRIVER`, `STORE_DISCONNECTED`,
 * `STORE_VERSION`, `STORE_REPLICA`, `STORE_UNSAFE`, `STORE_DENIED` or `STORE_STATEMENT`.
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  const { name = 'main', schema = 'signalbox', poolSize = 7 } = options ?? {};
  checkDatabase(options);
  checkSchema(schema);
  checkKnown(options, known);
  checkCount(poolSize, 'poolSize', 1);
  const connectTimeoutMs = durationMs(options.connectTimeout ?? 5000, 'connectTimeout');
  const queryTimeoutMs = durationMs(options.queryTimeout ?? 15_000, 'queryTimeout');
  type Age = 'completedMaxAge' | 'failedMaxAge' | 'finishedMaxAge' | 'historyMaxAge';
  const daysOf = (option: Age, usual: number): number =>
    Math.ceil(durationMs(options[option] ?? usual * dayMs, option) / dayMs);
  const completedDays = daysOf('completedMaxAge', 7);
  const failedDays = daysOf('failedMaxAge', 30);
  const finishedDays = daysOf('finishedMaxAge', 7);
  const historyDays = daysOf('historyMaxAge', 7);
  const heartbeatMs = durationMs(options.heartbeat ?? 5000, 'heartbeat');
  return {
    name,
    async open(ports) {
      const isPrepared = options.prepare ?? true;
      const port = await nodePostgres(options, { connectTimeoutMs, queryTimeoutMs, poolSize, isPrepared });
      try {
        return await openPostgres({
          name,
          schema,
          port,
          ports,
          poolSize,
          queryTimeoutMs,
          // They are given in real time, which means nothing to a clock that is moved by hand.
          heartbeatMs: options.clock === 'box' ? null : heartbeatMs,
          completedDays,
          failedDays,
          finishedDays,
          historyDays,
          isUnsafe: options.unsafe ?? false,
          usesGivenClock: options.clock === 'box',
        });
      } catch (error) {
        // The caller does not get this store, so only this code can release its connections.
        await port.end().catch(() => {});
        throw error;
      }
    },
  };
}

/**
 * Brings the schema up to date without opening a store: for a deployment whose processes may not change a schema. Opening
 * does the same when it may.
 *
 * @example
 * ```ts
 * import { migratePostgres } from 'signalbox/postgres';
 *
 * export async function deploy(connectionString: string): Promise<void> {
 *   const made = await migratePostgres({ connectionString, schema: 'signalbox' });
 *   console.log(`${made.length} migrations made`);
 * }
 * ```
 *
 * @returns the numbers of the migrations that were made; an empty list when it was up to date.
 * @throws SignalboxError as opening a store does.
 */
export async function migratePostgres(options: PostgresStoreOptions): Promise<readonly number[]> {
  const isUnsafe = options?.unsafe ?? false;
  checkKnown(options ?? {}, known);
  return onSchema(options, (port, schema) => prepared({ port, schema, isUnsafe }));
}

/**
 * Looks at everything in a schema, at one moment, and changes nothing: how much there is, and whether anything is as it ought
 * not to be. Processes may be at work meanwhile. It reads all rows, so it takes its time with a large store: the default of
 * `queryTimeout` is an hour here.
 *
 * @example
 * ```ts
 * import { verifyPostgres } from 'signalbox/postgres';
 *
 * export async function check(connectionString: string): Promise<boolean> {
 *   const { counts, damage } = await verifyPostgres({ connectionString, schema: 'signalbox' });
 *   console.log(`${counts.jobs.PENDING} jobs wait`);
 *   return damage.length === 0;
 * }
 * ```
 *
 * @throws SignalboxError `STORE_MISSING` when there is no such schema, `STORE_VERSION`, `STORE_DRIVER`, `STORE_DISCONNECTED`,
 * `STORE_DENIED`.
 */
export async function verifyPostgres(options: PostgresStoreOptions): Promise<PostgresVerification> {
  checkKnown(options ?? {}, known);
  return onSchema({ ...options, queryTimeout: options?.queryTimeout ?? '1h' }, verifySchema);
}

export type { RecordCounts } from '../rules/record-counts.ts';
export type { PostgresVerification };
