import { createSignalbox, defineJob, type Signalbox, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { verifyPostgres } from 'signalbox/postgres';
import { afterAll, expect, it } from 'vitest';
import { exportStore } from '../../../src/store/promotion/export-store.ts';
import { newPath } from '../json/open-store.ts';
import { newPostgresStore, newSchema, removeSchemas } from '../postgres/schemas.ts';
import { serverUrl } from '../postgres/server.ts';
import { ports, promoted } from './promoting.ts';

afterAll(removeSchemas);

const feed = defineJob({ name: 'feed', run: (text: string) => text, unique: {}, tags: (text) => [text] });
const uuid = '00000000-0000-4000-8000-000000000001';

function openBox(store: Store): Promise<Signalbox> {
  return createSignalbox({ store, uuid, jobs: [feed], queues: [''] });
}

it('A promotion brings schedules, unique names and tags: the next tick comes when it would have, and a name stays taken', async () => {
  const [dir, schema, connectionString] = [newPath(), newSchema(), await serverUrl()];
  const before = await openBox(jsonStore(dir));
  const from = new Date(before.store.now() - 1000);
  await before.queue().schedules.set('hourly', { every: '1h', from }, feed('tick'));
  const next = await before.queue().schedules.next('hourly');
  const holder = await before.queue().put(feed('a'));
  const due = await before.store.due(0);
  await before.stop();

  await promoted(dir, schema);

  const after = await openBox(newPostgresStore({ schema, clock: 'database' }));
  expect([await after.queue().schedules.next('hourly'), await after.store.due(0)]).toEqual([next, due]);
  const tagged = await after.store.jobsPage({ list: 'tagged', tag: 'a', limit: 10 });
  expect(tagged.jobs.map(({ id }) => id)).toEqual([holder.id]);
  const again = await after.queue().put(feed('a'));
  expect([again.id, again.putResult]).toEqual([holder.id, 'existing']);
  expect((await after.queue().put(feed('b'))).putResult).toBe('added');
  await after.stop();
  expect((await verifyPostgres({ connectionString, schema })).damage).toEqual([]);
});

it('An export of a database brings the unique names and the tags of its jobs', async () => {
  const [dir, schema, connectionString] = [newPath(), newSchema(), await serverUrl()];
  const box = await openBox(newPostgresStore({ schema, clock: 'database' }));
  const holder = await box.queue().put(feed('a'));
  await box.stop();

  await exportStore({
    from: { connectionString, schema },
    queue: '',
    limit: 10,
    to: dir,
    storeIn: jsonStore,
    ports,
  });

  const copy = await openBox(jsonStore(dir));
  expect((await copy.queue().put(feed('a'))).id).toBe(holder.id);
  const { jobs } = await copy.store.jobsPage({ list: 'tagged', tag: 'a', limit: 10 });
  expect(jobs.map(({ id }) => id)).toEqual([holder.id]);
  await copy.stop();
});
