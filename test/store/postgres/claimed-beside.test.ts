import type { Client } from 'pg';
import type { OpenStore } from 'signalbox';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemNames } from '../../../src/model/records/system-names.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, differingRecords, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

afterAll(removeSchemas);
beforeEach(removeSchemas);

async function opened(): Promise<OpenStore> {
  return openByHand(newPostgresStore({ schema: newSchema() }));
}

function put(id: string, patch: Change['patch'] = {}): Change {
  const place = { parent: { queue: '' }, order: ['now', 0], beginAfter: 0 };
  return {
    kind: 'job',
    id,
    event: 'job.put',
    from: 'new',
    to: 'pending',
    patch: { name: 'work', args: [id], ...place, ...patch },
  };
}

async function claim(store: OpenStore, names: readonly string[]): Promise<readonly string[]> {
  const claimed = await store.claim({
    queue: '',
    limit: 10,
    by: 'd',
    agent: null,
    accepts: { lane: (name) => names.includes(name), job: null },
    choose: null,
    take: ({ job, quotas }) => {
      const parent = { queue: '', dispatcher: 'd', agent: 'main' };
      const patch = { parent, order: ['claimed', 0], epoch: store.epoch, claim: job.claim + 1, quotas };
      return [{ kind: 'job', id: job.id, event: 'job.claim', from: 'pending', to: 'assigned', patch }];
    },
  });
  return claimed.jobs.map(({ id }) => id);
}

/**
 * Claims while an open transaction of a program has pulled a job. Ends the transaction once the claim has ended
 * or waits for it.
 */
async function claimWhilePulled(
  store: OpenStore,
  id: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const [program, admin] = [await connected(), await connected()];
  const { pid } = (await program.query('SELECT pg_backend_pid() AS pid')).rows[0];
  await program.query('BEGIN');
  const patch = { parent: null, order: null, quotas: [] };
  const pull: Change = { kind: 'job', id, event: 'job.pull', from: 'pending', to: 'new', patch };
  await store.commit({ by: 'client', changes: [pull], expect: [], within: program }).synced;
  let isOver = false;
  const claiming = claim(store, names).finally(() => {
    isOver = true;
  });
  await expect.poll(async () => isOver || (await isWaitedFor(admin, pid))).toBe(true);
  await program.query('COMMIT');
  await Promise.all([program.end(), admin.end()]);
  return claiming;
}

async function isWaitedFor(admin: Client, pid: number): Promise<boolean> {
  const { rowCount } = await admin.query(
    'SELECT FROM pg_stat_activity WHERE $1::int = ANY(pg_blocking_pids(pid))',
    [pid],
  );
  return rowCount !== 0;
}

describe('A claim of a postgres store does not take a job that another transaction is changing', () => {
  it('also one that was put back and holds slots of a quota, which are counted', async () => {
    const store = await opened();
    const size = {
      kind: 'quota',
      id: '/q',
      event: 'quota.created',
      from: null,
      to: null,
      patch: { size: 2 },
    };
    const [quotaNames, quotas] = [['q'], ['/q']];
    const back = put('back', { quotaNames, quotas, order: ['putBack', 0] });
    await store.commit({
      by: 'client',
      changes: [size as Change, back, put('next', { quotaNames }), put('last', { quotaNames })],
      expect: [],
    }).synced;

    expect(await claimWhilePulled(store, 'back', ['work'])).toEqual(['next']);

    expect(await store.get('job', 'back')).toMatchObject({ state: 'new', parent: null, rev: 2 });
    await store.close();
    expect(await differingRecords()).toEqual([]);
  });

  it('also one that is too late and is where the claim only compares it with a held job', async () => {
    const store = await opened();
    await store.commit({
      by: 'client',
      changes: [
        put('late', { name: 'refused', beginAfter: 600, beginBy: 10 }),
        put('held', { beginAfter: 500, order: ['held', 0] }),
        put('now'),
      ],
      expect: [],
    }).synced;

    expect(await claimWhilePulled(store, 'late', ['work', systemNames.fail])).toEqual(['held', 'now']);

    expect(await store.get('job', 'late')).toMatchObject({ state: 'new', parent: null, rev: 2 });
    await store.close();
    expect(await differingRecords()).toEqual([]);
  });
});
