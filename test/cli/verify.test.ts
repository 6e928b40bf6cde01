import * as fs from 'node:fs';
import { join } from 'node:path';
import { createSignalbox, defineJob, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { newPath, patchFile } from '../store/json/open-store.ts';
import { connected, newSchema, removeSchemas } from '../store/postgres/schemas.ts';
import { serverUrl } from '../store/postgres/server.ts';
import { run } from './run.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const uuid = '00000000-0000-4000-8000-000000000001';

afterAll(removeSchemas);

/** A store with two jobs that wait and one that is done. */
async function used(store: Store, hasQuota = false): Promise<void> {
  const box = await createSignalbox({ store, uuid, jobs: [note], queues: ['a'] });
  if (hasQuota) await box.queue('a').quotas.create('one', { size: 1 });
  await box.queue('a').putAll([note('1'), note('2')]);
  await box.call(note('3'));
  await box.stop();
}

const found = {
  jobs: { NEW: 0, PENDING: 2, ASSIGNED: 0, ACTIVE: 0, CALLBACKS: 0, COMPLETED: 1 },
  quarantined: 0,
  queues: 1,
  quotas: 0,
  annotations: 0,
  actors: 0,
  messages: 0,
};

describe('signalbox verify, of a directory', () => {
  it('counts the records of an intact store', async () => {
    const dir = newPath();
    await used(jsonStore(dir));

    const forMachines = await run('verify', '--from', dir, '--json');
    const forPeople = await run('verify', '--from', dir);

    expect(forMachines).toMatchObject({
      code: 0,
      json: { ok: true, clean: true, counts: found, damage: [] },
    });
    expect(forPeople.code).toBe(0);
    expect(forPeople.out).toContain(
      'Jobs: 0 NEW, 2 PENDING, 0 ASSIGNED, 0 ACTIVE, 0 CALLBACKS, 1 COMPLETED.\n',
    );
    expect(forPeople.out).toMatch(/files are as they were written\.\n$/);
  });

  it('names the file and the byte of damage, and exits with 1', async () => {
    const dir = newPath();
    await used(jsonStore(dir));
    const journal =
      fs
        .readdirSync(dir)
        .filter((name) => name.startsWith('journal-'))
        .at(-1) ?? '';
    patchFile(join(dir, journal), 300, Buffer.from('#'));

    const { code, json } = await run('verify', '--from', dir, '--json');
    const { out } = await run('verify', '--from', dir);

    expect([code, json.ok]).toEqual([1, false]);
    expect(json.damage).toEqual([
      expect.objectContaining({ code: 'STORE_CORRUPT', file: journal, byte: expect.any(Number) }),
    ]);
    expect(out).toMatch(
      new RegExp(`^STORE_CORRUPT: Expected ${journal} to be as it was written.* at byte \\d+`),
    );
  });
});

describe('signalbox verify, of a database', () => {
  it('counts the records of a schema and finds contradictions', async () => {
    const [url, schema] = [await serverUrl(), newSchema()];
    await used(postgresStore({ connectionString: url, schema }));

    const before = await run('verify', '--to', url, '--schema', schema, '--json');
    const client = await connected();
    await client.query(
      `UPDATE ${schema}.line SET count = count + 1 WHERE entries LIKE '%queue.created%';
       UPDATE ${schema}.done SET patch = replace(patch, '"state":"completed"', '"state":"callbacks"')`,
    );
    await client.end();
    const after = await run('verify', '--to', url, '--schema', schema, '--json');

    expect(before).toMatchObject({ code: 0, json: { ok: true, counts: found, damage: [] } });
    expect([after.code, after.json.ok]).toEqual([1, false]);
    expect(after.json.damage).toEqual([
      expect.stringMatching(/^jobs that are done with and not completed: 1, /),
      expect.stringMatching(/^lines of the journal with another number of entries than they say: 1, /),
    ]);
  });

  it.each([
    [
      'a job that stands in two places',
      'jobs in more than one place: 1',
      (s: string) => `INSERT INTO ${s}.done (id, seq, lane, ending, patch)
        SELECT id, seq, lane, 0, '{"state":"completed"}' FROM ${s}.job WHERE doc LIKE '%"args":["1"]%'`,
    ],
    [
      'a job that stands nowhere',
      'jobs without a place: 1',
      (s: string) => `UPDATE ${s}.ready SET ids = ids[2 :], turn = turn + 2`,
    ],
    [
      'a place of no job',
      'places of jobs that are not there: 1',
      (s: string) => `INSERT INTO ${s}.aside VALUES ('nobody', 'new', 1)`,
    ],
    [
      'a job that waits in another lane',
      'jobs that wait elsewhere than they say: 1',
      (s: string) => `UPDATE ${s}.job SET lane = 77 WHERE doc LIKE '%"args":["1"]%'`,
    ],
    [
      'a job before its run',
      'jobs that wait elsewhere than they say: 1',
      (s: string) => `UPDATE ${s}.job SET turn = 1 WHERE doc LIKE '%"args":["1"]%'`,
    ],
    [
      'a run with other newest entries',
      'jobs that wait with another newest entry than they say: 2',
      (s: string) => `UPDATE ${s}.ready SET q = '{7,8}'`,
    ],
    [
      'slots that nobody holds',
      'quotas with another number of slots than jobs hold: 1',
      (s: string) => `UPDATE ${s}.room SET used = 1`,
    ],
    [
      'a newest entry that is of another job',
      'jobs whose newest entry is not in the journal: 1',
      (s: string) =>
        `UPDATE ${s}.done SET seq = (SELECT max(seq) FROM ${s}.job WHERE lane IS NOT NULL AND id NOT IN (SELECT id FROM ${s}.done))`,
    ],
    [
      'a line that is missing',
      'jobs whose newest entry is not in the journal: 2',
      (s: string) =>
        `DELETE FROM ${s}.line WHERE entries LIKE '%job.put%' AND entries NOT LIKE '%"args":["3"]%'`,
    ],
    [
      'a line that is longer than a commit may be',
      'lines of the journal that overlap: 1',
      (s: string) => `UPDATE ${s}.line SET count = 4097, entries =
        (SELECT json_agg(json_build_object('kind', 'x', 'ids', json_build_array('x'))) FROM generate_series(1, 4097))::text WHERE entries LIKE '%queue.created%';
        UPDATE ${s}.line l SET c = (SELECT max(c) + 1 FROM ${s}.line o WHERE o.c < l.c) WHERE l.c = (SELECT min(c) FROM ${s}.line n
          WHERE n.c > (SELECT c FROM ${s}.line q WHERE q.count = 4097))`,
    ],
    [
      'a line with a number that was never given',
      'lines of the journal after the last number that was given: 1',
      (s: string) => `SELECT setval('${s}.commits', (SELECT max(c) - 1 FROM ${s}.line))`,
    ],
  ])('finds %s', async (_what, damage, broken) => {
    const [url, schema] = [await serverUrl(), newSchema()];
    await used(postgresStore({ connectionString: url, schema }), true);
    const client = await connected();
    await client.query(broken(schema));
    await client.end();

    const { code, json } = await run('verify', '--to', url, '--schema', schema, '--json');

    expect(code).toBe(1);
    expect((json.damage as string[]).map((text) => text.split(',')[0])).toContain(damage);
  });

  it('finds no damage where history was cut before the newest entries of jobs', async () => {
    const [url, schema] = [await serverUrl(), newSchema()];
    await used(postgresStore({ connectionString: url, schema }));
    const client = await connected();
    await client.query(`DELETE FROM ${schema}.line WHERE c < (SELECT max(c) FROM ${schema}.line)`);
    await client.end();

    const { json } = await run('verify', '--to', url, '--schema', schema, '--json');

    expect(json.damage).toEqual([]);
  });

  it('reports that a schema has no store', async () => {
    const { code, err } = await run('verify', '--to', await serverUrl(), '--schema', newSchema());

    expect([code, err]).toEqual([1, expect.stringMatching(/^STORE_MISSING: /)]);
  });
});
