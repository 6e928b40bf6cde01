import { SignalboxError } from '../../errors.ts';
import { machineVersion } from '../../model/jobs/machine-version.ts';
import type { Change, StorePorts } from '../store.ts';
import { DatabaseClock } from './clock.ts';
import { storeError } from './failures.ts';
import { Journal } from './journal.ts';
import { migrate, quoted } from './migrating.ts';
import { Openings } from './openings.ts';
import { Partitions } from './partitions.ts';
import { PostgresStore } from './postgres-store.ts';
import type { SqlConnection, SqlPort } from './sql-port.ts';
import { Transactions } from './transactions.ts';
import { lockedSet, noSubjects } from './working-set.ts';
import { Written } from './writing.ts';

/** The options of an opening. */
export interface OpeningParts {
  readonly name: string;
  /** Name of the schema, not quoted. */
  readonly schema: string;
  readonly port: SqlPort;
  readonly ports: StorePorts;
  readonly poolSize: number;
  readonly queryTimeoutMs: number;
  /** Null: no signs of life are given. */
  readonly heartbeatMs: number | null;
  readonly completedDays: number;
  readonly historyDays: number;
  readonly isUnsafe: boolean;
  readonly usesGivenClock: boolean;
}

/** Checks the server, brings the schema up to date and begins an epoch. */
export async function openPostgres(parts: OpeningParts): Promise<PostgresStore> {
  const { port, ports, name, poolSize, queryTimeoutMs } = parts;
  const schema = quoted(parts.schema);
  const clock = new DatabaseClock(() => port.elapsed(), parts.usesGivenClock ? () => ports.now() : null);
  const transactions = new Transactions(port, schema, clock, { queryTimeoutMs });
  await prepared(parts);
  const partitions = new Partitions({
    ...parts,
    schema,
    schemaName: parts.schema,
    transactions,
    report: (message) => ports.report(message),
  });
  // The days are those of the database: in virtual time everything is in the default partition.
  if (!parts.usesGivenClock) await partitions.begin();
  const epoch = await beginEpoch(transactions, schema, clock);
  const openings = new Openings({
    schema,
    epoch,
    port,
    transactions,
    clock,
    heartbeatMs: parts.heartbeatMs,
  });
  await openings.begin();
  const oldestSeq = await new Journal({ schema, transactions }).oldestSeq();
  return new PostgresStore({
    name,
    schema,
    schemaName: parts.schema,
    epoch,
    poolSize,
    machineVersion,
    port,
    clock,
    transactions,
    ports,
    oldestSeq,
    openings,
    partitions,
  });
}

/** Checks the server and brings the schema up to date. Gives the numbers of the migrations that were made. */
export async function prepared({
  port,
  schema,
  isUnsafe,
}: Pick<OpeningParts, 'port' | 'schema' | 'isUnsafe'>): Promise<readonly number[]> {
  let connection: SqlConnection | null = null;
  try {
    connection = await port.connect();
    await mustBeSafe(connection, isUnsafe);
    const made = await migrate(connection, schema);
    connection.release();
    return made;
  } catch (error) {
    connection?.release(error as Error);
    throw storeError(error, 'the opening', 'not committed');
  }
}

/** @throws SignalboxError `STORE_REPLICA`, `STORE_UNSAFE`, `STORE_VERSION`. */
async function mustBeSafe(connection: SqlConnection, isUnsafe: boolean): Promise<void> {
  const [row] = await connection.query(
    `SELECT pg_is_in_recovery() AS replica, current_setting('transaction_read_only') AS read_only,
       current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync,
       current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text`,
  );
  if (Number(row?.version) < 130_000) {
    throw new SignalboxError('STORE_VERSION', {
      file: 'the PostgreSQL server',
      found: String(row?.version_text),
      supported: '13 or newer',
    });
  }
  if (row?.replica === true) throw new SignalboxError('STORE_REPLICA', { reason: 'a replica' });
  if (row?.read_only === 'on')
    throw new SignalboxError('STORE_REPLICA', { reason: 'read-only transactions' });
  if (isUnsafe) return;
  for (const setting of ['synchronous_commit', 'fsync'] as const) {
    if (row?.[setting] === 'off') throw new SignalboxError('STORE_UNSAFE', { setting, actual: 'off' });
  }
}

/** The epoch is committed before anything is written under it. */
async function beginEpoch(transactions: Transactions, schema: string, clock: DatabaseClock): Promise<number> {
  const { result } = await transactions.run('the opening', async (connection) => {
    const subjects = { ...noSubjects, settings: new Map([['store' as const, ['store']]]) };
    const set = await lockedSet(connection, schema, subjects);
    const epoch = (set.tables.get('store', 'store')?.epoch ?? 0) + 1;
    const opened: Change = {
      kind: 'store',
      id: 'store',
      event: 'store.opened',
      from: null,
      to: null,
      patch: { epoch },
    };
    const written = new Written(set);
    written.add(`store#${epoch}`, clock.now(), machineVersion, [opened]);
    return { result: epoch, written };
  });
  return result;
}
