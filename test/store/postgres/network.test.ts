import { setTimeout as pause } from 'node:timers/promises';
import { createSignalbox, defineJob } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { type NetworkLink, openNetworkLink } from './network-link.ts';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';
import { killWorkers, Worker } from './worker.ts';

const hold = defineJob({ name: 'hold', run: async (): Promise<string> => '' });
const [near, far] = ['a', 'b'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`) as [
  string,
  string,
];

let link: NetworkLink;
let stop: () => Promise<void> = async () => {};

afterAll(async () => {
  killWorkers();
  await stop();
  await link.close();
  await removeSchemas();
});

// Death counts after two seconds.
it('A host whose network is gone for three times its death writes nothing late, and works again', async () => {
  const [url, schema] = [await serverUrl(), newSchema()];
  const box = await createSignalbox({
    store: newPostgresStore({ schema, clock: 'database' }),
    jobs: [hold],
    queues: [''],
    uuid: 'cccccccc-0000-4000-8000-000000000000',
  });
  stop = () => box.stop();
  const queue = box.queue();
  await queue.quotas.create('one', { size: 1 });
  link = await openNetworkLink(url);
  const host = new Worker(link.url, schema, far, { prefix: link.prefix });
  await host.said('started');
  const job = await queue.put(hold(), { quotaNames: ['one'] });
  await host.said(`active ${job.id}`);
  const other = new Worker(url, schema, near);
  await other.said('started');

  link.down();
  const cutAt = performance.now();
  await other.said(`active ${job.id}`);
  const takenOverMs = performance.now() - cutAt;
  host.send(`open ${job.id}`);
  await pause(Math.max(0, 6_000 - takenOverMs));
  link.up();
  await host.said(/while it lives/);
  // The other job has the slot of the quota: a second job waits for it.
  const second = await queue.put(hold(), { quotaNames: ['one'] });
  await pause(1_000);
  expect(host.lines).not.toContain(`active ${second.id}`);
  other.send(`open ${job.id}`);

  expect(await job.result()).toBe(near);
  const events: string[] = [];
  for await (const { event } of box.store.history('job', job.id ?? '')) events.push(event);
  expect(events.filter((event) => event === 'job.finish')).toHaveLength(1);
  expect(host.lines.some((line) => /nothing was written/.test(line))).toBe(true);
  // The death interval, a poll, and a reserve for a busy machine.
  expect(takenOverMs).toBeLessThan(8_000);
  const workers = [host, other];
  await Promise.race(workers.map((worker) => worker.said(`active ${second.id}`)));
  const third = await queue.put(hold());
  await Promise.race(workers.map((worker) => worker.said(`active ${third.id}`)));
  for (const { id } of [second, third]) for (const worker of workers) worker.send(`open ${id}`);
  expect([await second.result(), await third.result()].sort()).toEqual([near, far]);
}, 60_000);
