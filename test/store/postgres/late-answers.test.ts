import { AsyncLocalStorage } from 'node:async_hooks';
import type { Client } from 'pg';
import { agent, defineJob, type Job, local, NeverRetry, type OpenStore } from 'signalbox';
import { afterAll, afterEach, expect, it } from 'vitest';
import { makeNodeBox } from '../../behaviours/stores.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

const work = defineJob({ name: 'work', run: () => 'done' });
const book = defineJob({
  name: 'book',
  retry: NeverRetry,
  run: () => local.transaction(async () => 'booked'),
});
const note = defineJob({ name: 'note', run: (input: unknown) => `got ${String(input)}` });

const tenant = new AsyncLocalStorage<unknown>();
const bill = defineJob({ name: 'bill', context: tenant, run: () => `${tenant.getStore()} pays` });

let admin: Client | null = null;

afterEach(async () => {
  await admin?.end();
  admin = null;
});
afterAll(removeSchemas);

/**
 * Makes commits of an event stay under way, as when a standby is lost that they wait for: until `answer` is called, and
 * though their connection is lost.
 */
async function stall(schema: string, event: string) {
  const client = await connected();
  admin = client;
  await client.query(`
    CREATE FUNCTION ${schema}.stall() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        LOOP
          BEGIN
            PERFORM pg_advisory_xact_lock_shared(hashtext('${schema}'));
            RETURN NULL;
          EXCEPTION WHEN query_canceled OR lock_not_available THEN
          END;
        END LOOP;
      END $$;
    CREATE CONSTRAINT TRIGGER stall AFTER INSERT ON ${schema}.line DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (concat(NEW.entries, NEW.claim) LIKE '%${event}%') EXECUTE FUNCTION ${schema}.stall();
    SELECT pg_advisory_lock(hashtext('${schema}'))`);
  return {
    answer: () => client.query(`SELECT pg_advisory_unlock(hashtext('${schema}'))`),
    async isUnderWay() {
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid::bigint =
        (hashtext('${schema}')::bigint & 4294967295)`;
      while ((await client.query(waiting)).rowCount === 0);
    },
    async isAskedFor() {
      const asking = `SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_try_advisory_xact_lock%'`;
      while ((await client.query(asking)).rowCount === 0);
    },
    async isLater(interval: string) {
      const { rows } = await client.query('SELECT clock_timestamp() + $1::interval AS at', [interval]);
      while ((await client.query('SELECT WHERE clock_timestamp() > $1', [rows[0].at])).rowCount === 0);
    },
  };
}

/** A started box on a server that stalls. */
async function stalled(event: string) {
  const schema = newSchema();
  const { box } = await makeNodeBox({
    store: newPostgresStore({ schema, clock: 'database', queryTimeout: '1s' }),
    jobs: [work, book, note, bill],
  });
  await box.start({ agent: agent({ size: 5 }), pollInterval: '100ms' });
  return { box, ...(await stall(schema, event)) };
}

it('the callbacks of a job are called though the answer to its result stayed away for longer than a statement may take', async () => {
  const { box, answer, isUnderWay } = await stalled('job.finish');
  const draft = work.partial();
  const callback: Job<string> = note.partial();
  await draft.addCallback(callback);
  const job = await box.queue().put(draft);
  await isUnderWay();

  // A read waits for the commits before it: for this one until its outcome cannot be found out in time.
  expect((await job.refresh()).status).toBe('ACTIVE');
  const other = await box.queue().put(note('meanwhile'));
  await answer();

  expect(await job.result()).toBe('done');
  expect(await callback.result()).toBe('got done');
  expect(await other.result()).toBe('got meanwhile');
  await job.waitFor('COMPLETED');
});

it('the same of a job that ends in a transaction of its own', async () => {
  const { box, answer, isUnderWay, isAskedFor, isLater } = await stalled('job.finish');
  const draft = book.partial();
  const callback = note.partial();
  await draft.addCallback(callback);
  const job = await box.queue().put(draft);
  await isUnderWay();
  await isAskedFor();
  await isLater('2 s');

  await answer();

  expect(await callback.result()).toBe('got booked');
  expect(await job.result()).toBe('booked');
  await job.waitFor('COMPLETED');
});

it('a job whose claim the server makes late is called in the context that it carries', async () => {
  const { box, answer, isUnderWay, isAskedFor } = await stalled('job.claim');
  const job = await tenant.run('acme', () => box.queue().put(bill()));
  await isUnderWay();
  await isAskedFor();

  await answer();

  expect(await job.result()).toBe('acme pays');
});

it('a put whose commit the server makes late resolves when that is found in time', async () => {
  const { box, answer, isAskedFor } = await stalled('job.put');
  const put = box.queue().put(note('late'), { id: 'late' });
  await isAskedFor();

  await answer();

  expect(await (await put).result()).toBe('got late');
});

it('a put whose commit stays under way is still answered: its outcome is unknown', async () => {
  const { box, answer } = await stalled('job.put');

  await expect(box.queue().put(note('late'), { id: 'late' })).rejects.toMatchObject({
    code: 'STORE_DISCONNECTED',
    details: { outcome: 'unknown' },
  });

  await answer();
  const again = await box.queue().put(note('late'), { id: 'late' });
  expect(await again.result()).toBe('got late');
});

async function openStore(schema: string): Promise<OpenStore> {
  return openByHand(newPostgresStore({ schema, queryTimeout: '1s' }));
}

function quota(store: OpenStore, by: string): Promise<void> {
  const made = { kind: 'quota', id: `/${by}`, event: 'quota.create', from: null, to: null } as const;
  return store.commit({ by, changes: [{ ...made, patch: { size: 1 } }], expect: [] }).synced;
}

it('for one transaction in doubt a client gets that answer in time, and a dispatcher the outcome', async () => {
  const schema = newSchema();
  const store = await openStore(schema);
  const { answer } = await stall(schema, 'quota.create');
  const answered: string[] = [];

  const ofClient = quota(store, 'client');
  const ofDispatcher = quota(store, 'd').then(() => answered.push('committed'));
  await expect(ofClient).rejects.toMatchObject({ details: { outcome: 'unknown' } });
  expect((await store.list('quota', '')).length).toBe(0);
  expect(answered).toEqual([]);
  await answer();
  await ofDispatcher;

  expect((await store.list('quota', '')).map(({ id }) => id)).toEqual(['/client', '/d']);
  await store.close();
});

it('a closed store no longer asks for the outcome of a commit', async () => {
  const schema = newSchema();
  const store = await openStore(schema);
  const { answer } = await stall(schema, 'quota.create');
  const ofDispatcher = quota(store, 'd');
  ofDispatcher.catch(() => {});
  expect(await store.list('quota', '')).toEqual([]);

  await store.close();

  await expect(ofDispatcher).rejects.toMatchObject({ details: { outcome: 'unknown' } });
  await answer();
});
