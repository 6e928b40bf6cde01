import type { Client } from 'pg';
import type { HistoryEntry } from 'signalbox';
import { entriesOf } from '../../../src/store/entry.ts';
import { Entries, lineOf } from '../../../src/store/postgres/commits/entries.ts';
import { functions } from '../../../src/store/postgres/sql/functions.ts';
import { tables } from '../../../src/store/postgres/sql/tables.ts';
import type { Change } from '../../../src/store/store.ts';
import { newSchema } from './schemas.ts';

/** A schema of its own with the tables of a store. */
export async function newTables(admin: Client): Promise<string> {
  const schema = newSchema();
  await admin.query(`CREATE SCHEMA ${schema}`);
  await admin.query(`${tables}${functions}`.replaceAll('{schema}', schema));
  return schema;
}

/** All entries of the journal, as its rows have them. */
export async function keptEntries(
  client: Pick<Client, 'query'>,
  schema: string,
): Promise<readonly HistoryEntry[]> {
  const { rows } = await client.query(
    `SELECT c, at, by, mv, entries, claim, ids, q, slots FROM ${schema}.line ORDER BY c`,
  );
  return rows.flatMap((row) => [...entriesOf(lineOf(row))]);
}

/** A commit as a test writes it into the journal. */
export interface WrittenLine {
  readonly epoch?: number;
  readonly n?: number;
  readonly at?: number;
  /** With the seq of the entry before, or `-1 - n` for the one that is number n here. */
  readonly entries?: readonly (readonly [change: Change, q: number])[];
  readonly claim?: readonly Change[];
  readonly ids?: readonly string[];
  /** Of each claimed job, or less than 0 for the first of a run, and how many follow. */
  readonly q?: readonly number[];
}

/** Writes a line, in the transaction of the connection if it has one. Gives the number of the commit. */
export async function writeLine(client: Client, schema: string, line: WrittenLine): Promise<number> {
  const entries = new Entries();
  for (const [change, q] of line.entries ?? []) entries.add(change, q);
  entries.close();
  const count = entries.count + (line.ids?.length ?? 0) * (line.claim?.length ?? 0);
  const { rows } = await client.query(
    // As commits do: who has a number has an id.
    `WITH id AS MATERIALIZED (SELECT pg_current_xact_id() AS xid)
     INSERT INTO ${schema}.line (c, epoch, n, at, by, mv, count, entries, claim, ids, q, xid)
     SELECT CASE WHEN xid IS NOT NULL THEN nextval('${schema}.commits') END, $1, $2, $3, $4, '1', $5, $6, $7, $8, $9, xid FROM id
     RETURNING c`,
    [
      line.epoch ?? 1,
      line.n ?? 1,
      line.at ?? 1000,
      `client#${line.epoch ?? 1}`,
      count,
      entries.rows()[0]?.text ?? null,
      line.claim === undefined ? null : JSON.stringify(line.claim),
      line.ids ?? null,
      line.q ?? null,
    ],
  );
  return Number(rows[0].c);
}

/** A change that only has a name. */
export function queue(id: string): Change {
  return { kind: 'queue', id, event: 'queue.create', from: null, to: null, patch: { createdAt: 1 } };
}
