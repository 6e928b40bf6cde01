import { agent, createSignalbox, defineJob } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { put } from '../../../src/testing/contract/checked-store.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('Jobs start while their process goes on putting others', async () => {
  let started = 0;
  const note = defineJob({
    name: 'note',
    run: () => {
      started += 1;
    },
  });
  const box = await createSignalbox({ store: newPostgresStore(), jobs: [note] });
  await box.start({ agent: agent({ size: 5 }) });
  let puts = 0;

  // There is always one that is not over.
  const callers = Array.from({ length: 40 }, async () => {
    for (; started === 0 && puts < 2000; puts += 1) await box.queue().put(note());
  });
  await Promise.all(callers);

  expect(puts).toBeLessThan(2000);
  await box.stop();
});

it('What a job puts is on disk before another process can see it', async () => {
  const store = await openByHand(newPostgresStore());
  const client = await connected();
  const synced: boolean[] = [];

  for (let round = 0; round < 20; round += 1) {
    const { rows } = await client.query('SELECT pg_current_wal_insert_lsn() AS before');
    await store.commit({ by: 'dispatcher', changes: [put(`job-${round}`)], expect: [] }).written;
    const after = await client.query('SELECT pg_current_wal_flush_lsn() > $1::pg_lsn AS synced', [
      rows[0].before,
    ]);
    synced.push(after.rows[0].synced);
  }

  expect(synced).not.toContain(false);
  await client.end();
  await store.close();
});
