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
async function used(store: Store): Promise<void> {
  const box = await createSignalbox({ store, uuid, jobs: [note], queues: ['a'] });
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
    await client.query(`UPDATE ${schema}.job SET last_seq = 1 WHERE state = 'pending'`);
    await client.query(`UPDATE ${schema}.done SET state = 'pending'`);
    await client.end();
    const after = await run('verify', '--to', url, '--schema', schema, '--json');

    expect(before).toMatchObject({ code: 0, json: { ok: true, counts: found, damage: [] } });
    expect([after.code, after.json.ok]).toEqual([1, false]);
    expect(after.json.damage).toEqual([
      expect.stringMatching(/^jobs that are done with and not completed: 1, /),
      expect.stringMatching(/^jobs whose newest entry is not in the journal: 2, /),
    ]);
  });

  it.each([
    [
      'finds no damage where history begins at midnight and the line before belonged to the day before',
      2,
      [],
    ],
    [
      'finds a line that is missing later on that day',
      12 * 60,
      [expect.stringMatching(/is not in the journal: 1, /)],
    ],
  ])('%s', async (_what, minutes, damage) => {
    const [url, schema] = [await serverUrl(), newSchema()];
    const store = postgresStore({ connectionString: url, schema });
    const box = await createSignalbox({ store, uuid, jobs: [note], queues: ['a'] });
    await box.queue('a').put(note('1'));
    await box.stop();
    const client = await connected();
    // Of two transactions about midnight the one with the higher numbers was the first: its day was dropped, and the days before.
    const lines = `${schema}.line`;
    const { rows } = await client.query(`DELETE FROM ${lines} WHERE entries LIKE '%job.put%' RETURNING s`);
    await client.query(
      `DELETE FROM ${lines} WHERE s < (SELECT max(s) FROM ${lines} WHERE s < ${rows[0].s});
       UPDATE ${lines} SET at = extract(epoch FROM day::timestamp AT TIME ZONE 'UTC') * 1000 + ${minutes * 60_000}`,
    );
    await client.end();

    const { json } = await run('verify', '--to', url, '--schema', schema, '--json');

    expect(json.damage).toEqual(damage);
  });

  it('reports that a schema has no store', async () => {
    const { code, err } = await run('verify', '--to', await serverUrl(), '--schema', newSchema());

    expect([code, err]).toEqual([1, expect.stringMatching(/^STORE_MISSING: /)]);
  });
});
