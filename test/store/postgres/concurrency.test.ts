import type { Client } from 'pg';
import { defineJob, type OpenStore } from 'signalbox';
import { afterAll, describe, expect, it } from 'vitest';
import { makeNodeBox } from '../../behaviours/stores.ts';
import { openByHand } from '../open-by-hand.ts';
import { keptEntries } from './lines.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

afterAll(removeSchemas);

/** Several openings of one schema, as several processes have. */
async function openings(count: number, schema = newSchema(), url?: string): Promise<OpenStore[]> {
  const store = newPostgresStore({ schema, ...(url && { url }) });
  const all: OpenStore[] = [];
  for (let index = 0; index < count; index += 1) all.push(await openByHand(store));
  return all;
}

function put(id: string, quotaNames: readonly string[], name = 'work') {
  const patch = {
    name,
    args: [],
    quotaNames,
    beginAfter: 0,
    parent: { queue: '' },
    line: 'now',
  };
  return { kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch } as const;
}

function running(id: string) {
  const parent = { queue: '', dispatcher: 'd', agent: 'main' };
  const patch = { name: 'work', args: [], beginAfter: 0, parent, line: 'claimed' };
  return { kind: 'job', id, event: 'job.start', from: 'new', to: 'active.running', patch } as const;
}

function wait(store: OpenStore, id: string, on: string): Promise<void> {
  const [from, to] = ['active.running', 'active.waiting'] as const;
  const change = { kind: 'job', id, event: 'job.wait', from, to, patch: { waitingOn: on } } as const;
  return store.commit({ by: 'd', changes: [change], expect: [{ check: 'notAwaitedBy', id, on }] }).synced;
}

async function claim(store: OpenStore, limit: number, wanted?: string): Promise<string[]> {
  const claimed = await store.claim({
    queue: '',
    limit,
    by: 'd',
    agent: null,
    accepts: { lane: (name) => name === (wanted ?? name), job: null },
    choose: null,
    take: ({ job, quotas }) => {
      const parent = { queue: '', dispatcher: 'd', agent: 'main' };
      const patch = { parent, line: 'claimed', epoch: store.epoch, claim: job.claim + 1, quotas };
      return [{ kind: 'job', id: job.id, event: 'job.claim', from: 'pending', to: 'assigned', patch }];
    },
  });
  return claimed.jobs.map((job) => job.id);
}

describe('Several openings of a postgres store', () => {
  it('never take more jobs of a quota than it has slots, nor one job twice', async () => {
    const all = await openings(6);
    const [first] = all as [OpenStore];
    const size = {
      kind: 'quota',
      id: '/q',
      event: 'quota.created',
      from: null,
      to: null,
      patch: { size: 3 },
    } as const;
    const ids = Array.from({ length: 60 }, (_, index) => `job ${index}`);
    await first.commit({
      by: 'client',
      changes: [size, ...ids.map((id, index) => put(id, index < 30 ? ['q'] : []))],
      expect: [],
    }).synced;

    const taken: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      taken.push(...(await Promise.all(all.map((store) => claim(store, 2)))).flat());
      expect((await first.quotaHolders('/q')).length).toBeLessThanOrEqual(3);
    }

    expect(new Set(taken).size).toBe(taken.length);
    expect(taken.filter((id) => ids.indexOf(id) < 30)).toHaveLength(3);
    expect(taken.length).toBeGreaterThan(20);
    await Promise.all(all.map((store) => store.close()));
  });

  it('make a commit that is repeated under its id once, by any process', async () => {
    const all = await openings(4);
    const absent = { check: 'rev', kind: 'job', id: 'a', rev: 0 } as const;

    const made = await Promise.allSettled(
      all.map((store) => store.commit({ by: 'client', changes: [put('a', [])], expect: [absent] }).synced),
    );

    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await Promise.all(all.map((store) => store.close()));
  });

  it('refuse a job under an id that another opening has meanwhile put and is through with', async () => {
    const [first, second] = (await openings(2)) as [OpenStore, OpenStore];
    const [program, admin] = [await connected(), await connected()];
    const { pid } = (await program.query('SELECT pg_backend_pid() AS pid')).rows[0];
    const absent = { check: 'rev', kind: 'job', id: 'a', rev: 0 } as const;
    const named = {
      kind: 'annotation',
      id: 'b/note',
      event: 'annotation.set',
      from: null,
      to: null,
    } as const;
    const noted = { ...named, patch: { value: 1 } };
    // It has looked for the job, and waits for the row that the program has made and not committed.
    await program.query('BEGIN');
    await first.commit({ by: 'client', changes: [noted], expect: [], within: program }).synced;
    const late = first.commit({ by: 'client', changes: [put('a', []), noted], expect: [absent] }).synced;
    const refusal = late.then(
      () => null,
      (error: unknown) => error,
    );
    await expect.poll(() => waitingFor(admin, pid)).toBe(1);

    await second.commit({ by: 'client', changes: [put('a', [])], expect: [absent] }).synced;
    const patch = { parent: null, line: null };
    const over = {
      kind: 'job',
      id: 'a',
      event: 'job.over',
      from: 'pending',
      to: 'completed',
      patch,
    } as const;
    await second.commit({ by: 'client', changes: [over], expect: [] }).synced;
    await program.query('ROLLBACK');

    expect(await refusal).toMatchObject({ code: 'CONFLICT' });
    expect(await first.list('job', '')).toMatchObject([{ id: 'a', state: 'completed', rev: 2 }]);
    await Promise.all([first.close(), second.close(), program.end(), admin.end()]);
  });
});

/** How many sessions wait for this one, or for one that does. */
async function waitingFor(admin: Client, pid: number): Promise<number> {
  const { rows } = await admin.query(
    `WITH RECURSIVE blocked (pid) AS (
       SELECT $1::int UNION SELECT a.pid FROM pg_stat_activity a JOIN blocked b ON b.pid = ANY(pg_blocking_pids(a.pid))
     ) SELECT count(*)::int - 1 AS count FROM blocked`,
    [pid],
  );
  return rows[0].count;
}

describe('A database whose transactions see by default what was there at their begin', () => {
  it('changes nothing: who waited for a quota sees who has taken its slots', async () => {
    const url = new URL(await serverUrl());
    url.searchParams.set('options', '-c default_transaction_isolation=repeatable\\ read');
    const schema = newSchema();
    const [first, second] = (await openings(2, schema, url.href)) as [OpenStore, OpenStore];
    const [admin, numbers] = [await connected(), await connected()];
    const { pid } = (await numbers.query('SELECT pg_backend_pid() AS pid')).rows[0];
    const named = { kind: 'quota', id: '/q', event: 'quota.created', from: null, to: null } as const;
    const size = { ...named, patch: { size: 1 } };
    await first.commit({
      by: 'client',
      changes: [size, put('a', ['q'], 'one'), put('b', ['q'], 'other')],
      expect: [],
    }).synced;
    await numbers.query(`BEGIN; ALTER SEQUENCE ${schema}.commits NO CYCLE`);

    const both = Promise.all([claim(first, 1, 'one'), claim(second, 1, 'other')]);
    await expect.poll(() => waitingFor(admin, pid)).toBe(2);
    await numbers.query('COMMIT');

    expect((await both).flat()).toHaveLength(1);
    expect(await first.quotaHolders('/q')).toHaveLength(1);
    await Promise.all([first.close(), second.close(), admin.end(), numbers.end()]);
  });
});

describe('Jobs of two processes that are to wait for each other', () => {
  it('do not: the second one is refused, though neither had committed when the other began', async () => {
    const schema = newSchema();
    const [first, second] = (await openings(2, schema)) as [OpenStore, OpenStore];
    await first.commit({ by: 'client', changes: [running('a'), running('b')], expect: [] }).synced;
    const [admin, numbers] = [await connected(), await connected()];
    const { pid } = (await numbers.query('SELECT pg_backend_pid() AS pid')).rows[0];
    // Numbers are not given before a write, so both have read by then what they are going to read.
    await numbers.query(`BEGIN; ALTER SEQUENCE ${schema}.commits NO CYCLE`);

    const both = Promise.allSettled([wait(first, 'a', 'b'), wait(second, 'b', 'a')]);
    await expect.poll(() => waitingFor(admin, pid)).toBe(2);
    await numbers.query('COMMIT');

    const results = await both;
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'AWAITED_ITSELF' },
    });
    const states = await Promise.all(['a', 'b'].map(async (id) => (await first.get('job', id))?.state));
    expect(states.sort()).toEqual(['active.running', 'active.waiting']);
    await Promise.all([first.close(), second.close(), admin.end(), numbers.end()]);
  });
});

describe('A listener that begins to follow a postgres store', () => {
  it.each([
    ['while others were committed', true],
    ['by the newest transaction of all', false],
  ])('gets what was numbered before and is committed after, %s', async (_how, isOlder) => {
    const [first, second] = (await openings(2)) as [OpenStore, OpenStore];
    const admin = await connected();
    await admin.query('BEGIN');
    await first.commit({ by: 'client', changes: [put('late', [])], expect: [], within: admin }).synced;
    if (isOlder) await first.commit({ by: 'client', changes: [put('early', [])], expect: [] }).synced;
    const received: string[] = [];
    const isTold = new Promise<void>((resolve) => {
      second.follow((lines) => {
        received.push(...lines.flatMap(({ entries }) => entries.map(({ id }) => id)));
        if (received.includes('last')) resolve();
      });
    });
    expect(await second.get('job', 'late')).toBeUndefined();

    await admin.query('COMMIT');
    await first.commit({ by: 'client', changes: [put('last', [])], expect: [] }).synced;
    await isTold;
    // An opening follows by itself until its first notification. A listener that joins meanwhile also gets what was
    // committed since then.
    await expect.poll(() => received.filter((id) => id !== 'early').sort()).toEqual(['last', 'late']);
    await Promise.all([first.close(), second.close(), admin.end()]);
  });
});

describe('A postgres store whose connections are cut', () => {
  it('makes every commit once all the same', async () => {
    const schema = newSchema();
    const { box } = await makeNodeBox({
      store: newPostgresStore({ schema, clock: 'database' }),
      jobs: [note],
      queues: [''],
      uuid: '00000000-0000-4000-8000-000000000001',
    });
    const admin = await connected();
    const cut = (): Promise<unknown> =>
      admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'signalbox' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`,
        [schema],
      );

    const puts: Promise<unknown>[] = [];
    for (let index = 0; index < 200; index += 1) {
      puts.push(box.queue().put(note(`${index}`), { id: `job${index}` }));
      if (index % 20 === 10) await cut();
    }
    await Promise.all(puts);

    expect(await box.queue().length()).toBe(200);
    const kept = (await keptEntries(admin, schema)).filter(({ event }) => event === 'job.put');
    expect(kept.map(({ id }) => id).sort()).toEqual(kept.map((_put, index) => `job${index}`).sort());
    expect(kept).toHaveLength(200);
    await admin.end();
  });
});
