import { join } from 'node:path';
import {
  agent,
  createSignalbox,
  Dispatcher,
  defineJob,
  detached,
  type Failure,
  type Job,
  local,
  NeverRetry,
  parallel,
  RetryCommonFourTimes,
  type RetryPolicy,
} from 'signalbox';
import { getPoll, waitForJobs } from 'signalbox/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { Barrier } from './barrier.ts';
import { makeControlledJobs } from './controlled-jobs.ts';
import { agentOf, crash, crashHolder, representationOf, startDispatchers, twoUuids } from './dispatchers.ts';
import { Faults, faultyStore, has } from './faulty-store.ts';
import { forEachStore, type MakeStore, makeBox, newDirectory, type TestBoxOptions } from './stores.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Counts how many calls are under way at the same time, and the most of them. */
function makeGauge() {
  const gauge = { now: 0, most: 0 };
  const pass = async <Value>(barrier: Barrier<Value>): Promise<Value> => {
    gauge.now += 1;
    gauge.most = Math.max(gauge.most, gauge.now);
    const value = await barrier.wait();
    gauge.now -= 1;
    return value;
  };
  return { gauge, pass };
}

// Each test shows the advice of one section of docs/patterns.md, in its order.
forEachStore('Patterns and advice', (makeStore: MakeStore) => {
  async function makeTestBox(jobs: TestBoxOptions['jobs'] = [], options: Partial<TestBoxOptions> = {}) {
    const testBox = await makeBox({ store: makeStore(), queues: [''], ...options, jobs });
    return { ...testBox, testBox, queue: testBox.box.queue() };
  }

  it('[TIP-1] lives and deaths depend on one clock: setting it by a minute declares a healthy dispatcher dead', async () => {
    const { testBox, reactor, entries } = await makeTestBox();
    await startDispatchers(testBox, twoUuids);
    await reactor.advance('10m');
    const dead = async () => (await representationOf(testBox, twoUuids[0])).dead;
    const deaths = () => entries.filter(({ message }) => message.includes('was deactivated in queue')).length;
    expect([await dead(), deaths()]).toEqual([false, 0]);

    reactor.setNow(reactor.now() + 61_000);
    expect(await dead()).toBe(true);
    await reactor.advance('10s');

    expect(await dead()).toBe(false);
    expect(deaths()).toBeGreaterThan(0);
  });

  it('[TIP-2] code that conflicts is run again whole: apart from the long work it is short', async () => {
    const runs: Record<string, number> = {};
    const barrier = new Barrier();
    const widen = (): Promise<void> => local.getQueue().quotas.set('lines', { size: 2 });
    const big = defineJob({
      name: 'big',
      run: async () => {
        runs.big = (runs.big ?? 0) + 1;
        await widen();
        await barrier.wait();
      },
    });
    const long = defineJob({
      name: 'long',
      run: async () => {
        runs.long = (runs.long ?? 0) + 1;
        await barrier.wait();
      },
    });
    const short = defineJob({
      name: 'short',
      run: async () => {
        runs.short = (runs.short ?? 0) + 1;
        await widen();
      },
    });
    const { box, queue, reactor } = await makeTestBox([big, long, short]);
    await queue.quotas.create('lines');
    await box.start();
    const split = long();
    await split.addCallback(short.partial());
    for (const job of [big(), split]) {
      await queue.put(job);
      await reactor.runUntilIdle();
      // Another commit writes what the job has written, during its long work.
      await queue.quotas.set('lines', { size: 3 });
      barrier.release('');
      await reactor.runUntilIdle();
      barrier.release('');
      await reactor.runUntilIdle();
    }

    expect(runs).toEqual({ big: 2, long: 1, short: 1 });
    expect((await queue.quotas.get('lines')).size).toBe(2);
  });

  it('[TIP-3] a slow callback keeps the slot of its job; a job that a quick one puts does not', async () => {
    const { hold, done, open } = makeControlledJobs();
    const further = defineJob({
      name: 'further',
      run: async (name: string) => {
        await local.getQueue().put(hold(name));
      },
    });
    const { testBox, box, queue, reactor } = await makeTestBox([hold, done, further]);
    await box.start({ agent: agent({ size: 1 }) });
    const slow = done('slow');
    await slow.addCallback(hold.partial('callback'));
    await queue.put(slow);
    const behind = await queue.put(done('behind'));
    await reactor.advance('1h');
    expect([(await slow.refresh()).status, (await behind.refresh()).status]).toEqual([
      'CALLBACKS',
      'PENDING',
    ]);
    open('callback');
    await reactor.runUntilIdle();

    const quick = done('quick');
    await quick.addCallback(further.partial('job'));
    await queue.put(quick);
    await reactor.runUntilIdle();

    expect((await quick.refresh()).status).toBe('COMPLETED');
    const [last] = await (await agentOf(testBox, box.uuid)).jobs();
    expect([last?.name, last?.args]).toEqual(['hold', ['job']]);
  });

  it('[TIP-4] with filtered agents alone late jobs stay; an agent for the rest ends them', async () => {
    const { hold, done } = makeControlledJobs();
    const { testBox, queue, reactor, logged } = await makeTestBox([hold, done]);
    await startDispatchers(testBox, ['a'], {
      agents: { holder: agent({ size: 1, filter: { jobs: ['hold'] } }) },
    });
    await queue.put(hold('one'));
    const late = await queue.put(hold('late'), { beginBy: '1m' });
    await reactor.advance('1h');
    expect((await late.refresh()).status).toBe('PENDING');
    expect(logged('ERROR')).toEqual([expect.stringContaining("every agent of queue '' refuses system jobs")]);

    const { agents } = await representationOf(testBox, 'a');
    await agents.set('rest', agent({ filter: { notJobs: ['hold'] } }));
    await reactor.advance('5s');

    expect((await late.refresh()).ending).toBe('expired');
    expect(await (await queue.put(done('x'))).result()).toBe('x');
  });

  it('[TIP-5] what must not happen twice is not run again after a crash: its failure callback decides', async () => {
    const controlled = makeControlledJobs();
    const asked: string[] = [];
    const pay = defineJob({
      name: 'pay',
      retry: NeverRetry,
      run: async (order: string) => {
        asked.push(`pay ${order}`);
        return controlled.opened(order);
      },
    });
    const check = defineJob({
      name: 'check',
      run: (order: string, failure: Failure) => {
        asked.push(`check ${order}: ${failure.name}`);
      },
    });
    const { testBox, queue, reactor } = await makeTestBox([pay, check]);
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const job = pay('17');
    await job.addCallbacks({ failure: check.partial('17') });
    await queue.put(job);
    await reactor.runUntilIdle();

    await crashHolder(testBox, dispatchers, job);

    expect(asked).toEqual(['pay 17', 'check 17: AbortedError']);
    expect([(await job.refresh()).status, job.ending]).toEqual(['COMPLETED', 'aborted']);
  });

  it('[TIP-6] a job is asked for again by its id: first its status, then its outcome', async () => {
    const { hold, open } = makeControlledJobs();
    const { box, queue, reactor } = await makeTestBox([hold]);
    await box.start();
    const { id } = await queue.put(hold('one'));
    await reactor.runUntilIdle();

    const found = box.job<string>(id ?? '');
    expect([found.outcome, (await found.refresh()).status]).toEqual([null, 'ACTIVE']);
    open('one', 'the result');
    await reactor.runUntilIdle();
    expect([found.status, (await found.refresh()).status]).toEqual(['ACTIVE', 'COMPLETED']);
    expect(found.outcome).toEqual({ ok: true, value: 'the result' });
  });

  it('[TIP-7] a job that returns a follow-up has its result, also when they run in two processes', async () => {
    const seen: unknown[] = [];
    const ship = defineJob({
      name: 'ship',
      run: (packed: string) => {
        seen.push(local.getDispatcher()?.uuid);
        return `${packed}, shipped`;
      },
    });
    const order = defineJob({
      name: 'order',
      run: async (what: string) => {
        seen.push(local.getDispatcher()?.uuid);
        return local.getQueue().put(ship(`${what} packed`));
      },
    });
    const { testBox, queue, reactor } = await makeTestBox([ship, order]);
    await startDispatchers(testBox, twoUuids, { agents: { main: agent({ size: 1 }) } });

    const job = await queue.put(order('book'));
    await reactor.advance('5s');

    expect(await job.result()).toBe('book packed, shipped');
    expect(seen.sort()).toEqual(twoUuids);
  });

  it('[TIP-8] jobs that wait for others can fill their agent; an agent for the others lets them continue', async () => {
    const { done } = makeControlledJobs();
    const outer = defineJob({ name: 'outer', run: (name: string) => local.getQueue().put(done(name)) });
    const { testBox, queue, reactor } = await makeTestBox([done, outer]);
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 2 }) } });
    const jobs = [await queue.put(outer('1')), await queue.put(outer('2'))];

    await reactor.advance('1h');
    expect(await (await agentOf(testBox, 'a')).length()).toBe(2);
    expect((await queue.jobs()).map((job) => job.name)).toEqual(['done', 'done']);

    const { agents } = await representationOf(testBox, 'a');
    await agents.set('workers', agent({ size: 1, filter: { notJobs: ['outer'] } }));
    expect(await waitForJobs(reactor, jobs)).toEqual([]);
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['1', '2']);
  });

  it('[TIP-9] parallel maps over processes with agents of size 1, and its postprocess reduces', async () => {
    const seen = new Set<unknown>();
    const square = defineJob({
      name: 'square',
      run: async (n: number) => {
        seen.add(local.getDispatcher()?.uuid);
        await new Promise<void>((resolve) => local.getReactor().callLater(1000, resolve));
        return n * n;
      },
    });
    const sum = defineJob({
      name: 'sum',
      run: (...jobs: Job<number>[]) =>
        jobs.reduce((total, job) => total + (job.outcome?.ok ? job.outcome.value : 0), 0),
    });
    const { testBox, queue, reactor } = await makeTestBox([square, sum]);
    await startDispatchers(testBox, ['a', 'b', 'c'], { agents: { main: agent({ size: 1 }) } });
    const began = reactor.now();

    const total = parallel(
      [1, 2, 3, 4].map((n) => square(n)),
      { postprocess: sum },
    );
    await queue.put(total);

    expect(await reactor.until(total.result())).toBe(30);
    // One slot waits for the rest: two squares at a time.
    expect([reactor.now() - began, seen.size]).toEqual([2000, 2]);
  });

  it('[TIP-10] a job returns one that is not put: callbacks fill its arguments and the last one puts it', async () => {
    const calls: number[] = [];
    const sum = defineJob({
      name: 'sum',
      run: (...values: number[]) => {
        calls.push(values.length);
        return values.reduce((total, value) => total + value, 0);
      },
    });
    const square = defineJob({ name: 'square', run: (n: number) => n * n });
    const gather = defineJob({
      name: 'gather',
      run: async (into: Job<number>, count: number, value: number) => {
        await into.appendArgs([value]);
        if (into.args.length === count) await local.getQueue().put(into);
      },
    });
    const main = defineJob({
      name: 'main',
      run: async (...numbers: number[]) => {
        const total = sum();
        for (const n of numbers) {
          const worker = square(n);
          await worker.addCallback(gather.partial(total, numbers.length));
          await local.getQueue().put(worker);
        }
        return total;
      },
    });
    const { testBox, queue, reactor } = await makeTestBox([sum, square, gather, main]);
    await startDispatchers(testBox, twoUuids, { agents: { main: agent({ size: 5 }) } });

    const job = await queue.put(main(1, 2, 3, 4, 5, 6));
    await reactor.advance('1m');

    expect([await job.result(), calls]).toEqual([91, [6]]);
  });

  it('[TIP-11] an agent of size 1 for one kind, beside one for all others, runs one of that kind at a time', async () => {
    const { gauge, pass } = makeGauge();
    const barrier = new Barrier();
    const index = defineJob({ name: 'index', run: () => pass(barrier) });
    const { done, started } = makeControlledJobs();
    const { testBox, queue, reactor } = await makeTestBox([index, done]);
    await startDispatchers(testBox, ['a'], {
      agents: {
        indexer: agent({ size: 1, filter: { jobs: ['index'] } }),
        main: agent({ filter: { notJobs: ['index'] } }),
      },
    });
    const jobs = [await queue.put(index()), await queue.put(index()), await queue.put(done('other'))];
    await reactor.advance('1m');
    expect([gauge.now, started]).toEqual([1, ['other']]);

    for (const _ of jobs) {
      barrier.release('');
      await reactor.runUntilIdle();
    }
    expect([barrier.calls, gauge.most]).toEqual([2, 1]);
  });

  it('[TIP-12] kinds of work in queues of their own need no filter, and neither holds up the other', async () => {
    const { hold, done, started } = makeControlledJobs();
    const { testBox, box, reactor } = await makeTestBox([hold, done], { queues: ['mail', 'reports'] });
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 1 }) } });
    for (const name of ['1', '2', '3']) await box.queue('reports').put(hold(name));

    const mail = await box.queue('mail').put(done('mail'));
    await reactor.runUntilIdle();

    expect([started, (await mail.refresh()).status]).toEqual([['1', 'mail'], 'COMPLETED']);
    expect(await box.queue('reports').length()).toBe(2);
  });

  it('[TIP-13] a quota of one makes jobs wait for each other over all processes, a larger one is a limit', async () => {
    const { gauge, pass } = makeGauge();
    const barrier = new Barrier();
    const update = defineJob({ name: 'update', quotas: ['index'], run: () => pass(barrier) });
    const { testBox, queue, reactor } = await makeTestBox([update]);
    await queue.quotas.create('index', { size: 1 });
    await startDispatchers(testBox, twoUuids);
    for (let count = 0; count < 6; count += 1) await queue.put(update());
    await reactor.advance('1m');
    expect(gauge).toEqual({ now: 1, most: 1 });

    await queue.quotas.set('index', { size: 4 });
    await reactor.runUntilIdle();
    expect([gauge.now, (await queue.quotas.get('index')).filled]).toEqual([4, true]);
  });

  it('[TIP-14] a job of a quota of one takes similar jobs out of the queue and does their work as well', async () => {
    const batches: string[][] = [];
    const barrier = new Barrier();
    const index = defineJob({
      name: 'index',
      quotas: ['index'],
      run: async (page: string) => {
        const queue = local.getQueue();
        const pages = [page];
        for (const job of await queue.jobs()) {
          if (job.name !== 'index') continue;
          await queue.remove(job);
          pages.push(String(job.args[0]));
        }
        batches.push(pages);
        await barrier.wait();
      },
    });
    const { done } = makeControlledJobs();
    const { box, queue, reactor } = await makeTestBox([index, done]);
    await queue.quotas.create('index');
    await box.start();
    await queue.put(index('a'));
    await reactor.runUntilIdle();
    const similar = [await queue.put(index('b')), await queue.put(index('c')), await queue.put(index('d'))];
    const other = await queue.put(done('other'), { beginAfter: '1h' });

    barrier.release('');
    await reactor.runUntilIdle();
    barrier.release('');
    await reactor.runUntilIdle();

    expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
    expect((await queue.jobs()).map((job) => job.id)).toEqual([other.id]);
    for (const job of similar.slice(1)) expect((await job.refresh()).status).toBe('NEW');
  });

  it('[TIP-15] with a queue for each dispatcher a job puts its copies everywhere and gathers what they give', async () => {
    const report = defineJob({ name: 'report', run: () => `${local.getDispatcher()?.uuid} is well` });
    const lines = defineJob({ name: 'lines', run: (...all: string[]) => [...all].sort().join(', ') });
    const gather = defineJob({
      name: 'gather',
      run: async (into: Job<string>, count: number, line: string) => {
        await into.appendArgs([line]);
        if (into.args.length === count) await local.getQueue().put(into);
      },
    });
    const broadcast = defineJob({
      name: 'broadcast',
      run: async (...queues: string[]) => {
        const all = lines();
        await box.transaction(async (tx) => {
          for (const name of queues) {
            const copy = report();
            await copy.addCallback(gather.partial(all, queues.length));
            await tx.queue(name).put(copy);
          }
        });
        return all;
      },
    });
    const names = ['host-a', 'host-b', 'host-c'];
    const { box, queue, reactor } = await makeTestBox([report, lines, gather, broadcast], {
      queues: ['', ...names],
    });
    // A dispatcher has an agent in its own queue and in the common one.
    box.on('dispatcherActivated', async ({ representation: { uuid, queue, agents } }) => {
      if (queue === '' || queue === uuid) await agents.set('main', agent());
    });
    reactor.run();
    for (const uuid of names) new Dispatcher(box, { uuid }).activate();
    await reactor.runUntilIdle();

    const job = await queue.put(broadcast(...names));
    await reactor.advance('1m');

    expect(await job.result()).toBe('host-a is well, host-b is well, host-c is well');
  });

  it('[TIP-16] progress is shown by live annotations, or by a quick job that annotates the slow one', async () => {
    const { opened, open } = makeControlledJobs();
    const copy = defineJob({
      name: 'copy',
      run: async () => {
        await local.setLiveAnnotation('percent', 50);
        await opened('copy');
        return 'copied';
      },
    });
    const tell = defineJob({
      name: 'tell',
      run: async (job: Job<string>, what: string) => job.setAnnotation('said', what),
    });
    const { box, queue, reactor } = await makeTestBox([copy, tell]);
    await box.start();
    const job = await queue.put(copy());
    await reactor.runUntilIdle();
    expect([(await job.refresh()).status, job.annotations]).toEqual(['ACTIVE', { percent: 50 }]);

    await (await queue.put(tell(job, 'half done'))).result();
    expect((await job.refresh()).annotations).toEqual({ percent: 50, said: 'half done' });
    open('copy');
    expect(await reactor.until(job.result())).toBe('copied');
  });

  it('[TIP-17] a detached promise frees the worker and keeps the slot; after a crash its job runs again', async () => {
    const { opened, open } = makeControlledJobs();
    let calls = 0;
    const ask = defineJob({
      name: 'ask',
      run: () => {
        calls += 1;
        return detached(opened('answer'));
      },
    });
    const { testBox, queue, reactor } = await makeTestBox([ask]);
    const [first] = await startDispatchers(testBox, ['a']);
    const job = await queue.put(ask());
    await reactor.runUntilIdle();

    expect([first?.getActiveJobIds(), await (await agentOf(testBox, 'a')).length()]).toEqual([[], 1]);
    expect((await job.refresh()).record.state).toBe('active.waiting');
    crash(testBox, first as Dispatcher);
    await startDispatchers(testBox, ['b']);
    await reactor.advance('2m');
    open('answer', 42);

    expect([await reactor.until(job.result()), calls]).toEqual([42, 2]);
  });

  it('[TIP-18] before its first poll a dispatcher is in no queue; after it, it is activated', async () => {
    const { hold } = makeControlledJobs();
    const { box, queue, reactor, logged } = await makeTestBox([hold]);
    const dispatcher = new Dispatcher(box, { uuid: twoUuids[0] });
    dispatcher.activate();
    // Commits that a poll too early would get ahead of.
    await queue.put(hold('one'));
    await queue.put(hold('two'));
    await expect(queue.dispatchers.get(twoUuids[0])).rejects.toMatchObject({
      code: 'REPRESENTATION_NOT_FOUND',
    });

    reactor.run();
    await reactor.until(getPoll(dispatcher, 0));

    expect((await queue.dispatchers.get(twoUuids[0])).activated).not.toBeNull();
    expect(logged('CRITICAL')).toEqual([]);
  });

  it('[TIP-19] a Failure shows where it was thrown, with the causes, in any process', async () => {
    const parse = (): never => {
      throw new SyntaxError('unexpected comma');
    };
    const load = defineJob({
      name: 'load',
      run: () => {
        try {
          return parse();
        } catch (cause) {
          throw new Error('could not load prices', { cause });
        }
      },
    });
    const { box, queue, reactor } = await makeTestBox([load]);
    await box.start();
    const { id } = await queue.put(load());
    await reactor.runUntilIdle();

    const { outcome } = await box.job(id ?? '').refresh();
    if (outcome === null || outcome.ok) throw new Error('it succeeded');
    const text = outcome.failure.text('verbose');

    expect(text).toContain('Error: could not load prices');
    expect(text).toContain('SyntaxError: unexpected comma');
    expect(text).toContain(import.meta.filename);
  });

  it('[TIP-20] a step that is retried without limit shows at CRITICAL, beside the WARNINGs of its attempts, and its job does not continue', async () => {
    const faults = new Faults();
    const { done } = makeControlledJobs();
    const { box, queue, reactor, entries } = await makeTestBox([done], {
      store: faultyStore(makeStore(), faults),
    });
    await box.start();
    const job = done('one');
    const callback = await job.addCallback(done.partial('two'));
    faults.refuse = (commit) =>
      has(commit, 'job.finish', callback.id) ? new RangeError('a broken hook') : null;
    await queue.put(job);
    await reactor.advance('1h');

    const said = entries.filter(({ level }) => level !== 'DEBUG' && level !== 'INFO');
    const others = said.filter(({ message }) => !/ failed on attempt \d+, again /.test(message));
    expect(new Set(others.map(({ level, stream }) => `${stream} ${level}`))).toEqual(
      new Set(['signalbox.events CRITICAL']),
    );
    expect((await job.refresh()).status).toBe('CALLBACKS');
    faults.refuse = () => null;
    expect(await waitForJobs(reactor, [job], { pollInterval: '1m' })).toEqual([]);
  });

  it('[TIP-21] a restarted process is known by the UUID in the file that SIGNALBOX_UUID_FILE names', async () => {
    vi.stubEnv('SIGNALBOX_UUID_FILE', join(newDirectory(), 'worker-1.uuid'));
    const { hold, open, started } = makeControlledJobs();
    const store = makeStore();
    const first = await makeTestBox([hold], { store });
    await first.box.start();
    const job = await first.queue.put(hold('one'));
    await first.reactor.runUntilIdle();
    await first.stop();

    const second = await makeTestBox([hold], { store });
    expect(second.box.uuid).toBe(first.box.uuid);
    await second.box.start();
    open('one');
    await second.reactor.runUntilIdle();

    expect(await second.box.job(job.id ?? '').result()).toBe('one');
    expect([(await second.queue.dispatchers.uuids()).length, started]).toEqual([1, ['one', 'one']]);

    vi.stubEnv('SIGNALBOX_UUID_FILE', join(newDirectory(), 'worker-2.uuid'));
    const other = await createSignalbox({ store: makeStore() });
    expect(other.uuid).not.toBe(first.box.uuid);
    await other.stop();
  });

  it('[TIP-22] the first start of a job is kept by its policy; activeStart is that of its latest call', async () => {
    const later: RetryPolicy = {
      ...RetryCommonFourTimes,
      name: 'later',
      jobError: () => ({ after: '10m' }),
    };
    let calls = 0;
    const work = defineJob({
      name: 'work',
      retry: later,
      run: () => {
        calls += 1;
        if (calls < 3) throw new Error('not yet');
        return 'done';
      },
    });
    const { box, queue, reactor } = await makeTestBox([work]);
    await box.start();
    const began = reactor.now();
    const job = await queue.put(work());
    await reactor.advance('30m');

    expect([await job.result(), calls]).toEqual(['done', 3]);
    expect(Number(job.activeStart)).toBe(began + 2 * 600_000);
    expect(job.record.retryData?.first_active).toBe(began);
  });

  it('[TIP-23] agents that are added, resized and removed in the store change a running process', async () => {
    const { hold, open, started } = makeControlledJobs();
    const { testBox, queue, reactor } = await makeTestBox([hold]);
    await startDispatchers(testBox, ['a'], { agents: {} });
    for (const name of ['1', '2', '3', '4']) await queue.put(hold(name));
    await reactor.advance('1m');
    expect(started).toEqual([]);

    const { agents } = await representationOf(testBox, 'a');
    await agents.set('main', agent({ size: 1 }));
    await reactor.advance('5s');
    expect(started).toEqual(['1']);
    await agents.set('main', agent({ size: 3 }));
    await reactor.advance('5s');
    expect(started).toEqual(['1', '2', '3']);

    await agents.set('main', agent({ size: 1 }));
    await reactor.advance('5s');
    for (const name of ['1', '2', '3']) open(name);
    await reactor.runUntilIdle();
    open('4');
    await reactor.runUntilIdle();
    await agents.remove('main');
    await reactor.advance('5s');
    await queue.put(hold('5'));
    await reactor.advance('1m');
    expect(started).toEqual(['1', '2', '3', '4']);
  });
});
