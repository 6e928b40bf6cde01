import { SignalboxError } from '../../errors.ts';
import { jobChart } from '../../model/jobs/machine-version.ts';
import { statusOfState } from '../../model/jobs/step.ts';
import type { RecordCounts } from '../rules/record-counts.ts';
import { storeError } from './failures.ts';
import { quoted, versionOf } from './opening/migrating.ts';
import { migrations } from './opening/migrations.ts';
import type { SqlConnection, SqlPort } from './sql-port.ts';

/** What was found in the schema of a PostgreSQL store. */
export interface PostgresVerification {
  /** Number of the newest migration that was made. */
  readonly migration: number;
  /** The newest that this version knows. */
  readonly newestMigration: number;
  /** Number of the newest journal entry that was given out. */
  readonly seq: number;
  readonly counts: RecordCounts;
  /** What ought not to be, in words, with how often it is; empty in a store that is as it was written. */
  readonly damage: readonly string[];
}

async function versionThere(connection: SqlConnection, name: string): Promise<number> {
  const migration = await versionOf(connection, name);
  if (migration === 0) throw new SignalboxError('STORE_MISSING', { path: `schema ${name}` });
  return migration;
}

/** Looks at one moment of a schema and changes nothing. @throws SignalboxError `STORE_MISSING`, `STORE_VERSION`. */
export async function verifySchema(port: SqlPort, name: string): Promise<PostgresVerification> {
  let connection: SqlConnection | null = null;
  try {
    connection = await port.connect();
    const migration = await versionThere(connection, name);
    // One snapshot for all that is read: processes may be at work.
    await connection.query(
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0',
    );
    const found = await lookAt(connection, quoted(name));
    await connection.query('COMMIT');
    connection.release();
    return { migration, newestMigration: migrations.length, ...found };
  } catch (error) {
    connection?.release(error as Error);
    throw storeError(error, 'the verification', 'not committed');
  }
}

async function lookAt(
  connection: SqlConnection,
  schema: string,
): Promise<Pick<PostgresVerification, 'seq' | 'counts' | 'damage'>> {
  const [row] = await connection.query(
    `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS seq,
       (SELECT count(*) FROM ${schema}.queue) AS queues, (SELECT count(*) FROM ${schema}.quota) AS quotas,
       (SELECT count(*) FROM ${schema}.annotation) AS annotations
     FROM ${schema}.seq`,
  );
  const states = await connection.query(
    `SELECT state, count(*) AS count FROM
       (SELECT state FROM ${schema}.job UNION ALL SELECT state FROM ${schema}.done) AS jobs GROUP BY state`,
  );
  const jobs = { NEW: 0, PENDING: 0, ASSIGNED: 0, ACTIVE: 0, CALLBACKS: 0, COMPLETED: 0 };
  let quarantined = 0;
  for (const { state, count } of states) {
    if (jobChart.states.includes(String(state))) jobs[statusOfState(String(state))] += Number(count);
    else quarantined += Number(count);
  }
  const seq = Number(row?.seq);
  const damage: string[] = [];
  for (const [what, text] of rules(schema)) {
    const [found] = await connection.query(text);
    if (Number(found?.count) > 0) damage.push(`${what}: ${found?.count}, ${found?.example} for example`);
  }
  const counts = {
    jobs,
    quarantined,
    queues: Number(row?.queues),
    quotas: Number(row?.quotas),
    annotations: Number(row?.annotations),
  };
  return { seq, counts, damage };
}

/**
 * Whether the line of entry `j.last_seq`, which line `l` is before, may have been dropped with its day: about
 * midnight a transaction with higher numbers may be on the day before. Only where history begins, and it began
 * earlier once.
 */
function isDropped(schema: string): string {
  const midnight = `extract(epoch FROM l.day::timestamp AT TIME ZONE 'UTC') * 1000`;
  return `j.last_seq >= l.s + l.n AND l.at < ${midnight} + ${aboutMidnightMs}
    AND l.day = (SELECT min(day) FROM ${schema}.line) AND NOT EXISTS (SELECT FROM ${schema}.line WHERE s = 1)`;
}

/** As long as a transaction may take, and more. */
const aboutMidnightMs = 60 * 60 * 1000;

/** What must be nowhere: how often it is, and where for example. */
function rules(schema: string): readonly (readonly [what: string, text: string])[] {
  const broken = (example: string, rest: string): string =>
    `SELECT count(*) AS count, min(${example}::text) AS example FROM ${rest}`;
  const both = `(SELECT id, state, last_seq FROM ${schema}.job UNION ALL SELECT id, state, last_seq FROM ${schema}.done) AS j`;
  return [
    [
      'jobs that are unfinished and done with at once',
      broken('j.id', `${schema}.job j JOIN ${schema}.done d ON d.id = j.id`),
    ],
    [
      'jobs that are done with and not completed',
      broken('j.id', `${schema}.done j WHERE state <> 'completed'`),
    ],
    [
      'jobs that wait and are held',
      broken('j.id', `${schema}.job j WHERE lane IS NOT NULL AND (agent IS NOT NULL OR queue IS NULL)`),
    ],
    [
      'lines of the journal that overlap',
      broken(
        's',
        `(SELECT s, lead(s) OVER (ORDER BY s) < s + n AS covers FROM ${schema}.line) AS l WHERE covers`,
      ),
    ],
    [
      'lines of the journal with another number of entries than they say',
      broken('s', `${schema}.line WHERE json_array_length(entries::json) <> n`),
    ],
    [
      'lines of the journal after the last number that was given',
      broken(
        's',
        `${schema}.line, ${schema}.seq WHERE s + n - 1 > CASE WHEN is_called THEN last_value ELSE 0 END`,
      ),
    ],
    [
      'jobs whose newest entry is not in the journal',
      broken(
        'j.id',
        `${both} JOIN LATERAL
           (SELECT * FROM ${schema}.line WHERE s <= j.last_seq ORDER BY s DESC LIMIT 1) AS l ON true
         WHERE l.entries::json -> (j.last_seq - l.s)::int ->> 'id' IS DISTINCT FROM j.id AND NOT (${isDropped(schema)})`,
      ),
    ],
  ];
}
