import { createHash } from 'node:crypto';
import { SignalboxError } from '../../../errors.ts';
import { storeError } from '../failures.ts';
import { beginText, type SqlConnection, type SqlPort } from '../sql-port.ts';
import { inTransaction, onConnection } from '../transactions.ts';
import { migrations } from './migrations.ts';

/** The longest that a timer can wait, some 24 days. */
const longestMs = 2 ** 31 - 1;

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The key of a lock that only openings of this schema take. */
export function lockKey(schema: string): string {
  return createHash('sha256').update(`signalbox ${schema}`).digest().readBigInt64BE().toString();
}

/**
 * Brings a schema to the version of this code, each migration in a transaction of its own, one opening at a time.
 * Gives the numbers of those that it made.
 * @throws SignalboxError `STORE_VERSION`, `STORE_DENIED`.
 */
export async function migrate(connection: SqlConnection, name: string): Promise<readonly number[]> {
  const schema = quoted(name);
  const made: number[] = [];
  let found = await versionOf(connection, name);
  while (found < migrations.length) {
    const call = `migration ${found + 1} of schema ${name}`;
    // One that writes large tables anew takes longer than any statement of a store may.
    await inTransaction(connection, `${beginText}; SET LOCAL statement_timeout = 0`, async () => {
      await connection.query('SELECT pg_advisory_xact_lock($1::bigint)', [lockKey(name)]);
      // Another process may have migrated while this one waited.
      found = await versionOf(connection, name);
      const text = migrations[found];
      if (text === undefined) return;
      if (found === 0) await begin(connection, name, schema);
      // One text of many statements: sent as it is.
      await connection.query(
        text.replaceAll('{schema}', () => schema),
        undefined,
        longestMs,
      );
      found += 1;
      await connection.query(`INSERT INTO ${schema}.migration (number) VALUES ($1)`, [found]);
      made.push(found);
    }).catch((error: unknown) => {
      throw storeError(error, call, 'not committed');
    });
  }
  return made;
}

async function begin(connection: SqlConnection, name: string, schema: string): Promise<void> {
  // IF NOT EXISTS asks for the right to make schemas also when this one is there.
  const there = await connection.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [name]);
  if (there.length === 0) await connection.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  await connection.query(
    `CREATE TABLE ${schema}.migration (number integer PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())`,
  );
}

/**
 * The number of the newest migration, 0 when there is no schema yet.
 * @throws SignalboxError `STORE_VERSION` when the schema is newer than the code, or was made before the list of migrations began.
 */
export async function versionOf(connection: Pick<SqlConnection, 'query'>, name: string): Promise<number> {
  // Read from the catalog itself: a name that was looked up before it was made stays unknown to a session for a while.
  const there = await connection.query(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname IN ('migration', 'commits')`,
    [name],
  );
  const names = new Set(there.map((row) => row.name));
  if (!names.has('migration')) return 0;
  const about = { file: `schema ${name}`, supported: String(migrations.length) };
  if (!names.has('commits')) {
    const found = 'tables of a time before the first release';
    const repair = 'Drop the schema, or name another one; nothing was changed.';
    throw new SignalboxError('STORE_VERSION', { ...about, found, repair });
  }
  const [row] = await connection.query(
    `SELECT coalesce(max(number), 0) AS number FROM ${quoted(name)}.migration`,
  );
  const found = Number(row?.number);
  if (found > migrations.length)
    throw new SignalboxError('STORE_VERSION', { ...about, found: String(found) });
  return found;
}

/**
 * Reads one moment of a schema, in a read-only transaction: processes may be at work on it.
 * @throws SignalboxError `STORE_MISSING`, `STORE_VERSION`.
 */
export async function atOneMoment<Result>(
  port: SqlPort,
  name: string,
  call: string,
  look: (connection: SqlConnection, migration: number) => Promise<Result>,
): Promise<Result> {
  return onConnection(port, call, async (connection) => {
    const migration = await versionOf(connection, name);
    if (migration === 0) throw new SignalboxError('STORE_MISSING', { path: `schema ${name}` });
    const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0';
    return inTransaction(connection, begin, () => look(connection, migration));
  });
}

/** Refuses an older schema, which may lack columns, where nothing may be changed that could add them. */
export function mustBeCurrent(found: number, schema: string, call: string): void {
  if (found === migrations.length) return;
  const reason = `schema ${schema} at migration ${found} of ${migrations.length}: run signalbox migrate first`;
  throw new SignalboxError('STORE_STATEMENT', { call, reason });
}
