import * as fs from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { agent } from 'signalbox';
import { jsonStore, verifyStore } from 'signalbox/json';
import { migratePostgres, postgresStore, verifyPostgres } from 'signalbox/postgres';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { connectionFor } from '../../../src/store/postgres/connecting.ts';
import { PromotionTarget } from '../../../src/store/postgres/promotion/promotion-target.ts';
import { copied, newPath, refusal } from '../json/open-store.ts';
import { connected, newSchema, removeSchemas } from '../postgres/schemas.ts';
import { serverUrl } from '../postgres/server.ts';
import { makeFullStore, note, noted, openBox, openGate } from './full-store.ts';
import { pictureOf, ports, promoted } from './promoting.ts';

afterAll(removeSchemas);

/** The number of rows in the tables that a promotion fills. */
async function rowsIn(schema: string): Promise<number> {
  const client = await connected();
  const tables = ['job', 'done', 'line', 'queue', 'quota', 'representation', 'agent', 'annotation'];
  const counts = tables.map((table) => `(SELECT count(*) FROM ${schema}.${table})`).join(' + ');
  const { rows } = await client.query(`SELECT (${counts})::int AS count`);
  await client.end();
  return rows[0].count;
}

/** Relays connections to a server. The next answer after `garble` is not a message of the protocol. */
async function startRelay(target: string) {
  const to = new URL(target);
  let isGarbled = false;
  const relay = createServer((client) => {
    const server = connect(Number(to.port), to.hostname);
    client.on('data', (chunk) => server.write(chunk)).on('close', () => server.destroy());
    server
      .on('close', () => client.destroy())
      .on('data', (chunk) => {
        client.write(isGarbled ? Buffer.from([1, 0, 0, 0, 4]) : chunk);
        isGarbled = false;
      });
    for (const socket of [client, server]) socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((relay.address() as AddressInfo).port);
  return {
    url: url.href,
    garble: () => {
      isGarbled = true;
    },
    close: () => relay.close(),
  };
}

/** A closed store with one waiting job. */
async function smallStore(): Promise<string> {
  const dir = newPath();
  const box = await openBox(jsonStore(dir));
  await box.createQueue('');
  await box.queue().put(note('small'));
  await box.stop();
  return dir;
}

describe('A promotion', { timeout: 60_000 }, () => {
  it('moves every record, the order of every queue and the whole history', async () => {
    const { dir } = await makeFullStore();
    const { seq, counts } = await verifyStore(dir);
    const before = await pictureOf(jsonStore(copied(dir)), seq);
    const [schema, connectionString] = [newSchema(), await serverUrl()];

    const { compared, wasDone } = await promoted(dir, schema);
    const verified = await verifyPostgres({ connectionString, schema });

    const after = await pictureOf(postgresStore({ connectionString, schema }), seq);
    expect(after).toEqual(before);
    expect(before.entries.length).toBe(seq);
    expect(wasDone).toBe(false);
    expect(verified).toMatchObject({ seq: seq + 1, counts, damage: [] });
    const jobs = Object.values(counts.jobs).reduce((sum, count) => sum + count, 0);
    expect(compared).toMatchObject({ records: { job: jobs, annotation: 3 }, entries: seq + 1 });
  });

  it('acts like a restart: a job that ran runs again, a waiting job runs once, a held job stays held', async () => {
    const { dir, done, failed, running, waiting, held } = await makeFullStore();
    const [schema, connectionString] = [newSchema(), await serverUrl()];
    await promoted(dir, schema);
    noted.length = 0;

    const box = await openBox(postgresStore({ connectionString, schema }));
    await box.start({ pollInterval: '50ms' });
    openGate('at last');

    expect(await box.job(running).result()).toBe('at last');
    for (const id of waiting) await box.job(id).result();
    expect(noted).toEqual(['1', '2', '3']);
    expect((await box.job(running).refresh()).record).toMatchObject({ attempts: 2 });
    expect(await box.job(done).result()).toBe('done');
    expect((await box.job(failed).refresh()).ending).toBe('failed');
    expect((await box.job(held).refresh()).status).toBe('PENDING');
    expect((await box.job(waiting[1] ?? '').refresh()).annotations).toEqual({ colour: { of: '2' } });
    const events = [];
    for await (const { event } of box.job(running).history()) events.push(event);
    expect(events.filter((event) => event === 'job.start')).toHaveLength(2);
    await box.stop();
    expect((await verifyPostgres({ connectionString, schema })).damage).toEqual([]);
  });

  it('puts no row where partitions that are made later would have to look for it', async () => {
    const [{ dir }, schema] = [await makeFullStore(), newSchema()];

    await promoted(dir, schema);

    const client = await connected();
    const { rows } = await client.query(
      `SELECT (SELECT count(*)::int FROM ${schema}.line) AS all, (SELECT count(*)::int FROM ${schema}.line_default) AS stray`,
    );
    await client.end();
    expect(rows[0].all).toBeGreaterThan(1);
    expect(rows[0].stray).toBe(0);
  });

  it('leaves no hole in its history when that is cut after the clock of the host moved back', async () => {
    const [dir, schema, connectionString] = [newPath(), newSchema(), await serverUrl()];
    const dayMs = 24 * 60 * 60 * 1000;
    let now = Date.now() - 9 * dayMs;
    const store = await jsonStore(dir).open({ ...ports, now: () => now });
    for (const [index, ago] of [5, 1, 6, 2].entries()) {
      now = Date.now() - ago * dayMs;
      const created = { kind: 'queue', event: 'queue.created', from: null, to: null } as const;
      const change = { ...created, id: `q${index}`, patch: { createdAt: now } };
      await store.commit({ by: 'test', changes: [change], expect: [] }).synced;
    }
    await store.close();
    await promoted(dir, schema);

    // What is 6 days old goes, with what is before it, and nothing behind.
    await (await openBox(postgresStore({ connectionString, schema, historyMaxAge: '4d' }))).stop();

    const { entries } = await pictureOf(postgresStore({ connectionString, schema }));
    const before = entries.filter(({ event }) => event === 'queue.created').map(({ id }) => id);
    expect(before).toEqual(['q0', 'q1', 'q2', 'q3']);
    expect(entries[0]).toMatchObject({ id: 'q0' });
  });

  it('wakes a job whose instant has come where it stood in its queue: before what was put after that', async () => {
    const [dir, schema, connectionString] = [newPath(), newSchema(), await serverUrl()];
    let now = Date.now() - 60_000;
    const store = await jsonStore(dir).open({ ...ports, now: () => now });
    const dueAt = now + 20_000;
    await store.commit({
      by: 'test',
      changes: [
        { kind: 'queue', id: '', event: 'queue.created', from: null, to: null, patch: { createdAt: now } },
      ],
      expect: [],
    }).synced;
    for (const [text, beginAfter] of [
      ['first', null],
      ['due', dueAt],
      ['last', null],
    ] as const) {
      now += 10_001;
      const put = { kind: 'job', id: text, event: 'job.put', from: 'new', to: 'pending' } as const;
      const order = [beginAfter === null ? 'now' : 'held', 0];
      const patch = { name: 'note', args: [text], parent: { queue: '' }, order, beginAfter };
      await store.commit({ by: 'test', changes: [{ ...put, patch }], expect: [] }).synced;
    }
    await store.close();
    await promoted(dir, schema);
    noted.length = 0;

    const box = await openBox(postgresStore({ connectionString, schema }));
    await box.start({ pollInterval: '50ms', agent: agent({ size: 1 }) });
    await box.job('last').result();
    await box.stop();

    expect(noted).toEqual(['first', 'due', 'last']);
  });

  it('drops what is over by the instants at which it ended', async () => {
    const [dir, schema, connectionString] = [newPath(), newSchema(), await serverUrl()];
    const dayMs = 24 * 60 * 60 * 1000;
    let now = Date.now() - 9 * dayMs;
    const store = await jsonStore(dir, { historyMaxAge: '1h' }).open({ ...ports, now: () => now });
    for (const ago of [6, 3, 0]) {
      now = Date.now() - ago * dayMs;
      const ended = { kind: 'job', id: `ended${ago}`, event: 'made', from: null, to: 'completed' } as const;
      const patch = { name: 'note', parent: null, activeEnd: now, callbacksEnd: now };
      await store.commit({ by: 'test', changes: [{ ...ended, patch }], expect: [] }).synced;
    }
    await store.close();
    await promoted(dir, schema);

    const settings = { connectionString, schema, completedMaxAge: '4d' } as const;
    await (await openBox(postgresStore(settings))).stop();

    const { records } = await pictureOf(postgresStore(settings));
    expect((records.job as { id: string }[]).map(({ id }) => id)).toEqual(['ended0', 'ended3']);
  });

  it('marks the directory, so that no process opens it by mistake', async () => {
    const dir = await smallStore();
    const schema = newSchema();

    await promoted(dir, schema);

    expect(await refusal(openBox(jsonStore(dir)))).toMatchObject({
      code: 'STORE_PROMOTED',
      details: { path: dir, schema, isDone: true },
    });
    expect(fs.readFileSync(join(dir, 'promoted.json'), 'utf8')).not.toContain('signalbox@');
    expect(await verifyStore(dir)).toMatchObject({ damage: [], clean: true });
  });

  it('changes nothing when it is repeated', async () => {
    const dir = await smallStore();
    const [schema, connectionString] = [newSchema(), await serverUrl()];
    await promoted(dir, schema);
    const box = await openBox(postgresStore({ connectionString, schema }));
    await box.start({ pollInterval: '50ms' });
    const [job] = await box.queue().putAll([note('later')]);
    await job?.result();
    await box.stop();
    const before = await rowsIn(schema);

    expect(await promoted(dir, schema)).toMatchObject({ wasDone: true, compared: null });

    expect(await rowsIn(schema)).toBe(before);
  });

  it('is refused for a schema that was used, and writes nothing', async () => {
    const dir = await smallStore();
    const [schema, connectionString] = [newSchema(), await serverUrl()];
    const box = await openBox(postgresStore({ connectionString, schema }));
    await box.stop();
    const before = await rowsIn(schema);

    expect((await refusal(promoted(dir, schema))).code).toBe('PROMOTION_TARGET');

    expect(await rowsIn(schema)).toBe(before);
    await (await openBox(jsonStore(dir))).stop();
  });

  it('is refused for a schema that a process has open, even without any history', async () => {
    const dir = await smallStore();
    const [schema, connectionString] = [newSchema(), await serverUrl()];
    const box = await openBox(postgresStore({ connectionString, schema }));
    const client = await connected();
    await client.query(`DELETE FROM ${schema}.line`);
    await client.end();
    expect(await rowsIn(schema)).toBe(0);

    const error = await refusal(promoted(dir, schema));

    await box.stop();
    expect(error).toMatchObject({ code: 'PROMOTION_TARGET', details: { schema } });
    await (await openBox(jsonStore(dir))).stop();
  });

  it('is refused for a schema that another store was promoted to', async () => {
    const [one, other, schema] = [await smallStore(), await smallStore(), newSchema()];
    await promoted(one, schema);

    expect((await refusal(promoted(other, schema))).code).toBe('PROMOTION_TARGET');

    await (await openBox(jsonStore(other))).stop();
  });

  it('is refused for another schema than the one of the first call', async () => {
    const dir = await smallStore();
    await promoted(dir, newSchema());

    const error = await refusal(promoted(dir, newSchema()));

    expect(error.code).toBe('PROMOTION_ELSEWHERE');
  });

  it('is refused for another database than the one of the first call, also when only the environment names it', async () => {
    const [dir, schema, other] = [await smallStore(), newSchema(), `other_${process.pid}`];
    const url = new URL(await serverUrl());
    const client = await connected();
    await client.query(`CREATE DATABASE ${other}`);
    const named = url.pathname.slice(1);
    url.pathname = '';
    vi.stubEnv('PGDATABASE', named);
    await promoted(dir, schema, undefined, url.toString());
    // As a crash between the commit and the last mark leaves it.
    const mark = join(dir, 'promoted.json');
    fs.writeFileSync(mark, fs.readFileSync(mark, 'utf8').replace('"done":true', '"done":false'));

    vi.stubEnv('PGDATABASE', other);
    const error = await refusal(promoted(dir, schema, undefined, url.toString()));
    vi.stubEnv('PGDATABASE', named);
    const again = await promoted(dir, schema, undefined, url.toString());

    vi.unstubAllEnvs();
    await client.query(`DROP DATABASE ${other}`);
    await client.end();
    expect(error).toMatchObject({ code: 'PROMOTION_ELSEWHERE', details: { to: `${url.host}/${named}` } });
    expect(again).toMatchObject({ wasDone: false, compared: null });
  });

  it('is refused for a store that a process has open, and locks the store while it runs', async () => {
    const dir = await smallStore();
    const box = await openBox(jsonStore(dir));
    expect((await refusal(promoted(dir, newSchema()))).code).toBe('STORE_LOCKED');
    await box.stop();
    const openings: Promise<unknown>[] = [];

    await promoted(dir, newSchema(), (step) => {
      if (step === 'copied') openings.push(refusal(openBox(jsonStore(dir))));
    });

    expect(await Promise.all(openings)).toEqual([expect.objectContaining({ code: 'STORE_LOCKED' })]);
  });

  it('reports that another promotion holds the schema when the wait takes long', async () => {
    const schema = newSchema();
    const connectionString = await serverUrl();
    await migratePostgres({ connectionString, schema });
    const [first, second] = [
      new PromotionTarget(await connectionFor({ connectionString }), schema),
      new PromotionTarget(await connectionFor({ connectionString }), schema, 50),
    ];
    await first.begin();

    const error = await refusal(second.begin());

    expect([error.code, error.message]).toEqual([
      'STORE_STATEMENT',
      expect.stringContaining(`got another promotion, or an opening, that held schema ${schema} for 0.05 s`),
    ]);
    await Promise.all([second.end(), first.end()]);
  });

  it('leaves the mark when the answer to its commit is unreadable, and the next call finishes it', async () => {
    const [dir, schema] = [await smallStore(), newSchema()];
    const relay = await startRelay(await serverUrl());

    const error = await refusal(
      promoted(
        dir,
        schema,
        (step) => {
          if (step === 'marked') relay.garble();
        },
        relay.url,
      ),
    );

    expect(error).toMatchObject({ code: 'STORE_DISCONNECTED', details: { outcome: 'unknown' } });
    expect((await refusal(openBox(jsonStore(dir)))).code).toBe('STORE_PROMOTED');
    expect(await promoted(dir, schema, undefined, relay.url)).toMatchObject({ wasDone: false });
    relay.close();
    expect(await rowsIn(schema)).toBeGreaterThan(0);
  });

  it('finds a row that the database changed and a line that it lost, and moves nothing', async () => {
    const dir = await smallStore();
    const connectionString = await serverUrl();
    for (const [table, body] of [
      ['job', `NEW.doc := replace(NEW.doc, '"attempts":0', '"attempts":1'); RETURN NEW;`],
      ['job', 'NEW.turn := 7; RETURN NEW;'],
      ['job', 'NEW.turn := 9999; RETURN NEW;'],
      ['ready', 'RETURN NULL;'],
      ['ready', 'NEW.line := 0; RETURN NEW;'],
      ['line', `IF NEW.c = 2 - ${2 ** 40} THEN RETURN NULL; END IF; RETURN NEW;`],
      ['line', 'NEW.at := NEW.at + 1; RETURN NEW;'],
      ['queue', 'RETURN NULL;'],
    ]) {
      const schema = newSchema();
      await migratePostgres({ connectionString, schema });
      const client = await connected();
      await client.query(
        `CREATE FUNCTION ${schema}.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;
         CREATE TRIGGER meddle BEFORE INSERT ON ${schema}.${table} FOR EACH ROW EXECUTE FUNCTION ${schema}.meddle()`,
      );
      await client.end();

      expect([body, (await refusal(promoted(dir, schema))).code]).toEqual([body, 'PROMOTION_DIFFERS']);

      expect(await rowsIn(schema)).toBe(0);
      await (await openBox(jsonStore(dir))).stop();
    }
  });
});
