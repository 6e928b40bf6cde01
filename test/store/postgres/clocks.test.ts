import { setTimeout as pause } from 'node:timers/promises';
import { createSignalbox, defineJob, type Queue } from 'signalbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';
import { killWorkers, Worker } from './worker.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const hold = defineJob({ name: 'hold', run: async (): Promise<string> => '' });
const hourMs = 3_600_000;

let stop: () => Promise<void> = async () => {};

afterAll(async () => {
  killWorkers();
  await stop();
  await removeSchemas();
});

// Death counts after two seconds. One is an hour late, one two hours ahead, one lives ten times as fast.
describe('Processes whose wall clocks are wrong', { timeout: 60_000 }, () => {
  let queue: Queue;
  let workers: readonly Worker[];
  let history: (id: string) => Promise<{ event: string; at: number }[]>;

  beforeAll(async () => {
    const [url, schema] = [await serverUrl(), newSchema()];
    const box = await createSignalbox({
      store: newPostgresStore({ schema, clock: 'database' }),
      jobs: [note, hold],
      queues: [''],
      uuid: 'cccccccc-0000-4000-8000-000000000000',
    });
    stop = () => box.stop();
    queue = box.queue();
    history = async (id) => {
      const found: { event: string; at: number }[] = [];
      for await (const { event, at } of box.store.history('job', id)) found.push({ event, at });
      return found;
    };
    workers = [`${-hourMs},1`, `${2 * hourMs},1`, '0,10'].map(
      (clock, index) =>
        new Worker(url, schema, `${`${index}`.repeat(8)}-0000-4000-8000-000000000000`, { clock }),
    );
    await Promise.all(workers.map((worker) => worker.said('started')));
  }, 60_000);

  it('take no living one for dead, also when a clock jumps', async () => {
    const held = await queue.putAll([1, 2, 3].map(() => hold()));
    const holders = held.map(({ id }) =>
      Promise.race(workers.map((worker) => worker.said(`active ${id}`).then(() => worker))),
    );
    await Promise.all(holders);
    workers[0]?.send(`jump ${2 * hourMs}`);
    workers[1]?.send(`jump ${2 * 365 * 24 * hourMs}`);
    // Twice as long as it takes to be dead.
    await pause(4_000);

    for (const { id } of held) for (const worker of workers) worker.send(`open ${id}`);
    await Promise.all(held.map((job) => job.result()));
    for (const { id } of held) {
      const events = (await history(id ?? '')).map(({ event }) => event);
      expect(events.filter((event) => event === 'job.start')).toHaveLength(1);
      expect(events).not.toContain('job.interrupt');
    }
    expect(workers.flatMap(({ lines }) => lines.filter((line) => /dead|lives/.test(line)))).toEqual([]);
  });

  it('begin no job before its time by the clock of the database', async () => {
    const jobs = await queue.putAll(
      Array.from({ length: 6 }, (_, index) => note(`${index}`)),
      { beginAfter: '1500ms' },
    );
    await Promise.all(jobs.map((job) => job.result()));

    for (const { id, record } of jobs) {
      const started = (await history(id ?? '')).find(({ event }) => event === 'job.start');
      expect(started?.at).toBeGreaterThanOrEqual(Number(record.beginAfter));
    }
  });
});
