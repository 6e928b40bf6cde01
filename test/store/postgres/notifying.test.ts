import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { defineJob } from 'signalbox';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { makeNodeBox } from '../../behaviours/stores.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, cut, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
let admin: Client | null = null;

afterEach(async () => {
  await admin?.end();
  admin = null;
});
afterAll(removeSchemas);

/** A box that works and never polls by itself, one that only puts, and the connections of both that listen. */
async function makePair() {
  const schema = newSchema();
  const box = async (letter: string) =>
    (
      await makeNodeBox({
        store: newPostgresStore({ schema, clock: 'database' }),
        jobs: [note],
        queues: [''],
        uuid: `${letter.repeat(8)}-0000-4000-8000-000000000000`,
      })
    ).box;
  const [working, putting] = [await box('a'), await box('b')];
  await working.start({ pollInterval: '1h' });
  admin = await connected();
  const client = admin;
  const listening = async (): Promise<number[]> => {
    const { rows } = await client.query(
      `SELECT pid FROM pg_stat_activity WHERE query = (
         SELECT 'LISTEN "signalbox_' || left(encode(sha256($1::text::bytea), 'hex'), 16) || '"')`,
      [schema],
    );
    return rows.map((row) => row.pid);
  };
  while ((await listening()).length < 2);
  return { queue: putting.queue(), listening, client };
}

/** The notifications that every listener gets. */
async function heardBy(client: Client, schema: string): Promise<unknown[]> {
  const heard: unknown[] = [];
  client.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '')));
  await client.query(`LISTEN "signalbox_${createHash('sha256').update(schema).digest('hex').slice(0, 16)}"`);
  return heard;
}

describe('A postgres store', { timeout: 60_000 }, () => {
  it('hears of work that another process puts, on one connection of its own', async () => {
    const { queue, listening } = await makePair();

    const job = await queue.put(note('heard'));

    expect(await job.result()).toBe('heard');
    expect(await listening()).toHaveLength(2);
  });

  it('finds such work also while the connection that listens is lost', async () => {
    const { queue, listening, client } = await makePair();
    for (const pid of await listening()) await cut(client, pid);

    const job = await queue.put(note('found'));

    expect(await job.result()).toBe('found');
  });
  it('notifies others of jobs that were put just before it was closed', async () => {
    const schema = newSchema();
    const store = await openByHand(newPostgresStore({ schema }));
    admin = await connected();
    const heard = await heardBy(admin, schema);
    const put = (id: string, queue: string) => {
      const patch = { name: 'note', args: [], beginAfter: 0, parent: { queue }, line: 'now' };
      const change = { kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch } as const;
      return store.commit({ by: 'client', changes: [change], expect: [] }).synced;
    };
    await put('a', 'first');
    await expect.poll(() => heard).toContainEqual({ by: store.epoch, queues: ['first'] });

    // The least time between two notifications is not over yet.
    await put('b', 'last');
    await store.close();

    await expect.poll(() => heard).toContainEqual({ by: store.epoch, queues: ['last'] });
  });
});
