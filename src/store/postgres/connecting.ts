import { SignalboxError, shown } from '../../errors.ts';
import { type Duration, durationMs } from '../../time.ts';
import { type Database, nodePostgres, type SqlPort } from './sql-port.ts';

/** The options of a call on a database that opens no store. */
export type CallOptions = Database & { readonly connectTimeout?: Duration; readonly queryTimeout?: Duration };

/** Connections for a call that is made once and may take long: one for its work, one for what goes before. */
export function connectionFor(options: CallOptions): Promise<SqlPort> {
  return nodePostgres(options, {
    connectTimeoutMs: durationMs(options.connectTimeout ?? 5000, 'connectTimeout'),
    queryTimeoutMs: durationMs(options.queryTimeout ?? 60_000, 'queryTimeout'),
    poolSize: 2,
  });
}

export async function onSchema<Result>(
  options: CallOptions & { readonly schema?: string },
  work: (port: SqlPort, schema: string) => Promise<Result>,
): Promise<Result> {
  const { schema = 'signalbox' } = options ?? {};
  checkDatabase(options);
  checkSchema(schema);
  const port = await connectionFor(options);
  try {
    return await work(port, schema);
  } finally {
    await port.end();
  }
}

/** Refuses what is no name of a schema. */
export function checkSchema(schema: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) return;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'schema',
    expected: 'a letter or _, then at most 62 letters, digits or _',
    actual: shown(schema),
  });
}

/** Refuses what says not once where the database is. */
export function checkDatabase(options: Database): void {
  const given = [options?.connectionString, options?.pool].filter((value) => value !== undefined);
  const isRight =
    given.length === 1 &&
    (typeof options.connectionString === 'string' || typeof options.pool?.connect === 'function');
  if (isRight) return;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'connectionString',
    expected: 'the URL of a database, or instead `pool` with a pool of the package pg',
    // Never shown as it is: it may hold a password.
    actual: given.length === 1 ? typeof given[0] : `${given.length} of the two`,
  });
}
