import { inPresentShape } from '../../../model/records/earlier-shape.ts';
import { quotaOfLimit } from '../../../model/records/keys.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Kind, Records } from '../../entry.ts';
import type { StoredRecord } from '../../log.ts';
import { loaded } from '../../rules/changes/record-change.ts';
import { type AtMost, countIn } from '../../rules/limits.ts';
import { limitsOf } from '../../rules/parking/deadlock.ts';
import { Tables } from '../../rules/tables.ts';
import type { Commit } from '../../store.ts';
import type { Lease, OwnLeases } from '../jobs/leases.ts';
import { type StoredJob, storedJobOf } from '../jobs/stored-job.ts';
import type { Rows, SqlConnection } from '../sql-port.ts';
import { allDone } from '../transactions.ts';
import type { Subjects } from './subjects.ts';

/**
 * The records that commits are about, in tables of their own: so the rules that they follow are the same, line for line, as those
 * of the other stores. Nothing is locked. What was read is believed; the statement that commits checks it.
 */
export class WorkingSet {
  readonly tables = new Tables();
  readonly #jobs = new Map<string, StoredJob>();
  readonly #leases = new Map<number, Lease>();
  readonly #settings = new Map<string, Records[Kind]>();
  readonly #counts = new Map<string, number>();

  /** Takes over jobs in the order in which they got their places. */
  load(jobs: readonly StoredJob[]): void {
    for (const job of [...jobs].sort((one, other) => placeKey(one.record) - placeKey(other.record))) {
      const { id } = job.record;
      if (this.#jobs.has(id)) continue;
      this.#jobs.set(id, job);
      this.tables.restore('job', id, job.record);
    }
  }

  loadLease(lease: Lease): void {
    this.#leases.set(lease.token, lease);
  }

  loadSettings(kind: Kind, rows: Rows): void {
    for (const row of rows) {
      const record = recordOf(kind, row);
      if (this.#settings.has(`${kind}/${record.id}`)) continue;
      this.#settings.set(`${kind}/${record.id}`, record);
      this.tables.restore(kind, record.id, record);
    }
  }

  job(id: string): StoredJob | undefined {
    return this.#jobs.get(id);
  }

  lease(token: number): Lease | undefined {
    return this.#leases.get(token);
  }

  /** A record of another kind, as it was read. */
  setting(kind: Kind, id: string): Records[Kind] | undefined {
    return this.#settings.get(`${kind}/${id}`);
  }

  /** Takes note of how many there are in the database, of which some are in the tables. */
  keepCount(precondition: AtMost, inDatabase: number): void {
    const { of, id } = precondition;
    this.#counts.set(`${of} ${id}`, inDatabase - countIn(this.tables, precondition));
  }

  /** How many there are besides those in the tables. */
  elsewhere({ of, id }: Pick<AtMost, 'of' | 'id'>): number {
    return this.#counts.get(`${of} ${id}`) ?? 0;
  }
}

/** Jobs enter every index in the order in which they got their places. */
function placeKey(job: JobRecord): number {
  return job.state === 'completed' || job.line === null ? job.lastSeq : job.position;
}

/** A record of any kind but job, from its row. */
export function recordOf<K extends Kind>(kind: K, row: Rows[number]): Records[K] {
  const body = inPresentShape(kind, row.body as Readonly<Record<string, unknown>>, false);
  const lastSeq = Number(row.last_seq);
  const { createdSeq } = body as { readonly createdSeq?: number };
  const stored: StoredRecord = {
    ...body,
    ...(createdSeq === undefined || createdSeq > 0 ? {} : { createdSeq: lastSeq + createdSeq }),
    id: String(row.id),
    rev: Number(row.rev),
    lastSeq,
  };
  return loaded(kind, stored) as Records[K];
}

/** A lease, from its row. */
function leaseOf(row: Rows[number]): Lease {
  return {
    token: Number(row.token),
    rev: Number(row.rev),
    ids: row.ids as string[],
    seqs: (row.seqs as unknown[]).map(Number),
    lanes: (row.lanes as unknown[]).map(Number),
  };
}

/** Reads jobs. One that is on its way from one place to another is looked for again. */
async function readJobs(
  connection: SqlConnection,
  schema: string,
  ids: readonly string[],
): Promise<readonly StoredJob[]> {
  const found: StoredJob[] = [];
  for (let wanted = ids, look = 0; wanted.length > 0; look += 1) {
    const rows = await connection.query(`SELECT * FROM ${schema}.read($1)`, [wanted]);
    const moving: string[] = [];
    for (const row of rows) {
      const job = storedJobOf(row);
      if (job === null) moving.push(String(row.id));
      else found.push(job);
    }
    if (look > 50) throw new Error(`jobs without a place: ${moving.slice(0, 3).join(', ')}`);
    wanted = moving;
  }
  return found;
}

/** Reads what commits are about, but for jobs that this process holds. `isSure`: nothing is taken for known or absent. */
export async function workingSetOf(
  connection: SqlConnection | null,
  schema: string,
  subjects: Subjects,
  own: OwnLeases,
  isSure: boolean,
): Promise<WorkingSet> {
  const set = new WorkingSet();
  const unknown: string[] = isSure ? [...subjects.absent] : [];
  const known: StoredJob[] = [];
  for (const id of subjects.jobs) {
    const job = isSure ? undefined : own.job(id);
    if (job === undefined) unknown.push(id);
    else known.push(job);
  }
  const parents = [...subjects.parents].filter((id) => isSure || own.job(id)?.isParent !== false);
  const settings = isSure && subjects.free.size > 0 ? withNames(subjects) : subjects.settings;
  if (connection !== null) await look(connection, schema, set, { ...subjects, settings, unknown, parents });
  set.load(known);
  for (const { home } of known) {
    const lease = home.in === 'lease' ? own.lease(home.token) : undefined;
    if (lease !== undefined) set.loadLease(lease);
  }
  return set;
}

/** With the unique names that are believed to be free. */
function withNames({ settings, free }: Subjects): Subjects['settings'] {
  return new Map([...settings, ['unique', new Set([...(settings.get('unique') ?? []), ...free])]]);
}

/** Whether a commit can be judged by what this process knows. */
export function isKnown(subjects: Subjects, own: OwnLeases): boolean {
  if (subjects.settings.size + subjects.holders.length + subjects.chains.length + subjects.counts.size > 0)
    return false;
  for (const id of subjects.jobs) {
    const job = own.job(id);
    if (job === undefined || (job.isParent && subjects.parents.has(id))) return false;
  }
  return true;
}

interface Looked extends Omit<Subjects, 'parents'> {
  readonly unknown: readonly string[];
  readonly parents: readonly string[];
}

async function look(
  connection: SqlConnection,
  schema: string,
  set: WorkingSet,
  { unknown, parents, settings, holders, chains, counts }: Looked,
): Promise<void> {
  const query = (text: string, values: readonly unknown[]): Promise<Rows> => connection.query(text, values);
  const found: Promise<unknown>[] = [];
  for (const [kind, ids] of settings)
    found.push(
      query(`SELECT id, rev, last_seq, body FROM ${schema}.${kind} WHERE id = ANY ($1)`, [[...ids]]).then(
        (rows) => set.loadSettings(kind, rows),
      ),
    );
  const also: Promise<Rows>[] = [];
  if (parents.length > 0) {
    found.push(
      query(`SELECT id, rev, last_seq, body FROM ${schema}.proxy WHERE job = ANY ($1)`, [parents]).then(
        (rows) => set.loadSettings('proxy', rows),
      ),
    );
    also.push(
      query(
        `SELECT id FROM ${schema}.job WHERE parent = ANY ($1 || ARRAY(SELECT id FROM ${schema}.proxy WHERE job = ANY ($1)))`,
        [parents],
      ),
    );
  }
  for (const holder of holders)
    also.push(
      query(`SELECT unnest(ids) AS id FROM ${schema}.lease WHERE queue = $1 AND dispatcher = $2`, holder),
    );
  if (chains.length > 0)
    also.push(
      query(
        `WITH RECURSIVE chain (id) AS (
           SELECT unnest($1::text[]) COLLATE "C" UNION SELECT j.waiting_on FROM ${schema}.job j JOIN chain ON j.id = chain.id WHERE j.waiting_on IS NOT NULL
         ) SELECT id FROM chain`,
        [chains],
      ),
    );
  await allDone([...found, ...also]);
  const ids = [...new Set([...unknown, ...(await Promise.all(also)).flat().map((row) => String(row.id))])];
  if (ids.length > 0) {
    const reading = readJobs(connection, schema, ids);
    const leases = query(`SELECT token, rev, ids, seqs, lanes FROM ${schema}.lease WHERE ids && $1`, [ids]);
    await allDone([reading, leases]);
    set.load(await reading);
    for (const row of await leases) set.loadLease(leaseOf(row));
  }
  for (const precondition of counts.values()) {
    const { of, id, most } = precondition;
    // Messages that are read are among those that are counted.
    const cap = of === 'mail' ? [most + 1 + (settings.get('message')?.size ?? 0)] : [];
    const [row] = await query(countOf(schema, of), [id, ...cap]);
    set.keepCount(precondition, Number(row?.count ?? 0));
  }
}

/** Counted without a lock: processes that put at the same moment may together go a little beyond a limit. */
function countOf(schema: string, of: AtMost['of']): string {
  if (of === 'waiting')
    return `SELECT (SELECT coalesce(sum(cardinality(r.ids)), 0) FROM ${schema}.lane l JOIN ${schema}.ready r ON r.lane = l.id WHERE l.queue = $1)
      + (SELECT count(*) FROM ${schema}.lane l JOIN ${schema}.due d ON d.lane = l.id WHERE l.queue = $1) AS count`;
  if (of === 'mail')
    return `SELECT count(*) AS count FROM (SELECT FROM ${schema}.message WHERE actor = $1 AND state = 'waiting' LIMIT $2) AS o`;
  if (of === 'annotations')
    return `SELECT count(*) AS count FROM ${schema}.annotation WHERE id >= $1 || '/' AND id < $1 || '0'`;
  return `SELECT (SELECT count(*) FROM ${schema}.job WHERE parent = $1) + (SELECT count(*) FROM ${schema}.proxy WHERE job = $1) AS count`;
}

/**
 * Reads what says whether a job that another one waits for can find a slot: the quotas that it needs, who holds them, and who waits
 * for the other. A holder that no agent holds waits for nobody, so it need not be read: without it a slot counts as free.
 */
export async function loadHolders(
  connection: SqlConnection,
  schema: string,
  set: WorkingSet,
  commits: readonly Commit[],
): Promise<void> {
  const limits = new Set<string>();
  const waiting: string[] = [];
  for (const { changes, expect } of commits)
    for (const precondition of expect) {
      if (precondition.check !== 'notAwaitedBy') continue;
      waiting.push(precondition.id);
      for (const id of limitsOf(set.tables, changes, precondition.on)) limits.add(id);
    }
  if (limits.size === 0) return;
  const [ids, quotas] = [[...limits], [...new Set([...limits].map(quotaOfLimit))]];
  const found = await connection.query(
    `SELECT id, rev, last_seq, body FROM ${schema}.quota WHERE id = ANY ($1)`,
    [quotas],
  );
  set.loadSettings('quota', found);
  const jobs = await connection.query(
    `WITH RECURSIVE waiter (id) AS (
       SELECT unnest($1::text[]) COLLATE "C" UNION SELECT j.id FROM ${schema}.job j JOIN waiter w ON j.waiting_on = w.id
     ) SELECT id FROM waiter UNION SELECT u.id FROM unnest($2::text[]) AS q (limit_id)
     CROSS JOIN ${schema}.lease l CROSS JOIN LATERAL unnest(l.ids) AS u (id)
     CROSS JOIN LATERAL (SELECT o.doc FROM ${schema}.job o WHERE o.id = u.id OFFSET 0) AS j
     WHERE strpos(concat(l.claim, l.own ->> u.id), to_json(q.limit_id)::text) > 0 OR strpos(j.doc, to_json(q.limit_id)::text) > 0`,
    [waiting, ids],
  );
  const unknown = jobs.map(({ id }) => String(id)).filter((id) => set.job(id) === undefined);
  set.load(await readJobs(connection, schema, unknown));
}
