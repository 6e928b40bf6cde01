import { agent, createSignalbox, defineJob } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('a function that turns off a way of planning does not let the server compile its plans', async () => {
  const schema = newSchema();
  const store = await openByHand(newPostgresStore({ schema }));
  const client = await connected();
  try {
    const { rows } = await client.query(
      `SELECT p.proname AS name, p.proconfig AS settings FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = $1 AND 'enable_sort=off' = ANY (p.proconfig)`,
      [schema],
    );
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['commit', 'expect', 'apply', 'due_after']),
    );
    for (const { name, settings } of rows)
      expect([name, settings]).toEqual([name, expect.arrayContaining(['jit=off'])]);
  } finally {
    await client.end();
    await store.close();
  }
});

it('a sync looks at what it asks for, however long the journal is', async () => {
  const schema = newSchema();
  const note = defineJob({ name: 'note', run: () => null });
  const box = await createSignalbox({ store: newPostgresStore({ schema }), jobs: [note] });
  await box.start({ agent: agent({ size: 1 }) });
  const jobs = 100;
  for (let job = 0; job < jobs; job += 1) await (await box.queue().put(note())).result();
  await box.stop();
  const client = await connected();
  try {
    // A connection reports what it has read when it ends.
    const { rows } = await client.query(
      `SELECT sum(c.n)::int AS lines, (SELECT sum(s.idx_tup_fetch)::int FROM pg_stat_user_tables s WHERE s.schemaname = $1 AND s.relname LIKE 'line%') AS read
       FROM (SELECT count(*) AS n FROM ${schema}.line) c`,
      [schema],
    );
    const [{ lines, read }] = rows;
    expect(lines).toBeGreaterThan(jobs);
    expect(read).toBeLessThan(2 * lines);
  } finally {
    await client.end();
  }
});
