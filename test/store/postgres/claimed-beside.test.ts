import type { Client } from 'pg';
import { memoryStore, type OpenStore } from 'signalbox';
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
  const place = { parent: { queue: '' }, line: 'now', beginAfter: 0 };
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
      const patch = { parent, line: 'claimed', epoch: store.epoch, claim: job.claim + 1, quotas };
      return [{ kind: 'job', id: job.id, event: 'job.claim', from: 'pending', to: 'assigned', patch }];
    },
  });
  return claimed.jobs.map(({ id }) => id);
}

/** What takes a waiting job out of its queue. */
function pull(id: string): Change {
  const patch = { parent: null, line: null, quotas: [] };
  return { kind: 'job', id, event: 'job.pull', from: 'pending', to: 'new', patch };
}

/**
 * Claims while an open transaction of a program has pulled a job. Ends the transaction once the claim has ended
 * or waits for it.
 */
async function claimWhilePulled(
  store: OpenStore,
  id: string,
  names: readonly string[],
  end: 'COMMIT' | 'ROLLBACK',
): Promise<readonly string[]> {
  const [program, admin] = [await connected(), await connected()];
  const { pid } = (await program.query('SELECT pg_backend_pid() AS pid')).rows[0];
  await program.query('BEGIN');
  await store.commit({ by: 'client', changes: [pull(id)], expect: [], within: program }).synced;
  let isOver = false;
  const claiming = claim(store, names).finally(() => {
    isOver = true;
  });
  await expect.poll(async () => isOver || (await isWaitedFor(admin, pid))).toBe(true);
  await program.query(end);
  await Promise.all([program.end(), admin.end()]);
  return claiming;
}

/** What the memory store lets claim when the pull is over: made, or not. */
async function claimedInMemory(
  changes: readonly Change[],
  names: readonly string[],
  pulled: readonly Change[],
): Promise<readonly string[]> {
  const store = await openByHand(memoryStore());
  await store.commit({ by: 'client', changes, expect: [] }).synced;
  if (pulled.length > 0) await store.commit({ by: 'client', changes: pulled, expect: [] }).synced;
  const ids = await claim(store, names);
  await store.close();
  return ids;
}

async function isWaitedFor(admin: Client, pid: number): Promise<boolean> {
  const { rowCount } = await admin.query(
    'SELECT FROM pg_stat_activity WHERE $1::int = ANY(pg_blocking_pids(pid))',
    [pid],
  );
  return rowCount !== 0;
}

const size: Change = {
  kind: 'quota',
  id: '/q',
  event: 'quota.created',
  from: null,
  to: null,
  patch: { size: 2 },
};
const quotaNames = ['q'];

describe.each(['COMMIT', 'ROLLBACK'] as const)(
  'A claim of a postgres store beside a transaction that pulls a job and ends in %s',
  (end) => {
    it.each([
      {
        what: 'one that was put back and holds slots of a quota, which are counted',
        id: 'back',
        names: ['work'],
        changes: [
          size,
          put('back', { quotaNames, quotas: ['/q'], line: 'putBack' }),
          put('next', { quotaNames }),
          put('last', { quotaNames }),
        ],
      },
      {
        what: 'one that is too late and is where the claim only compares it with a held job',
        id: 'late',
        names: ['work', systemNames.fail],
        changes: [
          put('late', { name: 'refused', beginAfter: 600, beginBy: 10 }),
          put('held', { beginAfter: 500, line: 'held' }),
          put('now'),
        ],
      },
    ])('takes it as that end has it: $what', async ({ id, names, changes }) => {
      const store = await opened();
      await store.commit({ by: 'client', changes, expect: [] }).synced;

      const claimed = await claimWhilePulled(store, id, names, end);

      const isPulled = end === 'COMMIT';
      expect(claimed).toEqual(await claimedInMemory(changes, names, isPulled ? [pull(id)] : []));
      expect(claimed.includes(id)).toBe(!isPulled);
      expect(await store.get('job', id)).toMatchObject(
        isPulled ? { state: 'new', parent: null, rev: 2 } : { state: 'assigned', claim: 1, rev: 2 },
      );
      expect((await store.quotaHolders('/q')).length).toBeLessThanOrEqual(2);
      await store.close();
      expect(await differingRecords()).toEqual([]);
    });
  },
);
