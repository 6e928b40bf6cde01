import { Pool } from 'pg';
import { memoryStore, type OpenStore, type Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { SeededRandom } from 'signalbox/testing';
import { afterAll, describe, expect, it } from 'vitest';
import type { FailedAttempt } from '../../../machines/job.context.ts';
import { afterStep, newJobRecord, stepJob, type Transition } from '../../../src/model/jobs/step.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

type Commit = Parameters<OpenStore['commit']>[0];
type Change = Commit['changes'][number];
type Claimed = Awaited<ReturnType<OpenStore['claim']>>;

afterAll(removeSchemas);

const clock = { now: 1000 };

function open(store: Store): Promise<OpenStore> {
  return openByHand(store, () => clock.now);
}

const failed: FailedAttempt = {
  at: 900,
  failure: { name: 'Error', message: 'no', stack: 'ü"\\', code: null, cause: null, extra: {} },
};

/** What a program's pool was asked: a word for each statement, with the values of commits. */
interface Asked {
  readonly what: string;
  readonly values: readonly unknown[];
}

/** A pool of the program's own that takes note of statements. */
async function watchedPool(asked: Asked[]): Promise<Pool> {
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const [given] = args as [string | { readonly text: string; readonly values: readonly unknown[] }];
      const text = typeof given === 'string' ? given : given.text;
      const values = ((typeof given === 'string' ? args[1] : given.values) ?? []) as readonly unknown[];
      const [, called] = /\.(commit|heads)\(/.exec(text) ?? [];
      const isSync = text.includes('pg_logical_emit_message');
      asked.push({ what: called ?? (isSync ? 'sync' : text), values });
      return query(...args);
    }) as typeof client.query;
  });
  return pool;
}

/** A store whose statements are taken note of. */
async function watchedSide(): Promise<{ side: Side; asked: Asked[]; close: () => Promise<void> }> {
  const asked: Asked[] = [];
  const pool = await watchedPool(asked);
  const side = new Side(await open(postgresStore({ pool, schema: newSchema(), clock: 'box' })));
  const close = async (): Promise<void> => {
    await side.store.close();
    await pool.end();
  };
  return { side, asked, close };
}

/** Where the values of a commit say whether it is synced, and have its results and its claim: see `sql/commit.ts`. */
const [isSyncedAt, doneAt, mostAt] = [4, 21, 34];

function counted(asked: readonly Asked[], what: string): number {
  return asked.filter((each) => each.what === what).length;
}

/** The agent that claims, of a dispatcher that is activated. */
function presence(epoch: number): readonly Change[] {
  const activated = {
    epoch,
    activated: clock.now,
    lastPing: clock.now,
    pingInterval: 30_000,
    pingDeathInterval: 1e9,
  };
  return [
    { kind: 'representation', id: '/d', event: 'made', from: null, to: 'activated', patch: activated },
    { kind: 'agent', id: '/d/main', event: 'made', from: null, to: null, patch: { size: 100 } },
  ];
}

function put(
  id: string,
  name: string,
  beginAfter: number,
  quotaNames: readonly string[],
  { priority = 0, keys = null }: Partial<Pick<JobRecord, 'priority' | 'keys'>> = {},
): Change {
  const draft = newJobRecord(id, { name, args: [id, { n: 1.5, 'ü"\\': null }], quotaNames, priority, keys });
  const event = { type: 'job.put', queue: '', at: clock.now, beginAfter, assigner: 'd' } as const;
  const { patch, ...step } = stepJob(draft, event);
  const level = priority === 0 ? {} : { priority };
  const limits = keys === null ? {} : { keys };
  return { ...step, patch: { name, args: draft.args, quotaNames, ...level, ...limits, ...patch } };
}

/** A limit by key. */
function limited(name: string, size: number): Change {
  const patch = { size, keyed: true };
  return { kind: 'quota', id: `/${name}`, event: 'made', from: null, to: null, patch };
}

/** One store, and what an agent of size 20 has of it. */
class Side {
  readonly store: OpenStore;
  readonly held = new Map<string, JobRecord>();
  /** How many the agent held with each claim. */
  readonly counts: (number | undefined)[] = [];
  /** Jobs that were offered as too late: they are not taken. */
  readonly expired: string[] = [];

  constructor(store: OpenStore) {
    this.store = store;
  }

  commit(changes: readonly Change[], expect: Commit['expect'] = []): Promise<void> {
    return this.store.commit({ by: 'd', changes, expect }).synced;
  }

  /** As an agent does: it claims again while there may be more. */
  async claim(limit: number, refusedName: string | null): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let isMore = true; isMore && ids.length < limit; ) {
      const claimed = await this.claimOnce(limit - ids.length, refusedName);
      ids.push(...claimed.jobs.map(({ id }) => id));
      if (ids.length >= limit || claimed.mayBeMore !== true) this.counts.push(claimed.held);
      isMore = claimed.mayBeMore === true;
    }
    return ids;
  }

  async claimOnce(limit: number, refusedName: string | null): Promise<Claimed> {
    const { epoch } = this.store;
    const claimed = await this.store.claim({
      queue: '',
      limit,
      by: 'd',
      agent: '/d/main',
      size: 20,
      accepts: { lane: (name) => name !== refusedName, job: null },
      choose: null,
      take: ({ job, expired, quotas }) => {
        if (expired) this.expired.push(job.id);
        if (expired) return null;
        const place = { queue: '', dispatcher: 'd', agent: 'main' };
        const claim = stepJob(job, { type: 'job.claim', ...place, epoch, quotas });
        return [claim, stepJob(afterStep(job, claim), { type: 'job.start', at: clock.now })];
      },
    });
    for (const job of claimed.jobs) this.held.set(job.id, job);
    return claimed;
  }

  /** Steps of held jobs in one tick: to their end, or back to the front of the queue. */
  async end(ids: readonly string[], way: 'complete' | 'put back' | 'wait' | 'retry'): Promise<void> {
    const commits = ids.map((id) => {
      const job = this.held.get(id) as JobRecord;
      const { epoch, claim } = job;
      const holder = { check: 'holder', id, epoch, claim } as const;
      if (way === 'complete') this.held.delete(id);
      if (way === 'complete')
        return this.commit(completion(job), [holder, { check: 'noUnstartedCallback', id }]);
      const retryData = { tries: 1 };
      const events = {
        wait: { type: 'job.wait', on: 'another' },
        retry: { type: 'job.retry', failed },
        'put back': { type: 'job.reschedule', at: clock.now, queue: '', beginAfter: null, retryData, failed },
      } as const;
      const step: Transition = stepJob(job, events[way]);
      this.held.set(id, afterStep(job, step));
      if (way === 'put back') this.held.delete(id);
      return this.commit([step], [holder]);
    });
    await Promise.all(commits);
  }

  /** Everything that can be seen of its jobs, but for the numbers of entries, in which two stores may differ. */
  async seen(ids: readonly string[]): Promise<unknown> {
    const jobs: unknown[] = [];
    for (const id of ids) {
      const job = await this.store.get('job', id);
      const history: unknown[] = [];
      for await (const { event, from, to, patch, at } of this.store.history('job', id))
        history.push({ event, from, to, patch, at });
      const { lastSeq, createdSeq, position, ...rest } = job as JobRecord;
      jobs.push({ ...rest, history });
    }
    const waiting = (await this.store.waiting('')).map(({ id }) => id);
    const held = (await this.store.held('', 'd', 'main')).map(({ id }) => id);
    return { jobs, waiting, held, counts: this.counts, count: await this.store.heldCount('', 'd', 'main') };
  }
}

function completion(job: JobRecord): readonly Change[] {
  const outcome = { ok: true, value: { of: job.id } } as const;
  const finish = stepJob(job, {
    type: 'job.finish',
    at: clock.now,
    outcome,
    retryData: job.retryData,
    awaited: null,
  });
  return [finish, stepJob(afterStep(job, finish), { type: 'job.complete', at: clock.now, unstarted: 0 })];
}

describe('The calls of a postgres store', () => {
  it.each([1, 2, 3, 4])('is what the memory store does (seed %i)', (seed) => law(seed, [0]));

  it.each([5, 6, 7, 8, 9, 10])('is what the memory store does with priorities (seed %i)', (seed) =>
    law(seed, [0, 0, 0, -1, 1, -3, 9]),
  );

  it.each([11, 12, 13, 14, 15, 16])('is what the memory store does with keys (seed %i)', (seed) =>
    law(seed, [0], [...Array.from({ length: 9 }, (_, n) => `k/${n}`), 'k/ü"', 'm/0', 'm/1', 'none/0']),
  );
});

/** Makes the same calls of both stores, and compares what they give. */
async function law(seed: number, levels: readonly number[], keys: readonly string[] = []): Promise<void> {
  clock.now = 1000;
  const random = new SeededRandom(seed);
  const below = (end: number): number => random.integer(0, end - 1);
  const isLeveled = levels.length > 1;
  const level = (): number => (isLeveled ? (levels[below(levels.length)] ?? 0) : 0);
  const asked: Asked[] = [];
  const pool = await watchedPool(asked);
  const sides = [
    new Side(await open(memoryStore())),
    new Side(await open(postgresStore({ pool, schema: newSchema(), clock: 'box' }))),
  ] as const;
  const [memory, postgres] = sides;
  const aging: Change = {
    kind: 'queue',
    id: '',
    event: 'made',
    from: null,
    to: null,
    patch: { agingMs: 15 },
  };
  const limits = keys.length === 0 ? [] : [limited('k', 2), limited('m', 1)];
  for (const side of sides) await side.commit([...presence(side.store.epoch), aging, ...limits]);
  const ids: string[] = [];
  for (let step = 0; step < 40; step += 1) {
    clock.now += below(20);
    const what = below(10);
    if (what < 4) {
      const puts = Array.from({ length: 1 + below(5) }, () => {
        const id = `job ${ids.length}`;
        ids.push(id);
        // What becomes due between two commits counts from the first of them: the order between levels is not that exact.
        const beginAfter = !isLeveled && below(4) === 0 ? clock.now + below(60) : clock.now;
        const quotaNames = seed === 4 && below(8) === 0 ? ['q'] : [];
        const isKeyed = keys.length > 0 && below(3) > 0;
        // Which of several keys a job is parked under, and so its order, may differ.
        const own = isKeyed ? [keys[below(keys.length)] as string] : null;
        return put(id, `work ${below(3)}`, beginAfter, quotaNames, { priority: level(), keys: own });
      });
      for (const side of sides) await side.commit(puts);
    } else if (what < 8) {
      const [limit, refused] = [1 + below(6), below(3) === 0 ? 'work 1' : null];
      expect(await postgres.claim(limit, refused)).toEqual(await memory.claim(limit, refused));
    } else if (what === 8 && isLeveled) {
      const waiting = await memory.store.waiting('');
      const job = waiting[below(Math.max(1, waiting.length))];
      if (job === undefined) continue;
      const priority = level();
      for (const side of sides) {
        const own = (await side.store.get('job', job.id)) as JobRecord;
        await side.commit([stepJob(own, { type: 'priority.set', priority })]);
      }
    } else {
      const some = [...memory.held.keys()].filter(() => below(2) === 0);
      const way = (['complete', 'complete', 'put back', 'wait', 'retry'] as const)[below(5)] ?? 'complete';
      const able = some.filter((id) => way === 'complete' || memory.held.get(id)?.state === 'active.running');
      const ending = able.filter((id) => memory.held.get(id)?.state === 'active.running');
      for (const side of sides) await side.end(ending, way);
    }
  }

  const [wanted, seen] = [await memory.seen(ids), await postgres.seen(ids)];
  expect(withoutEpochs(seen)).toEqual(withoutEpochs(wanted));
  const commits = asked.filter(({ what }) => what === 'commit');
  expect(commits.filter(({ values }) => values[mostAt] != null).length).toBeGreaterThan(
    keys.length > 0 ? 1 : 4,
  );
  if (!isLeveled && keys.length === 0)
    expect(commits.some(({ values }) => values[doneAt] != null)).toBe(true);
  for (const { store } of sides) await store.close();
  await pool.end();
}

it('A round of results and a claim is one statement, and one more makes it synced', async () => {
  const { side, asked, close } = await watchedSide();
  await side.commit(presence(side.store.epoch));
  const ids = Array.from({ length: 30 }, (_, index) => `job ${index}`);
  await side.commit(ids.map((id) => put(id, 'work', clock.now, [])));
  expect(await side.claim(10, null)).toEqual(ids.slice(0, 10));
  await side.store.settled();
  asked.length = 0;

  const [, claimed] = await Promise.all([side.end(ids.slice(0, 10), 'complete'), side.claim(10, null)]);
  await side.store.settled();

  expect(claimed).toEqual(ids.slice(10, 20));
  // The hint for the jobs that were put may come between.
  expect(asked.map(({ what }) => what).filter((what) => !what.includes('pg_notify'))).toEqual([
    'commit',
    'sync',
  ]);
  expect(await side.store.heldCount('', 'd', 'main')).toBe(10);
  for (const id of ids.slice(0, 10))
    expect(await side.store.get('job', id)).toMatchObject({ state: 'completed', rev: 5 });
  await close();
});

it('Jobs whose keys have room are claimed with the results before them in one statement, which is synced', async () => {
  const { side, asked, close } = await watchedSide();
  const ids = Array.from({ length: 30 }, (_, index) => `job ${index}`);
  const jobs = ids.map((id) => put(id, 'work', clock.now, [], { keys: [`k/${id}`] }));
  await side.commit([...presence(side.store.epoch), limited('k', 1), ...jobs]);
  expect(await side.claim(10, null)).toEqual(ids.slice(0, 10));
  await side.store.settled();
  asked.length = 0;

  const [, claimed] = await Promise.all([side.end(ids.slice(0, 10), 'complete'), side.claim(10, null)]);
  await side.store.settled();

  expect(claimed).toEqual(ids.slice(10, 20));
  expect(counted(asked, 'heads')).toBe(0);
  expect(asked.filter(({ what }) => what === 'commit').map(({ values }) => values[isSyncedAt])).toEqual([
    true,
  ]);
  expect(side.held.get('job 12')?.quotas).toEqual(['/k/job 12']);
  expect(await side.store.get('job', 'job 12')).toMatchObject({ quotas: ['/k/job 12'], rev: 3 });
  expect(await side.store.quotaHolders('/k/job 12')).toEqual(['job 12']);
  expect(await side.store.quotaHolders('/k/job 2')).toEqual([]);
  await close();
});

it('A job that was parked, and is offered again, comes before those behind which a claim has got', async () => {
  const schema = newSchema();
  const [one, other] = [
    new Side(await open(newPostgresStore({ schema }))),
    new Side(await open(newPostgresStore({ schema }))),
  ];
  const parked = ['a', 'b'].map((id) => put(id, 'work', clock.now, [], { keys: ['k/1'] }));
  await one.commit([...presence(other.store.epoch), limited('k', 1), ...parked]);
  expect(await other.claim(2, null)).toEqual(['a']);
  expect(await one.store.parked('/k/1')).toBe(1);
  for (const id of ['c', 'd', 'e', 'f'])
    await one.commit([put(id, 'work', clock.now, [], { keys: [`k/${id}`] })]);
  // Another opening of the same process has not met a key without room.
  const third = new Side(await open(newPostgresStore({ schema })));
  await one.commit([
    {
      kind: 'representation',
      id: '/d',
      event: 'made',
      from: 'activated',
      to: 'activated',
      patch: { epoch: third.store.epoch },
    },
  ]);
  expect(await third.claim(1, null)).toEqual(['c']);
  expect(await third.claim(1, null)).toEqual(['d']);

  await other.end(['a'], 'complete');

  expect(await third.claim(2, null)).toEqual(['b', 'e']);
  for (const { store } of [one, other, third]) await store.close();
});

it('A claim ends before the first job of which a key has no room, and the next one parks that job', async () => {
  const side = new Side(await open(newPostgresStore()));
  const keys = { a: ['k/1'], b: ['k/2'], c: ['k/3', 'k/1'], d: ['k/3'] };
  const jobs = Object.entries(keys).map(([id, own]) => put(id, 'work', clock.now, [], { keys: own }));
  await side.commit([...presence(side.store.epoch), limited('k', 1), ...jobs]);

  const [first, second] = [await side.claimOnce(9, null), await side.claimOnce(9, null)];

  expect(first).toMatchObject({ jobs: [{ id: 'a' }, { id: 'b' }], mayBeMore: true });
  expect(second.jobs).toMatchObject([{ id: 'd', quotas: ['/k/3'] }]);
  expect(await side.store.parked('/k/1')).toBe(1);
  await side.store.close();
});

it('A claim of a queue with a thousand lanes reads them once, and takes jobs in their order', async () => {
  const { side, asked, close } = await watchedSide();
  await side.commit(presence(side.store.epoch));
  const puts = Array.from({ length: 1001 }, (_, index) =>
    put(`job ${index}`, `work ${index}`, clock.now, []),
  );
  await side.commit(puts);
  asked.length = 0;

  expect(await side.claim(1, null)).toEqual(['job 0']);
  expect([counted(asked, 'heads'), counted(asked, 'commit')]).toEqual([1, 1]);
  expect(await side.claim(1, null)).toEqual(['job 1']);
  await close();
});

it('A claim takes no job as a plain one that has a deadline, or slots of a quota, and arrives while it looks', async () => {
  const schema = newSchema();
  const quota: Change = { kind: 'quota', id: '/q', event: 'made', from: null, to: null, patch: { size: 1 } };
  const before = await open(newPostgresStore({ schema }));
  await before.commit({ by: 'd', changes: [quota, put('b', 'work', clock.now, [])], expect: [] }).synced;
  await before.close();
  const side = new Side(await open(newPostgresStore({ schema })));
  await side.commit(presence(side.store.epoch));
  const admin = await connected();
  // A look that has seen the lanes of the queue, and is held up before it is answered.
  await admin.query(
    `ALTER FUNCTION ${schema}.heads(text, float8, text) RENAME TO seen;
     CREATE FUNCTION ${schema}.heads(p_queue text, p_now float8, p_polled text) RETURNS TABLE (
       lane integer, key text, line integer, turn bigint, due float8, marks integer, body json, is_leveled boolean)
     LANGUAGE plpgsql AS $$ BEGIN
       RETURN QUERY SELECT * FROM ${schema}.seen(p_queue, p_now, p_polled);
       PERFORM pg_advisory_xact_lock_shared(77);
     END $$; SELECT pg_advisory_lock(77)`,
  );
  const claiming = side.claim(5, null);
  const isWaiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted`;
  await expect.poll(async () => (await admin.query(isWaiting)).rowCount).toBe(1);

  const late = put('late', 'work', clock.now - 100, []);
  const back = put('back', 'work', clock.now, ['q']);
  await side.commit([
    { ...late, patch: { ...late.patch, beginBy: 5 } },
    { ...back, patch: { ...back.patch, quotas: ['/q'], line: 'putBack' } },
  ]);
  await admin.query('SELECT pg_advisory_unlock(77)');

  expect(await claiming).toEqual(['b']);
  // It knows of one that was put meanwhile and judges it; the next one looks again, and judges all that are not plain.
  expect(await side.claim(5, null)).toEqual(['back']);
  expect(side.expired).toEqual(['late', 'late']);
  expect(await side.store.get('job', 'back')).toMatchObject({ quotas: ['/q'] });
  expect(await side.store.quotaHolders('/q')).toEqual(['back']);
  expect((await side.store.waiting('')).map(({ id }) => id)).toEqual(['late']);
  await Promise.all([side.store.close(), admin.end()]);
});

it('A claim that is held up takes no job that was put after one of another lane', async () => {
  const schema = newSchema();
  const side = new Side(await open(newPostgresStore({ schema })));
  await side.commit(presence(side.store.epoch));
  await side.commit([put('first', 'work', clock.now, [])]);
  const admin = await connected();
  await admin.query(`BEGIN; SELECT FROM ${schema}.agent FOR UPDATE`);
  const claiming = side.claim(5, null);
  const isWaiting = `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND strpos(a.query, '${schema}') > 0`;
  await expect.poll(async () => (await admin.query(isWaiting)).rowCount).toBe(1);

  await side.store.commit({ by: 'client', changes: [put('other', 'more work', clock.now, [])], expect: [] })
    .synced;
  await side.store.commit({ by: 'client', changes: [put('last', 'work', clock.now, [])], expect: [] }).synced;
  await admin.query('COMMIT');

  expect(await claiming).toEqual(['first']);
  expect(await side.claim(5, null)).toEqual(['other', 'last']);
  await Promise.all([side.store.close(), admin.end()]);
});

/** Two stores count their openings by themselves. */
function withoutEpochs(seen: unknown): unknown {
  return JSON.parse(JSON.stringify(seen, (key, value) => (key === 'epoch' ? undefined : value)));
}

it('A claim that takes slots of a quota takes half of what its agent may hold, and leaves the others to claims of other processes', async () => {
  const quota: Change = { kind: 'quota', id: '/q', event: 'made', from: null, to: null, patch: { size: 20 } };
  const side = new Side(await open(newPostgresStore()));
  const jobs = Array.from({ length: 25 }, (_, n) => put(`job-${n + 10}`, 'work', clock.now, ['q']));
  await side.commit([...presence(side.store.epoch), quota, ...jobs]);

  const [first, second, third] = [
    await side.claimOnce(20, null),
    await side.claimOnce(20, null),
    await side.claimOnce(20, null),
  ];

  expect([first, second, third].map(({ jobs }) => jobs.length)).toEqual([10, 10, 0]);
  await side.store.close();
});
