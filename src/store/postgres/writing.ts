import type { JobRecord } from '../../model/records/records.ts';
import type { Entry, Kind, Line, Records } from '../entry.ts';
import { mustBeInState } from '../rules/preconditions.ts';
import type { Change } from '../store.ts';
import { isDone, jobColumns, jobUpdates, rowOf } from './job-rows.ts';
import { arrayOfJson, entriesOfRow } from './journal.ts';
import type { SqlConnection } from './sql-port.ts';
import type { WorkingSet } from './working-set.ts';

/**
 * Placeholders for the numbers of entries until it is known how many a transaction needs: above all real ones, so that
 * they order alike.
 */
const provisional = 2 ** 52;

/** Changes that were made in a working set, to be written in one transaction. */
export class Written {
  readonly lines: Line[] = [];
  readonly #set: WorkingSet;
  readonly #changed = new Map<string, readonly [Kind, string]>();
  /** Jobs that a commit believed not to be there. */
  readonly #absent = new Set<string>();
  #count = 0;

  constructor(set: WorkingSet) {
    this.#set = set;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** A commit believes that there is no such job: no lock can make sure of it, so it is looked at again once the job is written. */
  believeAbsent(id: string): void {
    this.#absent.add(id);
  }

  /** Makes the changes of one commit in the working set, all or none. @throws ConflictError, SignalboxError `JOB_QUARANTINED`. */
  add(by: string, at: number, mv: string, changes: readonly Change[]): void {
    const s = provisional + this.#count;
    const { tables } = this.#set;
    const undo: (readonly [Kind, string, Records[Kind] | undefined])[] = [];
    const entries: Entry[] = [];
    try {
      for (const [index, change] of changes.entries()) {
        const { kind, id, event, from, to, patch } = change;
        mustBeInState(change, tables.get(kind, id));
        const before = tables.apply(change, s + index);
        undo.push([kind, id, before]);
        entries.push({
          kind,
          id,
          event,
          from,
          to,
          patch,
          gone: change.gone === true,
          q: before?.lastSeq ?? 0,
        });
      }
    } catch (error) {
      for (const [kind, id, before] of undo.toReversed()) tables.restore(kind, id, before);
      throw error;
    }
    for (const { kind, id } of changes) this.#changed.set(`${kind}/${id}`, [kind, id]);
    this.#count += changes.length;
    this.lines.push({ s, at, by, mv, entries });
  }

  /** Takes the numbers of its entries: from here on it is known what will be written, and in which transaction. */
  async number(connection: SqlConnection, schema: string): Promise<Numbered> {
    const rows = await connection.query(
      `SELECT pg_current_xact_id()::text AS xid, ${schema}.take_seqs($1)::text AS first`,
      [this.#count],
    );
    const first = Number(rows[0]?.first);
    const real = (seq: number): number => (seq >= provisional ? first + (seq - provisional) : seq);
    const lines = this.lines.flatMap((line) =>
      inParts({
        ...line,
        s: real(line.s),
        entries: line.entries.map((entry) =>
          entry.q >= provisional ? { ...entry, q: real(entry.q) } : entry,
        ),
      }),
    );
    const statements = new Statements(schema);
    const records = new Map<string, Records[Kind]>();
    for (const [subject, [kind, id]] of this.#changed) {
      const record = numbered(this.#set.tables.get(kind, id), real);
      if (record !== undefined) records.set(subject, record);
      if (kind === 'job')
        statements.job(this.#set, id, record as JobRecord | undefined, this.#absent.has(id));
      else statements.setting(this.#set, kind, id, record);
    }
    statements.lines(lines);
    return { lines, records, xid: String(rows[0]?.xid), statements: statements.all() };
  }
}

/** A long line as several: who reads one entry of it reads no more than a few. */
function inParts(line: Line): Line[] {
  const parts: Line[] = [];
  for (let index = 0; index === 0 || index < line.entries.length; index += entriesOfRow)
    parts.push({ ...line, s: line.s + index, entries: line.entries.slice(index, index + entriesOfRow) });
  return parts;
}

/** What a transaction is about to write. */
export interface Numbered {
  readonly lines: readonly Line[];
  /** Changed records as they are then, by subject. */
  readonly records: ReadonlyMap<string, Records[Kind]>;
  /** The transaction: its outcome can be asked for when the connection is lost. */
  readonly xid: string;
  readonly statements: readonly Statement[];
}

type Statement = readonly [text: string, values: readonly unknown[]];

function numbered(
  record: Records[Kind] | undefined,
  real: (seq: number) => number,
): Records[Kind] | undefined {
  if (record === undefined) return undefined;
  const next: Record<string, unknown> = { ...record, lastSeq: real(record.lastSeq) };
  if ('createdSeq' in record) next.createdSeq = real(record.createdSeq);
  if ('order' in record && record.order !== null) next.order = [record.order[0], real(record.order[1])];
  return next as unknown as Records[Kind];
}

/** The statements that bring rows to what records are now: one for each table and kind of change, however many rows. */
class Statements {
  readonly #schema: string;
  readonly #lists = new Map<string, unknown[]>();
  /** Ids of jobs that are inserted, and that no job may have had before. */
  readonly #new: string[] = [];
  #lines: readonly Line[] = [];

  constructor(schema: string) {
    this.#schema = schema;
  }

  job(set: WorkingSet, id: string, record: JobRecord | undefined, isNew: boolean): void {
    const from = set.home('job', id);
    const to = record === undefined ? 'none' : isDone(record) ? 'done' : 'live';
    if (from !== to && from !== 'none') this.#add(`delete ${from === 'live' ? 'job' : 'done'}`, id);
    if (record === undefined || to === 'none') return;
    const row = rowOf(record);
    const table = to === 'live' ? 'job' : 'done';
    if (from !== to) {
      this.#add(`insert ${table}`, row);
      if (isNew && to === 'live') this.#new.push(id);
    } else {
      const before = set.before('job', id) as JobRecord | undefined;
      // Apart from each other: a row without arguments must not get those of another row.
      const { args: _args, ...others } = row;
      if (before?.args === record.args) this.#add(`update ${table}`, others);
      else this.#add(`rearrange ${table}`, row);
    }
  }

  setting(set: WorkingSet, kind: Kind, id: string, record: Records[Kind] | undefined): void {
    const isThere = set.home(kind, id) !== 'none';
    if (record === undefined) {
      if (isThere) this.#add(`delete ${kind}`, id);
      return;
    }
    const { id: _id, rev, lastSeq, ...body } = record;
    this.#add(`${isThere ? 'update' : 'insert'} ${kind}`, { id, rev, last_seq: lastSeq, body });
  }

  #add(statement: string, value: unknown): void {
    const list = this.#lists.get(statement);
    if (list === undefined) this.#lists.set(statement, [value]);
    else list.push(value);
  }

  lines(lines: readonly Line[]): void {
    this.#lines = lines;
  }

  /** Deletes first: a job that is done leaves one table before it enters the other. */
  all(): Statement[] {
    const journal = `INSERT INTO ${this.#schema}.line (s, n, at, by, mv, entries)
      SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::float8[], $4::text[], $5::text[], $6::text[])`;
    const lines = this.#lines;
    const changes = [...this.#lists]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([statement, list]): Statement => {
        const [verb = '', table = ''] = statement.split(' ');
        if (verb === 'delete') return [`DELETE FROM ${this.#schema}.${table} WHERE id = ANY($1)`, [list]];
        return [this.#upsert(verb, table), inShort(list as Row[])];
      });
    const columns = [
      lines.map(({ s }) => s),
      lines.map(({ entries }) => entries.length),
      lines.map(({ at }) => at),
      lines.map(({ by }) => by),
      lines.map(({ mv }) => mv),
      arrayOfJson(lines.map(({ entries }) => JSON.stringify(entries))),
    ];
    if (this.#new.length > 0) changes.push(this.#refuseDone());
    return [...changes, [journal, columns]];
  }

  /**
   * Another process was faster and has ended the job already: its row is not where ours would be in its way.
   * With ours in place no process can make another, so what is done with by now is all there can be; as a live
   * job it makes the transaction fail.
   */
  #refuseDone(): Statement {
    const [live, done] = [`${this.#schema}.job`, `${this.#schema}.done`];
    return [
      `INSERT INTO ${live} (${jobColumns}) SELECT ${jobColumns} FROM ${done} WHERE id = ANY($1)`,
      [this.#new],
    ];
  }

  #upsert(verb: string, table: string): string {
    const isJob = table === 'job' || table === 'done';
    const columns = isJob ? jobColumns : 'id, rev, last_seq, body';
    const target = `${this.#schema}.${table}`;
    // Inserted without a word about rows that are there already: another process that was faster makes the
    // transaction fail.
    const rows = `json_populate_recordset((SELECT b FROM json_populate_record(NULL::${target}, $1) AS b), $2)`;
    if (verb === 'insert') return `INSERT INTO ${target} (${columns}) SELECT ${columns} FROM ${rows}`;
    const rearranges = verb === 'rearrange' ? ', args = r.args' : '';
    const updates = isJob
      ? `${jobUpdates}${rearranges}`
      : 'rev = r.rev, last_seq = r.last_seq, body = r.body';
    return `UPDATE ${target} j SET ${updates} FROM ${rows} r WHERE j.id = r.id`;
  }
}

type Row = Readonly<Record<string, unknown>>;

/** The first row, and of each row what is not as in the first: rows that are written together are much alike. */
function inShort(rows: readonly Row[]): readonly [first: string, rows: string] {
  const [first = {}] = rows;
  const columns = Object.keys(first);
  const short = rows.map((row) => {
    const own: Record<string, unknown> = { id: row.id };
    for (const column of columns) if (!isSame(row[column], first[column])) own[column] = row[column];
    return own;
  });
  return [JSON.stringify(first), JSON.stringify(short)];
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (isEmptyList(one) && isEmptyList(other));
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
