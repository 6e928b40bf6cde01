import { jsonStore } from 'signalbox/json';
import { verifyPostgres } from 'signalbox/postgres';
import { afterAll, expect, it } from 'vitest';
import { World } from '../../model/parking-world.ts';
import { newPath } from '../json/open-store.ts';
import { newPostgresStore, newSchema, removeSchemas } from '../postgres/schemas.ts';
import { serverUrl } from '../postgres/server.ts';
import { promoted } from './promoting.ts';

afterAll(removeSchemas);

it('A promotion brings jobs with keys, and who holds them: those behind a full key are parked by the next claim', async () => {
  const [dir, schema] = [newPath(), newSchema()];
  const before = await World.make(jsonStore(dir));
  const put = { does: 'put', name: 'one', by: null } as const;
  for (const keys of [['k/1'], ['k/1'], ['k/1', 'm/1']]) await before.take({ ...put, keys });
  expect(await before.claim(3)).toEqual(['j000']);
  await before.open.close();

  await promoted(dir, schema);

  const after = await World.make(newPostgresStore({ schema }));
  expect(await after.open.quotaHolders('/k/1')).toEqual(['j000']);
  expect(await after.claim(3)).toEqual([]);
  expect(await after.open.parked('/k/1')).toBe(2);
  for (const next of ['j001', 'j002']) {
    await after.take({ does: 'end', at: 0 });
    expect(await after.claim(3)).toEqual([next]);
  }
  await after.open.close();
  const connectionString = await serverUrl();
  expect((await verifyPostgres({ connectionString, schema })).damage).toEqual([]);
});
