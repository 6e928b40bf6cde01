import { BadStatusError, ConflictError, defineJob, type Failure, type Job, local } from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from './barrier.ts';
import { forEachStore, makeBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });
const hold = defineJob({ name: 'hold', run: (_job: Job) => null });
const now = new Date(Date.UTC(2030, 0, 1));

forEachStore('fail', (makeStore) => {
  const open = (jobs: Parameters<typeof makeBox>[0]['jobs'] = []) =>
    makeBox({ store: makeStore(), jobs: [seven, hold, ...jobs], queues: ['', 'other'] });

  it('[J-70] ends a NEW, PENDING or ASSIGNED job with its error, logged at the failure level, and runs the callbacks', async () => {
    const caught: string[] = [];
    const handle = defineJob({
      name: 'handle',
      run: (failure: unknown) => void caught.push((failure as Failure).name),
    });
    const { box, entries } = await open([handle]);
    const fresh = seven();
    await box.queue().put(hold(fresh), { beginAfter: '1d' });
    const pending = await box.queue().put(seven().with({ failureLogLevel: 'WARNING' }));
    const assigned = await box.queue().put(seven());
    await box.queue().claim((job) => job.id === assigned.id);
    const jobs = [fresh, pending, assigned];
    for (const job of jobs) await job.addCallback(handle);
    const statuses = await Promise.all(jobs.map(async (job) => (await job.refresh()).status));
    expect(statuses).toEqual(['NEW', 'PENDING', 'ASSIGNED']);

    await fresh.fail();
    await pending.fail(new RangeError('too far'));
    await assigned.fail(new RangeError('too far'));

    const names = ['TimeoutError', 'RangeError', 'RangeError'];
    for (const [index, job] of jobs.entries()) {
      expect([job.status, job.activeStart, job.activeEnd]).toEqual(['COMPLETED', null, now]);
      expect(job.outcome).toMatchObject({ ok: false, failure: { name: names[index] } });
    }
    expect(caught).toEqual(names);
    const logged = entries.filter(({ message }) => / failed: /.test(message));
    expect(logged.map(({ level, job, stream }) => [level, job, stream])).toEqual([
      ['ERROR', fresh.id, 'signalbox.events'],
      ['WARNING', pending.id, 'signalbox.events'],
      ['ERROR', assigned.id, 'signalbox.events'],
    ]);
  });

  it('[J-70] runs the callbacks once what it is part of is committed, those too that were added by then', async () => {
    const caught: string[] = [];
    const handle = defineJob({
      name: 'handle',
      run: (label: string, failure: unknown) => void caught.push(`${label} ${(failure as Failure).name}`),
    });
    const failFirst = defineJob({
      name: 'failFirst',
      run: async () => {
        const first = await local.getQueue().at(0);
        await first.addCallback(handle.partial('by a job'));
        await first.fail();
      },
    });
    const { box, reactor } = await open([handle, failFirst]);
    const held = { beginAfter: '1d' } as const;
    const before = await box.queue().put(seven, held);
    await before.addCallback(handle.partial('before'));
    const within = await box.queue().put(seven, held);
    const draft = seven();
    await draft.addCallback(handle.partial('of a draft'));
    const later = seven();
    await later.addCallback(handle.partial('later'));
    const plain = seven();

    await box.transaction(async (tx) => {
      await (await tx.queue().at(0)).fail();
      const second = await tx.queue().at(1);
      await second.addCallback(handle.partial('within'));
      await second.fail();
      await second.fail();
      for (const job of [draft, later, plain]) await tx.queue().put(job, held);
      await draft.fail();
      await plain.fail();
      expect(caught).toEqual([]);
    });
    expect((await plain.refresh()).status).toBe('COMPLETED');
    await later.fail();
    await reactor.runUntilIdle();

    expect(caught.sort()).toEqual(
      ['before', 'later', 'of a draft', 'within'].map((label) => `${label} TimeoutError`),
    );
    const jobs: Job[] = [before, within, draft, later];
    for (const job of jobs) expect((await job.refresh()).status).toBe('COMPLETED');

    const alone = await box.queue('other').put(seven, held);
    const next = await box.queue('other').put(failFirst);
    await box.start();
    await reactor.runUntilIdle();

    expect(caught).toContain('by a job TimeoutError');
    expect((await next.refresh()).ending).toBe('succeeded');
    expect((await alone.refresh()).status).toBe('COMPLETED');
  });

  it('[J-70] a callback that is added while a transaction fails its job is not left behind', async () => {
    const caught: string[] = [];
    const handle = defineJob({ name: 'handle', run: (_failure: unknown) => void caught.push('handled') });
    const { box, reactor } = await open([handle]);
    const job = await box.queue().put(seven, { beginAfter: '1d' });

    const failing = box.transaction(async (tx) => {
      const own = await tx.queue().at(0);
      await own.setBeginBy('1h');
      await own.fail();
      await job.addCallback(handle);
    });
    await expect(failing).rejects.toBeInstanceOf(ConflictError);
    await job.fail();
    await reactor.runUntilIdle();

    expect(caught).toEqual(['handled']);
  });

  it('[J-71] is refused while the job is ACTIVE and when it is COMPLETED', async () => {
    const barrier = new Barrier();
    const slow = defineJob({ name: 'slow', run: () => barrier.wait() });
    const { box, reactor } = await open([slow]);
    await box.start();
    const job = await box.queue().put(slow);
    await reactor.runUntilIdle();

    await expect(job.fail()).rejects.toBeInstanceOf(BadStatusError);
    barrier.release('done');
    expect(await job.result()).toBe('done');
    await job.waitFor('COMPLETED');
    await expect(job.fail()).rejects.toMatchObject({ details: { status: 'COMPLETED' } });

    expect((await job.refresh()).outcome).toEqual({ ok: true, value: 'done' });
  });

  it('[J-72] in CALLBACKS changes no result and continues with the callbacks', async () => {
    const barrier = new Barrier();
    const seen: string[] = [];
    const slow = defineJob({ name: 'slow', run: (_input: unknown) => barrier.wait() });
    const note = defineJob({
      name: 'note',
      run: (failure: unknown) => void seen.push((failure as Failure).message),
    });
    const { box, reactor } = await open([slow, note]);
    const job = await box.queue().put(seven, { beginAfter: '1d' });
    await job.addCallback(slow);
    await job.addCallback(note);
    const first = job.fail(new Error('first reason'));
    await reactor.runUntilIdle();
    expect([(await job.refresh()).status, seen]).toEqual(['CALLBACKS', []]);

    await job.fail(new Error('second reason'));

    expect(job.outcome).toMatchObject({ ok: false, failure: { message: 'first reason' } });
    expect(seen).toEqual(['first reason']);
    barrier.release('');
    await first;
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(job.outcome).toMatchObject({ ok: false, failure: { message: 'first reason' } });
    expect(seen).toEqual(['first reason']);
  });

  it('[J-72] leaves a job in CALLBACKS to the worker that calls them: it is not completed while one runs', async () => {
    const barrier = new Barrier();
    const slow = defineJob({ name: 'slow', run: (_input: unknown) => barrier.wait() });
    const { box, reactor } = await open([slow]);
    const job = seven();
    const callback = await job.addCallback(slow);
    await box.start();
    await box.queue().put(job);
    await reactor.runUntilIdle();

    await job.fail();

    expect([(await job.refresh()).status, (await callback.refresh()).status]).toEqual([
      'CALLBACKS',
      'ACTIVE',
    ]);
    barrier.release('');
    await job.waitFor('COMPLETED');
    expect((await callback.refresh()).status).toBe('COMPLETED');
  });

  it('[J-73] leaves a PENDING job in its queue: when it is claimed the worker logs the oddity and files it', async () => {
    const calls: number[] = [];
    const count = defineJob({ name: 'count', run: () => void calls.push(1) });
    const { box, reactor, logged } = await open([count]);
    const job = await box.queue().put(count);

    await job.fail();
    expect((await box.queue().jobs()).map(({ id, status }) => [id, status])).toEqual([[job.id, 'COMPLETED']]);
    await box.start();
    await reactor.runUntilIdle();

    expect(await box.queue().length()).toBe(0);
    expect(calls).toEqual([]);
    expect(logged('ERROR').filter((message) => message.includes('already completed'))).toHaveLength(1);
    const main = await (await box.queue().dispatchers.get(box.uuid)).agents.get('main');
    expect((await main?.completed())?.map(({ id }) => id)).toEqual([job.id]);
    expect((await job.refresh()).outcome).toMatchObject({ ok: false, failure: { name: 'TimeoutError' } });
  });
});
