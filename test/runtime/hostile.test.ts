import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  agent,
  createSignalbox,
  type DispatcherHook,
  defineJob,
  detached,
  type Job,
  type JobDefinition,
  local,
  memoryStore,
  RetryCommonFourTimes,
  type Store,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { afterAll, describe, expect, it, test } from 'vitest';
import { createInlineSyncPort } from '../../src/store/json/ports/sync-port.ts';
import { createFaultyFiles } from '../store/json/faulty-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'signalbox-hostile-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let stores = 0;
function newPath(): string {
  stores += 1;
  return join(directory, `${stores}`);
}

const none = (): void => {};
const silent = { debug: none, info: none, warn: none, error: none, fatal: none };
const one = defineJob({ name: 'one', run: () => 1 });

const kinds: readonly (readonly [string, () => Store])[] = [
  ['memory', () => memoryStore()],
  ['json', () => jsonStore(newPath())],
];

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  );
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('a job ends, and gives its slot back, for any code', () => {
  const odd: Readonly<Record<string, () => unknown>> = {
    throwsRevokedProxy: () => {
      throw revoked();
    },
    givesRevokedProxy: revoked,
    givesRevokedProxyLater: async () => [revoked()],
    givesThrowingThen: () => ({
      // biome-ignore lint/suspicious/noThenProperty: what is tested
      then() {
        throw new Error('in then');
      },
    }),
    givesThrowingGetter: () =>
      Object.defineProperty({}, 'then', {
        get() {
          throw new Error('in the getter of then');
        },
      }),
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    givesThenable: () => ({ then: (resolve: (value: number) => void) => resolve(1) }),
    detachesValue: () => detached(1 as never),
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    detachesThenable: () => detached({ then: (resolve: (value: number) => void) => resolve(1) } as never),
    givesItself: async () => local.getJob(),
    awaitsItself: async () => local.getJob()?.result(),
  };

  it.each(Object.keys(odd))('%s', async (name) => {
    const job = defineJob({ name, run: odd[name] as () => unknown }) as JobDefinition<readonly [], unknown>;
    const box = await createSignalbox({ store: memoryStore(), jobs: [job, one], logger: silent });
    await box.start({ agent: agent({ size: 1 }) });

    const put = await box.queue().put(job);
    const next = await box.queue().put(one);

    expect(await next.result({ timeout: '5s' })).toBe(1);
    await put.waitFor('COMPLETED', { timeout: '5s' });
    await box.stop();
  });

  it('and also when two jobs give each other', async () => {
    const jobs: Job<unknown>[] = [];
    const first = defineJob({ name: 'first', run: async () => jobs[1] });
    const second = defineJob({ name: 'second', run: async () => jobs[0] });
    const box = await createSignalbox({ store: memoryStore(), jobs: [first, second], logger: silent });
    const queue = await box.createQueue('');
    jobs.push(await queue.put(first, { beginAfter: '10ms' }));
    jobs.push(await queue.put(second, { beginAfter: '20ms' }));
    await box.start();

    for (const job of jobs) await job.waitFor('COMPLETED', { timeout: '5s' });

    expect(jobs.map((job) => (job.outcome?.ok === false ? job.outcome.failure.code : null))).toEqual([
      'AWAITED_ITSELF',
      'AWAITED_ITSELF',
    ]);
    await box.stop();
  });

  it('and also when two jobs give each other at the same moment', async () => {
    const jobs: Job<unknown>[] = [];
    const started: (() => void)[] = [];
    const both = (other: number) => (): Promise<unknown> =>
      new Promise((resolve) => {
        started.push(() => resolve(jobs[other]));
        if (started.length === 2) for (const end of started) end();
      });
    const definitions = [
      defineJob({ name: 'first', run: both(1) }),
      defineJob({ name: 'second', run: both(0) }),
    ];
    const box = await createSignalbox({ store: memoryStore(), jobs: definitions, logger: silent });
    for (const definition of definitions)
      jobs.push(await box.createQueue('').then((queue) => queue.put(definition)));
    await box.start();

    for (const job of jobs) await job.waitFor('COMPLETED', { timeout: '5s' });

    expect(jobs.map((job) => (job.outcome?.ok === false ? job.outcome.failure.code : null))).toEqual([
      'AWAITED_ITSELF',
      'AWAITED_ITSELF',
    ]);
    await box.stop();
  });
});

describe.each(kinds)('the data of a retry policy on the %s store', (_name, make) => {
  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  const odd: Readonly<Record<string, () => unknown>> = {
    bigint: () => ({ count: 1n }),
    circle: () => circle,
    thrown: () => {
      throw new Error('in updateData');
    },
  };

  it.each(Object.keys(odd))('never blocks the outcome, nor other commits (%s)', async (name) => {
    const retry = { ...RetryCommonFourTimes, name: 'odd', updateData: odd[name] as () => null };
    const thrower = defineJob({ name: 'thrower', retry, run: () => Promise.reject(new Error('its own')) });
    const box = await createSignalbox({ store: make(), jobs: [thrower, one], logger: silent });
    await box.start();

    const job = await box.queue().put(thrower);

    await expect(job.result({ timeout: '5s' })).rejects.toThrow('its own');
    expect(await (await box.queue().put(one)).result({ timeout: '5s' })).toBe(1);
    await box.stop();
  });
});

describe('what a program adds cannot stop the runtime', () => {
  const thrown = (): never => {
    throw new Error('not ours');
  };

  it('a listener of dispatcher events that throws, or rejects', async () => {
    const box = await createSignalbox({ store: memoryStore(), jobs: [one], logger: silent });
    box.listen(thrown);
    box.listen((async () => thrown()) as () => void);
    await box.start();
    expect(await (await box.queue().put(one)).result({ timeout: '5s' })).toBe(1);
    await box.stop();
  });

  it('an observer of a job that throws', async () => {
    const box = await createSignalbox({ store: memoryStore(), jobs: [one], logger: silent });
    await box.start();
    const job = await box.queue().put(one, { beginAfter: '20ms' });
    job.actorRef().subscribe(thrown);
    expect(await job.result({ timeout: '5s' })).toBe(1);
    await box.stop();
  });

  it('a logger that throws', async () => {
    const logger = { debug: thrown, info: thrown, warn: thrown, error: thrown, fatal: thrown };
    const box = await createSignalbox({ store: memoryStore(), jobs: [one], logger });
    await box.start();
    const jobs = await Promise.all([1, 2, 3].map(() => box.queue().put(one)));
    expect(await Promise.all(jobs.map((job) => job.result({ timeout: '5s' })))).toEqual([1, 1, 1]);
    await box.stop();
  });

  it('a logger that throws when it is asked for its levels, or rejects when it writes', async () => {
    const rejected: unknown[] = [];
    const keep = (error: unknown): void => void rejected.push(error);
    process.on('unhandledRejection', keep);
    const rejects = async () => thrown();
    const writes = { debug: rejects, info: rejects, warn: rejects, error: rejects, fatal: rejects };
    for (const logger of [writes, { ...silent, isLevelEnabled: thrown }]) {
      const box = await createSignalbox({ store: memoryStore(), jobs: [one], logger });
      await box.start();
      expect(await (await box.queue().put(one)).result({ timeout: '5s' })).toBe(1);
      await box.stop();
    }
    // Node reports a rejection once the turn is over.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', keep);
    expect(rejected).toEqual([]);
  });

  it('a carried context that throws, at the second attempt as at the first', async () => {
    let entered = 0;
    const context = {
      getStore: () => 'here',
      run: <Result>(_value: unknown, work: () => Result): Result => {
        entered += 1;
        if (entered !== 2) return work();
        throw new Error('no context');
      },
    };
    const retry = { ...RetryCommonFourTimes, name: 'onceMore', jobError: () => entered < 2 };
    const carrying = defineJob({
      name: 'carrying',
      context,
      retry,
      run: () => Promise.reject(new Error('first')),
    });
    const box = await createSignalbox({ store: memoryStore(), jobs: [carrying], logger: silent });
    await box.start();
    await expect((await box.queue().put(carrying)).result({ timeout: '5s' })).rejects.toThrow('no context');
    await box.stop();
  });
});

describe.each(kinds)('stopping on the %s store', (_name, make) => {
  it('settles every call made during it, and keeps exactly what it acknowledged', async () => {
    const store = make();
    const box = await createSignalbox({ store, jobs: [one] });
    await box.start();
    const kept: string[] = [];
    const calls: Promise<unknown>[] = [];
    let isStopped = false;
    const stopped = box.stop().then(() => {
      isStopped = true;
    });
    while (!isStopped) {
      calls.push(
        box
          .queue()
          .put(one)
          .then((job) => kept.push(job.id ?? ''), none),
      );
      await new Promise(setImmediate);
    }
    await Promise.all([stopped, ...calls]);

    const again = await createSignalbox({ store, jobs: [one] });
    for (const id of kept) expect((await again.job(id).refresh()).id).toBe(id);
    let seq = 0;
    for await (const entry of again.entries()) {
      seq += 1;
      expect(entry.seq).toBe(seq);
    }
    await again.stop();
  });

  it('lets a job that was claimed end within the grace, at any moment of the claim', async () => {
    const store = make();
    const ends: (() => void)[] = [];
    const slow = defineJob({ name: 'slow', run: () => new Promise<void>((resolve) => ends.push(resolve)) });
    const interrupted: number[] = [];
    for (let moment = 0; moment < 20; moment += 1) {
      const box = await createSignalbox({ store, jobs: [slow] });
      await box.start({ agent: agent({ size: 1 }) });
      const job = await box.queue().put(slow);
      for (let step = 0; step < moment; step += 1) await null;
      let isStopped = false;
      const stopped = box.stop({ grace: '60s' }).then(() => {
        isStopped = true;
      });
      while (!isStopped) {
        for (const end of ends.splice(0)) end();
        await turns(1);
      }
      await stopped;

      const again = await createSignalbox({ store, jobs: [slow] });
      for await (const { event } of again.job(job.id ?? '').history())
        if (event === 'job.interrupt') interrupted.push(moment);
      if ((await again.queue().length()) > 0) await again.queue().pull();
      await again.stop();
    }
    expect(interrupted).toEqual([]);
  });

  it('ends a start at any moment of it', async () => {
    for (let moment = 0; moment < 8; moment += 1) {
      const box = await createSignalbox({ store: make(), logger: silent });
      const started = box.start().catch(none);
      await turns(moment);
      await Promise.all([box.stop(), box.stop({ grace: 5 }), started]);
      await box.stop();
      expect(await codeOf(box.start())).toBe('BOX_STOPPED');
    }
  });
});

test('a dispatcher claims nothing during the grace of a stop, though it polls', async () => {
  const reactor = new VirtualReactor();
  const started: string[] = [];
  const slow = defineJob({
    name: 'slow',
    run: (name: string) => {
      started.push(name);
      return new Promise<void>((resolve) => reactor.callLater(12_000, resolve));
    },
  });
  const box = await createSignalbox({ store: memoryStore(), reactor, jobs: [slow] });
  reactor.attach(box);
  await box.start({ agent: agent({ size: 1 }) });
  await box.queue().put(slow('first'));
  await box.queue().put(slow('second'));
  await reactor.advance('1s');

  await reactor.until(box.stop({ grace: '60s' }));

  expect(started).toEqual(['first']);
  expect(reactor.pending).toBe(0);
});

test('a dispatcher that is deactivated in the middle of a poll claims nothing more in it', async () => {
  const box = await createSignalbox({
    store: memoryStore(),
    jobs: [one],
    queues: ['a', 'b'],
    logger: silent,
  });
  const job = await box.queue('b').put(one);
  let deactivated: Promise<void> | null = null;
  const hook: DispatcherHook = ({ representation }) => {
    if (representation.queue === 'a') deactivated = box.getDispatcher()?.deactivate() ?? null;
  };
  box.on('dispatcherActivated', hook);
  await box.start();
  await deactivated;
  await turns();
  expect(await job.refresh()).toMatchObject({ status: 'PENDING', activeStart: null });
  await box.stop();
});

test('a store that fails ends the polls, and nothing is left to keep the process alive', async () => {
  const files = createFaultyFiles();
  const reactor = new VirtualReactor();
  const store = jsonStore(newPath(), { files, syncs: () => createInlineSyncPort(files) });
  const box = await createSignalbox({ store, reactor, jobs: [one], logger: silent });
  reactor.attach(box);
  const dispatcher = await box.start();
  const job = await box.queue().put(one, { beginAfter: '1h' });
  const result = codeOf(job.result());

  files.fault = (call) => (call === 'datasync' ? 'EIO' : null);
  expect(await codeOf(box.queue().put(one))).toBe('STORE_IO');

  await box.stopped();
  expect([box.state, await result, dispatcher.getStatusInfo().status]).toEqual([
    'failed',
    'STORE_IO',
    'STOPPED',
  ]);
  await Promise.all([box.stop(), box.stop()]);
  expect(reactor.pending).toBe(0);
});

test('a box that could not be made leaves its store to the next', async () => {
  for (let write = 1; write <= 8; write += 1) {
    const path = newPath();
    const files = createFaultyFiles();
    let writes = 0;
    files.fault = (call) => {
      if (call !== 'write') return null;
      writes += 1;
      return writes === write ? 'ENOSPC' : null;
    };
    const store = jsonStore(path, { files, syncs: () => createInlineSyncPort(files) });
    const made = createSignalbox({ store, queues: ['a', 'b'], logger: silent });
    await made.then((box) => box.stop(), none);
    const box = await createSignalbox({ store: jsonStore(path), queues: ['a'] });
    await box.stop();
  }
});

test('a sync that fails while it stops makes the stop fail, once, and unlocks the store', async () => {
  const path = newPath();
  const files = createFaultyFiles();
  const told: string[] = [];
  const logger = { ...silent, fatal: (_: unknown, message: string) => void told.push(message) };
  const store = jsonStore(path, { files, syncs: () => createInlineSyncPort(files) });
  const box = await createSignalbox({ store, jobs: [one], queues: ['later'], logger });
  const job = await box.queue('later').put(one);
  const lost = codeOf(job.setAnnotation('note', 1));
  files.fault = (call) => (call === 'datasync' ? 'EIO' : null);

  expect([await codeOf(box.stop()), await lost]).toEqual(['STORE_IO', 'STORE_IO']);

  files.fault = () => null;
  expect(told).toEqual([
    expect.stringContaining('the store failed: Expected fdatasync of journal-00000001.jsonl'),
  ]);
  await box.stop();
  const again = await createSignalbox({ store: jsonStore(path), jobs: [one] });
  expect(await again.queue('later').length()).toBe(1);
  await again.stop();
});

test('a full disk while it stops keeps no store locked', async () => {
  const path = newPath();
  const files = createFaultyFiles();
  const store = jsonStore(path, { files, syncs: () => createInlineSyncPort(files) });
  const box = await createSignalbox({ store, jobs: [one], logger: silent });
  await box.start();
  files.fault = (call) => (call === 'write' ? 'ENOSPC' : null);
  const put = codeOf(box.queue().put(one));
  await box.stop();
  expect(await put).toMatch(/^STORE_/);
  await (await createSignalbox({ store: jsonStore(path) })).stop();
});

test.each(kinds)(
  'a job that failed while it waited is filed after its deadline (%s store)',
  async (_n, make) => {
    const reactor = new VirtualReactor();
    const box = await createSignalbox({ store: make(), reactor, queues: [''], jobs: [one], logger: silent });
    reactor.attach(box);
    reactor.run();
    const failed = await box.queue().put(one, { beginBy: '10s' });
    await reactor.until(failed.fail(new Error('from outside')));
    await reactor.advance('20s');
    const next = await box.queue().put(one);

    await box.start();
    await reactor.advance('20s');

    expect((await next.refresh()).status).toBe('COMPLETED');
    expect((await failed.refresh()).status).toBe('COMPLETED');
    await expect(failed.result()).rejects.toThrow('from outside');
    expect(await box.queue().length()).toBe(0);
    await reactor.until(box.stop());
  },
);

test('thousands of callbacks of one job', { timeout: 20_000 }, async () => {
  let calls = 0;
  const counted = defineJob({
    name: 'counted',
    run: () => {
      calls += 1;
    },
  });
  const box = await createSignalbox({ store: memoryStore(), jobs: [one, counted] });
  await box.start();
  const job = one();
  for (let number = 0; number < 1500; number += 1) await job.addCallback(counted);
  await (await box.queue().put(job)).waitFor('COMPLETED', { timeout: '15s' });
  expect(calls).toBe(1500);
  await box.stop();
});
