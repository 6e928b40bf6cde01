import type { StoredRecord } from '../log.ts';
import type { Change, Expectation, Kind, Records } from '../store.ts';
import { Tables } from '../tables/tables.ts';
import { type JobRow, jobOf } from './job-rows.ts';
import type { Rows, SqlConnection } from './sql-port.ts';

/** The kinds that have a table of their own, in the order in which they are locked. */
const settingKinds = ['store', 'representation', 'agent', 'queue', 'quota', 'proxy', 'annotation'] as const;

/** Where the row of a record stands. */
export type Home = 'live' | 'done' | 'none';

/**
 * The records that a transaction is about, locked, in tables of their own: so the rules that a commit and a claim follow
 * are the same, line for line, as those of the other stores. What a transaction does not name is not in it.
 */
export class WorkingSet {
  readonly tables = new Tables();
  readonly #homes = new Map<string, Home>();
  readonly #before = new Map<string, Records[Kind]>();

  /** Takes over rows: jobs in the order in which they came to stand where they stand. */
  load(found: {
    readonly jobs?: Rows;
    readonly done?: Rows;
    readonly settings?: Partial<Record<Kind, Rows>>;
  }): void {
    const records: Partial<Record<Kind, StoredRecord[]>> = {};
    for (const [kind, rows] of Object.entries(found.settings ?? {}) as [Kind, Rows][]) {
      records[kind] = rows.map(recordOf).filter((record) => this.#isNew(kind, record as never, 'live'));
    }
    const live = (found.jobs ?? []).map((row) => jobOf(row.job as JobRow));
    const done = (found.done ?? []).map((row) => jobOf(row.job as JobRow));
    records.job = [
      ...live.filter((job) => this.#isNew('job', job, 'live')),
      ...done.filter((job) => this.#isNew('job', job, 'done')),
    ] as unknown as StoredRecord[];
    this.tables.load({ seq: 0, records: records as Record<Kind, StoredRecord[]> });
  }

  #isNew(kind: Kind, record: Records[Kind], home: Home): boolean {
    const subject = `${kind}/${record.id}`;
    if (this.#homes.has(subject)) return false;
    this.#homes.set(subject, home);
    this.#before.set(subject, record);
    return true;
  }

  home(kind: Kind, id: string): Home {
    return this.#homes.get(`${kind}/${id}`) ?? 'none';
  }

  /** The record as it was read. */
  before(kind: Kind, id: string): Records[Kind] | undefined {
    return this.#before.get(`${kind}/${id}`);
  }
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
}

/** Nothing: for those who name some. */
export const noSubjects: Subjects = { jobs: [], settings: new Map(), parents: [], holders: [] };

/** The subjects of commits. */
export function subjectsOf(
  commits: Iterable<{ readonly changes: readonly Change[]; readonly expect: readonly Expectation[] }>,
): Subjects {
  const ids = new Map<Kind, Set<string>>();
  const parents = new Set<string>();
  const holders: (readonly [string, string])[] = [];
  const add = (kind: Kind, id: string): void => {
    const known = ids.get(kind);
    if (known === undefined) ids.set(kind, new Set([id]));
    else known.add(id);
  };
  for (const { changes, expect } of commits) {
    for (const change of changes) add(change.kind, change.id);
    for (const expectation of expect) {
      if (expectation.what === 'holds') {
        add('representation', expectation.id);
        holders.push([expectation.queue, expectation.dispatcher]);
        continue;
      }
      add(expectation.what === 'rev' ? expectation.kind : 'job', expectation.id);
      if (expectation.what === 'noUnstartedCallback') parents.add(expectation.id);
    }
  }
  const settings = new Map<Kind, readonly string[]>();
  for (const [kind, found] of ids) if (kind !== 'job') settings.set(kind, [...found]);
  return { jobs: [...(ids.get('job') ?? [])], settings, parents: [...parents], holders };
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
    // Only callbacks that nobody has begun matter, and those are never done.
    reads.proxies = connection.query(
      `SELECT id, rev, last_seq, body FROM ${schema}.proxy WHERE body #>> '{parent,job}' = ANY($1)`,
      [subjects.parents],
    );
    reads.callbacks = connection.query(
      `SELECT row_to_json(j) AS job FROM ${schema}.job j
       WHERE state = 'new' AND (parent_job = ANY($1) OR parent_proxy IN
         (SELECT id FROM ${schema}.proxy WHERE body #>> '{parent,job}' = ANY($1)))`,
      [subjects.parents],
    );
  }
  const held = subjects.holders.map((holder) =>
    connection.query(
      `SELECT row_to_json(j) AS job FROM ${schema}.job j WHERE queue = $1 AND dispatcher = $2`,
      holder,
    ),
  );
  await allDone([...Object.values(settings), ...Object.values(reads), ...held]);
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
  return set;
}

/** Waits for all; throws what the first one failed with. None is left without somebody who looks at it. */
export async function allDone(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
