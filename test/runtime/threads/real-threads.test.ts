import {
  agent,
  createSignalbox,
  type Job,
  type LogFields,
  memoryStore,
  nodeThreads,
  type Signalbox,
  type ThreadOptions,
} from 'signalbox';
import { afterEach, describe, expect, it } from 'vitest';
import * as jobs from './thread-jobs.ts';

const { chatty, compute, eat, exit, listen, putAtOtherTime, putTwo, spin, spinTooLong, throwLater, where } =
  jobs;

const boxes: Signalbox[] = [];
afterEach(async () => {
  for (const box of boxes.splice(0)) await box.stop();
});

/** A box whose agent has worker threads, from the source. */
async function setUp({ size = 1, ...thread }: ThreadOptions & { readonly size?: number } = {}) {
  const texts: string[] = [];
  const keep = (_fields: LogFields, text: string): void => void texts.push(text);
  const register = new URL('./register.mjs', import.meta.url).href;
  const real = nodeThreads({ execArgv: ['--import', register, '--conditions', 'signalbox-source'] });
  let alive = 0;
  const box = await createSignalbox({
    store: memoryStore(),
    jobs: Object.values(jobs),
    logger: { debug: keep, info: keep, warn: keep, error: keep, fatal: keep },
    threadModule: new URL('./thread-jobs.ts', import.meta.url),
    threads: {
      start: (start, listener) => {
        alive += 1;
        const ended: typeof listener.ended = (end) => {
          alive -= 1;
          listener.ended(end);
        };
        return real.start(start, { ...listener, ended });
      },
    },
  });
  boxes.push(box);
  const dispatcher = await box.start({
    agent: agent({ size, executor: 'thread', thread }),
    pollInterval: '200ms',
  });
  const counts = () => dispatcher.getStatusInfo().threads[0];
  return { box, dispatcher, texts, queue: box.queue(), counts, alive: () => alive };
}

async function endOf(job: Job<unknown>) {
  await job.waitFor('COMPLETED');
  const { ending, outcome } = job;
  return { ending, code: outcome?.ok === false ? outcome.failure.code : null };
}

/** A job whose code has begun in a thread that is ready: what follows is no longer the start of the thread. */
async function begun<Result>(job: Job<Result>): Promise<Job<Result>> {
  await job.waitFor('ACTIVE');
  return job;
}

describe('In worker threads', () => {
  it('a job runs in a thread, which is kept for the next one', async () => {
    const { queue, counts } = await setUp();

    const first = await (await queue.put(where(1))).result();
    const second = await (await queue.put(where(2))).result();

    expect(first).toMatchObject({ n: 1, isMainThread: false, counted: 1 });
    expect(second).toMatchObject({ n: 2, threadId: first.threadId, counted: 2 });
    expect(counts()).toMatchObject({ busy: 0, idle: 1, started: 1 });
  });

  it('a job puts by the clock of the store, also while that of the machine is wrong', async () => {
    const { box, queue } = await setUp();
    const before = Date.now();

    await (await queue.put(putAtOtherTime())).result();

    const put = await box.job('put').refresh();
    expect(put.beginAfter?.getTime()).toBeLessThan(before + 600_000);
  });

  it('an endless loop is ended when its job is cancelled, and the next job has a new thread', async () => {
    const { queue, counts } = await setUp();
    await (await queue.put(where(0))).result();
    const job = await begun(await queue.put(spin()));
    const next = await queue.put(where(1));

    expect(await job.cancel()).toBe('cancelling');

    expect(await endOf(job)).toEqual({ ending: 'cancelled', code: 'CANCELLED' });
    expect(await next.result()).toMatchObject({ n: 1, counted: 1 });
    expect(counts()).toMatchObject({ busy: 0, idle: 1, started: 2 });
  });

  it('an endless loop is ended when its time is over', async () => {
    const { queue } = await setUp();
    await (await queue.put(where(0))).result();

    const job = await queue.put(spinTooLong());

    expect(await endOf(job)).toEqual({ ending: 'failed', code: 'TIMEOUT' });
  });

  it('an endless loop is ended when the box stops, and its job goes back to its queue', async () => {
    const { box, queue, texts } = await setUp();
    await (await queue.put(where(0))).result();
    await begun(await queue.put(spin()));

    const began = Date.now();
    await box.stop();

    expect(Date.now() - began).toBeLessThan(4000);
    expect(texts.filter((text) => text.includes('was handed back'))).toHaveLength(1);
  });

  it('code that listens stops by itself', async () => {
    const { queue, counts } = await setUp();
    await (await queue.put(where(0))).result();
    const job = await begun(await queue.put(listen()));

    await job.cancel({ reason: 'enough' });

    expect(await endOf(job)).toEqual({ ending: 'cancelled', code: 'CANCELLED' });
    expect(counts()).toMatchObject({ idle: 1, started: 1 });
  });

  it('a job that needs more memory than its thread may have fails, and nothing else does', async () => {
    const { box, queue } = await setUp({ maxHeapMb: 48 });

    const job = await queue.put(eat());

    expect(await endOf(job)).toEqual({ ending: 'failed', code: 'THREAD_OUT_OF_MEMORY' });
    expect(await (await queue.put(where(1))).result()).toMatchObject({ n: 1 });
    await expect(box.job('never').refresh()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('process.exit and an error that is not caught end the thread, and the job fails', async () => {
    const { queue, counts } = await setUp();
    const [exited, thrown] = [await queue.put(exit(3)), await queue.put(throwLater())];

    expect(await endOf(exited)).toEqual({ ending: 'failed', code: 'THREAD_EXITED' });
    expect(await endOf(thrown)).toEqual({ ending: 'failed', code: 'THREAD_EXITED' });
    const messages = [exited, thrown].map(({ outcome }) => outcome?.ok === false && outcome.failure.message);
    expect(messages).toEqual([
      expect.stringContaining('exit code 3'),
      expect.stringContaining('TypeError: nobody catches this'),
    ]);
    expect(counts()).toMatchObject({ busy: 0, idle: 0, started: 2 });
  });

  it('what a job puts and changes is committed with its result', async () => {
    const { box, queue } = await setUp();
    const job = await queue.put(putTwo(7));

    expect(await job.result()).toBe('main');

    const others = [box.job('first-7'), box.job('second-7')];
    expect(await Promise.all(others.map((other) => other.result()))).toMatchObject([{ n: 7 }, { n: 7 }]);
    expect((await job.refresh()).annotations).toEqual({ n: 7 });
  });

  it('what code says to its parent disturbs nothing', async () => {
    const { queue } = await setUp();

    expect(await (await queue.put(chatty())).result()).toBe('said');
    expect(await (await queue.put(where(1))).result()).toMatchObject({ n: 1 });
  });

  it('ten thousand jobs leave nothing behind', async () => {
    const { box, queue, counts, texts, alive } = await setUp({ size: 2, maxJobs: 3000 });
    const before = process.memoryUsage().rss;
    for (const from of [0, 5000]) {
      const put = await queue.putAll(Array.from({ length: 5000 }, (_, n) => where(from + n)));
      await Promise.all(put.map((job) => job.result()));
    }

    const { busy, idle = 0, started = 0 } = counts() ?? {};
    expect([busy, idle === alive(), started >= 4 && started <= 6]).toEqual([0, true, true]);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 2 ** 20);
    await box.stop();
    expect([alive(), counts()]).toEqual([0, undefined]);
    expect(texts.filter((text) => text.includes('does not exit'))).toEqual([]);
  });

  it('the event loop goes on, and the dispatcher polls, while four threads compute', async () => {
    const { queue, dispatcher } = await setUp({ size: 4 });
    const warm = await queue.putAll([1, 2, 3, 4].map(() => compute(50)));
    await Promise.all(warm.map((job) => job.result()));
    const before = dispatcher.polls.length;
    let [last, longest] = [Date.now(), 0];
    const watch = setInterval(() => {
      longest = Math.max(longest, Date.now() - last);
      last = Date.now();
    }, 20);

    const all = await queue.putAll([1, 2, 3, 4].map(() => compute(4000)));
    await Promise.all(all.map((job) => job.result()));
    clearInterval(watch);

    // Inline the event loop would stand still for 4 s, four times. The processors are busy, so it is not always on time.
    expect(longest).toBeLessThan(2500);
    expect(dispatcher.polls.length).toBeGreaterThan(before);
    expect(dispatcher.getStatusInfo().status).toBe('RUNNING');
  });
});
