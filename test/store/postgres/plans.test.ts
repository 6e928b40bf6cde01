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
