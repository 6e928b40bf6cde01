import { defineCondition, defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

const ran: string[] = [];
const work = defineJob({ name: 'work', run: (name: string) => name });
const note = defineJob({ name: 'note', run: (label: string, value: string) => void ran.push(label + value) });
const keep = defineJob({ name: 'keep', run: (value: unknown) => value });
const always = defineCondition('always', () => true);
const taken = { code: 'CALLBACK_TAKEN', message: expect.stringContaining('Make a new one for each job') };

forEachStore('One draft as the callback of two jobs', (makeStore) => {
  const open = () =>
    makeBox({ store: makeStore(), jobs: [work, note, keep], queues: [''], conditions: [always] });

  it('is refused with words that say so when the second job is put, and the second job stays a draft', async () => {
    ran.length = 0;
    const { box, reactor } = await open();
    await box.start();
    const shared = note.partial('shared ');
    const [first, second] = [work('first'), work('second')];
    await first.addCallback(shared);
    await second.addCallback(shared);

    await box.queue().put(first);
    await expect(box.queue().put(second)).rejects.toMatchObject(taken);
    await reactor.runUntilIdle();

    expect([ran, second.isStored, await box.queue().length()]).toEqual([['shared first'], false, 0]);
  });

  it('is refused within one commit, twice on one job, and as part of a pair', async () => {
    const { box } = await open();
    const pairs = async (): Promise<Job[]> => {
      const shared = note.partial('shared ');
      const drafts = [work('first'), work('second')];
      for (const draft of drafts) await draft.addCallbacks({ success: shared });
      return drafts;
    };
    const twice = work('twice');
    const callback = note.partial('twice ');
    await twice.addCallback(callback);
    await twice.addCallback(callback);

    await expect(box.queue().putAll(await pairs())).rejects.toMatchObject(taken);
    await expect(box.queue().put(twice)).rejects.toMatchObject(taken);
    expect([twice.isStored, callback.isStored]).toEqual([false, false]);
  });

  it('is refused at once when it is stored: on a draft, a stored job and a proxy', async () => {
    const { box } = await open();
    const stored = note.partial('stored ');
    const parent = work('parent');
    await parent.addCallback(stored);
    const proxy = await parent.addCallbacks({});
    await box.queue().put(parent);

    for (const add of [
      () => work('other').addCallback(stored),
      () => work('other').addCallbacks({ failure: stored }),
      () => work('other').addConditionalCallbacks([[always, stored]]),
      () => parent.addCallback(stored),
      () => proxy.addCallback(stored),
      () => proxy.addCallbacks({ success: stored }),
    ])
      await expect(add()).rejects.toMatchObject(taken);
  });

  it('is no matter for a definition: each call makes a job of it', async () => {
    const { box, reactor } = await open();
    await box.start();
    const jobs = [work('first'), work('second')];
    for (const job of jobs) await job.addCallback(keep);
    await box.queue().putAll(jobs);
    await reactor.runUntilIdle();

    for (const job of jobs) expect((await job.refresh()).status).toBe('COMPLETED');
  });
});
