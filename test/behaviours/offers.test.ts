import { agent, defineFilter, defineJob, type Job, NeverRetry, type RetryPolicy } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from './stores.ts';

/** Answers an error with a place at the front of the queue, where the job keeps its slots. */
const front: RetryPolicy = {
  ...NeverRetry,
  name: 'front',
  startsOnce: false,
  jobError: () => ({ after: 0 }),
};

const fails = defineJob({
  name: 'fails',
  retry: front,
  run: () => {
    throw new Error('again');
  },
});

forEachStore('A job that is free to begin', (makeStore) => {
  async function startedBox(settings = agent({ size: 3 })) {
    const reached: string[] = [];
    const ends: (() => void)[] = [];
    const wait = defineJob({
      name: 'wait',
      run: (text: string) => {
        reached.push(text);
        return new Promise<void>((resolve) => ends.push(resolve));
      },
    });
    const made = await makeBox({ store: makeStore(), jobs: [wait], queues: [''] });
    const queue = made.box.queue();
    await queue.quotas.create('disk', { size: 1 });
    await made.box.start({ agent: settings });
    return { ...made, queue, wait, reached, end: () => ends.shift()?.() };
  }
  const inQuota = { quotaNames: ['disk'] };

  it('since its quota was made larger in a transaction begins without waiting for a poll', async () => {
    const { box, queue, reactor, wait, reached } = await startedBox();
    await queue.put(wait('a'), inQuota);
    await queue.put(wait('b'), inQuota);

    await box.transaction(async (tx) => {
      await tx.queue('').quotas.set('disk', { size: 2 });
      await new Promise((resolve) => setImmediate(resolve));
    });
    await reactor.runUntilIdle();

    expect(reached).toEqual(['a', 'b']);
  });

  it('since it asks no quota any more begins without waiting for a poll', async () => {
    const { queue, reactor, wait, reached } = await startedBox();
    await queue.put(wait('a'), inQuota);
    const second = await queue.put(wait('b'), inQuota);

    await second.setQuotaNames([]);
    await reactor.runUntilIdle();

    expect(reached).toEqual(['a', 'b']);
  });

  it('since its arguments pass a filter begins without waiting for a poll', async () => {
    const { queue, reactor, wait, reached } = await startedBox(
      agent({ size: 3, filter: { args: { 0: 'yes' } } }),
    );
    const job: Job<unknown> = await queue.put(wait('no'));
    await reactor.runUntilIdle();
    const before = [...reached];

    await job.setArgs(['yes']);
    await reactor.runUntilIdle();

    expect(before).toEqual([]);
    expect(reached).toEqual(['yes']);
  });

  it('since one that was put back has left the queue with its slot begins without waiting for a poll', async () => {
    const firstTime = defineFilter('firstTime', (job) => job.attempts === 0);
    const { box, queue, reactor, wait, reached } = await startedBox(agent({ size: 3, filter: firstTime }));
    box.define(fails);
    const returned = await queue.put(fails(), inQuota);
    await queue.put(wait('b'), inQuota);
    await reactor.runUntilIdle();
    const before = [...reached];

    await queue.remove(returned);
    await reactor.runUntilIdle();

    expect(before).toEqual([]);
    expect(reached).toEqual(['b']);
  });

  it('since one that was put back does not name its quota any more begins without waiting for a poll', async () => {
    const firstTime = defineFilter('firstTime', (job) => job.attempts === 0);
    const { box, queue, reactor, wait, reached } = await startedBox(agent({ size: 3, filter: firstTime }));
    box.define(fails);
    await queue.quotas.create('net');
    const returned = await queue.put(fails(), { quotaNames: ['disk', 'net'] });
    await queue.put(wait('b'), inQuota);
    await reactor.runUntilIdle();
    const before = [...reached];

    await returned.setQuotaNames(['net']);
    await reactor.runUntilIdle();

    expect(before).toEqual([]);
    expect(reached).toEqual(['b']);
    expect((await queue.quotas.get('net')).jobs).toEqual([returned.id]);
  });

  it('since one that was put back is too late and leaves its slot begins without waiting for a poll', async () => {
    const { box, queue, reactor, wait, reached, end } = await startedBox(
      agent({
        size: 1,
        filter: defineFilter('firstTime', (job) => job.attempts === 0 && job.args[0] !== 'b'),
      }),
    );
    box.define(fails);
    const { agents } = await queue.dispatchers.get(box.uuid);
    await agents.set('other', agent({ filter: { args: { 0: 'b' } } }));
    await reactor.advance('5s');
    const late = await queue.put(fails(), { ...inQuota, beginBy: '7s' });
    await reactor.runUntilIdle();
    await queue.put(wait('a'));
    await queue.put(wait('b'), inQuota);
    await reactor.advance('8s');
    const before = [...reached];

    end();
    await reactor.runUntilIdle();

    expect((await late.refresh()).ending).toBe('expired');
    expect(before).toEqual(['a']);
    expect(reached).toEqual(['a', 'b']);
  });

  it('since one that was put back is too late and claimed by a program begins without waiting for a poll', async () => {
    const firstTime = defineFilter('firstTime', (job) => job.attempts === 0 && job.name !== 'signalbox.fail');
    const { box, queue, reactor, wait, reached } = await startedBox(agent({ size: 3, filter: firstTime }));
    box.define(fails);
    await queue.put(fails(), { ...inQuota, beginBy: '7s' });
    await queue.put(wait('b'), inQuota);
    await reactor.advance('8s');
    const before = [...reached];

    await queue.claim();
    await reactor.runUntilIdle();

    expect(before).toEqual([]);
    expect(reached).toEqual(['b']);
  });
});
