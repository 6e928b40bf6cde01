import { createSignalbox, defineJob, type OpenStore, type Signalbox, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { verifyPostgres } from 'signalbox/postgres';
import { afterAll, expect, it } from 'vitest';
import { exportStore } from '../../../src/store/promotion/export-store.ts';
import { newPath } from '../json/open-store.ts';
import { openByHand } from '../open-by-hand.ts';
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

const child = { actor: 'order/1', machine: 'order', child: 'parcel', run: 1 };
const actors = [
  {
    ...{
      kind: 'actor',
      id: 'order/1',
      event: 'signalbox.start',
      from: null,
      to: 'a|b',
      arg: { by: 'Grace' },
    },
    patch: { machine: 'order', status: 'active', 'c:list': [], 'c:n': 1, dueAt: 4_000_000_000_000 },
  },
  {
    ...{ kind: 'actor', id: 'order/1', event: 'order.go', from: 'a|b', to: 'c', arg: null },
    patch: { 'c:n': null, output: [] },
  },
  {
    ...{ kind: 'actor', id: 'order/1/parcel', event: 'signalbox.start', from: null, to: 'over' },
    patch: { machine: 'parcel', status: 'done', parent: child, finishedAt: Date.now() },
  },
  ...['one', 'two'].map((id) => ({
    ...{ kind: 'message', id: `order/1#${id}`, event: 'message.put', from: null, to: 'waiting' },
    patch: { actor: 'order/1', machine: 'order', event: { type: 'go' }, at: Date.now() },
  })),
  {
    ...{ kind: 'message', id: 'order/1#one', event: 'message.dead', from: 'waiting', to: 'dead' },
    patch: { reason: 'threw', endedAt: Date.now() },
  },
  {
    ...{ kind: 'job', id: 'charge-of-order-1', event: 'job.put', from: 'new', to: 'pending' },
    patch: {
      name: 'feed',
      args: ['x'],
      parent: { queue: '' },
      line: 'now',
      beginAfter: 0,
      reply: { ...child, child: 'charge' },
    },
  },
] as Parameters<OpenStore['commit']>[0]['changes'];

/** All that is asked of actors, their mail, their history and the reply of their job. */
async function seenOf(store: OpenStore): Promise<unknown> {
  const carried: unknown[] = [];
  for await (const { event, from, to, patch, arg } of store.history('actor', 'order/1'))
    carried.push([event, from, to, patch, arg]);
  return {
    carried,
    actors: (await store.actorsPage({ limit: 10 })).actors,
    messages: await store.list('message', ''),
    mail: [await store.mail('order/1', 10), await store.mailed(['order'], '', 10)],
    dead: await store.deadLetters(10),
    due: [await store.due(0), await store.dueActors(['order'], 5e12, 10)],
    counts: await store.actorCounts(),
    reply: (await store.get('job', 'charge-of-order-1'))?.reply,
  };
}

it('A promotion brings actors as they are, with their mail, their timers and what their events carried', async () => {
  const [dir, schema, connectionString] = [newPath(), newSchema(), await serverUrl()];
  const queue = { kind: 'queue', id: '', event: 'queue.created', from: null, to: null, patch: {} } as const;
  const before = await openByHand(jsonStore(dir), Date.now);
  await before.commit({ by: 'client', changes: [queue, ...actors], expect: [] }).synced;
  const wanted = await seenOf(before);
  await before.close();

  const { compared } = await promoted(dir, schema);

  expect(compared?.records).toMatchObject({ actor: 2, message: 2 });
  const after = await openByHand(newPostgresStore({ schema, clock: 'database' }), Date.now);
  expect(await seenOf(after)).toEqual(wanted);
  await after.close();
  const found = await verifyPostgres({ connectionString, schema });
  expect([found.damage, found.counts.actors, found.counts.messages]).toEqual([[], 2, 2]);

  const copy = newPath();
  await exportStore({
    from: { connectionString, schema },
    queue: '',
    limit: 9,
    to: copy,
    storeIn: jsonStore,
    ports,
  });
  const copied = await openByHand(jsonStore(copy), Date.now);
  expect([(await copied.get('job', 'charge-of-order-1'))?.reply, await copied.list('actor', '')]).toEqual([
    null,
    [],
  ]);
  await copied.close();
});

it('A schema with an actor in it is not empty: nothing is promoted to it', async () => {
  const [dir, schema] = [newPath(), newSchema()];
  await (await openByHand(jsonStore(dir), Date.now)).close();
  const target = await openByHand(newPostgresStore({ schema }), Date.now);
  await target.commit({ by: 'client', changes: actors.slice(0, 1), expect: [] }).synced;
  await target.close();

  await expect(promoted(dir, schema)).rejects.toMatchObject({ code: 'PROMOTION_TARGET' });
});
