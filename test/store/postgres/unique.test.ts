import type { Client } from 'pg';
import { createSignalbox, defineJob, type Job, type Signalbox } from 'signalbox';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

const feed = defineJob({
  name: 'feed',
  run: (_key: string, version: number) => version,
  unique: { key: (key) => key },
});
const boxes: Signalbox[] = [];
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
  for (const box of boxes.splice(0)) await box.stop();
});
afterAll(removeSchemas);

/** Another opening of a schema, with connections of its own. */
async function boxOn(schema: string): Promise<Signalbox> {
  const store = newPostgresStore({ schema, clock: 'database', poolSize: 3 });
  const box = await createSignalbox({ store, jobs: [feed], queues: [''] });
  boxes.push(box);
  return box;
}

async function clientIn(begin: string): Promise<Client> {
  const client = await connected();
  clients.push(client);
  await client.query(begin);
  return client;
}

async function isBlocked(client: Client, other: Client): Promise<boolean> {
  const { processID: id } = other as unknown as { readonly processID: number };
  const { rows } = await client.query('SELECT cardinality(pg_blocking_pids($1)) > 0 AS is_blocked', [id]);
  return rows[0].is_blocked;
}

describe('A unique name in a database', { timeout: 60_000 }, () => {
  it('that eight openings put 1,000 times gives one job, and every caller gets that', async () => {
    const schema = newSchema();
    const putters = [];
    for (let count = 0; count < 8; count += 1) putters.push(await boxOn(schema));

    const jobs: Job<unknown>[] = [];
    await Promise.all(
      putters.map(async (box, putter) => {
        for (let count = 0; count < 125; count += 5)
          jobs.push(
            ...(await Promise.all(
              [0, 1, 2, 3, 4].map((more) => box.queue().put(feed('a', putter * 1000 + count + more))),
            )),
          );
      }),
    );

    const results = jobs.map(({ putResult }) => putResult);
    expect(results.filter((result) => result === 'added')).toHaveLength(1);
    expect(results.filter((result) => result === 'existing')).toHaveLength(999);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    const { store } = putters[0] as Signalbox;
    expect([(await store.list('job', '')).length, (await store.list('unique', '')).length]).toEqual([1, 1]);
  });

  it.each([
    ['gets the job of the first when that commits', 'COMMIT', 'BEGIN', 'existing'],
    ['is added when that is rolled back', 'ROLLBACK', 'BEGIN', 'added'],
    ['is refused where it cannot see it', 'COMMIT', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'CONFLICT'],
  ])('in two transactions of programs: the second put waits, and %s', async (_what, end, begin, answer) => {
    const schema = newSchema();
    const queue = (await boxOn(schema)).queue();
    const [first, second] = [await clientIn('BEGIN'), await clientIn(begin)];
    await second.query(`SELECT FROM ${schema}.job`);
    const held = await queue.put(feed('a', 1), { client: first });

    const putting = queue.put(feed('a', 2), { client: second }).catch((error) => error);
    await expect.poll(() => isBlocked(first, second)).toBe(true);
    await first.query(end);
    const job = await putting;

    expect(job.code ?? job.putResult).toBe(answer);
    if (answer === 'existing') expect([job.id, (await job.refresh()).args]).toEqual([held.id, ['a', 1]]);
    // The transaction goes on, whatever the answer was.
    await queue.put(feed('b', 1), { client: second });
    await second.query('COMMIT');
    expect(await queue.length()).toBe(2);
  });

  it('is found by a second put in the same transaction, and free when that is rolled back', async () => {
    const schema = newSchema();
    const queue = (await boxOn(schema)).queue();
    const client = await clientIn('BEGIN');

    const first = await queue.put(feed('a', 1), { client });
    const again = await queue.put(feed('a', 2), { client });
    await client.query('ROLLBACK');
    const after = await queue.put(feed('a', 3));

    expect([first.putResult, again.putResult, again.id]).toEqual(['added', 'existing', first.id]);
    expect([after.putResult, after.args, await queue.length()]).toEqual(['added', ['a', 3], 1]);
  });

  it('leaves the other puts of its statement alone when it is taken', async () => {
    const schema = newSchema();
    const [one, other] = [(await boxOn(schema)).queue(), (await boxOn(schema)).queue()];
    const there = await other.put(feed('a', 1));

    const jobs = await Promise.all(['a', 'b', 'c'].map((key) => one.put(feed(key, 2))));

    expect(jobs.map(({ putResult }) => putResult)).toEqual(['existing', 'added', 'added']);
    expect(jobs[0]?.id).toBe(there.id);
  });

  it('of which others were always faster, until the time of a statement is over, gives a conflict: its put may be made again', async () => {
    const schema = newSchema();
    const store = newPostgresStore({ schema, clock: 'database', queryTimeout: '300ms' });
    const box = await createSignalbox({ store, jobs: [feed], queues: [''] });
    boxes.push(box);
    // Nobody is seen to have a name, and none is obtained.
    const client = await clientIn('BEGIN');
    await client.query(`CREATE FUNCTION ${schema}.lost() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER lost BEFORE INSERT ON ${schema}.unique FOR EACH ROW EXECUTE FUNCTION ${schema}.lost(); COMMIT`);
    const taken = { job: 'j', at: 1, untilStart: false, until: null };
    const take = {
      kind: 'unique',
      id: '/feed/x',
      event: 'unique.taken',
      from: null,
      to: null,
      patch: taken,
    } as const;

    const { synced } = box.store.commit({
      ...{ by: 'test', changes: [take] },
      expect: [{ check: 'rev', kind: 'unique', id: '/feed/x', rev: 0 }],
    });

    await expect(synced).rejects.toMatchObject({ code: 'CONFLICT', details: { subject: '/feed/x' } });
  });
});
