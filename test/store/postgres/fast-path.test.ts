import { Pool } from 'pg';
import { memoryStore, type OpenStore, type Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { SeededRandom } from 'signalbox/testing';
import { afterAll, describe, expect, it } from 'vitest';
import type { FailedAttempt } from '../../../machines/job.context.ts';
import { afterStep, newJobRecord, stepJob, type Transition } from '../../../src/model/jobs/step.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

type Commit = Parameters<OpenStore['commit']>[0];
type Change = Commit['changes'][number];

afterAll(removeSchemas);

const clock = { now: 1000 };

function open(store: Store): Promise<OpenStore> {
  return openByHand(store, () => clock.now);
}

const failed: FailedAttempt = {
  at: 900,
  failure: { name: 'Error', message: 'no', stack: 'ü"\\', code: null, cause: null, extra: {} },
};

/** A pool of the program's own, which counts the calls of a function of the schema. */
async function countingPool(calls: Map<string, number>): Promise<Pool> {
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const [, called] = /\.(claim_jobs|step_jobs)\(/.exec(String(args[0])) ?? [];
      if (called !== undefined) calls.set(called, (calls.get(called) ?? 0) + 1);
      return query(...args);
    }) as typeof client.query;
  });
  return pool;
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

function put(id: string, name: string, beginAfter: number, quotaNames: readonly string[]): Change {
  const draft = newJobRecord(id, { name, args: [id, { n: 1.5, 'ü"\\': null }], quotaNames });
  const event = { type: 'job.put', queue: '', at: clock.now, beginAfter, assigner: 'd' } as const;
  const { patch, ...step } = stepJob(draft, event);
  return { ...step, patch: { name, args: draft.args, quotaNames, ...patch } };
}

/** One store, and what an agent of size 20 has of it. */
class Side {
  readonly store: OpenStore;
  readonly held = new Map<string, JobRecord>();
  /** How many the agent held with each claim. */
  readonly counts: (number | undefined)[] = [];

  constructor(store: OpenStore) {
    this.store = store;
  }

  commit(changes: readonly Change[], expect: Commit['expect'] = []): Promise<void> {
    return this.store.commit({ by: 'd', changes, expect }).synced;
  }

  async claim(limit: number, refusedName: string | null): Promise<readonly string[]> {
    const { epoch } = this.store;
    const claimed = await this.store.claim({
      queue: '',
      limit,
      by: 'd',
      agent: '/d/main',
      size: 20,
      accepts: { lane: (name) => name !== refusedName, job: null },
      choose: null,
      take: ({ job, quotas }) => {
        const place = { queue: '', dispatcher: 'd', agent: 'main' };
        const claim = stepJob(job, { type: 'job.claim', ...place, epoch, quotas });
        return [claim, stepJob(afterStep(job, claim), { type: 'job.start', at: clock.now })];
      },
    });
    for (const job of claimed.jobs) this.held.set(job.id, job);
    this.counts.push(claimed.held);
    return claimed.jobs.map(({ id }) => id);
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
      const { lastSeq, createdSeq, order, ...rest } = job as JobRecord;
      jobs.push({ ...rest, line: order?.[0], history });
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
  it.each([1, 2, 3, 4])('is what the memory store does (seed %i)', async (seed) => {
    clock.now = 1000;
    const random = new SeededRandom(seed);
    const below = (end: number): number => random.integer(0, end - 1);
    const calls = new Map<string, number>();
    const pool = await countingPool(calls);
    const sides = [
      new Side(await open(memoryStore())),
      new Side(await open(postgresStore({ pool, schema: newSchema(), clock: 'box' }))),
    ] as const;
    const [memory, postgres] = sides;
    for (const side of sides) await side.commit(presence(side.store.epoch));
    const ids: string[] = [];
    for (let step = 0; step < 40; step += 1) {
      clock.now += below(20);
      const what = below(10);
      if (what < 4) {
        const puts = Array.from({ length: 1 + below(5) }, () => {
          const id = `job ${ids.length}`;
          ids.push(id);
          const beginAfter = below(4) === 0 ? clock.now + below(60) : clock.now;
          const quotaNames = seed === 4 && below(8) === 0 ? ['q'] : [];
          return put(id, `work ${below(3)}`, beginAfter, quotaNames);
        });
        for (const side of sides) await side.commit(puts);
      } else if (what < 8) {
        const [limit, refused] = [1 + below(6), below(3) === 0 ? 'work 1' : null];
        expect(await postgres.claim(limit, refused)).toEqual(await memory.claim(limit, refused));
      } else {
        const some = [...memory.held.keys()].filter(() => below(2) === 0);
        const way = (['complete', 'complete', 'put back', 'wait', 'retry'] as const)[below(5)] ?? 'complete';
        const able = some.filter(
          (id) => way === 'complete' || memory.held.get(id)?.state === 'active.running',
        );
        const ending = able.filter((id) => memory.held.get(id)?.state === 'active.running');
        for (const side of sides) await side.end(ending, way);
      }
    }

    const [wanted, seen] = [await memory.seen(ids), await postgres.seen(ids)];
    expect(withoutEpochs(seen)).toEqual(withoutEpochs(wanted));
    expect(calls.get('claim_jobs')).toBeGreaterThan(5);
    expect(calls.get('step_jobs')).toBeGreaterThan(0);
    for (const { store } of sides) await store.close();
    await pool.end();
  });
});

it('A fast claim of a queue with more lanes than are remembered learns them once, and takes a job', async () => {
  const calls = new Map<string, number>();
  const pool = await countingPool(calls);
  const side = new Side(await open(postgresStore({ pool, schema: newSchema(), clock: 'box' })));
  await side.commit(presence(side.store.epoch));
  const puts = Array.from({ length: 1001 }, (_, index) =>
    put(`job ${index}`, `work ${index}`, clock.now, []),
  );
  await side.commit(puts);

  expect(await side.claim(1, null)).toEqual(['job 0']);
  expect(calls.get('claim_jobs')).toBe(2);
  expect(await side.claim(1, null)).toEqual(['job 1']);
  await side.store.close();
  await pool.end();
});

it('A fast claim takes no job with a deadline, or with slots of a quota, that arrives while it looks', async () => {
  const [calls, schema] = [new Map<string, number>(), newSchema()];
  const pool = await countingPool(calls);
  const side = new Side(await open(postgresStore({ pool, schema, clock: 'box' })));
  await side.commit([...presence(side.store.epoch), put('a', 'work', clock.now, [])]);
  expect(await side.claim(1, null)).toEqual(['a']);
  const admin = await connected();
  // A claim counts what its agent holds when it has seen the content of the queue, and before it takes anything.
  await admin.query(
    `CREATE OR REPLACE FUNCTION ${schema}.held_count(of_queue text, of_dispatcher text, of_agent text, known_states text[]) RETURNS bigint LANGUAGE plpgsql AS $$
     BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN 1; END $$; SELECT pg_advisory_lock(77)`,
  );
  await side.commit([put('b', 'work', clock.now, [])]);
  const claiming = side.claim(5, null);
  const isWaiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted`;
  await expect.poll(async () => (await admin.query(isWaiting)).rowCount).toBe(1);

  const late = put('late', 'work', clock.now - 100, []);
  const back = put('back', 'work', clock.now, []);
  await side.commit([
    { ...late, patch: { ...late.patch, beginBy: 5 } },
    { ...back, patch: { ...back.patch, quotas: ['/q'], order: ['putBack', 0] } },
  ]);
  await admin.query('SELECT pg_advisory_unlock(77)');

  expect(await claiming).toEqual(['b']);
  expect((await side.store.waiting('')).map(({ id }) => id)).toEqual(['back', 'late']);
  await Promise.all([side.store.close(), admin.end()]);
  await pool.end();
});

/** Two stores count their openings by themselves. */
function withoutEpochs(seen: unknown): unknown {
  return JSON.parse(JSON.stringify(seen, (key, value) => (key === 'epoch' ? undefined : value)));
}
