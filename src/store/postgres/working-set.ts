import type { JobRecord } from '../../model/records/records.ts';
import type { Kind, Records } from '../entry.ts';
import type { StoredRecord } from '../log.ts';
import { type AtMost, countIn } from '../rules/limits.ts';
import { loaded } from '../rules/record-change.ts';
import { Tables } from '../rules/tables.ts';
import type { Change, Precondition } from '../store.ts';
import { type JobRow, jobOf } from './job-rows.ts';
import { lockKey } from './migrating.ts';
import type { Rows, SqlConnection } from './sql-port.ts';

/** The kinds that have a table of their own, in the order in which they are locked. */
const settingKinds = ['store', 'representation', 'agent', 'queue', 'quota', 'proxy', 'annotation'] as const;

/** The table with the row of a record. */
export type Home = 'live' | 'done' | 'none';

/**
 * The records that a transaction is about, locked, in tables of their own: so the rules that a commit and a claim follow
 * are the same, line for line, as those of the other stores. What a transaction does not name is not in it.
 */
export class WorkingSet {
  readonly tables = new Tables();
  readonly #homes = new Map<string, Home>();
  readonly #before = new Map<string, Records[Kind]>();
  readonly #counts = new Map<string, number>();

  /** Takes over rows: jobs in the order in which they got their places. */
  load(found: {
    readonly jobs?: Rows;
    readonly done?: Rows;
    readonly settings?: Partial<Record<Kind, Rows>>;
  }): void {
    for (const [kind, rows] of Object.entries(found.settings ?? {}) as [Kind, Rows][]) {
      for (const row of rows) this.#take(kind, loaded(kind, recordOf(row)), 'live');
    }
    const live = (found.jobs ?? []).map((row) => [jobOf(row.job as JobRow), 'live'] as const);
    const done = (found.done ?? []).map((row) => [jobOf(row.job as JobRow), 'done'] as const);
    const jobs = [...live, ...done].sort(([one], [other]) => placeKey(one) - placeKey(other));
    for (const [job, home] of jobs) this.#take('job', job, home);
  }

  /**
   * Adds unlocked jobs for counting and ordering only. Never modify them: another transaction may. A job that is locked
   * afterwards is loaded as it is then.
   */
  look(rows: Rows): void {
    const jobs = rows.map((row) => jobOf(row.job as JobRow));
    for (const job of jobs.sort((one, other) => placeKey(one) - placeKey(other)))
      if (this.home('job', job.id) === 'none') this.tables.restore('job', job.id, job);
  }

  #take(kind: Kind, record: Records[Kind], home: Home): void {
    if (this.#isNew(kind, record, home)) this.tables.restore(kind, record.id, record);
  }

  #isNew(kind: Kind, record: Records[Kind], home: Home): boolean {
    const subject = `${kind}/${record.id}`;
    if (this.#homes.has(subject)) return false;
    this.#homes.set(subject, home);
    this.#before.set(subject, record);
    return true;
  }

  /** Takes note of how many there are in the database, of which some are in the tables. */
  keepCount(precondition: AtMost, inDatabase: number): void {
    this.#counts.set(countKey(precondition), inDatabase - countIn(this.tables, precondition));
  }

  /** How many there are besides those in the tables. */
  elsewhere(precondition: AtMost): number {
    return this.#counts.get(countKey(precondition)) ?? 0;
  }

  home(kind: Kind, id: string): Home {
    return this.#homes.get(`${kind}/${id}`) ?? 'none';
  }

  /** The record as it was read. */
  before(kind: Kind, id: string): Records[Kind] | undefined {
    return this.#before.get(`${kind}/${id}`);
  }
}

/** Jobs enter every index in the order in which they got their places. */
function placeKey(job: JobRecord): number {
  return job.state === 'completed' ? job.lastSeq : (job.order?.[1] ?? job.lastSeq);
}

/** A record of any kind but job, from its row. */
export function recordOf(row: Readonly<Record<string, unknown>>): StoredRecord {
  const body = row.body as Readonly<Record<string, unknown>>;
  return { ...body, id: String(row.id), rev: Number(row.rev), lastSeq: Number(row.last_seq) };
}

/** What commits name: every record that they change or believe in. */
export interface Subjects {
  readonly jobs: readonly string[];
  readonly settings: ReadonlyMap<Kind, readonly string[]>;
  /** Jobs whose callbacks have to be known. */
  readonly parents: readonly string[];
  /** Dispatchers whose jobs in a queue have to be counted. */
  readonly holders: readonly (readonly [queue: string, dispatcher: string])[];
  /** Jobs from which it has to be known who waits for whom. */
  readonly chains: readonly string[];
  /** What has to be counted. */
  readonly counts: readonly AtMost[];
}

/** Nothing: for those who name some. */
export const noSubjects: Subjects = {
  jobs: [],
  settings: new Map(),
  parents: [],
  holders: [],
  chains: [],
  counts: [],
};

/** The subjects of commits. */
export function subjectsOf(
  commits: Iterable<{ readonly changes: readonly Change[]; readonly expect: readonly Precondition[] }>,
): Subjects {
  const ids = new Map<Kind, Set<string>>();
  const parents = new Set<string>();
  const holders: (readonly [string, string])[] = [];
  const chains: string[] = [];
  const counts = new Map<string, AtMost>();
  const add = (kind: Kind, id: string): void => {
    const known = ids.get(kind);
    if (known === undefined) ids.set(kind, new Set([id]));
    else known.add(id);
  };
  for (const { changes, expect } of commits) {
    for (const change of changes) add(change.kind, change.id);
    for (const precondition of expect) {
      if (precondition.check === 'atMost') {
        counts.set(countKey(precondition), precondition);
        continue;
      }
      if (precondition.check === 'notAwaitedBy') chains.push(precondition.on);
      if (precondition.check === 'holds') {
        add('representation', precondition.id);
        holders.push([precondition.queue, precondition.dispatcher]);
        continue;
      }
      add(precondition.check === 'rev' ? precondition.kind : 'job', precondition.id);
      if (precondition.check === 'noUnstartedCallback') parents.add(precondition.id);
    }
  }
  const settings = new Map<Kind, readonly string[]>();
  for (const [kind, found] of ids) if (kind !== 'job') settings.set(kind, [...found]);
  return {
    jobs: [...(ids.get('job') ?? [])],
    settings,
    parents: [...parents],
    holders,
    chains,
    counts: [...counts.values()],
  };
}

/**
 * Locks records and reads them. Rows are locked kind by kind and in order of id, so two transactions never wait for each
 * other. What is read after the locks is read as it is then: each statement sees what was committed before it.
 */
export async function lockedSet(
  connection: SqlConnection,
  schema: string,
  subjects: Subjects,
  set = new WorkingSet(),
): Promise<WorkingSet> {
  // Of two jobs that are to wait for each other, the second must see that the first does. Locked before any row: who has
  // locked rows must not wait for it. The price: of all processes, one at a time commits that jobs wait for others.
  const alone: Promise<unknown>[] =
    subjects.chains.length === 0
      ? []
      : [connection.query('SELECT pg_advisory_xact_lock($1::bigint)', [lockKey(`${schema} chains`)])];
  const settings: Partial<Record<Kind, Promise<Rows>>> = {};
  for (const kind of settingKinds) {
    const ids = subjects.settings.get(kind);
    if (ids === undefined) continue;
    settings[kind] = connection.query(
      `SELECT id, rev, last_seq, body FROM ${schema}.${kind} WHERE id = ANY($1) ORDER BY id FOR UPDATE`,
      [ids],
    );
  }
  const reads: {
    jobs?: Promise<Rows>;
    done?: Promise<Rows>;
    callbacks?: Promise<Rows>;
    proxies?: Promise<Rows>;
  } = {};
  if (subjects.jobs.length > 0) {
    reads.jobs = connection.query(
      `SELECT row_to_json(j) AS job FROM ${schema}.job j WHERE id = ANY($1) ORDER BY id FOR UPDATE`,
      [subjects.jobs],
    );
    reads.done = connection.query(
      `SELECT row_to_json(j) AS job FROM ${schema}.done j WHERE id = ANY($1) ORDER BY id FOR UPDATE`,
      [subjects.jobs],
    );
  }
  if (subjects.parents.length > 0) {
    // Only callbacks that have not begun matter, and those are never done.
    reads.proxies = connection.query(
      `SELECT id, rev, last_seq, body FROM ${schema}.proxy WHERE body #>> '{parent,job}' = ANY($1)`,
      [subjects.parents],
    );
    reads.callbacks = connection.query(
      `SELECT row_to_json(j) AS job FROM ${schema}.job j WHERE state = 'new' AND parent_job = ANY($1)
       UNION ALL SELECT row_to_json(j) FROM ${schema}.job j JOIN ${schema}.proxy p ON j.parent_proxy = p.id
       WHERE j.state = 'new' AND p.body #>> '{parent,job}' = ANY($1)`,
      [subjects.parents],
    );
  }
  const held = subjects.holders.map((holder) =>
    connection.query(
      `SELECT row_to_json(j) AS job FROM ${schema}.job j WHERE queue = $1 AND dispatcher = $2`,
      holder,
    ),
  );
  if (subjects.chains.length > 0) {
    held.push(
      connection.query(
        `WITH RECURSIVE chain (id, waiting_on) AS (
           SELECT id, waiting_on FROM ${schema}.job WHERE id = ANY($1)
           UNION SELECT j.id, j.waiting_on FROM ${schema}.job j JOIN chain ON j.id = chain.waiting_on
         )
         SELECT row_to_json(j) AS job FROM ${schema}.job j WHERE id IN (SELECT id FROM chain)`,
        [subjects.chains],
      ),
    );
  }
  const counted = subjects.counts.map(({ of, id }) => connection.query(countOf(schema, of), [id]));
  await allDone([...alone, ...Object.values(settings), ...Object.values(reads), ...held, ...counted]);
  const found: Partial<Record<Kind, Rows>> = {};
  for (const kind of settingKinds) if (settings[kind] !== undefined) found[kind] = await settings[kind];
  found.proxy = [...(found.proxy ?? []), ...((await reads.proxies) ?? [])];
  set.load({
    jobs: [
      ...((await reads.jobs) ?? []),
      ...((await reads.callbacks) ?? []),
      ...(await Promise.all(held)).flat(),
    ],
    done: (await reads.done) ?? [],
    settings: found,
  });
  for (const [index, precondition] of subjects.counts.entries()) {
    const [row] = (await counted[index]) ?? [];
    set.keepCount(precondition, Number(row?.count ?? 0));
  }
  return set;
}

function countKey({ of, id }: AtMost): string {
  return `${of} ${id}`;
}

/** Counted without a lock: processes that put at the same moment may together go a little beyond a limit. */
function countOf(schema: string, of: AtMost['of']): string {
  if (of === 'waiting')
    return `SELECT count(*)::int AS count FROM ${schema}.job WHERE queue = $1 AND lane IS NOT NULL`;
  if (of === 'annotations')
    return `SELECT count(*)::int AS count FROM ${schema}.annotation WHERE id >= $1 || '/' AND id < $1 || '0'`;
  const among = (table: string): string =>
    `SELECT count(*) AS n FROM ${schema}.${table} WHERE parent_job = $1`;
  return `SELECT sum(n)::int AS count FROM (${among('job')} UNION ALL ${among('done')}
    UNION ALL SELECT count(*) FROM ${schema}.proxy WHERE body #>> '{parent,job}' = $1) AS counts`;
}

/** Waits for all; throws the error of the first that failed. No rejection is left unhandled. */
export async function allDone(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
