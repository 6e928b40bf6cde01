import { once } from 'node:events';
import { createSignalbox, defineJob, type Job, type Queue } from 'signalbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';
import { killWorkers, Worker } from './worker.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const hold = defineJob({ name: 'hold', run: async (): Promise<string> => '' });
const busy = defineJob({ name: 'busy', run: (_ms: number): string => '' });
const [a, b] = ['a', 'b'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`) as [
  string,
  string,
];

let stop: () => Promise<void> = async () => {};

afterAll(async () => {
  killWorkers();
  await stop();
  await removeSchemas();
});

describe('Processes that share a postgres store', { timeout: 60_000 }, () => {
  let queue: Queue;
  let workers: readonly [Worker, Worker];
  let events: (id: string) => Promise<string[]>;

  // A box that only puts and reads, and two that work, with a slot each.
  beforeAll(async () => {
    const [url, schema] = [await serverUrl(), newSchema()];
    const box = await createSignalbox({
      store: newPostgresStore({ schema, clock: 'database' }),
      jobs: [note, hold, busy],
      queues: [''],
      uuid: 'cccccccc-0000-4000-8000-000000000000',
    });
    stop = () => box.stop();
    queue = box.queue();
    events = async (id) => {
      const found: string[] = [];
      for await (const entry of box.store.history('job', id)) found.push(entry.event);
      return found;
    };
    workers = [new Worker(url, schema, a), new Worker(url, schema, b, { isDeaf: true })];
    await Promise.all(workers.map((worker) => worker.said('started')));
  }, 60_000);

  /** The one that has begun the job, and its sibling. */
  const holderOf = async ({ id }: Job): Promise<readonly [Worker, Worker]> => {
    const [one, other] = workers;
    const isFirst = await Promise.race(
      [one, other].map((worker) => worker.said(`active ${id}`).then(() => worker === one)),
    );
    return isFirst ? [one, other] : [other, one];
  };

  it('do each job once, and give its result to the process that put it', async () => {
    const jobs = await queue.putAll(Array.from({ length: 60 }, (_, index) => note(`${index}`)));
    const results = await Promise.all(jobs.map((job) => job.result()));

    expect(results.map((result) => result.split(' by ')[0])).toEqual(jobs.map((job) => job.args[0]));
    for (const job of jobs) {
      const all = await events(job.id ?? '');
      expect(all.filter((event) => event === 'job.finish')).toHaveLength(1);
      expect(all.filter((event) => event === 'job.start')).toHaveLength(1);
    }
  });

  it('do not take one for dead whose job keeps its event loop busy', async () => {
    const held = await queue.put(hold());
    const [watching, working] = await holderOf(held);

    const job = await queue.put(busy(4000));

    expect(await job.result()).toBe(working.uuid);
    expect(await events(job.id ?? '')).not.toContain('job.interrupt');
    expect(working.lines.filter((line) => /while it lives/.test(line))).toEqual([]);
    watching.send(`open ${held.id}`);
    expect(await held.result()).toBe(watching.uuid);
  });

  it.each([
    ['is notified', 0],
    ['hears of nothing, at its next poll', 1],
  ])('cancel a job that another one runs: that one %s', async (_how, wanted) => {
    const holder = workers[wanted] as Worker;
    // The other slot is taken.
    const filler = await queue.put(hold());
    const job = await queue.put(hold());
    const [first, second] = await holderOf(filler);
    const mine = first === holder ? filler : job;
    await second.said(`active ${job.id}`);

    const began = performance.now();
    expect(await mine.cancel({ reason: 'from afar' })).toBe('cancelling');
    await holder.said(`aborted ${mine.id}`);
    await mine.waitFor('COMPLETED');

    // A grace of 300 ms, a poll each 100 ms, and a busy machine.
    expect(performance.now() - began).toBeLessThan(5000);
    expect([mine.ending, mine.record.stop?.reason]).toEqual(['cancelled', 'from afar']);
    // Its code is left behind, and its slot with it, until that ends.
    holder.send(`open ${mine.id}`);
    const other = mine === job ? filler : job;
    [first, second].find((each) => each !== holder)?.send(`open ${other.id}`);
    await other.result();
  });

  it('take over a job that exceeds its time from a process that is blocked, though it gives signs of life', async () => {
    const job = await queue.put(busy(16_000), { timeout: '1s' });

    await job.waitFor('COMPLETED');

    expect([job.ending, job.record.attempts]).toEqual(['aborted', 1]);
    const all = await events(job.id ?? '');
    expect(all).toContain('job.interrupt');
    expect(all).not.toContain('job.timeout');
    expect(
      workers.flatMap(({ lines }) => lines).filter((line) => /exceeds its time/.test(line)),
    ).toHaveLength(1);
  });

  it('refuse the writes of a process that was stopped past its death, and take it back', async () => {
    const job = await queue.put(hold());
    const [first, second] = await holderOf(job);

    first.child.kill('SIGSTOP');
    await second.said(`active ${job.id}`);
    first.send(`open ${job.id}`);
    first.child.kill('SIGCONT');
    await first.said(/nothing was written/);
    await first.said(/while it lives/);
    second.send(`open ${job.id}`);

    expect(await job.result()).toBe(second.uuid);
    expect((await events(job.id ?? '')).filter((event) => event === 'job.finish')).toHaveLength(1);
  });

  it('take over from a process that was killed, and end when they are asked to', async () => {
    const job = await queue.put(hold());
    const [first, second] = await holderOf(job);

    await first.killed();

    await second.said(`active ${job.id}`);
    second.send(`open ${job.id}`);
    expect(await job.result()).toBe(second.uuid);
    expect((await job.refresh()).record.attempts).toBe(2);
    second.send('stop');
    await once(second.child, 'exit');
  });
});
