import { createSignalbox, defineJob } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { expect, test } from 'vitest';
import { CuttingProxy, commitText } from './proxy.ts';
import { connectedTo, ownServer } from './torture-server.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

test('a put whose transaction a crash aborted is repeated, though another transaction got its number', {
  timeout: 60_000,
}, async () => {
  const server = await ownServer();
  const proxy = await CuttingProxy.to(server.url);
  const store = postgresStore({ connectionString: proxy.url });
  const box = await createSignalbox({ store, jobs: [note], uuid: '00000000-0000-4000-8000-000000000001' });
  await box.createQueue('a');
  const isCut = proxy.cutAt(commitText, 'before').then(() => proxy.shut());

  const putting = box.queue('a').put(note('x'), { id: 'x' });
  await isCut;
  await server.crash?.();
  const other = await connectedTo(server.url);
  await other.query('CREATE TABLE others (a int)');
  for (let count = 0; count < 10; count += 1) await other.query('INSERT INTO others VALUES (1)');
  proxy.reopen();
  await putting;

  const found = await box.store.get('job', 'x');
  await other.end();
  await box.stop();
  await proxy.close();
  server.remove();
  expect(found?.state).toBe('pending');
});
