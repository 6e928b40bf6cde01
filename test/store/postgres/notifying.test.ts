import type { Client } from 'pg';
import { defineJob } from 'signalbox';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { makeNodeBox } from '../../behaviours/stores.ts';
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
});
