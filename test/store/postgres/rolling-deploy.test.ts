import { createSignalbox, defineJob } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';
import { killWorkers, Worker } from './worker.ts';

const run = (text: string): string => text;
const definitions = ['old', 'shared', 'fresh'].map((name) => defineJob({ name, run }));
const [a, b] = ['a', 'b'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`);

afterAll(async () => {
  killWorkers();
  await removeSchemas();
});

it('no job is lost when hosts that share a database know different definitions', {
  timeout: 60_000,
}, async () => {
  const [url, schema] = [await serverUrl(), newSchema()];
  const box = await createSignalbox({
    store: newPostgresStore({ schema, clock: 'database' }),
    jobs: definitions,
    queues: [''],
  });
  const workers = [
    new Worker(url, schema, a as string, { deployed: ['old', 'shared'] }),
    new Worker(url, schema, b as string, { deployed: ['shared', 'fresh'] }),
  ];
  await Promise.all(workers.map((worker) => worker.said('started')));

  const parents = definitions.flatMap((definition) =>
    Array.from({ length: 8 }, (_, index) => definition(`${index}`)),
  );
  for (const [index, parent] of parents.entries()) {
    const callback = definitions[index % definitions.length];
    if (callback !== undefined) await parent.addCallback(callback.partial());
  }
  await box.queue().putAll(parents);
  const results = await Promise.all(parents.map((job) => job.result({ timeout: '30s' })));
  await Promise.all(parents.map((job) => job.waitFor('COMPLETED', { timeout: '30s' })));

  expect(results.slice(0, 8).every((result) => result.endsWith(`by ${a}`))).toBe(true);
  expect(results.slice(16).every((result) => result.endsWith(`by ${b}`))).toBe(true);
  const callbacks = await Promise.all(parents.map((job) => job.callbacks()));
  const endings = callbacks.flat().map((callback) => ('ending' in callback ? callback.ending : null));
  expect(endings).toEqual(parents.map(() => 'succeeded'));
  await box.stop();
});
