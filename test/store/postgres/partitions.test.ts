import { Pool } from 'pg';
import { createSignalbox, defineJob, type Json, type OpenStore, type Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { madeJob, madeProxy, overWithBranches } from '../made-records.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const uuid = '00000000-0000-4000-8000-000000000001';
let client: Awaited<ReturnType<typeof connected>> | null = null;

afterEach(async () => {
  await client?.end();
  client = null;
});
afterAll(removeSchemas);

/** A store whose days are those of the database, and a connection to look at them. */
async function makeDays() {
  const schema = newSchema();
  const store = newPostgresStore({ schema, clock: 'database', completedMaxAge: '2d', historyMaxAge: '3d' });
  client = await connected();
  const admin = client;
  const partitions = async (table: string): Promise<string[]> => {
    const { rows } = await admin.query(
      `SELECT c.relname AS name FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
       JOIN pg_class p ON p.oid = inhparent JOIN pg_namespace n ON n.oid = p.relnamespace
       WHERE n.nspname = $1 AND p.relname = $2 ORDER BY c.relname`,
      [schema, table],
    );
    return rows.map((row) => row.name);
  };
  /** Moves everything of a table to a day of the past: to one of its own, or to the default where no day was made. */
  const age = async (table: string, daysAgo: number, isMade = true): Promise<string> => {
    const { rows } = await admin.query(
      `SELECT to_char(d, 'YYYYMMDD') AS name, d::date::text AS day, (d::date + 1)::text AS next
       FROM (SELECT (now() AT TIME ZONE 'UTC')::date - $1::int AS d) AS days`,
      [daysAgo],
    );
    const { name, day, next } = rows[0];
    const past = `${schema}.${table}_${name}`;
    if (isMade)
      await admin.query(
        `CREATE TABLE ${past} PARTITION OF ${schema}.${table} FOR VALUES FROM ('${day}') TO ('${next}')`,
      );
    await admin.query(`UPDATE ${schema}.${table} SET day = '${day}'`);
    return `${table}_${name}`;
  };
  return { schema, store, admin, partitions, age };
}

async function opened(store: Store): Promise<OpenStore> {
  const box = await createSignalbox({ store, uuid });
  await box.stop();
  return box.store;
}

function openedByHand(store: Store): Promise<OpenStore> {
  return openByHand(store, () => Date.now());
}

interface PlanNode {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

function rowsOf(node: PlanNode): number {
  const own = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
  return (node.Plans ?? []).reduce((sum, inner) => sum + rowsOf(inner), own);
}

/**
 * A pool that has the server count the rows which its statements for a day go through, and report how long
 * those may take.
 */
async function makeCounting() {
  const counted = { rows: 0, limits: new Set<unknown>() };
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<{ rows: unknown[] }>;
    client.query = (async (text: string, values: unknown[] = []) => {
      if (!/^\s*(WITH|DELETE).*(done|line)_/s.test(text) || values.length > 0) return query(text, values);
      const limits = await query('SHOW statement_timeout');
      for (const limit of limits.rows as { statement_timeout: string }[])
        counted.limits.add(limit.statement_timeout);
      const { rows } = await query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`);
      for (const row of rows as { 'QUERY PLAN': { Plan: PlanNode }[] }[])
        for (const { Plan: plan } of row['QUERY PLAN']) counted.rows += rowsOf(plan);
      return { rows: [] };
    }) as unknown as typeof client.query;
  });
  return { pool, counted };
}

describe('The days of a postgres store', () => {
  it('are there for today and two days ahead, of the journal and of jobs that are done', async () => {
    const { store, partitions } = await makeDays();

    await opened(store);

    expect(await partitions('line')).toHaveLength(4);
    expect(await partitions('done')).toHaveLength(4);
  });

  it('are dropped whole when they are older than what is kept', async () => {
    const { store, partitions, age } = await makeDays();
    await opened(store);
    const old = await age('line', 4);
    const kept = await age('done', 2);

    await opened(store);

    expect(await partitions('line')).not.toContain(old);
    expect(await partitions('done')).toContain(kept);
  });

  it.each([
    ['dropped', true],
    ['emptied, where a day was never made,', false],
  ])(
    'are %s without the jobs that unfinished ones refer to; annotations go with their jobs',
    async (_how, isMade) => {
      const { store, age, partitions } = await makeDays();
      const keep = defineJob({ name: 'keep', run: (job: unknown) => String(job) });
      const box = await createSignalbox({ store, jobs: [note, keep], uuid });
      await box.start({ pollInterval: '100ms' });
      const [referred, other] = [
        await box.queue().put(note('referred'), { id: 'referred' }),
        await box.queue().put(note.partial('other').with({ id: 'other', annotations: { a: 1 } })),
      ];
      await Promise.all([referred.waitFor('COMPLETED'), other.waitFor('COMPLETED')]);
      await box.queue().put(keep(referred), { beginAfter: '1h' });
      await box.stop();
      const old = await age('done', 3, isMade);

      const second = await createSignalbox({ store, jobs: [note, keep], uuid });
      await second.stop();

      const third = await createSignalbox({ store, jobs: [note, keep], uuid });
      expect(await partitions('done')).not.toContain(old);
      expect((await third.job('referred').refresh()).outcome).toMatchObject({ ok: true, value: 'referred' });
      await expect(third.job('other').refresh()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      expect(await third.store.annotations('other')).toEqual([]);
      await third.stop();
    },
  );

  it('are dropped without a job that an encoded argument refers to', async () => {
    const { store, age } = await makeDays();
    const codec = {
      encode: (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64'),
      decode: (coded: Json) => JSON.parse(Buffer.from(String(coded), 'base64').toString()) as Json,
    };
    const keep = defineJob({ name: 'keep', run: (_told: unknown) => null });
    const settings = { store, jobs: [note, keep], uuid, codec };
    const box = await createSignalbox(settings);
    await box.start({ pollInterval: '100ms' });
    const referred = await box.queue().put(note('referred'), { id: 'referred' });
    await referred.waitFor('COMPLETED');
    await box.queue().put(keep({ deep: [referred] }), { beginAfter: '1h' });
    await box.stop();
    await age('done', 3);

    await (await createSignalbox(settings)).stop();

    const last = await createSignalbox(settings);
    expect((await last.job('referred').refresh()).outcome).toMatchObject({ ok: true, value: 'referred' });
    await last.stop();
  });

  it('are dropped without a job of which a callback by outcome has not ended, nor without such a callback of a job in CALLBACKS', async () => {
    const { store, age } = await makeDays();
    const open = await openedByHand(store);
    await open.commit({
      by: 'client',
      changes: [
        madeJob('undecided', 'completed', null),
        madeProxy('p1', 'undecided', null),
        madeJob('at work', 'completed', null),
        madeProxy('p2', 'at work', 'branch'),
        madeJob('branch', 'active.running', { proxy: 'p2' }),
        madeJob('over', 'completed', null),
        madeProxy('p3', 'over', 'ended'),
        madeJob('ended', 'completed', { proxy: 'p3' }),
        madeJob('calling', 'callbacks', null),
        madeProxy('p4', 'calling', 'called'),
        madeJob('called', 'completed', { proxy: 'p4' }),
      ],
      expect: [],
    }).synced;
    await open.close();
    await age('done', 3);

    await (await openedByHand(store)).close();
    const last = await openedByHand(store);
    const ids = async (kind: 'job' | 'proxy') => (await last.list(kind, '')).map(({ id }) => id);
    expect(await ids('proxy')).toEqual(['p1', 'p2', 'p4']);
    expect(await ids('job')).toEqual(['at work', 'branch', 'called', 'calling', 'undecided']);
    await last.close();
  });

  it('are dropped with the branches that were not chosen, and what hangs on those', async () => {
    const { store, age } = await makeDays();
    const open = await openedByHand(store);
    await open.commit({ by: 'client', changes: overWithBranches, expect: [] }).synced;
    await open.close();
    await age('done', 3);

    await (await openedByHand(store)).close();
    const last = await openedByHand(store);
    const ids = async (kind: 'job' | 'proxy' | 'annotation') =>
      (await last.list(kind, '')).map(({ id }) => id);
    expect(await ids('job')).toEqual(['pulled', 'referred', 'refers']);
    expect([await ids('proxy'), await ids('annotation')]).toEqual([[], []]);
    await last.close();
  });

  it('are dropped without going through the jobs that wait once for each job of the day', async () => {
    const { schema, store, admin, age, partitions } = await makeDays();
    const open = await openedByHand(store);
    const many = 2000;
    const change = { kind: 'job', event: 'made', from: null } as const;
    for (const [name, to, args] of [
      ['over', 'completed', () => []],
      ['waiting', 'new', (n: number) => [{ $job: `over${2 * n}` }]],
    ] as const) {
      const changes = Array.from({ length: many }, (_, n) => {
        const patch = { name: 'note', args: args(n), parent: null };
        return { ...change, id: `${name}${n}`, to, patch };
      });
      await open.commit({ by: 'client', changes, expect: [] }).synced;
    }
    await open.close();
    const old = await age('done', 9);
    const { pool, counted } = await makeCounting();

    await (await openByHand(postgresStore({ pool, schema }), () => Date.now())).close();

    expect(await partitions('done')).not.toContain(old);
    const { rows } = await admin.query(`SELECT count(*)::int AS count FROM ${schema}.done`);
    expect(rows[0].count).toBe(many / 2);
    expect(counted.rows).toBeLessThan(100 * many);
    await pool.end();
  });

  it('are given up by the server, too, when that takes longer than a statement may', async () => {
    const { schema, store } = await makeDays();
    await opened(store);
    const { pool, counted } = await makeCounting();

    const settings = { pool, schema, queryTimeout: '7s' };
    await (await openByHand(postgresStore(settings), () => Date.now())).close();

    expect([...counted.limits]).toEqual(['7s']);
    await pool.end();
  });
});
