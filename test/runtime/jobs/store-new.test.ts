import { BadStatusError, defineJob, type Failure, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

const ran: string[] = [];
const work = defineJob({ name: 'work', run: (name: string) => name });
const hold = defineJob({ name: 'hold', run: (job: Job) => job.status });
const note = defineJob({
  name: 'note',
  run: (input: string | Failure) => void ran.push(typeof input === 'string' ? input : input.message),
});

forEachStore('A NEW job', (makeStore) => {
  const open = (store = makeStore()) => makeBox({ store, jobs: [work, hold, note], queues: [''] });

  it('is stored by itself, with its settings and callbacks and the jobs in its arguments, and put after a restart', async () => {
    ran.length = 0;
    const store = makeStore();
    const { box, stop } = await open(store);
    const inner = work('inner');
    const job = hold(inner).with({ id: 'kept', annotations: { owner: 'Ada' } });
    await job.addCallback(note);

    expect(await box.storeNew(job)).toBe(job);
    expect([job.isStored, job.status, await box.queue().length()]).toEqual([true, 'NEW', 0]);
    expect((await inner.refresh()).status).toBe('NEW');
    await stop();

    const again = await open(store);
    await again.box.start();
    const kept = await again.box.job('kept').refresh();
    expect([kept.status, kept.annotations, (await kept.callbacks()).length]).toEqual([
      'NEW',
      { owner: 'Ada' },
      1,
    ]);
    await again.box.queue().put(kept);
    await again.reactor.runUntilIdle();
    expect(await kept.result()).toBe('NEW');
    expect(ran).toEqual(['NEW']);
  });

  it('is stored under an id once: the repetition is acknowledged, another job is refused', async () => {
    const { box } = await open();
    await box.storeNew(work('a').with({ id: 'one' }));

    const again = await box.storeNew(work('a').with({ id: 'one' }));

    expect([again.id, again.status]).toEqual(['one', 'NEW']);
    await expect(box.storeNew(work('b').with({ id: 'one' }))).rejects.toMatchObject({ code: 'JOB_EXISTS' });
    await expect(box.storeNew(again)).rejects.toThrow(/being stored a second time, got status NEW/);
    await expect(box.storeNew((() => 1) as never)).rejects.toMatchObject({ code: 'ANONYMOUS_FUNCTION' });
  });

  it('is stored in a transaction, or is a draft again', async () => {
    const { box } = await open();
    const [kept, dropped] = [work('kept'), work('dropped')];

    await box.transaction(async (tx) => {
      await tx.storeNew(kept);
      await tx.queue().put(work('put'));
    });
    const broken = box.transaction(async (tx) => {
      await tx.storeNew(dropped);
      throw new Error('no');
    });

    await expect(broken).rejects.toThrow('no');
    expect([(await kept.refresh()).status, dropped.isStored]).toEqual(['NEW', false]);
  });

  it('fails when it is stored, with its callbacks, and says what to do when it is a draft', async () => {
    ran.length = 0;
    const { box } = await open();
    const job = work('refused');
    await job.addCallback(note);

    const refusal = await job.fail(new Error('not wanted')).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(BadStatusError);
    expect(String(refusal)).toContain('put it, or store it with box.storeNew(job), first');

    await box.storeNew(job);
    await job.fail(new Error('not wanted'));
    expect([job.status, job.ending, ran]).toEqual(['COMPLETED', 'failed', ['not wanted']]);
    await expect(job.result()).rejects.toThrow('not wanted');
  });
});
