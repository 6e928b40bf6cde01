import { defineJob, type Job, NeverRetry } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox, type TestBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });
const holdIt = defineJob({ name: 'holdIt', run: (_job: Job) => null });

forEachStore('An attribute of a job', (makeStore) => {
  const open = (): Promise<TestBox> => makeBox({ store: makeStore(), jobs: [seven, holdIt], queues: [''] });
  /** A job that is stored and NEW. */
  async function storedNew({ box }: TestBox): Promise<Job<number>> {
    const job = seven();
    await box.queue().put(holdIt(job));
    return job.refresh();
  }

  it('[J-25] beginAfter can be set while the job is NEW; later it is pulled, set and put again', async () => {
    const testBox = await open();
    const { box, reactor } = testBox;
    const job = await storedNew(testBox);
    const noon = new Date('2030-01-01T12:00:00Z');

    await job.setBeginAfter(noon);
    await box.queue().put(job);
    await expect(job.setBeginAfter('5m')).rejects.toMatchObject({
      name: 'BadStatusError',
      details: { status: 'PENDING' },
    });
    expect((await job.refresh()).beginAfter).toEqual(noon);
    await box.queue().remove(job);
    await job.setBeginAfter('1m');
    await box.queue().put(job);
    await box.start();
    await reactor.advance('1m');

    expect(await job.result()).toBe(7);
    await expect(job.setBeginAfter(null)).rejects.toMatchObject({ name: 'BadStatusError' });
  });

  it('[J-26] beginAfter needs an offset, is refused without one, and is kept as one instant', async () => {
    const { box } = await open();
    const job = seven();

    job.beginAfter = '2006-08-10T11:30:00-05:00';
    expect(job.beginAfter).toEqual(new Date('2006-08-10T16:30:00Z'));
    expect(() => {
      job.beginAfter = '2006-08-10T11:30:00';
    }).toThrow(expect.objectContaining({ code: 'INVALID_INSTANT' }));
    expect(job.beginAfter).toEqual(new Date('2006-08-10T16:30:00Z'));
    await expect(box.queue().put(seven(), { beginAfter: '2006-08-10 11:30' })).rejects.toMatchObject({
      code: 'INVALID_INSTANT',
    });

    for (const instant of [
      new Date('2031-05-01T10:00:00Z'),
      Date.UTC(2031, 4, 1, 10),
      '2031-05-01T12:00:00+02:00',
    ]) {
      const put = await box.queue().put(seven(), { beginAfter: instant });
      expect((await put.refresh()).beginAfter?.toISOString()).toBe('2031-05-01T10:00:00.000Z');
    }
  });

  it('[J-27] beginBy counts from beginAfter, can be set while NEW or PENDING, and is zero or more', async () => {
    const testBox = await open();
    const { box, reactor } = testBox;
    const job = await storedNew(testBox);
    expect(() => seven().with({ beginBy: -1 })).toThrow(
      expect.objectContaining({ code: 'INVALID_DURATION' }),
    );

    await job.setBeginBy('1h');
    await box.queue().put(job, { beginAfter: '10m' });
    await expect(job.setBeginBy(-1)).rejects.toMatchObject({ code: 'INVALID_DURATION' });
    await job.setBeginBy(0);
    expect((await job.refresh()).beginBy).toBe(0);
    await job.setBeginBy('1m');
    const late = await box.queue().put(seven(), { beginAfter: '10m', beginBy: '30s' });
    reactor.run();
    await reactor.advance('10m');
    await reactor.advance('40s');
    await box.start();
    await reactor.runUntilIdle();

    expect(await job.result()).toBe(7);
    expect((await late.refresh()).ending).toBe('expired');
    await expect(job.setBeginBy('1h')).rejects.toMatchObject({ name: 'BadStatusError' });
  });

  it('[J-28] without beginBy a job waits without limit', async () => {
    const { box, reactor } = await open();
    const job = await box.queue().put(seven());
    expect((await job.refresh()).beginBy).toBeNull();

    reactor.run();
    await reactor.advance('365d');
    await box.start();

    expect(await job.result()).toBe(7);
  });

  it('[J-29] quotaNames is a list of names; text is refused and changes nothing', async () => {
    const testBox = await open();
    const { box } = testBox;
    const draft = seven();
    const names = ['a', 'b'];
    draft.quotaNames = names;
    names.push('c');

    for (const text of ['', 'a']) {
      expect(() => draft.with({ quotaNames: text as never })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      );
    }
    expect(draft.quotaNames).toEqual(['a', 'b']);
    const job = await storedNew(testBox);
    await job.setQuotaNames(['any', 'name']);
    await expect(job.setQuotaNames('any' as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(box.queue().put(seven(), { quotaNames: 'any' as never })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    expect((await job.refresh()).quotaNames).toEqual(['any', 'name']);
  });

  it('[J-30] quotaNames of a PENDING job must all exist in its queue', async () => {
    const { box } = await open();
    await box.queue().quotas.create('known');
    const job = await box.queue().put(seven());

    await job.setQuotaNames(['known']);
    await expect(job.setQuotaNames(['known', 'strange'])).rejects.toMatchObject({
      code: 'QUOTA_NOT_FOUND',
      message: expect.stringContaining('"strange"'),
    });

    expect((await job.refresh()).quotaNames).toEqual(['known']);
  });

  it('[J-31] quotaNames cannot be set once the job is ASSIGNED', async () => {
    const { box } = await open();
    await box.queue().quotas.create('known');
    const job = await box.queue().put(seven().with({ retryPolicy: NeverRetry }));

    await box.queue().claim();
    await expect(job.setQuotaNames(['known'])).rejects.toMatchObject({
      name: 'BadStatusError',
      details: { status: 'ASSIGNED' },
    });
    await box.call(job);
    await expect(job.setQuotaNames(['known'])).rejects.toMatchObject({
      name: 'BadStatusError',
      details: { status: 'COMPLETED' },
    });

    expect((await job.refresh()).quotaNames).toEqual([]);
  });
});
