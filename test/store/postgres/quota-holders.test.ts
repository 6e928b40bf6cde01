import { Pool } from 'pg';
import type { OpenStore } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

afterAll(removeSchemas);

const large = 'x'.repeat(10_000);
const holders = 20;

/**
 * A store that counts what its database sends, with jobs in an agent that hold slots of a quota, and one that
 * waits for a slot.
 */
async function makeMeasured() {
  const read = { bytes: 0 };
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<{ rows?: unknown[] }>;
    client.query = (async (...args: unknown[]) => {
      const result = await query(...args);
      read.bytes += JSON.stringify(result.rows ?? []).length;
      return result;
    }) as unknown as typeof client.query;
  });
  const store = await openByHand(postgresStore({ pool, schema: newSchema(), clock: 'box' }));
  const job = (id: string, to: string, patch: Partial<Change['patch']>): Change =>
    ({ kind: 'job', id, event: 'made', from: 'new', to, patch: { name: 'work', ...patch } }) as Change;
  const parent = { queue: 'q', dispatcher: 'd', agent: 'main' };
  const held = { args: [large], parent, line: 'claimed', quotas: ['q/disk'], quotaNames: ['disk'] };
  const waiting = { args: ['short'], parent: { queue: 'q' }, line: 'now', quotaNames: ['disk'] };
  await store.commit({
    by: 'client',
    changes: [
      { kind: 'quota', id: 'q/disk', event: 'made', from: null, to: null, patch: { size: 100 } },
      ...Array.from({ length: holders }, (_, n) => job(`held${n}`, 'active.running', held)),
      job('waits', 'pending', { ...waiting, beginAfter: 0 }),
    ],
    expect: [],
  }).synced;
  const bytesOf = async (call: () => Promise<unknown>): Promise<number> => {
    read.bytes = 0;
    await call();
    return read.bytes;
  };
  return { store, pool, bytesOf };
}

it('The arguments of those that hold a slot are not read to count them', async () => {
  const { store, pool, bytesOf } = await makeMeasured();
  const offered: string[] = [];
  const claim = () =>
    store.claim({
      queue: 'q',
      limit: 1,
      by: 'd',
      agent: null,
      accepts: { lane: () => true, job: null },
      choose: null,
      take: ({ job }) => {
        offered.push(`${job.id} ${job.args}`);
        return null;
      },
    });

  const bytes = [await bytesOf(claim), await bytesOf(() => store.quotaHolders('q/disk'))];

  expect(offered).toContain('waits short');
  expect(await store.quotaHolders('q/disk')).toHaveLength(holders);
  for (const count of bytes) expect(count).toBeLessThan(holders * large.length);
  await store.close();
  await pool.end();
});
