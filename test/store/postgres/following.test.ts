import { type Client, Pool } from 'pg';
import { afterAll, expect, it } from 'vitest';
import type { Line } from '../../../src/store/entry.ts';
import { Following } from '../../../src/store/postgres/journal/following.ts';
import { Journal } from '../../../src/store/postgres/journal/journal.ts';
import { nodePostgres, type SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { Transactions } from '../../../src/store/postgres/transactions.ts';
import { layDoor } from './door.ts';
import { newTables, queue, writeLine } from './lines.ts';
import { connected, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const limits = { connectTimeoutMs: 1000, queryTimeoutMs: 1000, poolSize: 4 };
/** Epochs of the process that follows and of another one. */
const [own, others] = [1, 2];

afterAll(removeSchemas);

it('A listener that could not begin to follow begins later, and does not get all earlier commits', async () => {
  const [door, admin] = [await layDoor(await serverUrl()), await connected()];
  const schema = await newTables(admin);
  await writeLine(admin, schema, { epoch: others, entries: [[queue('before'), 0]] });
  const port = await nodePostgres({ connectionString: door.url }, limits);
  const following = followingOf(schema, port);
  const received: string[] = [];
  following.follow((lines) => received.push(...idsIn(lines)));
  const refused = await following.begun().then(
    () => null,
    (error: unknown) => error,
  );
  door.isOpen = true;

  await following.begun();
  await writeLine(admin, schema, { epoch: others, entries: [[queue('after'), 0]] });
  await following.caughtUp();

  expect([refused instanceof Error, received]).toEqual([true, ['after']]);
  await Promise.all([following.close(), admin.end()]);
  await port.end();
  door.close();
});

it('A new listener gets what this process wrote before in an open transaction, when that commits', async () => {
  const { one, admin, close } = await oneProcess();
  await admin.query('BEGIN');
  await one.commit('late', admin);

  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();
  await admin.query('COMMIT');
  await one.commit('soon');
  await one.following.caughtUp();

  expect([...one.received].sort()).toEqual(['late', 'soon']);
  await one.following.caughtUp();
  expect(one.received).toHaveLength(2);
  await close();
});

it('What was rolled back, or committed without a listener, is never reported', async () => {
  const { one, admin, close } = await oneProcess();
  await admin.query('BEGIN');
  await one.commit('rolled back', admin);
  await admin.query('ROLLBACK; BEGIN');
  await one.commit('early', admin);
  await admin.query('COMMIT');

  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();
  await one.commit('soon');
  await one.following.caughtUp();

  expect(one.received).toEqual(['soon']);
  await close();
});

it('A listener that begins after another one has ended does not get what was committed between them', async () => {
  const { one, admin, schema, close } = await oneProcess();
  const end = one.following.follow(() => {});
  await one.following.begun();
  end();
  await writeLine(admin, schema, { epoch: others, entries: [[queue('between'), 0]] });

  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();
  await writeLine(admin, schema, { epoch: others, entries: [[queue('after'), 0]] });
  await one.following.caughtUp();

  expect(one.received).toEqual(['after']);
  await close();
});

it('A listener that throws is reported, and the others get their lines', async () => {
  const { one, admin, schema, close } = await oneProcess();
  one.following.follow(() => {
    throw new Error('no');
  });
  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();

  await writeLine(admin, schema, { epoch: others, entries: [[queue('told'), 0]] });
  await one.following.caughtUp();

  expect([one.received, one.reports]).toEqual([['told'], ['a listener of the journal failed: Error: no']]);
  await close();
});

it('As long as a transaction is open a look is one statement, and what it has late is reported once', async () => {
  const { one, schema, admin, close, looks } = await oneProcess();
  const [open, program] = [await connected(), await connected()];
  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();
  await open.query('BEGIN; SELECT pg_current_xact_id()');
  await program.query('BEGIN');
  for (let gap = 1; gap <= 30; gap += 1) {
    await admin.query(`SELECT nextval('${schema}.commits')`);
    await one.commit(`late ${gap}`, program);
    await one.commit(`soon ${gap}`);
  }
  await one.following.caughtUp();
  expect(one.received).toHaveLength(30);
  await program.query('COMMIT');

  const before = looks.count;
  await one.following.caughtUp();
  const made = looks.count - before;

  expect([one.received.length, new Set(one.received).size]).toEqual([60, 60]);
  // The timer may look, too.
  expect(made).toBeLessThan(4);
  await open.query('COMMIT');
  await Promise.all([close(), open.end(), program.end()]);
});

it('What was committed since the last look comes in pages, each line once, whatever else is open meanwhile', async () => {
  const { one, schema, admin, close } = await oneProcess();
  const [early, late] = [await connected(), await connected()];
  await early.query('BEGIN');
  await writeLine(early, schema, { epoch: others, entries: [[queue('early'), 0]] });
  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();
  const write = (id: string, count: number, ends: string) => `FOR i IN 1..${count} LOOP
      INSERT INTO ${schema}.line (c, epoch, n, at, by, mv, count, entries)
      VALUES (nextval('${schema}.commits'), ${others}, i, 1, 'client#2', '1', 100, format('[{"ids":["${id} %s"]}]', i)); ${ends}
    END LOOP;`;

  await admin.query(`DO $$ BEGIN ${write('one', 170, 'COMMIT;')} END $$`);
  await late.query('BEGIN');
  await writeLine(late, schema, { epoch: others, entries: [[queue('late'), 0]] });
  // More than a page, in one transaction: they stay together.
  await admin.query(`DO $$ BEGIN ${write('two', 520, '')} END $$`);
  await admin.query(`DO $$ BEGIN ${write('three', 170, 'COMMIT;')} END $$`);
  await one.following.caughtUp();
  await Promise.all([early.query('COMMIT'), late.query('COMMIT')]);
  await one.following.caughtUp();

  const numbered = (id: string, count: number) => Array.from({ length: count }, (_, i) => `${id} ${i + 1}`);
  expect(one.received.slice(0, -2)).toEqual([
    ...numbered('one', 170),
    ...numbered('two', 520),
    ...numbered('three', 170),
  ]);
  expect(one.received.slice(-2)).toEqual(['early', 'late']);
  await Promise.all([close(), early.end(), late.end()]);
});

it('A line that another process has only written is synced before anyone hears of it', async () => {
  const { one, schema, admin, close } = await oneProcess();
  const writer = await connected();
  await writer.query('SET synchronous_commit = off');
  const synced: Promise<boolean>[] = [];
  let end = '';
  one.following.follow(() => {
    const asked = admin.query('SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS synced', [end]);
    synced.push(asked.then(({ rows }) => rows[0].synced));
  });
  await one.following.begun();

  // The server may have synced one by itself.
  for (let round = 1; round <= 10; round += 1) {
    await writeLine(writer, schema, { epoch: others, entries: [[queue('written'), 0]] });
    end = (await admin.query('SELECT pg_current_wal_insert_lsn() AS lsn')).rows[0].lsn;
    await one.following.caughtUp();
  }

  expect(await Promise.all(synced)).toEqual(Array.from({ length: 10 }, () => true));
  await Promise.all([close(), writer.end()]);
});

/** What a process follows, in a schema of its own, put together as a store does. */
async function oneProcess() {
  const admin = await connected();
  const schema = await newTables(admin);
  const looks = { count: 0 };
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      if (String(args[0]).includes('pg_snapshot_xip')) looks.count += 1;
      return query(...args);
    }) as typeof client.query;
  });
  const port = await nodePostgres({ pool }, limits);
  const reports: string[] = [];
  const following = followingOf(schema, port, (message) => reports.push(message));
  const received: string[] = [];
  let n = 0;
  /** What the process commits by itself it tells of, and hears of the end of what it does in a transaction of the program. */
  const commit = async (id: string, within?: Client): Promise<void> => {
    n += 1;
    const line = { epoch: own, entries: [[queue(id), 0]] } as const;
    if (within !== undefined) await writeLine(within, schema, { ...line, n: -n });
    else {
      const c = await writeLine(admin, schema, { ...line, n });
      const entries = [{ ...queue(id), gone: false, q: 0 }];
      following.tell([{ s: c * 4096, at: 1000, by: 'client#1', mv: '1', entries }]);
    }
  };
  const close = async (): Promise<void> => {
    await following.close();
    await Promise.all([admin.end(), port.end()]);
    await pool.end();
  };
  return { one: { following, commit, received, reports }, schema, admin, close, looks };
}

function idsIn(lines: readonly Line[]): string[] {
  return lines.flatMap(({ entries }) => entries.map(({ id }) => id));
}

function followingOf(schema: string, port: SqlPort, report: (message: string) => void = () => {}): Following {
  const transactions = new Transactions(port, limits.queryTimeoutMs);
  return new Following({ journal: new Journal({ schema, epoch: own, transactions }), port, report });
}
