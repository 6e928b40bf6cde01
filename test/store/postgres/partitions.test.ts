import { Pool } from 'pg';
import { createSignalbox, defineJob, type Json, type OpenStore, type Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { idBeginning } from '../../../src/model/values/ids.ts';
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

const dayMs = 24 * 60 * 60 * 1000;

/** A store whose days are those of the database, and a connection to look at them. */
async function makeDays() {
  const schema = newSchema();
  const ages = { completedMaxAge: '2d', failedMaxAge: '5d', historyMaxAge: '3d' } as const;
  const store = newPostgresStore({ schema, clock: 'database', ...ages });
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
  /** Everything that was committed was committed so many days before. */
  const age = (days: number) =>
    admin.query(
      `UPDATE ${schema}.day SET at = at - ${days * dayMs}; UPDATE ${schema}.line SET at = at - ${days * dayMs}`,
    );
  /** A day of the past: its ids, and its partitions of jobs, which are made as an opening on that day did. */
  const pastDay = async (daysAgo: number) => {
    const { rows } = await admin.query(
      `SELECT extract(epoch FROM date_trunc('day', now() AT TIME ZONE 'UTC')) * 1000 AS today`,
    );
    const from = Number(rows[0].today) - daysAgo * dayMs;
    const name = new Date(from).toISOString().slice(0, 10).replaceAll('-', '');
    const bounds = `FROM ('${idBeginning(from)}') TO ('${idBeginning(from + dayMs)}')`;
    const make = async (): Promise<void> => {
      for (const table of ['job', 'done', 'tag'])
        await admin.query(
          `CREATE TABLE ${schema}.${table}_${name} PARTITION OF ${schema}.${table} FOR VALUES ${bounds}`,
        );
    };
    return { name, make, id: (text: string) => `${idBeginning(from)}${text}` };
  };
  return { schema, store, admin, partitions, age, pastDay };
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
 * A pool that has the server count the rows which each of its statements for a day goes through, at most, and report how long
 * those may take.
 */
async function makeCounting() {
  const counted = { rows: 0, limits: new Set<unknown>() };
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<{ rows: unknown[] }>;
    client.query = (async (text: string, values: unknown[] = []) => {
      if (!/dead \(id\)|first AS MATERIALIZED/.test(text)) return query(text, values);
      const limits = await query('SHOW statement_timeout');
      for (const limit of limits.rows as { statement_timeout: string }[])
        counted.limits.add(limit.statement_timeout);
      const { rows } = await query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
      // A day that another process has locked, as a vacuum does, is looked at again.
      for (const row of rows as { 'QUERY PLAN': { Plan: PlanNode }[] }[])
        for (const { Plan: plan } of row['QUERY PLAN']) counted.rows = Math.max(counted.rows, rowsOf(plan));
      // What it deletes is deleted by now; what it finds is found again.
      return query(text, values);
    }) as unknown as typeof client.query;
  });
  return { pool, counted };
}

describe('The days of a postgres store', () => {
  it('are there for today and two days ahead, of all jobs; for programs that give ids of their own it needs none', async () => {
    const { store, partitions, pastDay } = await makeDays();

    await opened(store);

    const days = await Promise.all([0, -1, -2].map(pastDay));
    for (const table of ['job', 'done', 'tag'])
      expect(await partitions(table)).toEqual([
        ...days.map(({ name }) => `${table}_${name}`),
        `${table}_default`,
        `${table}_high`,
        `${table}_low`,
      ]);
  });

  it('are there for the commits ahead, of the journal, however many open it at the same time', async () => {
    const { schema, store, admin, partitions } = await makeDays();

    await Promise.all([1, 2, 3, 4].map(() => opened(store)));

    expect(await partitions('line')).toEqual(
      expect.arrayContaining(['line_1', 'line_2097153', 'line_default']),
    );
    const { rows } = await admin.query(`SELECT count(*)::int AS count FROM ${schema}.line_default`);
    expect(rows[0].count).toBe(0);
  });

  it('of the journal begin anew behind a gap where commits have used up all of them', async () => {
    const { schema, store, admin, partitions } = await makeDays();
    await opened(store);
    await admin.query(`SELECT setval('${schema}.commits', 5000000)`);
    await opened(newPostgresStore({ schema }));

    await opened(store);

    const names = (await partitions('line')).filter((name) => /_\d+$/.test(name));
    const starts = names.map((name) => Number(name.slice('line_'.length))).sort((one, other) => one - other);
    expect(starts.slice(0, 2)).toEqual([1, 2097153]);
    expect(starts[2]).toBeGreaterThan(5001000);
    expect(starts[2]).toBeLessThan(5001100);
  });

  it('are dropped whole when they are older than what is kept', async () => {
    const { schema, store, admin, partitions, age, pastDay } = await makeDays();
    await opened(store);
    const [old, kept] = [await pastDay(3), await pastDay(2)];
    await Promise.all([old.make(), kept.make()]);
    await admin.query(`SELECT setval('${schema}.commits', 3000000)`);
    await age(4);

    await opened(store);

    expect(await partitions('line')).not.toContain('line_1');
    for (const table of ['job', 'done', 'tag']) {
      expect(await partitions(table)).not.toContain(`${table}_${old.name}`);
      expect(await partitions(table)).toContain(`${table}_${kept.name}`);
    }
  });

  it('of the journal lose what is older by another day where a partition is for many days', async () => {
    const { schema, store, admin, partitions, age } = await makeDays();
    await opened(store);
    await age(1);
    await opened(store);
    await age(4);

    await opened(store);

    expect(await partitions('line')).toContain('line_1');
    const { rows } = await admin.query(
      `SELECT epoch::int FROM ${schema}.line WHERE entries LIKE '%opened%' ORDER BY c`,
    );
    expect(rows.map(({ epoch }) => epoch)).toEqual([2, 3]);
  });

  it('take along the rooms of keys in which nothing is, and limits that have said nothing for a day', async () => {
    const { schema, store, admin } = await makeDays();
    const rated = defineJob({
      name: 'rated',
      run: (host: string) => host,
      rateLimit: { limit: 10, per: '1s', key: (host) => host },
    });
    const box = await createSignalbox({ store, jobs: [rated], uuid });
    await box.start({ pollInterval: '100ms' });
    const jobs = await box.queue().putAll([rated('old'), rated('new')]);
    await Promise.all(jobs.map((job) => job.waitFor('COMPLETED')));
    await box.stop();
    const old = '/rated.rate/old';
    await admin.query(
      `UPDATE ${schema}.limit SET body = json_build_object('tat', 1, 'closedUntil', NULL) WHERE id = $1`,
      [old],
    );

    const ids = async (table: string): Promise<unknown[]> =>
      (await admin.query(`SELECT id FROM ${schema}.${table} ORDER BY id`)).rows.map(({ id }) => id);
    const again = await createSignalbox({ store, uuid });
    await expect.poll(() => ids('limit')).toEqual(['/rated.rate/new']);
    await again.stop();

    expect(await ids('room')).toEqual(['/rated.rate']);
    const { rows } = await admin.query(`SELECT entries FROM ${schema}.line WHERE by LIKE 'retention%'`);
    expect(rows).toHaveLength(1);
    expect(rows[0].entries).toContain(old);
  });

  it.each([
    ['dropped', 'made'],
    ['emptied, where a day was never made,', 'missing'],
    ['emptied, where programs give ids of their own,', 'own'],
  ])(
    'are %s without the jobs that unfinished ones refer to; annotations and tags go with their jobs',
    async (_how, which) => {
      const { schema, store, admin, age, partitions, pastDay } = await makeDays();
      const keep = defineJob({ name: 'keep', run: (job: unknown) => String(job) });
      const box = await createSignalbox({ store, jobs: [note, keep], uuid });
      const day = await pastDay(3);
      if (which === 'made') await day.make();
      const [one, two] = ['referred', 'other'].map((id) => (which === 'own' ? id : day.id(id))) as [
        string,
        string,
      ];
      await box.start({ pollInterval: '100ms' });
      const [referred, other] = [
        await box.queue().put(note('referred'), { id: one, tags: ['t'] }),
        await box.queue().put(note.partial('other').with({ id: two, annotations: { a: 1 }, tags: ['t'] })),
      ];
      await Promise.all([referred.waitFor('COMPLETED'), other.waitFor('COMPLETED')]);
      await box.queue().put(keep(referred), { beginAfter: '1h' });
      await box.stop();
      await age(3);

      const second = await createSignalbox({ store, jobs: [note, keep], uuid });
      await second.stop();

      const third = await createSignalbox({ store, jobs: [note, keep], uuid });
      expect(await partitions('done')).not.toContain(`done_${day.name}`);
      expect((await third.job(one).refresh()).outcome).toMatchObject({ ok: true, value: 'referred' });
      await expect(third.job(two).refresh()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      expect(await third.store.annotations(two)).toEqual([]);
      const { jobs } = await third.store.jobsPage({ list: 'tagged', tag: 't', limit: 10 });
      expect(jobs.map(({ id }) => id)).toEqual([one]);
      expect((await admin.query(`SELECT id FROM ${schema}.tag`)).rows).toEqual([{ id: one }]);
      expect(await partitions('tag')).not.toContain(`tag_${day.name}`);
      await third.stop();
    },
  );

  it.each([
    ['dropped', true],
    ['emptied', false],
  ])(
    'are %s without the jobs that failed, were aborted or have expired: those are kept longer',
    async (_how, isDay) => {
      const { store, partitions, age, pastDay } = await makeDays();
      const open = await openedByHand(store);
      const day = await pastDay(3);
      await day.make();
      const endings = ['succeeded', 'cancelled', 'failed', 'aborted', 'expired'];
      const changes = endings.map((ending) => {
        const job = madeJob(isDay ? day.id(ending) : ending, 'completed', null);
        return { ...job, patch: { ...job.patch, ending, tags: ['t'] } };
      });
      await open.commit({ by: 'client', changes, expect: [] }).synced;
      await open.close();
      const leftAfter = async (days: number): Promise<unknown[]> => {
        await age(days);
        await (await openedByHand(store)).close();
        const last = await openedByHand(store);
        const jobs = (await last.list('job', '')).map(({ ending }) => ending);
        const { failed } = (await last.counts()).lists;
        const listed = (await last.jobsPage({ list: 'tagged', tag: 't', limit: 10 })).jobs;
        expect([failed.n, listed.length]).toEqual([jobs.length, jobs.length]);
        await last.close();
        return jobs.toSorted();
      };

      expect(await leftAfter(3)).toEqual(['aborted', 'expired', 'failed']);
      expect(await partitions('job')).not.toContain(`job_${day.name}`);
      expect(await leftAfter(2)).toHaveLength(3);
      expect(await leftAfter(1)).toEqual([]);
    },
  );

  it('take along the unique names of their jobs, but for those whose windows last or that others have', async () => {
    const { store, age } = await makeDays();
    const open = await openedByHand(store);
    const named = (id: string, name: string, to: string, until: number | null) => [
      madeJob(id, to, to === 'pending' ? { queue: '' } : null),
      {
        kind: 'unique' as const,
        id: name,
        event: 'unique.taken',
        from: null,
        to: null,
        patch: { job: id, at: 0, until },
      },
    ];
    await open.commit({
      by: 'client',
      changes: [
        ...named('over', '/mail/1', 'completed', null),
        ...named('passed', '/mail/2', 'completed', 1),
        ...named('lasting', '/mail/3', 'completed', Number.MAX_SAFE_INTEGER),
        ...named('first', '/mail/4', 'completed', null),
        ...named('waits', '/mail/4', 'pending', null),
      ],
      expect: [],
    }).synced;
    await open.close();
    await age(3);

    await (await openedByHand(store)).close();
    const last = await openedByHand(store);
    expect((await last.list('job', '')).map(({ id }) => id)).toEqual(['waits']);
    expect((await last.list('unique', '')).map(({ id }) => id)).toEqual(['/mail/3', '/mail/4']);
    await last.close();
  });

  it('are dropped without the jobs that are over since a younger day', async () => {
    const { store, partitions, pastDay } = await makeDays();
    const box = await createSignalbox({ store, jobs: [note], uuid });
    const day = await pastDay(9);
    await day.make();
    await box.start({ pollInterval: '100ms' });
    const job = await box.queue().put(note('late'), { id: day.id('late') });
    await job.waitFor('COMPLETED');
    await box.stop();

    await opened(store);

    const last = await createSignalbox({ store, jobs: [note], uuid });
    expect(await partitions('job')).not.toContain(`job_${day.name}`);
    expect((await last.job(day.id('late')).refresh()).outcome).toMatchObject({ ok: true, value: 'late' });
    await last.stop();
  });

  it('stay, and lose what is old, where more is kept of them than can be moved', async () => {
    const { schema, store, admin, partitions, age, pastDay } = await makeDays();
    await opened(store);
    const day = await pastDay(3);
    await day.make();
    await admin.query(
      `INSERT INTO ${schema}.job (id, seq, doc) SELECT '${day.id('')}' || n, 1, '{}' FROM generate_series(0, 20001) n;
       INSERT INTO ${schema}.aside (id, state, epoch) SELECT '${day.id('')}' || n, 'new', 1 FROM generate_series(1, 20001) n;
       INSERT INTO ${schema}.done (id, seq, ending, patch) VALUES ('${day.id('0')}', 1, 0, '{}')`,
    );
    await age(3);

    await opened(store);

    expect(await partitions('job')).toContain(`job_${day.name}`);
    const { rows } = await admin.query(`SELECT count(*)::int AS count FROM ${schema}.job_${day.name}`);
    expect(rows[0].count).toBe(20001);
  });

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
    await age(3);

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
    await age(3);

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
    await age(3);

    await (await openedByHand(store)).close();
    const last = await openedByHand(store);
    const ids = async (kind: 'job' | 'proxy' | 'annotation') =>
      (await last.list(kind, '')).map(({ id }) => id);
    expect(await ids('job')).toEqual(['pulled', 'referred', 'refers']);
    expect([await ids('proxy'), await ids('annotation')]).toEqual([[], []]);
    await last.close();
  });

  it.each([
    ['dropped', true],
    ['emptied', false],
  ])('are %s without going through the jobs that wait once for each job of the day', async (_how, isDay) => {
    const { schema, store, admin, age, partitions, pastDay } = await makeDays();
    const open = await openedByHand(store);
    const day = await pastDay(9);
    await day.make();
    const many = 2000;
    const change = { kind: 'job', event: 'made', from: null } as const;
    const id = (name: string, n: number): string => (isDay ? day.id(`${name}${n}`) : `${name}${n}`);
    for (const [name, to, args] of [
      ['over', 'completed', () => []],
      ['waiting', 'new', (n: number) => [{ $job: id('over', 2 * n) }]],
    ] as const) {
      const changes = Array.from({ length: many }, (_, n) => {
        const patch = { name: 'note', args: args(n), parent: null };
        return { ...change, id: id(name, n), to, patch };
      });
      await open.commit({ by: 'client', changes, expect: [] }).synced;
    }
    await open.close();
    await age(9);
    const { pool, counted } = await makeCounting();

    await (await openByHand(postgresStore({ pool, schema }), () => Date.now())).close();

    expect(await partitions('done')).not.toContain(`done_${day.name}`);
    const { rows } = await admin.query(`SELECT count(*)::int AS count FROM ${schema}.done`);
    expect(rows[0].count).toBe(many / 2);
    expect(counted.rows).toBeLessThan(50 * many);
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
