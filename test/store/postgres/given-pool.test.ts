import { Pool } from 'pg';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

afterAll(removeSchemas);

it('A call on a pool whose connections are all taken fails after connectTimeout, and later calls have them again', async () => {
  const pool = new Pool({ connectionString: await serverUrl(), max: 1 });
  const limits = { connectTimeout: '1s', queryTimeout: '3s' };
  const store = await openByHand(postgresStore({ pool, schema: newSchema(), clock: 'box', ...limits }));
  // Waits for a connection that a poll or a notification has at this moment.
  const taken = await pool.connect();

  const refused = await Promise.all(
    [store.get('job', 'a'), store.list('queue', ''), store.waitingCount('')].map((call) =>
      call.catch((error: unknown) => error),
    ),
  );
  taken.release();
  await store.list('queue', '');

  for (const error of refused) expect(error).toMatchObject({ code: 'STORE_DISCONNECTED' });
  expect(pool.waitingCount).toBe(0);
  await store.close();
  await pool.end();
});
