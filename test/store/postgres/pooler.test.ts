import { Client, type PoolClient } from 'pg';
import { defineJob, local, type OpenStore } from 'signalbox';
import { storeContract } from 'signalbox/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeNodeBox } from '../../behaviours/stores.ts';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';
import { TransactionPooler } from './transaction-pooler.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const book = defineJob({
  name: 'book',
  run: (table: string) =>
    local.transaction(async (client) => {
      await (client as PoolClient).query(`INSERT INTO ${table} VALUES (1)`);
      return 'booked';
    }),
});

let pooler: TransactionPooler;

beforeAll(async () => {
  pooler = await TransactionPooler.start(await serverUrl());
});
afterAll(async () => {
  await pooler.close();
  await removeSchemas();
});

/** A box behind the pooler. */
async function makePooledBox(schema: string, letter: string) {
  return makeNodeBox({
    store: newPostgresStore({ schema, clock: 'database', url: pooler.url, prepare: false }),
    jobs: [note, book],
    queues: [''],
    uuid: `${letter.repeat(8)}-0000-4000-8000-000000000000`,
  });
}

async function newClient(): Promise<Client> {
  const made = new Client({ connectionString: pooler.url });
  await made.connect();
  return made;
}

describe('A pooler in transaction mode', () => {
  it('keeps nothing of a session', async () => {
    const one = await newClient();
    const pids = new Set<number>();
    for (let index = 0; index < 3; index += 1)
      pids.add((await one.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
    await one.query('CREATE TEMP TABLE mine (x int)');
    await one.query("SET application_name = 'mine'");

    expect(pids.size).toBe(3);
    await expect(one.query('SELECT FROM mine')).rejects.toThrow('does not exist');
    expect((await one.query('SHOW application_name')).rows[0].application_name).not.toBe('mine');
    await one.end();
  });
});

/** A claim of a queue in which nothing waits. */
function heads(store: OpenStore): Promise<unknown> {
  const accepts = { lane: () => true, job: null };
  return store.claim({ queue: '', limit: 1, by: 'd', agent: null, accepts, choose: null, take: () => null });
}

/** Rules of the contract that rest on locks, on transactions or on what was read before. */
const mostTelling = [
  'never hands a job to two claims of one moment',
  'takes as many jobs of a quota as it has slots, over all claims',
  'applies nothing of a commit that it refuses, and says so in both strengths',
  'gives followers each commit once and as a whole, in order',
  'reports that its opening is alive, and that a closed opening is not',
  'finds its indexes again',
];

describe('A postgres store behind a pooler in transaction mode', () => {
  it.each(mostTelling)('%s', async (name) => {
    const check = storeContract.find((each) => each.name === name);

    await check?.run(() => newPostgresStore({ url: pooler.url, prepare: false }));

    expect(check).toBeDefined();
  });

  it('says what helps where the pooler knows no names of statements', async () => {
    const store = await openByHand(newPostgresStore({ url: pooler.url }));
    const look = async (): Promise<void> => {
      for (let count = 0; count < 20; count += 1) await Promise.all([1, 2, 3, 4].map(() => heads(store)));
    };

    await expect(look()).rejects.toThrow(/open the store with `prepare: false`/);
    await store.close();
  });

  it('runs jobs, takes puts in transactions of the program, and ends jobs in such', async () => {
    const schema = newSchema();
    const { box } = await makePooledBox(schema, 'a');
    await box.start({ pollInterval: '100ms' });
    const mine = await newClient();
    await mine.query(`CREATE TABLE ${schema}.booking (x int)`);
    await mine.query('BEGIN');
    const within = await box.queue().put(note('within'), { client: mine });
    await mine.query('COMMIT');

    const jobs = [
      within,
      await box.queue().put(note('alone')),
      await box.queue().put(book(`${schema}.booking`)),
    ];

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['within', 'alone', 'booked']);
    expect((await mine.query(`SELECT FROM ${schema}.booking`)).rowCount).toBe(1);
    await mine.end();
  });

  it('finds the work that others put although it hears nothing, and says so in the log', async () => {
    const schema = newSchema();
    const { box, logged } = await makePooledBox(schema, 'a');
    const { box: other } = await makePooledBox(schema, 'b');
    await box.start({ pollInterval: '1h' });
    await expect
      .poll(() => logged('WARNING'), { timeout: 15_000 })
      .toEqual([expect.stringContaining('no notification arrives (a pooler in transaction mode?)')]);

    const job = await other.queue().put(note('found'));

    expect(await job.result()).toBe('found');
  });

  it('hints at what others have put, and not at what it has put itself', async () => {
    const schema = newSchema();
    const [own, other] = [await opened(schema), await opened(schema)];
    const hinted: string[] = [];
    own.onHint((hint) =>
      hinted.push('queue' in hint ? hint.queue : 'stop' in hint ? hint.stop : hint.machine),
    );

    await put(own, 'mine');
    await put(other, 'theirs');

    const message = {
      kind: 'message',
      id: 'order/1#one',
      event: 'message.put',
      from: null,
      to: 'waiting',
      patch: { actor: 'order/1', machine: 'order', event: null, at: 0 },
    } as const;
    await other.commit({ by: 'd', changes: [message], expect: [] }).synced;

    await expect.poll(() => hinted).toContain('theirs');
    await expect.poll(() => hinted).toContain('order');
    expect(hinted).not.toContain('mine');
    await Promise.all([own.close(), other.close()]);
  });
});

function opened(schema: string): Promise<OpenStore> {
  return openByHand(newPostgresStore({ schema, url: pooler.url, prepare: false }));
}

function put(store: OpenStore, queue: string): Promise<void> {
  const patch = { name: 'note', args: [], beginAfter: 0, parent: { queue }, line: 'now' };
  const change = { kind: 'job', id: queue, event: 'job.put', from: 'new', to: 'pending', patch } as const;
  return store.commit({ by: 'client', changes: [change], expect: [] }).synced;
}
