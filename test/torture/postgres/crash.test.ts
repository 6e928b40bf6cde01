import { setTimeout as pause } from 'node:timers/promises';
import { createSignalbox, defineJob, type JobRecord } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { expect, test } from 'vitest';
import { claimFor, endingOf, opened, presenceIn, putOf } from './claims.ts';
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

test('what a program has read of the result of another process is there after a crash of the server', {
  timeout: 60_000,
}, async () => {
  const server = await ownServer();
  const proxy = await CuttingProxy.to(server.url);
  const [holder, reader] = [await opened(proxy.url), await opened(server.url)];
  await holder.commit({ by: 'd', changes: [...presenceIn(holder, 1), putOf('x', [])], expect: [] }).synced;
  const { jobs, ticket } = await claimFor(holder, 1);
  await ticket.synced;
  // Its result is written, and never synced by itself.
  const isCut = proxy.cutAt(statements.sync, 'before').then(() => proxy.shut());
  await holder.commit({ by: 'd', changes: endingOf(jobs[0] as JobRecord), expect: [] }).written;
  await isCut;

  const before = await reader.get('job', 'x');
  await reader.settled();
  await server.crash?.();
  const after = await reader.get('job', 'x');

  expect(before?.ending).toBe('succeeded');
  expect(after).toEqual(before);
  await reader.close();
  proxy.reopen();
  await holder.close();
  await proxy.close();
  server.remove();
});
