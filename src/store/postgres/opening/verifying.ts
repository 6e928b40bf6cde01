import { isReadable, statusOfState } from '../../../model/jobs/step.ts';
import type { RecordCounts } from '../../rules/record-counts.ts';
import { lineOf } from '../commits/entries.ts';
import { partsOfLane } from '../jobs/lanes.ts';
import { storedJobOf } from '../jobs/stored-job.ts';
import { lastState } from '../reading/records.ts';
import type { Rows, SqlConnection, SqlPort } from '../sql-port.ts';
import { atOneMoment, quoted } from './migrating.ts';
import { migrations } from './migrations.ts';

/** What was found in the schema of a PostgreSQL store. */
export interface PostgresVerification {
  /** Number of the newest migration that was made. */
  readonly migration: number;
  /** The newest that this version knows. */
  readonly newestMigration: number;
  /** Number of the newest journal entry. */
  readonly seq: number;
  readonly counts: RecordCounts;
  /** What ought not to be, in words, with how often it is; empty in a store that is as it was written. */
  readonly damage: readonly string[];
}

const pageRows = 100;
const pageJobs = 1000;

type Looked = Pick<PostgresVerification, 'seq' | 'counts' | 'damage'>;

/** Looks at one moment of a schema and changes nothing. @throws SignalboxError `STORE_MISSING`, `STORE_VERSION`. */
export function verifySchema(port: SqlPort, name: string): Promise<PostgresVerification> {
  return atOneMoment(port, name, 'the verification', async (connection, migration) => ({
    migration,
    newestMigration: migrations.length,
    ...(await lookAt(connection, quoted(name), migration)),
  }));
}

/** The rows of a query, so many at a time. */
async function* pagesOf(connection: SqlConnection, text: string, size: number): AsyncGenerator<Rows> {
  await connection.query(`DECLARE looked NO SCROLL CURSOR FOR ${text}`);
  for (;;) {
    const rows = await connection.query(`FETCH ${size} FROM looked`);
    if (rows.length === 0) break;
    yield rows;
  }
  await connection.query('CLOSE looked');
}

async function lookAt(connection: SqlConnection, schema: string, migration: number): Promise<Looked> {
  const damage = new Damage();
  for (const [what, text] of Object.entries(rules(schema))) {
    const [found] = await connection.query(
      `SELECT count(*) AS count, min(id) AS id FROM (${text}) AS found (id)`,
    );
    damage.add(what, String(found?.id), Number(found?.count));
  }
  const counts = {
    ...(await countJobs(connection, schema, damage)),
    ...(await countActors(connection, schema, migration)),
  };
  const seq = await lookAtJournal(connection, schema, damage);
  return { seq, counts, damage: damage.texts() };
}

class Damage {
  readonly #found = new Map<string, { count: number; readonly example: string }>();

  add(what: string, example: string, count = 1): void {
    const known = this.#found.get(what);
    if (known !== undefined) known.count += count;
    else if (count > 0) this.#found.set(what, { count, example });
  }

  texts(): readonly string[] {
    return [...this.#found].map(([what, { count, example }]) => `${what}: ${count}, ${example} for example`);
  }
}

/** What must be nowhere: in words, with SQL that gives what is so. */
function rules(schema: string): { readonly [what: string]: string } {
  const [job, done, ready] = [`${schema}.job`, `${schema}.done`, `${schema}.ready`];
  const places = `(SELECT id FROM ${done} UNION ALL SELECT id FROM ${schema}.aside UNION ALL SELECT id FROM ${schema}.due
    UNION ALL SELECT unnest(ids) FROM ${schema}.lease UNION ALL SELECT unnest(ids) FROM ${ready}) AS p`;
  const state = lastState(`('[' || j.doc || ',' || d.patch || ']')`);
  const waiting = `SELECT u.id FROM (SELECT r.*, lead(turn) OVER (PARTITION BY lane, line ORDER BY turn) AS next FROM ${ready} r) AS r
    CROSS JOIN LATERAL unnest(r.ids) WITH ORDINALITY AS u (id, n) JOIN ${job} j ON j.id = u.id`;
  const isThere = 'coalesce(j.turn, j.seq * 2) BETWEEN r.turn AND coalesce(r.next - 1, 9e18)';
  return {
    'jobs in more than one place': `SELECT id FROM ${places} GROUP BY id HAVING count(*) > 1`,
    'jobs without a place': `SELECT j.id FROM ${job} j LEFT JOIN ${places} ON p.id = j.id WHERE p.id IS NULL`,
    'places of jobs that are not there': `SELECT p.id FROM ${places} LEFT JOIN ${job} j ON j.id = p.id WHERE j.id IS NULL`,
    'jobs that are done with and not completed': `SELECT d.id FROM ${done} d JOIN ${job} j ON j.id = d.id WHERE ${state} IS DISTINCT FROM 'completed'`,
    'jobs that wait elsewhere than they say': `${waiting} WHERE j.lane IS DISTINCT FROM r.lane OR NOT ${isThere}
       UNION ALL SELECT d.id FROM ${schema}.due d JOIN ${job} j ON j.id = d.id WHERE j.lane IS DISTINCT FROM d.lane`,
    'jobs that wait with another newest entry than they say': `${waiting} WHERE coalesce(r.q[u.n], r.turn / 2 + u.n - 1) IS DISTINCT FROM j.seq`,
    'tags of jobs that are not there': `SELECT t.id FROM ${schema}.tag t LEFT JOIN ${job} j ON j.id = t.id WHERE j.id IS NULL`,
    'leases of other lengths': `SELECT token::text FROM ${schema}.lease WHERE cardinality(ids) <> cardinality(seqs) OR cardinality(ids) <> cardinality(lanes)`,
  };
}

/**
 * Counts jobs by status: by their places, and by the records of those that are held, aside, have kept slots or only wait to be
 * filed. Compares the slots that they hold.
 */
async function countJobs(
  connection: SqlConnection,
  schema: string,
  damage: Damage,
): Promise<Omit<RecordCounts, 'actors' | 'messages'>> {
  const jobs = { NEW: 0, PENDING: 0, ASSIGNED: 0, ACTIVE: 0, CALLBACKS: 0, COMPLETED: 0 };
  const used = new Map<string, number>();
  let quarantined = 0;
  const read = (await connection.query(`SELECT id, key FROM ${schema}.lane`)).filter(({ key }) => {
    const { holdsSlots, isOver } = partsOfLane(String(key));
    return holdsSlots || isOver;
  });
  const waiting = `(SELECT unnest(ids) AS id, lane FROM ${schema}.ready UNION ALL SELECT id, lane FROM ${schema}.due) AS w`;
  const isRead = `lane = ANY ('{${read.map(({ id }) => id).join()}}')`;
  const looked = `SELECT unnest(ids) AS id FROM ${schema}.lease UNION SELECT id FROM ${schema}.aside
    UNION SELECT id FROM ${waiting} WHERE ${isRead}`;
  for await (const rows of pagesOf(connection, looked, pageJobs)) {
    const ids = rows.map(({ id }) => id);
    for (const row of await connection.query(`SELECT * FROM ${schema}.read($1)`, [ids])) {
      const record = storedJobOf(row)?.record;
      if (record === undefined) damage.add('jobs that are not found in their place', String(row.id));
      else {
        for (const id of record.quotas) used.set(id, (used.get(id) ?? 0) + 1);
        if (isReadable(record)) jobs[statusOfState(record.state)] += 1;
        else quarantined += 1;
      }
    }
  }
  for (const { id, used: said } of await connection.query(`SELECT id, used FROM ${schema}.room`))
    if (Number(said) !== (used.get(String(id)) ?? 0))
      damage.add('quotas with another number of slots than jobs hold', String(id));
  const [row] = await connection.query(
    `SELECT (SELECT count(*) FROM ${schema}.queue) AS queues, (SELECT count(*) FROM ${schema}.quota) AS quotas,
       (SELECT count(*) FROM ${schema}.annotation) AS annotations, (SELECT count(*) FROM ${schema}.done) AS done,
       (SELECT count(*) FROM ${waiting} WHERE NOT ${isRead}) AS waiting`,
  );
  jobs.PENDING += Number(row?.waiting);
  jobs.COMPLETED += Number(row?.done);
  const [queues, quotas, annotations] = [Number(row?.queues), Number(row?.quotas), Number(row?.annotations)];
  return { jobs, quarantined, queues, quotas, annotations };
}

/** A schema has their tables since its second migration. */
async function countActors(
  connection: SqlConnection,
  schema: string,
  migration: number,
): Promise<Pick<RecordCounts, 'actors' | 'messages'>> {
  if (migration < 2) return { actors: 0, messages: 0 };
  const [row] = await connection.query(
    `SELECT (SELECT count(*) FROM ${schema}.actor) AS actors, (SELECT count(*) FROM ${schema}.message) AS messages`,
  );
  return { actors: Number(row?.actors), messages: Number(row?.messages) };
}

/** Goes through the journal, with the newest entries of jobs that each line must have. Gives the number of its last entry. */
async function lookAtJournal(connection: SqlConnection, schema: string, damage: Damage): Promise<number> {
  const newest = `SELECT id, seq FROM ${schema}.done
    UNION ALL SELECT j.id, j.seq FROM ${schema}.job j LEFT JOIN ${schema}.done d ON d.id = j.id WHERE d.id IS NULL
    UNION ALL SELECT u.id, u.seq FROM ${schema}.lease l CROSS JOIN LATERAL unnest(l.ids, l.seqs) AS u (id, seq)`;
  const text = `SELECT l.*, n.jobs, n.seqs, (SELECT last_value FROM ${schema}.commits) AS given FROM ${schema}.line l FULL JOIN (
      SELECT ${schema}.commit_of(seq) AS c, array_agg(id) AS jobs, array_agg(seq) AS seqs FROM (${newest}) AS j GROUP BY 1
    ) AS n ON n.c = l.c ORDER BY l.c`;
  let [oldest, next] = [Number.POSITIVE_INFINITY, 0];
  for await (const rows of pagesOf(connection, text, pageRows))
    for (const row of rows) {
      const line = row.c === null ? null : lineOf(row);
      if (line !== null) {
        const { s, entries } = line;
        oldest = Math.min(oldest, s);
        const add = (what: string): void => damage.add(`lines of the journal ${what}`, String(s));
        if (entries.length !== Number(row.count)) add('with another number of entries than they say');
        if (s < next) add('that overlap');
        if (Number(row.c) > Number(row.given)) add('after the last number that was given');
        next = s + entries.length;
      }
      const seqs = (row.seqs ?? []) as readonly unknown[];
      for (const [index, id] of ((row.jobs ?? []) as readonly string[]).entries()) {
        const seq = Number(seqs[index]);
        const entry = line?.entries[seq - line.s];
        // Before the oldest line history was cut.
        if (seq >= oldest && (entry?.kind !== 'job' || entry.id !== id))
          damage.add('jobs whose newest entry is not in the journal', id);
      }
    }
  return Math.max(0, next - 1);
}
