import { Pool } from 'pg';
import { createSignalbox, defineJob, type Store } from 'signalbox';
import { migratePostgres, postgresStore, verifyPostgres } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { migrations } from '../../../src/store/postgres/opening/migrations.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const uuid = '00000000-0000-4000-8000-000000000001';

const note = defineJob({ name: 'note', run: (text: string) => text });

afterAll(removeSchemas);

async function opens(store: Store): Promise<void> {
  const box = await createSignalbox({ store, uuid });
  await box.stop();
}

/** Whether a promise is settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

/** The URL of the server, with settings for its sessions. */
async function urlWith(options: string, user?: string): Promise<string> {
  const url = new URL(await serverUrl());
  if (options !== '') url.searchParams.set('options', options);
  if (user !== undefined) url.username = user;
  return url.toString();
}

/** The numbers of all migrations. */
const all = migrations.map((_, index) => index + 1);

describe('Opening a postgres store', () => {
  it('makes its schema, once, however many open it at the same time', async () => {
    const schema = newSchema();

    await Promise.all([1, 2, 3, 4].map(() => opens(newPostgresStore({ schema }))));

    const client = await connected();
    const { rows } = await client.query(`SELECT number FROM ${schema}.migration`);
    await client.end();
    expect(rows.map(({ number }) => number)).toEqual(all);
  });

  it('finds a schema that was migrated apart from it', async () => {
    const [schema, connectionString] = [newSchema(), await serverUrl()];

    expect(await migratePostgres({ connectionString, schema })).toEqual(all);
    expect(await migratePostgres({ connectionString, schema })).toEqual([]);
    await opens(newPostgresStore({ schema }));
  });

  it('makes a migration that takes longer than a query may', async () => {
    const [schema, key] = [newSchema(), process.pid];
    const [client, holder] = [await connected(), await connected()];
    // The migration waits in the midst of its work, as behind a lock on a large table.
    await holder.query(`SELECT pg_advisory_lock(${key})`);
    await client.query(
      `CREATE SCHEMA ${schema};
       CREATE FUNCTION ${schema}.hold() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
         IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name = '${schema}') THEN
           PERFORM pg_advisory_xact_lock_shared(${key});
         END IF; END $$;
       CREATE EVENT TRIGGER hold_${key} ON ddl_command_end WHEN TAG IN ('CREATE SEQUENCE') EXECUTE FUNCTION ${schema}.hold()`,
    );

    const migrating = migratePostgres({ connectionString: await serverUrl(), schema, queryTimeout: '1s' });
    const waiting = async (): Promise<number> => {
      const { rows } = await client.query(
        `SELECT count(*)::int AS count FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted
         WHERE l.locktype = 'advisory' AND l.objid = ${key} AND clock_timestamp() - query_start > interval '1.2 s'`,
      );
      return rows[0].count;
    };
    await Promise.race([migrating, expect.poll(waiting, { timeout: 10_000 }).toBe(1)]);
    await holder.end();

    expect(await migrating).toEqual(all);
    await client.query(`DROP EVENT TRIGGER hold_${key}`);
    await client.end();
  });

  it('refuses a schema of a time before the first release, and changes nothing in it', async () => {
    const [schema, connectionString] = [newSchema(), await serverUrl()];
    const client = await connected();
    await client.query(
      `CREATE SCHEMA ${schema}; CREATE SEQUENCE ${schema}.seq; CREATE TABLE ${schema}.job (id text PRIMARY KEY, state text);
       CREATE TABLE ${schema}.migration (number integer PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now());
       INSERT INTO ${schema}.migration (number) VALUES (1), (2), (3)`,
    );
    const content = async () =>
      (
        await client.query(
          `SELECT relname, xmin::text FROM pg_class WHERE relnamespace = '${schema}'::regnamespace ORDER BY relname`,
        )
      ).rows;
    const before = await content();

    const errors = await Promise.all(
      [
        opens(postgresStore({ connectionString, schema })),
        migratePostgres({ connectionString, schema }),
        verifyPostgres({ connectionString, schema }),
      ].map((call) => call.catch((error: Error) => error)),
    );

    for (const error of errors) {
      expect(error).toMatchObject({ code: 'STORE_VERSION', details: { file: `schema ${schema}` } });
      expect(String(error)).toContain('Drop the schema, or name another one; nothing was changed.');
    }
    expect(await content()).toEqual(before);
    await client.end();
  });

  it('leaves a schema alone that is newer than the code', async () => {
    const schema = newSchema();
    await opens(newPostgresStore({ schema }));
    const client = await connected();
    await client.query(`INSERT INTO ${schema}.migration (number) VALUES (1000)`);
    await client.end();

    await expect(opens(newPostgresStore({ schema }))).rejects.toMatchObject({
      code: 'STORE_VERSION',
      details: { file: `schema ${schema}`, found: '1000' },
    });
  });

  it('refuses a server that is away, and never shows the password', async () => {
    const connectionString = 'postgres://reader:secret@127.0.0.1:1/nowhere';
    const store = postgresStore({ connectionString, connectTimeout: '1s', queryTimeout: '1s' });

    const error = await opens(store).catch((thrown: Error) => thrown);

    expect(error).toMatchObject({ code: 'STORE_DISCONNECTED' });
    expect(String(error)).not.toContain('secret');
  });

  it('refuses a server that may lose what it acknowledged, unless an option allows it', async () => {
    const connectionString = await urlWith('-c synchronous_commit=off');
    const schema = newSchema();

    await expect(opens(postgresStore({ connectionString, schema }))).rejects.toMatchObject({
      code: 'STORE_UNSAFE',
      details: { setting: 'synchronous_commit' },
    });
    await opens(postgresStore({ connectionString, schema, unsafe: true }));
  });

  it('refuses a server that cannot be written', async () => {
    const connectionString = await urlWith('-c default_transaction_read_only=on');

    await expect(opens(postgresStore({ connectionString, schema: newSchema() }))).rejects.toMatchObject({
      code: 'STORE_REPLICA',
    });
  });

  it('says which right is missing', async () => {
    const client = await connected();
    const user = `stranger_${process.pid}`;
    await client.query(`CREATE ROLE ${user} LOGIN`);
    const connectionString = await urlWith('', user);

    const refused = opens(postgresStore({ connectionString, schema: newSchema() }));

    await expect(refused).rejects.toMatchObject({ code: 'STORE_DENIED' });
    await client.query(`DROP ROLE ${user}`);
    await client.end();
  });

  it('needs no right on the database when its schema is there', async () => {
    const client = await connected();
    const [user, schema] = [`tenant_${process.pid}`, newSchema()];
    await client.query(`CREATE ROLE ${user} LOGIN; CREATE SCHEMA ${schema} AUTHORIZATION ${user}`);
    const connectionString = await urlWith('', user);

    await opens(postgresStore({ connectionString, schema }));

    await client.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
    await client.end();
  });

  it('works on a pool that the program brought, and leaves it open', async () => {
    const pool = new Pool({ connectionString: await serverUrl() });
    const store = postgresStore({ pool, schema: newSchema() });
    const box = await createSignalbox({ store, uuid, jobs: [note], queues: ['a'] });
    await box.start({ pollInterval: '100ms' });

    const jobs = await Promise.all(['1', '2', '3'].map((text) => box.queue('a').put(note(text))));

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['1', '2', '3']);
    await box.stop();
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it('is verified however long that takes, whatever limit its sessions have', async () => {
    const schema = newSchema();
    await opens(newPostgresStore({ schema }));
    const connectionString = await urlWith('-c statement_timeout=500');
    const [holder, client] = [await connected(), await connected()];
    await holder.query(`BEGIN; LOCK TABLE ${schema}.quota`);

    const verified = verifyPostgres({ connectionString, schema }).catch((error: unknown) => error);
    for (let isOver = false; !isOver; isOver ||= await settled(verified)) {
      const { rows } = await client.query(
        `SELECT FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND query LIKE '%${schema}%' AND clock_timestamp() - query_start > '900ms'`,
      );
      isOver = rows.length > 0;
    }
    await holder.query('COMMIT');
    await Promise.all([holder.end(), client.end()]);

    expect(await verified).toMatchObject({ damage: [] });
  });

  it('refuses options that cannot be', () => {
    const connectionString = 'postgres://somewhere';
    expect(() => postgresStore({ connectionString, schema: 'no"schema' })).toThrow('`schema`');
    expect(() => postgresStore({ connectionString, poolSize: 0 })).toThrow('`poolSize`');
    expect(() => postgresStore({} as never)).toThrow('`connectionString`');
    expect(() => postgresStore({ connectionString, heartbeat: 'soon' })).toThrow('`heartbeat`');
  });
});

describe('A postgres store that is closed', () => {
  it.each(['a pool of its own', "a pool of the program's"])(
    'refuses every call at once, on %s',
    async (whose) => {
      const [schema, connectionString] = [newSchema(), await serverUrl()];
      const pool = whose === 'a pool of its own' ? null : new Pool({ connectionString });
      const store = postgresStore({ schema, ...(pool === null ? { connectionString } : { pool }) });
      const box = await createSignalbox({ store, uuid, jobs: [note], queues: ['a'] });
      const job = await box.queue('a').put(note('x'));
      const codeOf = (call: Promise<unknown>): Promise<string> =>
        call.then(
          () => 'none',
          (error) => error.code,
        );
      const waiting = codeOf(job.result());
      await box.stop();

      const codes = [
        await waiting,
        await codeOf(box.queue('a').put(note('y'))),
        await codeOf(box.queue('a').length()),
        await codeOf(box.transaction((tx) => tx.queue('a').put(note('z')))),
        await codeOf(job.refresh()),
        await codeOf(job.result()),
      ];

      expect(codes).toEqual(Array(6).fill('STORE_CLOSED'));
      await pool?.end();
    },
  );
});

it('An opening that was dropped while its process was stopped is there again with its next sign of life, until it is closed', async () => {
  const schema = newSchema();
  const admin = await connected();
  const store = newPostgresStore({ schema, clock: 'database', heartbeat: '50ms' });
  const box = await createSignalbox({ store, uuid });
  const openings = async (): Promise<number[]> =>
    (await admin.query(`SELECT epoch::int FROM ${schema}.opening`)).rows.map(({ epoch }) => epoch);
  const { epoch } = box.store;

  // As an opening does that finds one without a sign of life for more than a day.
  await admin.query(`DELETE FROM ${schema}.opening`);

  await expect.poll(openings).toEqual([epoch]);
  await box.stop();
  expect(await openings()).toEqual([]);
  await admin.end();
});
