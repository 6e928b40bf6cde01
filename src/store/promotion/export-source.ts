import { nodeFilePort } from '../json/ports/file-port.ts';
import { createKernelLock, readersLock } from '../json/ports/lock.ts';
import { openAtRest } from '../json/recovery/at-rest.ts';
import { promotedError } from '../json/snapshot/promotion-mark.ts';
import { onSchema } from '../postgres/connecting.ts';
import { atOneMoment, mustBeCurrent, quoted } from '../postgres/opening/migrating.ts';
import { Reading } from '../postgres/reading/reading.ts';
import type { SqlConnection } from '../postgres/sql-port.ts';
import { TableQueries } from '../rules/table-queries.ts';
import type { StorePorts } from '../store.ts';
import type { ExportSource } from './export-selection.ts';

/** Reads a directory that no process has open, under its lock. Writes nothing to it. */
export async function readDirectory<Result>(
  directory: string,
  ports: StorePorts,
  read: (source: ExportSource) => Promise<Result>,
): Promise<Result> {
  const source = await openAtRest(directory, {
    files: nodeFilePort,
    lock: readersLock(createKernelLock()),
    now: () => ports.now(),
    defer: () => new Promise((resolve) => ports.defer(resolve)),
    report: (message) => ports.report(message),
  });
  try {
    if (source.mark !== null) throw promotedError(source.dir, source.mark);
    return await read(new TableQueries(source.tables));
  } finally {
    source.release();
  }
}

/** Reads one moment of a schema, in one read-only transaction. Processes may be at work on it. */
export function readDatabase<Result>(
  connectionString: string,
  schema: string,
  read: (source: ExportSource) => Promise<Result>,
): Promise<Result> {
  return onSchema({ connectionString, schema, queryTimeout: '10m' }, (port) =>
    atOneMoment(port, schema, 'the export', async (connection, migration) => {
      mustBeCurrent(migration, schema, 'the export');
      return read(readerOf(connection, quoted(schema)));
    }),
  );
}

/** The reads of the store, all on one connection. They ask for no time: nothing here depends on it. */
function readerOf(connection: SqlConnection, schema: string): Reading {
  const use = <Result>(
    _call: string,
    body: (connection: SqlConnection) => Promise<Result>,
  ): Promise<Result> => body(connection);
  return new Reading({
    schema,
    clock: { question: 'NULL AS now', asking: () => () => {}, now: () => Number.POSITIVE_INFINITY },
    transactions: { read: use, inOrder: use },
  });
}
