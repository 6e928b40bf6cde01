import { type Client, Pool, type PoolClient } from 'pg';
import {
  agent,
  commonRetryPolicy,
  defineJob,
  type Job,
  type JobDefinition,
  local,
  memoryStore,
  NeverRetry,
  type Signalbox,
  type StandardSchemaV1,
} from 'signalbox';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeNodeBox } from '../../behaviours/stores.ts';
import { openByHand } from '../open-by-hand.ts';
import { keptEntries } from './lines.ts';
import { connected, cut, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => {});
});
afterAll(removeSchemas);

async function newClient(): Promise<Client> {
  const client = await connected();
  clients.push(client);
  return client;
}

/** A started box in real time on a schema of its own, in which the program has a table `account`. */
async function makeBank(jobs: readonly JobDefinition<never, unknown>[], poolSize = 7) {
  const schema = newSchema();
  const { box, logged } = await makeNodeBox({
    store: newPostgresStore({ schema, clock: 'database', poolSize }),
    jobs: [note, ...jobs],
    uuid: '00000000-0000-4000-8000-000000000001',
  });
  await box.start({ agent: agent({ size: 5 }), pollInterval: '100ms' });
  const client = await newClient();
  await client.query(`CREATE TABLE ${schema}.account (id int PRIMARY KEY, balance int)`);
  await client.query(`INSERT INTO ${schema}.account VALUES (1, 100)`);
  const balance = async (): Promise<number> =>
    (await client.query(`SELECT balance FROM ${schema}.account WHERE id = 1`)).rows[0].balance;
  return { box, client, account: `${schema}.account`, schema, balance, logged };
}

async function statusOf(box: Signalbox, id: string): Promise<string> {
  return box
    .job(id)
    .refresh()
    .then(
      (job) => job.status,
      (error: { code: string }) => error.code,
    );
}

/** Whether a session waits for another one. */
async function isBlocked(client: Client, pid: number): Promise<boolean> {
  const { rows } = await client.query('SELECT cardinality(pg_blocking_pids($1)) > 0 AS is_blocked', [pid]);
  return rows[0].is_blocked;
}

describe('put in a transaction of the program', () => {
  it('puts the job when that commits, and not before', async () => {
    const { box, client, account, balance } = await makeBank([]);
    await client.query('BEGIN');
    await client.query(`UPDATE ${account} SET balance = 90`);
    const job = await box.queue().put(note('after commit'), { client, id: 'a' });
    const other = await newClient();
    const seenBefore = (await other.query(`SELECT count(*)::int AS count FROM ${account.split('.')[0]}.job`))
      .rows[0];

    await client.query('COMMIT');

    expect(seenBefore.count).toBe(0);
    expect(await job.result()).toBe('after commit');
    expect(await balance()).toBe(90);
  });

  it('leaves nothing of a job whose transaction is rolled back', async () => {
    const { box, client } = await makeBank([]);
    await client.query('BEGIN');
    await box.queue().put(note('never'), { client, id: 'a' });

    await client.query('ROLLBACK');

    expect(await statusOf(box, 'a')).toBe('JOB_NOT_FOUND');
    expect(await (await box.queue().put(note('next'), { id: 'a' })).result()).toBe('next');
  });

  it('leaves nothing of a job whose connection is cut before the commit', async () => {
    const { box, client } = await makeBank([]);
    const doomed = await newClient();
    await doomed.query('BEGIN');
    await box.queue().put(note('never'), { client: doomed, id: 'a' });
    const { pid } = (await doomed.query('SELECT pg_backend_pid() AS pid')).rows[0];

    await cut(client, pid);

    await expect(doomed.query('COMMIT')).rejects.toThrow();
    expect(await statusOf(box, 'a')).toBe('JOB_NOT_FOUND');
  });

  it('says in its own words that the connection of a put was lost', async () => {
    const { box, client } = await makeBank([]);
    const doomed = await newClient();
    await doomed.query('BEGIN');
    const { pid } = (await doomed.query('SELECT pg_backend_pid() AS pid')).rows[0];
    await cut(client, pid);

    await expect(box.queue().put(note('never'), { client: doomed, id: 'a' })).rejects.toMatchObject({
      code: 'STORE_DISCONNECTED',
    });
    expect(await statusOf(box, 'a')).toBe('JOB_NOT_FOUND');
  });

  it('puts many, and several times in one transaction', async () => {
    const { box, client } = await makeBank([]);
    await client.query('BEGIN');
    const jobs = await box.queue().putAll([note('1'), note('2')], { client });
    jobs.push(await box.queue().put(note('3'), { client }));
    await client.query('COMMIT');

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['1', '2', '3']);
  });

  it('leaves a job whose transaction is rolled back free to be put again, with all that belongs to it', async () => {
    const pair = defineJob({ name: 'pair', run: (one: Job<string>, text: string) => `${one.id} ${text}` });
    const hear = defineJob({ name: 'hear', run: (outcome: unknown) => outcome });
    const { box, client } = await makeBank([pair, hear]);
    const argument = note('argument');
    const job = pair(argument, 'text');
    const callback = await job.addCallback(hear);
    const proxy = await job.addCallbacks({ success: hear });
    await client.query('BEGIN');
    await box.queue().put(job, { client });
    await client.query('ROLLBACK');

    await box.queue().put(job);

    expect(await job.result()).toBe(`${argument.id} text`);
    expect(await callback.result()).toBe(`${argument.id} text`);
    await job.waitFor('COMPLETED');
    expect(await proxy.outcome()).toMatchObject({ ok: true });
    expect((await argument.refresh()).status).toBe('NEW');
  });

  it('puts no job again that is there: its transaction was committed', async () => {
    const { box, client } = await makeBank([]);
    const job = note('once');
    await client.query('BEGIN');
    await box.queue().put(job, { client });
    await client.query('COMMIT');

    await expect(box.queue().put(job)).rejects.toMatchObject({ code: 'BAD_STATUS' });
    expect(await job.result()).toBe('once');
  });

  it('acknowledges the same job under the same id, in the same transaction as after it', async () => {
    const { box, client, schema } = await makeBank([]);
    await client.query('BEGIN');
    await box.queue().put(note('once'), { client, id: 'a' });

    const again = await box.queue().put(note('once'), { client, id: 'a' });
    const other = await box
      .queue()
      .put(note('another'), { client, id: 'a' })
      .catch((error) => error.code);
    await client.query('COMMIT');

    expect(other).toBe('JOB_EXISTS');
    expect(await again.result()).toBe('once');
    const { rows } = await client.query(
      `SELECT count(*)::int AS count FROM ${schema}.line WHERE entries LIKE '%job.put%'`,
    );
    expect(rows[0].count).toBe(1);
  });

  it.each([
    ['gives the job', 'once', 'once', 'READ COMMITTED'],
    ['refuses another job', 'another', 'JOB_EXISTS', 'READ COMMITTED'],
    ['refuses as a conflict, where it cannot see it, the job', 'once', 'CONFLICT', 'REPEATABLE READ'],
  ])(
    '%s that another open transaction has put under its id, once that commits (%s, %s, %s)',
    async (_what, text, seen, level) => {
      const { box, client, schema } = await makeBank([]);
      const second = await newClient();
      await client.query('BEGIN');
      await second.query(`BEGIN ISOLATION LEVEL ${level}; SELECT FROM ${schema}.job`);
      await box.queue().put(note('once'), { client, id: 'a' });
      const { pid } = (await second.query('SELECT pg_backend_pid() AS pid')).rows[0];
      const late = box
        .queue()
        .put(note(text), { client: second, id: 'a' })
        .then((job) => job.result())
        .catch((error) => error.code);
      await expect.poll(() => isBlocked(client, pid)).toBe(true);

      await client.query('COMMIT');

      expect(await late).toBe(seen);
      // The transaction goes on.
      await box.queue().put(note('besides'), { client: second, id: 'b' });
      await second.query('COMMIT');
      expect(await (await box.job('b').refresh()).result()).toBe('besides');
      const puts = (await keptEntries(client, schema)).filter(({ event }) => event === 'job.put');
      expect(puts.map(({ id }) => id)).toEqual(['a', 'b']);
    },
  );

  it('gives a handle that still works without the connection, which another caller has by then', async () => {
    const { box, client } = await makeBank([]);
    await client.query('BEGIN');
    const job = await box.queue().put(note('x'), { client, beginAfter: '1h' });
    const [other] = await box.queue().putAll([note('y')], { client, beginAfter: '1h' });
    await client.query('COMMIT');

    await client.query('BEGIN');
    await job.setAnnotation('seen', true);
    await other?.setArgs(['z']);
    await client.query('ROLLBACK');

    expect((await job.refresh()).annotations).toEqual({ seen: true });
    expect((await other?.refresh())?.args).toEqual(['z']);
  });

  it('refuses a connection without a transaction, and a pool: each statement would be committed by itself', async () => {
    const { box, client } = await makeBank([]);
    const pool = new Pool({ connectionString: await serverUrl() });

    for (const given of [client, pool])
      await expect(box.queue().put(note('never'), { client: given, id: 'a' })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
    expect(await statusOf(box, 'a')).toBe('JOB_NOT_FOUND');
    await pool.end();
  });

  it('refuses what is no connection, and a store that is no database', async () => {
    const { box } = await makeBank([]);
    const { box: inMemory } = await makeNodeBox({ store: memoryStore(), jobs: [note], queues: ['a'] });

    await expect(box.queue().put(note('x'), { client: 'no' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    await expect(inMemory.queue('a').put(note('x'), { client: {} })).rejects.toMatchObject({
      code: 'NO_TRANSACTIONS',
    });
  });
});

describe('local.transaction', () => {
  it('stores what the schema of the result makes of it, and is rolled back by what that refuses', async () => {
    const schemaOf = (least: number): StandardSchemaV1<number, string> => ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) =>
          Number(value) >= least ? { value: `${value} left` } : { issues: [{ message: 'too little' }] },
      },
    });
    const pay = (name: string, least: number) =>
      defineJob({
        name,
        output: schemaOf(least),
        retry: NeverRetry,
        run: async (table: string) => {
          await local.transaction(async (client) => {
            const sql = `UPDATE ${table} SET balance = balance - 30 RETURNING balance`;
            return (await (client as PoolClient).query(sql)).rows[0].balance as number;
          });
          // It does not count, so no schema looks at it.
          return 'nothing' as never;
        },
      });
    const [allowed, refused] = [pay('allowed', 0), pay('refused', 50)];
    const { box, account, balance, logged } = await makeBank([allowed, refused]);

    const good = await box.queue().put(allowed(account));
    expect(await good.result()).toBe('70 left');
    await good.waitFor('COMPLETED');
    expect(logged('ERROR')).toEqual([]);
    const bad = await box.queue().put(refused(account));
    await bad.waitFor('COMPLETED');

    expect((await bad.refresh()).outcome).toMatchObject({ failure: { code: 'RESULT_INVALID' } });
    expect(await balance()).toBe(70);
  });

  let work: (client: PoolClient) => Promise<unknown> = async () => null;
  let calls = 0;
  const run = (): Promise<unknown> => {
    calls += 1;
    return local.transaction((client) => work(client as PoolClient));
  };
  const soon = commonRetryPolicy({
    name: 'soon',
    maxConflicts: 3,
    maxInterruptions: 3,
    retriesOtherCommitErrors: true,
    disconnectWaits: { first: 10, step: 0, max: 10 },
  });
  const book = defineJob({ name: 'book', retry: soon, run });
  const bookOnce = defineJob({ name: 'bookOnce', retry: NeverRetry, run });
  const seen: string[] = [];
  let bothLook = (): void => {};
  let looking: Promise<void>;
  const look = defineJob({
    name: 'look',
    run: () =>
      local.transaction(async (client) => {
        const names = ['role', 'search_path', 'statement_timeout'];
        const columns = names.map((name) => `current_setting('${name}') AS ${name}`);
        const { rows } = await (client as PoolClient).query(`SELECT ${columns.join(', ')}`);
        seen.push(JSON.stringify(rows[0]));
        // Each has a connection of its own: between them they see both of a pool of two.
        if (seen.length === 2) bothLook();
        await looking;
      }),
  });

  beforeEach(() => {
    calls = 0;
  });

  it('commits what the job wrote and its result together', async () => {
    const { box, account, balance } = await makeBank([book]);
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      return 'booked';
    };

    const job = await box.queue().put(book());

    expect(await job.result()).toBe('booked');
    await job.waitFor('COMPLETED');
    expect([await balance(), calls]).toEqual([90, 1]);
  });

  it('writes nothing when the work fails: the job fails as any other', async () => {
    const { box, account, balance } = await makeBank([bookOnce]);
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      throw new Error('no money');
    };

    const job = await box.queue().put(bookOnce());

    await expect(job.result()).rejects.toThrow('no money');
    expect(await balance()).toBe(100);
  });

  it("throws what its work threw as it is, and takes no error of the program's own for a lost connection", async () => {
    const { box, account } = await makeBank([bookOnce]);
    const codes: unknown[] = [];
    for (const fail of [
      () => Promise.reject(Object.assign(new Error('no mail server'), { code: 'ECONNREFUSED' })),
      (client: PoolClient) => client.query(`INSERT INTO ${account} VALUES (1, 100)`),
    ]) {
      work = fail;
      const job = await box.queue().put(bookOnce());
      codes.push(await job.result().catch((error) => error.code));
    }

    expect(codes).toEqual(['ECONNREFUSED', '23505']);
  });

  it('calls the callbacks of a job that has some, with the committed result', async () => {
    const { box, account, balance } = await makeBank([book]);
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      return 'booked';
    };
    const draft = book.partial();
    const callback = note.partial();
    await draft.addCallback(callback);

    const job = await box.queue().put(draft);
    await job.waitFor('COMPLETED');

    expect(await callback.result()).toBe('booked');
    expect(await balance()).toBe(90);
  });

  it('writes neither when the connection is cut, and does both once at the next attempt', async () => {
    const { box, client: admin, account, balance } = await makeBank([book]);
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      const { pid } = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0];
      if (calls === 1) await cut(admin, pid);
      return 'booked';
    };

    const job = await box.queue().put(book());

    expect(await job.result()).toBe('booked');
    expect([await balance(), calls]).toEqual([90, 2]);
  });

  it.each(['returns', 'throws', 'commits by itself'])(
    'leaves no role and no setting behind on a connection of the store when its work %s',
    async (end) => {
      const { box, client: admin } = await makeBank([bookOnce, look], 2);
      const role = newSchema();
      await admin.query(`CREATE ROLE ${role}; GRANT ${role} TO CURRENT_USER`);
      work = async (client) => {
        await client.query(`SET ROLE ${role}; SET statement_timeout = '1234ms'`);
        if (end === 'commits by itself') await client.query('COMMIT');
        if (end === 'throws') throw new Error('changed its mind');
        await client.query('RESET ROLE; SET search_path = nowhere');
      };
      const job = await (await box.queue().put(bookOnce())).waitFor('COMPLETED');
      expect(job.ending).toBe(end === 'returns' ? 'succeeded' : 'failed');
      seen.length = 0;
      looking = new Promise((resolve) => {
        bothLook = resolve;
      });

      const looks = await box.queue().putAll([look(), look()]);
      await Promise.all(looks.map((each) => each.result()));

      const usual = JSON.stringify({ role: 'none', search_path: '"$user", public', statement_timeout: '0' });
      expect(seen).toEqual([usual, usual]);
      await admin.query(`DROP ROLE ${role}`);
    },
  );

  it('writes neither when the job was handed on meanwhile', async () => {
    const { box, account, balance, schema } = await makeBank([bookOnce]);
    const other = await openByHand(newPostgresStore({ schema, clock: 'database' }));
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      // As another process does when this one counts as dead.
      const [held] = await other.list('job', '');
      const { id = '', state = null, claim = 0 } = held ?? {};
      const handOn = { kind: 'job', id, event: 'handed on', from: state, to: state } as const;
      await other.commit({ by: 'e', changes: [{ ...handOn, patch: { claim: claim + 1 } }], expect: [] })
        .synced;
      return 'booked';
    };

    const job = await box.queue().put(bookOnce());
    while (calls === 0) await new Promise((resolve) => setImmediate(resolve));
    await box.stop({ grace: '5s' });

    expect(await balance()).toBe(100);
    expect(await other.get('job', job.id ?? '')).toMatchObject({ outcome: null });
    await other.close();
  });

  it('keeps no box from being stopped, however long its work takes: what that wrote is rolled back', async () => {
    const { box, account, balance } = await makeBank([book]);
    let begun = (): void => {};
    let goOn = (): void => {};
    let tell = (_error: unknown): void => {};
    const isAtWork = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const stopped = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const late = new Promise<unknown>((resolve) => {
      tell = resolve;
    });
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      begun();
      await stopped;
      await client.query(`UPDATE ${account} SET balance = 0`).then(tell, tell);
    };
    await box.queue().put(book());
    await isAtWork;

    await box.stop();
    goOn();

    expect(await late).toBeInstanceOf(Error);
    expect(await balance()).toBe(100);
  });

  it.each([
    ['ROLLBACK', 100],
    ['COMMIT', 90],
    ['ROLLBACK; BEGIN', 100],
  ])('gives no result to a job whose work ends the transaction by itself: %s', async (end, left) => {
    const { box, account, balance } = await makeBank([bookOnce]);
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      await client.query(end);
      return 'booked';
    };

    const job = await box.queue().put(bookOnce());

    await expect(job.result()).rejects.toMatchObject({ code: 'TRANSACTION_OVER' });
    expect(await balance()).toBe(left);
  });

  it('ends a job to which a callback was added meanwhile, and calls that', async () => {
    const { box, account, balance } = await makeBank([bookOnce]);
    const callback = note.partial();
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      await box.job('a').addCallback(callback);
      return 'booked';
    };

    const job = await box.queue().put(bookOnce(), { id: 'a' });

    expect(await job.result()).toBe('booked');
    expect(await callback.result()).toBe('booked');
    await job.waitFor('COMPLETED');
    expect([await balance(), calls]).toEqual([90, 1]);
  });

  it('lets code that catches its refusal continue, with everything that it has put', async () => {
    const goesOn = defineJob({
      name: 'goesOn',
      retry: NeverRetry,
      async run() {
        await local.getQueue().put(note('before'), { id: 'before' });
        const refusal = await local.transaction((client) => work(client as PoolClient)).catch(String);
        await local.getQueue().put(note('after'), { id: 'after' });
        return refusal;
      },
    });
    const { box, account, client: admin } = await makeBank([goesOn]);
    await admin.query(
      `ALTER TABLE ${account} ADD COLUMN payer int REFERENCES ${account} DEFERRABLE INITIALLY DEFERRED`,
    );
    work = async (client) => {
      await client.query(`UPDATE ${account} SET payer = 77`);
    };

    const job = await box.queue().put(goesOn());

    expect(await job.result()).toContain('foreign key');
    expect([await box.job('before').result(), await box.job('after').result()]).toEqual(['before', 'after']);
  });

  it.each(['in the other', 'beside the other'])('refuses a second transaction %s', async (where) => {
    const { box, account, balance } = await makeBank([bookOnce]);
    let inner: unknown = null;
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      const second = local
        .transaction(async () => 'second')
        .catch((error) => {
          inner = error;
        });
      if (where === 'in the other') await second;
      return 'first';
    };

    const job = await box.queue().put(bookOnce());

    expect(await job.result()).toBe('first');
    expect(inner).toMatchObject({ code: 'TRANSACTION_ENDED' });
    expect(await balance()).toBe(90);
  });

  it('counts for nothing when the code does not wait for its work', async () => {
    let began = (): void => {};
    let goOn = (): void => {};
    const isAtWork = new Promise<void>((resolve) => {
      began = resolve;
    });
    const isOver = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let ended: Promise<unknown> = Promise.resolve();
    const impatient = defineJob({
      name: 'impatient',
      retry: NeverRetry,
      async run() {
        ended = local.transaction((client) => work(client as PoolClient)).catch((error) => error.code);
        await isAtWork;
        return 'returned';
      },
    });
    const { box, account, balance } = await makeBank([impatient]);
    work = async (client) => {
      await client.query(`UPDATE ${account} SET balance = balance - 10`);
      began();
      await isOver;
    };

    const job = await box.queue().put(impatient());
    const result = await job.result();
    goOn();

    expect([result, await ended, await balance()]).toEqual(['returned', 'TRANSACTION_ENDED', 100]);
  });

  it('ends a job whose code threw while the outcome was being committed, and calls its callbacks', async () => {
    let began = (): void => {};
    const isCommitting = new Promise<void>((resolve) => {
      began = resolve;
    });
    const impatient = defineJob({
      name: 'impatient',
      retry: NeverRetry,
      run: () =>
        Promise.race([
          local.transaction((client) => work(client as PoolClient)),
          isCommitting.then(() => {
            throw new Error('too late');
          }),
        ]),
    });
    const { box, schema, client: admin } = await makeBank([impatient]);
    await admin.query(`
      CREATE FUNCTION ${schema}.wait() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock(hashtext('${schema}')); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON ${schema}.account DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION ${schema}.wait();
      SELECT pg_advisory_lock(hashtext('${schema}'))`);
    work = async (client) => {
      await client.query(`UPDATE ${schema}.account SET balance = 90`);
      return 'booked';
    };
    const draft = impatient.partial();
    const callback = note.partial();
    await draft.addCallback(callback);

    const job = await box.queue().put(draft);
    const waits = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid::bigint =
      (hashtext('${schema}')::bigint & 4294967295)`;
    while ((await admin.query(waits)).rowCount === 0);
    began();
    await admin.query(`SELECT pg_advisory_unlock(hashtext('${schema}'))`);

    expect(await callback.result()).toBe('booked');
    await job.waitFor('COMPLETED');
  });

  it('shows no secret of a job whose code throws behind it', async () => {
    const throwing = defineJob({
      name: 'throwing',
      redact: ['0'],
      run: async (secret: string) => {
        await local.transaction(async () => 'done');
        throw new Error(`too late for ${secret}`);
      },
    });
    const { box, logged } = await makeBank([throwing]);

    const job = await box.queue().put(throwing('sesame'));
    await job.waitFor('COMPLETED');

    expect(await job.result()).toBe('done');
    await expect.poll(() => logged('ERROR').join()).toContain('too late for [redacted]');
    expect(logged('ERROR').join()).not.toContain('sesame');
  });

  it('sees what was committed meanwhile: another isolation level would overlook callbacks, and is refused', async () => {
    const { box } = await makeBank([bookOnce]);
    work = (client) => client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');

    const job = await box.queue().put(bookOnce());

    await expect(job.result()).rejects.toMatchObject({ code: '25001' });
  });
});
