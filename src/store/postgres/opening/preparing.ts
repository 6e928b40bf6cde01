import { SignalboxError } from '../../../errors.ts';
import { machineVersion } from '../../../model/jobs/machine-version.ts';
import { Entries } from '../commits/entries.ts';
import { type Answer, commitText, commitValues, nothingWritten } from '../commits/statement.ts';
import { codeOf } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { refusedCode } from '../sql/settings.ts';
import type { SqlConnection, SqlPort } from '../sql-port.ts';
import { onConnection } from '../transactions.ts';
import { migrate } from './migrating.ts';

/** What has to be known of a database before it is used. */
export interface PreparingParts {
  readonly port: SqlPort;
  /** Name of the schema, not quoted. */
  readonly schema: string;
  readonly isUnsafe: boolean;
}

type EpochParts = Pick<Parts, 'schema' | 'clock' | 'transactions'>;

/** Checks the server and brings the schema up to date. Gives the numbers of the migrations that were made. */
export function prepared({ port, schema, isUnsafe }: PreparingParts): Promise<readonly number[]> {
  return onConnection(port, 'the opening', async (connection) => {
    await mustBeSafe(connection, isUnsafe);
    return migrate(connection, schema);
  });
}

/** @throws SignalboxError `STORE_REPLICA`, `STORE_UNSAFE`, `STORE_VERSION`. */
async function mustBeSafe(connection: SqlConnection, isUnsafe: boolean): Promise<void> {
  const [row] = await connection.query(
    `SELECT pg_is_in_recovery() AS replica, current_setting('transaction_read_only') AS read_only,
       current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync,
       current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text`,
  );
  const [found, supported] = [String(row?.version_text), '13 or newer'];
  if (Number(row?.version) < 130_000)
    throw new SignalboxError('STORE_VERSION', { file: 'the PostgreSQL server', found, supported });
  if (row?.replica === true) throw new SignalboxError('STORE_REPLICA', { reason: 'a replica' });
  if (row?.read_only === 'on')
    throw new SignalboxError('STORE_REPLICA', { reason: 'read-only transactions' });
  if (isUnsafe) return;
  for (const setting of ['synchronous_commit', 'fsync'] as const)
    if (row?.[setting] === 'off') throw new SignalboxError('STORE_UNSAFE', { setting, actual: 'off' });
}

/**
 * Begins an epoch: it is committed before anything is written under it. One whose answer was lost is not asked for, and its
 * number goes unused.
 */
export async function beginEpoch(parts: EpochParts): Promise<number> {
  for (;;) {
    try {
      return await parts.transactions.read('the opening', (connection) => nextEpoch(connection, parts));
    } catch (error) {
      // Another process began one at the same moment.
      if (codeOf((error as Error).cause) !== refusedCode) throw error;
    }
  }
}

async function nextEpoch(connection: SqlConnection, { schema, clock }: EpochParts): Promise<number> {
  const [row] = await connection.query(`SELECT rev, last_seq, body FROM ${schema}.store WHERE id = 'store'`);
  const [rev, body] = [Number(row?.rev), row?.body as { readonly epoch?: number }];
  const epoch = (body.epoch ?? 0) + 1;
  const [kind, id] = ['store', 'store'] as const;
  const opened = { kind, id, event: 'store.opened', from: null, to: null, patch: { epoch } };
  const entries = new Entries();
  entries.add(opened, Number(row?.last_seq));
  entries.close();
  const head = { epoch, n: 0, by: `store#${epoch}`, machineVersion, isSynced: true, now: clock.given() };
  const written = {
    ...nothingWritten,
    beliefs: [{ is: kind, id, rev }],
    changes: [{ is: kind, id, rev: rev + 1, seq: 0, body: { ...body, epoch } }],
    rows: entries.rows(),
  };
  // Its answer is the first that says what time it is.
  const keepTime = clock.asking();
  const [made] = await connection.query(commitText(schema), commitValues(head, written, null));
  keepTime({ now: (JSON.parse(String(made?.answer)) as Answer).at });
  return epoch;
}
