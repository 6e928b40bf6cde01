import { Client, Pool } from 'pg';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { entriesOf, type HistoryEntry } from '../../../src/store/entry.ts';
import { Journal } from '../../../src/store/postgres/journal/journal.ts';
import { nodePostgres, type SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { Transactions } from '../../../src/store/postgres/transactions.ts';
import type { Change } from '../../../src/store/store.ts';
import { newTables, queue, type WrittenLine, writeLine } from './lines.ts';
import { connected, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

let admin: Client;
let other: Client;
let pool: Pool;
let port: SqlPort;
let schema: string;
let journal: Journal;
/** What the journal has asked. */
let statements: string[] = [];

beforeEach(async () => {
  [admin, other] = [await connected(), await connected()];
  schema = await newTables(admin);
  statements = [];
  pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      statements.push(String(args[0]));
      return query(...args);
    }) as typeof client.query;
  });
  const limits = { connectTimeoutMs: 5000, queryTimeoutMs: 5000, poolSize: 2 };
  port = await nodePostgres({ pool }, limits);
  journal = new Journal({ schema, epoch: 1, transactions: new Transactions(port, limits.queryTimeoutMs) });
});

afterEach(async () => {
  await Promise.all([admin.end(), other.end(), port.end()]);
  await pool.end();
});

afterAll(removeSchemas);

const put = (id: string): Change => change('job.put', 'new', 'pending', id);
const claim = [change('job.claim', 'pending', 'assigned'), change('job.start', 'assigned', 'active')];
const snooze = (id: string): Change => change('job.snooze', 'active', 'pending', id);

function change(event: string, from: string, to: string, id = ''): Change {
  return { kind: 'job', id, event, from, to, patch: { event } };
}

function write(line: WrittenLine): Promise<number> {
  return writeLine(admin, schema, line);
}

function seq(c: number, entry: number): number {
  return c * 4096 + entry;
}

async function inOrder<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function commits(from: number): Promise<number[]> {
  return (await inOrder(journal.lines(from))).map(({ s }) => s / 4096);
}

it('A line has the entries of its groups, then those of its claim, each with the one before of its subject', async () => {
  const first = await write({ at: 5, entries: ['a', 'b', 'c'].map((id) => [put(id), 0] as const) });
  const second = await write({
    at: 6,
    // Of one subject, in two groups.
    entries: [
      [queue('q'), 0],
      [{ ...queue('q'), event: 'queue.update', patch: null }, -1],
    ],
    claim,
    ids: ['b', 'c', 'a'],
    // A run of two, and one that was put back.
    q: [-seq(first, 1), 2, seq(first, 0)],
  });

  const [, line] = await inOrder(journal.lines(1));

  expect({ ...line, entries: [] }).toEqual({
    s: seq(second, 0),
    at: 6,
    by: 'client#1',
    mv: '1',
    entries: [],
  });
  expect(line?.entries.map(({ id, event, q }) => [id, event, q])).toEqual([
    ['q', 'queue.create', 0],
    ['q', 'queue.update', seq(second, 0)],
    ['b', 'job.claim', seq(first, 1)],
    ['b', 'job.start', seq(second, 2)],
    ['c', 'job.claim', seq(first, 2)],
    ['c', 'job.start', seq(second, 4)],
    ['a', 'job.claim', seq(first, 0)],
    ['a', 'job.start', seq(second, 6)],
  ]);
});

it('The history of a job goes back over its end, its claims and its put, with few statements', async () => {
  const first = await write({ entries: ['a', 'b', 'c'].map((id) => [put(id), 0] as const) });
  let newest = seq(first, 1);
  const path = [newest];
  for (let round = 1; round <= 60; round += 1) {
    // The first takes it out of the run in which it was put.
    const q = round === 1 ? [-seq(first, 0), 3] : [seq(first, 0), newest, seq(first, 2)];
    const claimed = await write({ claim, ids: ['a', 'b', 'c'], q });
    const left = await write({
      entries: [
        [snooze('c'), seq(claimed, 5)],
        [snooze('b'), seq(claimed, 3)],
      ],
    });
    newest = seq(left, 1);
    path.push(seq(claimed, 2), seq(claimed, 3), newest);
  }

  const history = await inOrder(journal.history('job', 'b', newest));

  expect(history.map((entry) => entry.seq)).toEqual(path.toReversed());
  expect(history.at(-1)).toEqual({
    ...{ ...put('b'), gone: false, q: 0 },
    ...{ seq: seq(first, 1), commit: seq(first, 0), at: 1000, by: 'client#1', mv: '1' },
  });
  expect(new Set(history.map(({ id }) => id))).toEqual(new Set(['b']));
  // 121 lines, a hundred at a time; only who has expanded a run knows what is before it.
  expect(statements.filter((text) => text.includes('RECURSIVE chain'))).toHaveLength(3);
});

it('The histories of jobs that were put and finished together read what they share once', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `j${index}`);
  const first = await write({ entries: ids.map((id) => [put(id), 0] as const) });
  const second = await write({ entries: ids.map((id, index) => [snooze(id), seq(first, index)] as const) });

  statements.length = 0;
  for (const [index, id] of ids.entries()) {
    const history = await inOrder(journal.history('job', id, seq(second, index)));
    expect(history.map((entry) => [entry.id, entry.seq])).toEqual([
      [id, seq(second, index)],
      [id, seq(first, index)],
    ]);
  }

  expect(statements.filter((text) => text.includes('RECURSIVE chain'))).toHaveLength(1);
});

it('History ends where it was cut, and where the seq is not one of its subject', async () => {
  const first = await write({ entries: [[queue('q'), 0]] });
  const second = await write({ entries: [[{ ...queue('q'), event: 'queue.update' }, seq(first, 0)]] });
  const events = async (from: number): Promise<string[]> =>
    (await inOrder(journal.history('queue', 'q', from))).map(({ event }) => event);

  expect(await events(seq(second, 0))).toEqual(['queue.update', 'queue.create']);
  await admin.query(`DELETE FROM ${schema}.line WHERE c = $1`, [first]);

  expect(await events(seq(second, 0))).toEqual(['queue.update']);
  expect(await events(seq(second, 1))).toEqual([]);
  expect(await events(seq(second + 1, 0))).toEqual([]);
  expect(await inOrder(journal.history('queue', 'other', seq(second, 0)))).toEqual([]);
});

it('The newest entry that is not later than an instant is found, also where a clock was set back', async () => {
  const entries = [
    [queue('one'), 0],
    [queue('two'), 0],
  ] as const;
  expect([await journal.seqAt(1000), await journal.oldestSeq(), await journal.position()]).toEqual([
    0,
    1,
    null,
  ]);
  const lines: number[] = [];
  for (const at of [10, 20, 30, 29, 40]) lines.push(await write({ at, entries }));
  const [first = 0, second = 0, , fourth = 0, fifth = 0] = lines;

  expect(await journal.oldestSeq()).toBe(seq(first, 0));
  expect(await journal.seqAt(9)).toBe(seq(first, 0) - 1);
  expect(await journal.seqAt(10)).toBe(seq(first, 1));
  expect(await journal.seqAt(28)).toBe(seq(second, 1));
  expect(await journal.seqAt(30)).toBe(seq(fourth, 1));
  expect(await journal.seqAt(1000)).toBe(seq(fifth, 1));
  expect(await journal.position()).toEqual({ seq: seq(fifth, 1), at: 40 });
});

it('Many lines of one instant have the newest of them', async () => {
  let newest = 0;
  for (let line = 1; line <= 100; line += 1) newest = await write({ entries: [[queue(`${line}`), 0]] });

  expect(await journal.seqAt(1000)).toBe(seq(newest, 0));
});

it('Lines begin with the one that holds the number, and go on over pages and numbers that were never used', async () => {
  await admin.query(
    `INSERT INTO ${schema}.line (c, epoch, n, at, by, mv, count, entries)
     SELECT nextval('${schema}.commits') + i / 700, 1, i, 1, 'client#1', '1', 1, '[]' FROM generate_series(1, 1200) i`,
  );

  expect(await commits(seq(650, 5))).toEqual([
    ...Array.from({ length: 50 }, (_, i) => 650 + i),
    ...Array.from({ length: 501 }, (_, i) => 701 + i),
  ]);
});

it('A reader waits for a transaction that took its number before those that it has seen', async () => {
  const first = await write({ entries: [[queue('first'), 0]] });
  await other.query('BEGIN');
  const late = await writeLine(other, schema, { entries: [[queue('late'), 0]] });
  const last = await write({ at: 2000, entries: [[queue('last'), 0]] });

  const reading = commits(1);
  const position = journal.position();
  // Both have seen the gap when they begin a transaction of their own.
  await expect
    .poll(() => statements.filter((text) => text.startsWith('SELECT pg_current_xact_id')).length, {
      timeout: 10_000,
    })
    .toBe(2);
  await other.query('COMMIT');

  expect(await reading).toEqual([first, late, last]);
  expect(await position).toEqual({ seq: seq(last, 0), at: 2000 });
});

it('A reader ends before what is still open after a second', async () => {
  const first = await write({ entries: [[queue('first'), 0]] });
  await other.query('BEGIN');
  await writeLine(other, schema, { entries: [[queue('late'), 0]] });
  await write({ at: 2000, entries: [[queue('last'), 0]] });

  const [lines, position] = await Promise.all([commits(1), journal.position()]);
  await other.query('COMMIT');

  expect([lines, position]).toEqual([[first], { seq: seq(first, 0), at: 1000 }]);
});

it('News comes in pages, and what commits between them with what is left', async () => {
  await other.query('BEGIN');
  const late = await writeLine(other, schema, { epoch: 2, entries: [[queue('late'), 0]] });
  const start = await journal.now();
  const many = (lines: number, count: number): Promise<unknown> =>
    admin.query(`DO $$ BEGIN FOR i IN 1..${lines} LOOP
      INSERT INTO ${schema}.line (c, epoch, n, at, by, mv, count, entries)
      VALUES (nextval('${schema}.commits'), 2, i, 1, 'client#2', '1', ${count}, '[]'); COMMIT;
    END LOOP; END $$`);
  await many(3, 4096);
  await many(600, 1);

  const pages = [await journal.news(start)];
  pages.push(await journal.news(pages[0]?.seen ?? ''));
  await other.query('COMMIT');
  pages.push(await journal.news(pages[1]?.seen ?? ''));
  pages.push(await journal.news(pages[2]?.seen ?? ''));

  // As many entries as a page has, as many lines, and what is left.
  const numbers = pages.map(({ lines }) => lines.map(({ s }) => s / 4096));
  expect(numbers.map(({ length }) => length)).toEqual([2, 500, 102, 0]);
  expect(pages.map(({ isMore }) => isMore)).toEqual([true, true, false, false]);
  expect(numbers.flat()).toEqual([
    ...Array.from({ length: 502 }, (_, i) => late + 1 + i),
    late,
    ...Array.from({ length: 101 }, (_, i) => late + 503 + i),
  ]);
});

it('A reader syncs what another process has only written before it shows it', async () => {
  await other.query('SET synchronous_commit = off');
  const first = async (items: AsyncIterable<HistoryEntry>): Promise<unknown> => {
    for await (const item of items) return item;
    return undefined;
  };
  const all = async function* (from: number): AsyncGenerator<HistoryEntry> {
    for await (const line of journal.lines(from)) yield* entriesOf(line);
  };
  const readers: readonly ((c: number) => Promise<unknown>)[] = [
    (c) => first(journal.history('queue', 'written', seq(c, 0))),
    (c) => first(all(seq(c, 0))),
    () => journal.position(),
    () => journal.seqAt(1000),
  ];
  const synced: boolean[] = [];

  // The server may have synced some by itself.
  for (let round = 1; round <= 5; round += 1)
    for (const read of readers) synced.push(await isSyncedBy(read, other));

  expect(synced).toEqual(Array.from({ length: 20 }, () => true));
});

/** Whether a line that was only written is synced when a reader has told of it. */
async function isSyncedBy(read: (c: number) => Promise<unknown>, writer: Client): Promise<boolean> {
  const c = await writeLine(writer, schema, { epoch: 2, entries: [[queue('written'), 0]] });
  const { rows } = await admin.query('SELECT pg_current_wal_insert_lsn() AS lsn');
  await read(c);
  const after = await admin.query('SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS synced', [rows[0].lsn]);
  return after.rows[0].synced;
}

it('A role that may not write messages of the log syncs by its opening', { timeout: 60_000 }, async () => {
  const name = `journal_${process.pid}`;
  // What may be called is said for each database.
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.query(`CREATE ROLE ${name} LOGIN`);
  const url = new URL(await serverUrl());
  url.pathname = name;
  const owner = new Client({ connectionString: url.href });
  await owner.connect();
  schema = await newTables(owner);
  await owner.query(`DO $$ DECLARE f regprocedure; BEGIN
      FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_logical_emit_message' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
      END LOOP;
    END $$;
    GRANT ALL ON SCHEMA ${schema} TO ${name}; GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${name};
    INSERT INTO ${schema}.opening (epoch) VALUES (1); SET synchronous_commit = off`);
  url.username = name;
  const limits = { connectTimeoutMs: 5000, queryTimeoutMs: 5000, poolSize: 1 };
  const poor = await nodePostgres({ connectionString: url.href }, limits);
  const reader = new Journal({
    schema,
    epoch: 1,
    transactions: new Transactions(poor, limits.queryTimeoutMs),
  });
  const synced: boolean[] = [];

  for (let round = 1; round <= 10; round += 1) synced.push(await isSyncedBy(() => reader.position(), owner));

  expect(synced).toEqual(Array.from({ length: 10 }, () => true));
  await Promise.all([owner.end(), poor.end()]);
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await admin.query(`DROP ROLE ${name}`);
});
