import { type Client, Pool } from 'pg';
import type { OpenStore } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { machineVersion } from '../../../src/model/jobs/machine-version.ts';
import type { Line } from '../../../src/store/entry.ts';
import { DatabaseClock } from '../../../src/store/postgres/clock.ts';
import { Committing } from '../../../src/store/postgres/committing.ts';
import { Following } from '../../../src/store/postgres/following.ts';
import { Journal } from '../../../src/store/postgres/journal.ts';
import { nodePostgres, type SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { Transactions } from '../../../src/store/postgres/transactions.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

afterAll(removeSchemas);

it('A listener that could not begin to follow begins later, and does not get all earlier commits', async () => {
  const schema = newSchema();
  const store = await opened(schema);
  await store.commit({ by: 'client', changes: [queue('before')], expect: [] }).synced;
  const port = await nodePostgres(
    { connectionString: await serverUrl() },
    { connectTimeoutMs: 1000, queryTimeoutMs: 1000, poolSize: 2 },
  );
  const admin = await connected();
  await admin.query(`ALTER SEQUENCE ${schema}.seq RENAME TO away`);
  // From another process than the store.
  const { following } = followingOf(schema, port, 1_000_000);
  const received: string[] = [];
  following.follow((lines) => received.push(...idsIn(lines)));
  const refused = await following.begun().then(
    () => null,
    (error: unknown) => error,
  );
  await admin.query(`ALTER SEQUENCE ${schema}.away RENAME TO seq`);

  await following.begun();
  await store.commit({ by: 'client', changes: [queue('after')], expect: [] }).synced;
  await following.caughtUp();

  expect([refused instanceof Error, received]).toEqual([true, ['after']]);
  await Promise.all([following.close(), store.close(), admin.end()]);
  await port.end();
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

it('Little is remembered of what ended without a listener, and open transactions stay', async () => {
  const { one, admin, close, seen } = await oneProcess();
  const other = await connected();
  await other.query('BEGIN');
  await one.commit('late', other);
  const { rows } = await admin.query('SELECT pg_current_xact_id()::text AS xid');
  for (let s = 1_000_001; s <= 1_002_000; s += 1)
    one.following.watch({ lines: [{ s, at: 0, by: '', mv: '', entries: [] }], xid: rows[0].xid });
  await expect.poll(() => seen.answers).toBeGreaterThan(0);

  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();
  await other.query('COMMIT');
  await one.following.caughtUp();

  expect(one.received).toEqual(['late']);
  expect(Math.max(...seen.wanted)).toBeLessThanOrEqual(1000);
  await Promise.all([close(), other.end()]);
});

it('As long as a transaction is open many gaps are looked into with as many statements as one', async () => {
  const { one, schema, admin, close, seen } = await oneProcess();
  const [open, program] = [await connected(), await connected()];
  one.following.follow((lines) => one.received.push(...idsIn(lines)));
  await one.following.begun();
  await open.query('BEGIN; SELECT pg_current_xact_id()');
  await program.query('BEGIN');
  for (let gap = 1; gap <= 30; gap += 1) {
    await admin.query(`SELECT ${schema}.take_seqs(2)`);
    await one.commit(`late ${gap}`, program);
    await one.commit(`soon ${gap}`);
  }
  await one.following.caughtUp();
  await program.query('COMMIT');

  const before = seen.wanted.length;
  await one.following.caughtUp();
  const looks = seen.wanted.length - before;

  expect([one.received.length, new Set(one.received).size]).toEqual([60, 60]);
  // The timer may look, too.
  expect(looks).toBeLessThan(20);
  await open.query('COMMIT');
  await Promise.all([close(), open.end(), program.end()]);
});

/** What a process commits and follows, in a schema of its own, put together as a store does. */
async function oneProcess() {
  const schema = newSchema();
  const store = await opened(schema);
  /**
   * How many lines of its own each look at the journal asked for, and how often it got the list of transactions
   * that are over.
   */
  const seen = { wanted: [] as number[], answers: 0 };
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const [text, values] = args as [string, readonly unknown[]];
      if (text.startsWith('SELECT s, n, at')) seen.wanted.push((values[1] as readonly number[]).length);
      const answer = query(...args);
      if (text.includes('unnest($1::text[]) AS x (xid)'))
        void (answer as Promise<unknown>).then(() => {
          seen.answers += 1;
        });
      return answer;
    }) as typeof client.query;
  });
  const port = await nodePostgres({ pool }, { connectTimeoutMs: 1000, queryTimeoutMs: 1000, poolSize: 4 });
  const { following, transactions, clock } = followingOf(schema, port, store.epoch);
  const received: string[] = [];
  const committing = new Committing({
    schema,
    epoch: store.epoch,
    machineVersion,
    clock,
    transactions,
    defer: (run) => setImmediate(run),
    committed: ({ lines }) => following.tell(lines),
    watch: (left) => following.watch(left),
    notifyWithin: async () => {},
  });
  const commit = (id: string, within?: Client): Promise<void> =>
    committing.commit({ by: 'client', changes: [queue(id)], expect: [], within }).synced;
  const admin = await connected();
  const close = async (): Promise<void> => {
    await committing.close();
    await following.close();
    await Promise.all([store.close(), admin.end(), port.end()]);
    await pool.end();
  };
  return { one: { following, commit, received }, schema, admin, close, seen };
}

function idsIn(lines: readonly Line[]): string[] {
  return lines.flatMap(({ entries }) => entries.map(({ id }) => id));
}

async function opened(schema: string): Promise<OpenStore> {
  return openByHand(newPostgresStore({ schema }));
}

function followingOf(schema: string, port: SqlPort, epoch: number) {
  const clock = new DatabaseClock(
    () => port.elapsed(),
    () => 1000,
  );
  const transactions = new Transactions(port, schema, clock, { queryTimeoutMs: 1000 });
  const journal = new Journal({ schema, transactions });
  const following = new Following({ journal, epoch, port, report: () => {} });
  return { following, transactions, clock };
}

function queue(id: string) {
  return { kind: 'queue', id, event: 'queue.create', from: null, to: null, patch: { createdAt: 1 } } as const;
}
