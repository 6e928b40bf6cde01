import { setTimeout as pause } from 'node:timers/promises';
import { createSignalbox, defineJob } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { expect, test } from 'vitest';
import { claimFor, opened, presenceIn, putOf } from './claims.ts';
import { CuttingProxy, statements } from './proxy.ts';
import { connectedTo, ownServer } from './torture-server.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

test('a put whose statement a crash of the server took is sent again, and made once', {
  timeout: 60_000,
}, async () => {
  const server = await ownServer();
  const store = postgresStore({ connectionString: server.url });
  const box = await createSignalbox({ store, jobs: [note], uuid: '00000000-0000-4000-8000-000000000001' });
  await box.createQueue('a');
  const other = await connectedTo(server.url);
  // Its statement has done all of it but for its row of the journal.
  await other.query('BEGIN; LOCK TABLE signalbox.line IN SHARE MODE');

  const putting = box.queue('a').put(note('x'), { id: 'x' });
  while ((await other.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 0) await pause(10);
  await server.crash?.();
  await putting;

  const found = await box.store.get('job', 'x');
  const told: string[] = [];
  for await (const { id, event } of box.store.entries(1)) if (id === 'x') told.push(event);
  await box.stop();
  server.remove();
  expect(found?.state).toBe('pending');
  expect(told).toEqual(['job.put']);
});

test('a claim of several statements that a crash of the server took says so to who asks, and to nobody else', {
  timeout: 60_000,
}, async () => {
  const server = await ownServer();
  const proxy = await CuttingProxy.to(server.url);
  const store = await opened(proxy.url);
  const puts = Array.from({ length: 1_200 }, (_, index) => putOf(`job-${index}`, []));
  await store.commit({ by: 'd', changes: [...presenceIn(store, 1_200), ...puts], expect: [] }).synced;
  let isClaimed = false;
  const cutting = (async () => {
    while (!isClaimed) await proxy.cutAt(statements.sync, 'before');
    proxy.shut();
  })();

  const { jobs, ticket } = await claimFor(store, 1_200);
  isClaimed = true;
  await cutting;
  await server.crash?.();
  proxy.reopen();
  await store.settled();
  // A rejection that nobody has heard of by now ends the process.
  await new Promise((resolve) => setImmediate(resolve));

  expect(jobs.length).toBe(1_200);
  await expect(ticket.synced).rejects.toMatchObject({ code: 'STORE_DISCONNECTED' });
  await store.close();
  await proxy.close();
  server.remove();
});
