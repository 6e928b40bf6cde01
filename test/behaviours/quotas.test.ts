import {
  agent,
  Dispatcher,
  defineFilter,
  defineJob,
  type Job,
  local,
  NeverRetry,
  type RetryPolicy,
} from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from './stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

/** What a quota without keys and without a rate has beside its slots. */
const plain = { rate: null, keyed: false, parked: 0, opensAt: null, paused: false };

/** Answers an error of a job with a place in the queue: at the front, or an hour from now. */
function putBack(name: string, after: number | string): RetryPolicy {
  return { ...NeverRetry, name, startsOnce: false, jobError: () => ({ after }) };
}

/** A job that runs until the test ends it. */
function makeBlockedJob() {
  const opens = new Map<string, () => void>();
  const awaited = new Map<string, () => void>();
  let running = 0;
  let most = 0;
  const wait = defineJob({
    name: 'wait',
    run: async (text: string) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => {
        opens.set(text, resolve);
        awaited.get(text)?.();
      });
      running -= 1;
    },
  });
  return {
    wait,
    open: (text: string) => opens.get(text)?.(),
    /** Resolves when the code of this job is there: ACTIVE, it may be about to begin. */
    reached: async (text: string): Promise<void> => {
      if (!opens.has(text)) await new Promise<void>((resolve) => awaited.set(text, resolve));
    },
    started: () => [...opens.keys()],
    most: () => most,
  };
}

forEachStore('Quotas', (makeStore) => {
  async function makeQueue() {
    const blocked = makeBlockedJob();
    const made = await makeBox({ store: makeStore(), jobs: [note, blocked.wait], queues: [''] });
    return { ...made, blocked, queue: made.box.queue() };
  }

  it('[QU-1] a quota limits its jobs in the whole queue, whichever dispatcher they are on, and reserves nothing', async () => {
    const { box, queue, blocked, reactor } = await makeQueue();
    await queue.quotas.create('disk', { size: 2 });
    const jobs: Job<unknown>[] = [];
    for (const text of ['a', 'b', 'c', 'd'])
      jobs.push(await queue.put(blocked.wait(text), { quotaNames: ['disk'] }));
    const free = await queue.put(note('free'));

    await box.start();
    const second = new Dispatcher(box, { uuid: '00000000-0000-4000-8000-000000000002' });
    second.activate();
    await reactor.advance('11s');
    for (const text of ['a', 'b']) await blocked.reached(text);
    const first = blocked.started().sort();
    for (const text of ['a', 'b']) blocked.open(text);
    for (const text of ['c', 'd']) await blocked.reached(text);

    expect(first).toEqual(['a', 'b']);
    expect(await free.result()).toBe('free');
    expect(blocked.most()).toBe(2);
    expect(blocked.started().sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('[QU-2] a quota is made empty with a size of 1 or the one given, and removing an unknown one is refused', async () => {
    const { queue } = await makeQueue();

    await queue.quotas.create('disk');
    await queue.quotas.create('net', { size: 3 });
    await queue.quotas.create('gone');
    await queue.quotas.remove('gone');

    expect(await queue.quotas.names()).toEqual(['disk', 'net']);
    expect(await queue.quotas.get('disk')).toEqual({
      ...plain,
      size: 1,
      pinned: false,
      jobs: [],
      filled: false,
    });
    expect((await queue.quotas.get('net')).size).toBe(3);
    await expect(queue.quotas.remove('gone')).rejects.toMatchObject({ code: 'QUOTA_NOT_FOUND' });
    await expect(queue.quotas.create('none', { size: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(queue.quotas.create('a/b')).rejects.toMatchObject({ code: 'INVALID_NAME' });
  });

  it('[QU-3] creating a name again is refused, so the jobs that run are not forgotten', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');
    const job = await queue.put(note('x'), { quotaNames: ['disk'] });
    await queue.claim();

    await expect(queue.quotas.create('disk', { size: 5 })).rejects.toMatchObject({ code: 'QUOTA_EXISTS' });

    expect(await queue.quotas.get('disk')).toEqual({
      ...plain,
      size: 1,
      pinned: false,
      jobs: [job.id],
      filled: true,
    });
  });

  it('a quota that several processes make at the same time is made once, and each goes on', async () => {
    const { queue, logged } = await makeQueue();

    await Promise.all([1, 2, 3].map(() => queue.quotas.ensure('disk', { size: 2 })));
    const made = await Promise.allSettled([1, 2, 3].map(() => queue.quotas.create('net')));

    expect(await queue.quotas.get('disk')).toEqual({
      ...plain,
      size: 2,
      pinned: false,
      jobs: [],
      filled: false,
    });
    const refused = made.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(refused).toEqual(['QUOTA_EXISTS', 'QUOTA_EXISTS']);
    expect(logged('INFO').filter((message) => message.startsWith('quota'))).toEqual([]);
  });

  it('a size that the code says anew replaces the stored one and is said at INFO, unless an operator has pinned that', async () => {
    const { queue, blocked, box, logged } = await makeQueue();
    await queue.quotas.ensure('disk', { size: 1 });
    await box.start();
    for (const text of ['a', 'b']) await queue.put(blocked.wait(text), { quotaNames: ['disk'] });
    await blocked.reached('a');
    const before = blocked.started();

    await queue.quotas.ensure('disk', { size: 2 });
    await blocked.reached('b');
    await queue.quotas.set('disk', { size: 5 });
    await queue.quotas.ensure('disk', { size: 2 });
    const kept = await queue.quotas.get('disk');
    await queue.quotas.set('disk', { size: 4, pinned: false });
    await queue.quotas.ensure('disk', { size: 3 });

    expect(before).toEqual(['a']);
    expect(kept).toMatchObject({ size: 5, pinned: true });
    expect(await queue.quotas.get('disk')).toMatchObject({ size: 3, pinned: false });
    expect(logged('INFO').filter((message) => message.startsWith('quota'))).toEqual([
      "quota 'disk' in queue '' changed, as the code says: size 2 instead of size 1",
      "quota 'disk' in queue '' is pinned and keeps size 5: the code says size 2",
      "quota 'disk' in queue '' changed, as the code says: size 3 instead of size 4",
    ]);
    await expect(queue.quotas.ensure('none', { size: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    for (const text of ['a', 'b']) blocked.open(text);
  });

  it('[QU-4] a quota can go while jobs name it: the name stays on them and no longer holds them up', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');
    await queue.put(note('holder'), { quotaNames: ['disk'] });
    await queue.claim();
    const waiting = await queue.put(note('waiting'), { quotaNames: ['disk'] });
    const before = await queue.claim();

    await queue.quotas.remove('disk');

    expect(before).toBeNull();
    expect((await waiting.refresh()).quotaNames).toEqual(['disk']);
    expect((await queue.claim())?.id).toBe(waiting.id);
  });

  it('[QU-5] only jobs that name a quota enter it, once each, and not when it is filled', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');
    await queue.put(note('unnamed'));
    const twice = await queue.put(note('twice'), { quotaNames: ['disk', 'disk'] });
    await queue.put(note('late'), { quotaNames: ['disk'] });

    const claimed = [await queue.claim(), await queue.claim(), await queue.claim()];

    expect(claimed.map((job) => job?.args[0] ?? null)).toEqual(['unnamed', 'twice', null]);
    expect((await queue.quotas.get('disk')).jobs).toEqual([twice.id]);
  });

  it('[QU-6] a smaller size leaves the jobs in it alone, and holds up others until there is room below it', async () => {
    const { box, queue, blocked } = await makeQueue();
    await queue.quotas.create('disk', { size: 2 });
    const jobs: Job<unknown>[] = [];
    for (const text of ['a', 'b', 'c'])
      jobs.push(await queue.put(blocked.wait(text), { quotaNames: ['disk'] }));
    await box.start({ agent: agent({ size: 5 }) });
    for (const text of ['a', 'b']) await blocked.reached(text);

    await queue.quotas.set('disk', { size: 1 });
    const shrunk = await queue.quotas.get('disk');
    blocked.open('a');
    await jobs[0]?.waitFor('COMPLETED');
    const oneLeft = await queue.quotas.get('disk');
    const held = (await jobs[2]?.refresh())?.status;
    blocked.open('b');
    await blocked.reached('c');
    await queue.quotas.set('disk', { size: 4 });

    expect(shrunk).toMatchObject({ size: 1, filled: true, jobs: [jobs[0]?.id, jobs[1]?.id] });
    expect(oneLeft).toMatchObject({ filled: true, jobs: [jobs[1]?.id] });
    expect(held).toBe('PENDING');
    expect(await queue.quotas.get('disk')).toMatchObject({ filled: false, jobs: [jobs[2]?.id] });
  });

  it('[QU-7] a slot is kept while assigned, active, waiting and put back, and given up when done or held', async () => {
    const { box, queue, blocked, reactor } = await makeQueue();
    const again = (name: string, policy: RetryPolicy) =>
      defineJob({
        name,
        retry: policy,
        run: () => {
          throw new Error('again');
        },
      });
    const front = again('front', putBack('Front', 0));
    const held = again('held', putBack('Held', '1h'));
    const outer = defineJob({
      name: 'outer',
      run: () => local.getQueue().put(blocked.wait('inner').with({ beginAfter: '1d' })),
    });
    for (const definition of [front, held, outer]) box.define(definition);
    await queue.quotas.create('all', { size: 20 });
    const inQuota = { quotaNames: ['all'] };
    const active = await queue.put(blocked.wait('active'), inQuota);
    const waiting = await queue.put(outer(), inQuota);
    const returned = await queue.put(front(), inQuota);
    const later = await queue.put(held(), inQuota);
    const done = await queue.put(note('done'), inQuota);

    const firstTime = defineFilter('firstTime', (job) => job.attempts === 0 && job.args[0] !== 'assigned');
    await box.start({ agent: agent({ size: 20, filter: firstTime }) });
    await done.waitFor('COMPLETED');
    await reactor.runUntilIdle();
    const assigned = await queue.put(note('assigned'), inQuota);
    await queue.claim((job) => job.args[0] === 'assigned');

    const statuses = [];
    for (const job of [active, waiting, returned, assigned, later, done]) {
      statuses.push((await job.refresh()).status);
    }
    const inside = [active, waiting, returned, assigned].map((job) => job.id);
    expect(statuses).toEqual(['ACTIVE', 'ACTIVE', 'PENDING', 'ASSIGNED', 'PENDING', 'COMPLETED']);
    expect((await queue.quotas.get('all')).jobs).toEqual(inside);
  });

  it('[QU-8] no slot is ever stale: it is gone in the commit that ends its job, without any cleaning', async () => {
    const { box, queue } = await makeQueue();
    await queue.quotas.create('disk');
    const job = await queue.put(note('x'), { quotaNames: ['disk'] });

    await box.start();
    await job.waitFor('CALLBACKS');

    expect(await queue.quotas.get('disk')).toEqual({
      ...plain,
      size: 1,
      pinned: false,
      jobs: [],
      filled: false,
    });
    for await (const entry of job.history()) {
      if (entry.event === 'job.finish') expect(entry.patch).toMatchObject({ quotas: [] });
    }
  });

  it('[QU-9] the slot is free while the callbacks of its job still run', async () => {
    const { box, queue, blocked } = await makeQueue();
    await queue.quotas.create('disk');
    const draft = note('x').with({ quotaNames: ['disk'] });
    await draft.addCallback(blocked.wait.partial('callback'));
    const first = await queue.put(draft);
    const second = await queue.put(note('y'), { quotaNames: ['disk'] });

    await box.start();
    await second.result();

    expect((await first.refresh()).status).toBe('CALLBACKS');
    expect(blocked.started()).toEqual(['callback']);
  });

  it('[QU-10] a job that was put back is claimed again though its quota is full, and keeps its place in it', async () => {
    const { box, queue } = await makeQueue();
    const attempts: number[] = [];
    const inside: (readonly string[])[] = [];
    const flaky = defineJob({
      name: 'flaky',
      quotas: ['disk'],
      retry: putBack('Front', 0),
      run: async () => {
        inside.push((await box.queue().quotas.get('disk')).jobs);
        attempts.push(local.getJob()?.record.attempts ?? 0);
        if (attempts.length < 3) throw new Error('again');
      },
    });
    box.define(flaky);
    await queue.quotas.create('disk');
    const job = await queue.put(flaky());
    const behind = await queue.put(note('behind'), { quotaNames: ['disk'] });

    await box.start();
    await behind.result();

    expect(attempts).toEqual([1, 2, 3]);
    expect(inside).toEqual([[job.id], [job.id], [job.id]]);
  });

  it('[QU-11] a job with several quotas enters all of them at once or none of them', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');
    await queue.quotas.create('net');
    const netOnly = await queue.put(note('net'), { quotaNames: ['net'] });
    await queue.claim();
    const both = await queue.put(note('both'), { quotaNames: ['disk', 'net'] });

    const blocked = await queue.claim();
    const untouched = (await queue.quotas.get('disk')).jobs;
    await queue.quotas.set('net', { size: 2 });
    await queue.claim();

    expect(blocked).toBeNull();
    expect(untouched).toEqual([]);
    expect((await queue.quotas.get('disk')).jobs).toEqual([both.id]);
    expect((await queue.quotas.get('net')).jobs).toEqual([netOnly.id, both.id]);
  });

  it('[QU-12] claims at the same time never exceed a quota', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk', { size: 3 });
    for (let index = 0; index < 10; index += 1) await queue.put(note(`${index}`), { quotaNames: ['disk'] });

    const claimed = await Promise.all(Array.from({ length: 10 }, () => queue.claim()));

    expect(claimed.filter((job) => job !== null)).toHaveLength(3);
    expect((await queue.quotas.get('disk')).jobs).toHaveLength(3);
    expect(await queue.length()).toBe(7);
  });

  it('[QU-13] a quota shows its jobs in the order in which they entered', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk', { size: 3 });
    const ids: (string | null)[] = [];
    for (const text of ['c', 'a', 'b'])
      ids.push((await queue.put(note(text).with({ id: text }), { quotaNames: ['disk'] })).id);
    for (let index = 0; index < 3; index += 1) await queue.claim();

    const { jobs, size, filled } = await queue.quotas.get('disk');

    expect(ids).toEqual(['c', 'a', 'b']);
    expect(jobs).toEqual(ids);
    expect([jobs.length, jobs[1], jobs.includes('b'), size, filled]).toEqual([3, 'a', true, 3, true]);
    await expect(queue.quotas.get('tape')).rejects.toMatchObject({ code: 'QUOTA_NOT_FOUND' });
  });

  it('[QU-14] a callback is called by its parent and asks no quota', async () => {
    const { box, queue, blocked } = await makeQueue();
    await queue.quotas.create('disk');
    const holder = await queue.put(blocked.wait('holder'), { quotaNames: ['disk'] });
    const draft = note('x');
    const callback = await draft.addCallback(blocked.wait.partial('called').with({ quotaNames: ['disk'] }));
    await queue.put(draft);

    await box.start();
    await blocked.reached('called');
    const meanwhile = await queue.quotas.get('disk');
    blocked.open('called');
    await callback.result();

    expect(meanwhile.jobs).toEqual([holder.id]);
    expect((await holder.refresh()).status).toBe('ACTIVE');
  });
});
