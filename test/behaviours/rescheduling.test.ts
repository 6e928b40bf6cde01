import { agent, defineJob, NeverRetry, putBackAt, type RetryAnswer, type RetryPolicy } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { holderOf, startDispatchers, twoUuids } from './dispatchers.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** One agent with one slot, and a job `again` that throws on its first call; its policy answers as the test says. */
async function setUp(makeStore: MakeStore) {
  const { hold, open, started } = makeControlledJobs();
  const { note, notes, give } = makeRecordingJobs();
  const starts: number[] = [];
  const again = defineJob({
    name: 'again',
    run: (...input: unknown[]) => {
      starts.push(testBox.reactor.now());
      if (starts.length === 1) throw new Error('first call');
      return input.length;
    },
  });
  const testBox = await makeBox({ store: makeStore(), jobs: [hold, note, give, again], queues: [''] });
  const start = () => testBox.box.start({ agent: agent({ size: 1 }) });
  const answering = (answer: RetryAnswer): RetryPolicy => ({
    ...NeverRetry,
    name: 'answering',
    startsOnce: false,
    jobError: () => answer,
    updateData: (data) => ({ ...data, saved: true }),
  });
  const queue = testBox.box.queue();
  return { ...testBox, hold, open, started, note, notes, give, again, starts, start, answering, queue };
}

forEachStore('Rescheduling', (makeStore) => {
  it('[J-124] a callback and a stand-alone job cannot be put back: CRITICAL, and the error is their result', async () => {
    const { again, give, answering, queue, reactor, start, starts, box, entries } = await setUp(makeStore);
    await start();
    const parent = give(1);
    const callback = await parent.addCallback(again.partial(), { retryPolicy: answering({ after: '1m' }) });
    await queue.put(parent);
    await reactor.advance('5m');
    const callbackStarts = starts.length;
    starts.length = 0;
    const alone = again().with({ retryPolicy: answering({ after: '1m' }) });

    const called = await box.call(alone);
    await reactor.advance('5m');

    expect(callbackStarts).toBe(1);
    expect((await callback.refresh()).outcome?.ok).toBe(false);
    expect(called).toMatchObject({ message: 'first call' });
    expect(starts).toHaveLength(1);
    const told = entries.filter(({ message }) => message.includes('asked to be put back'));
    expect(told).toMatchObject([
      { level: 'CRITICAL', stream: 'signalbox.events', job: callback.id },
      { level: 'CRITICAL', stream: 'signalbox.events', job: alone.id },
    ]);
  });

  it('[J-125] a job that is put back is waiting again: no start, no result, no agent, its policy data saved', async () => {
    const { again, note, notes, answering, queue, reactor, start } = await setUp(makeStore);
    await start();
    const job = again().with({ retryPolicy: answering({ after: '1h' }) });
    await job.addCallback(note.partial('callback'));

    await queue.put(job);
    await reactor.runUntilIdle();

    await job.refresh();
    expect([job.status, job.activeStart, job.outcome]).toEqual(['PENDING', null, null]);
    expect(await job.place()).toEqual({ queue: '', dispatcher: null, agent: null });
    expect(job.record.retryData).toMatchObject({ saved: true });
    expect(notes).toEqual([]);
  });

  it('[J-126] a future Date or a delay holds the job until then, and its window starts anew', async () => {
    for (const kind of ['date', 'delay'] as const) {
      const { again, answering, queue, reactor, start, starts, stop } = await setUp(makeStore);
      await start();
      const at = reactor.now() + 3_600_000;
      const answer = kind === 'date' ? new Date(at) : { after: '1h' };

      const job = await queue.put(again().with({ retryPolicy: answering(answer) }), { beginBy: '5m' });
      await reactor.runUntilIdle();
      const beginAfter = (await job.refresh()).beginAfter?.getTime();
      await reactor.advance('2h');

      expect(beginAfter).toBe(at);
      expect(starts[1]).toBe(at);
      expect(await job.result()).toBe(0);
      await stop();
    }
  });

  it('[J-127] a past Date, zero or a negative delay puts the job at the front, with its old beginAfter', async () => {
    for (const answer of [new Date(0), { after: 0 }, { after: -5000 }]) {
      const { again, note, notes, answering, hold, open, started, starts, queue, reactor, start, stop } =
        await setUp(makeStore);
      const job = await queue.put(again().with({ retryPolicy: answering(answer) }), { beginBy: '1h' });
      const { beginAfter, beginBy } = await job.refresh();
      await queue.put(hold('other'));
      await queue.put(note('last'));
      await job.addCallback(hold.partial('callback of the first'));

      // It is put back at another instant than it was put.
      reactor.run();
      await reactor.advance('10m');
      await start();
      await reactor.runUntilIdle();
      const order = [...started];
      const noted = notes.length;
      open('callback of the first');
      open('other');
      await reactor.runUntilIdle();

      expect(order).toEqual(['callback of the first']);
      expect(noted).toBe(0);
      expect([(await job.refresh()).beginAfter, job.beginBy]).toEqual([beginAfter, beginBy]);
      expect(starts[0]).toBe(Number(beginAfter) + 600_000);
      expect(job.status).toBe('COMPLETED');
      await stop();
    }
  });

  it('[J-128] a job put back at once keeps its quota slot: nothing else of the quota overtakes it', async () => {
    const { again, note, notes, answering, queue, reactor, box, starts } = await setUp(makeStore);
    await queue.quotas.create('one', { size: 1 });
    const job = await queue.put(again().with({ retryPolicy: answering({ after: 0 }), quotaNames: ['one'] }));
    await queue.put(note('other').with({ quotaNames: ['one'] }));
    const holders: (readonly string[])[] = [];
    const started: string[] = [];
    await box.start({ agent: agent({ size: 5 }) });
    await reactor.runUntilIdle();
    for await (const { event, id, patch } of box.entries()) {
      if (event === 'job.reschedule')
        holders.push((patch?.quotas as readonly string[] | undefined) ?? ['kept']);
      if (event === 'job.start') started.push(id);
    }

    expect(holders).toEqual([['kept']]);
    expect(started.slice(0, 2)).toEqual([job.id, job.id]);
    expect(starts).toHaveLength(2);
    expect(notes).toEqual([['other']]);
  });

  it('[J-129] a job put back for later gives its quota slot up: others run meanwhile', async () => {
    const { again, note, notes, answering, queue, reactor, start } = await setUp(makeStore);
    await start();
    await queue.quotas.create('one', { size: 1 });
    const job = await queue.put(
      again().with({ retryPolicy: answering({ after: '1h' }), quotaNames: ['one'] }),
    );
    await queue.put(note('other').with({ quotaNames: ['one'] }));

    await reactor.runUntilIdle();
    const holders = (await queue.quotas.get('one')).jobs;

    expect(notes).toEqual([['other']]);
    expect(holders).toEqual([]);
    await reactor.advance('2h');
    expect(await job.result()).toBe(0);
  });

  it('[J-130] any other answer is refused: the helper throws, and the job is not put back', async () => {
    const { again, answering, queue, reactor, start, logged } = await setUp(makeStore);
    await start();
    const job = await queue.put(
      again().with({ retryPolicy: answering('tomorrow' as unknown as RetryAnswer) }),
    );
    await reactor.runUntilIdle();

    const beyond = [{ after: 1e300 }, { after: `${'9'.repeat(30)}d` }];
    const refusals = [
      ...['tomorrow', 5, null, undefined, new Date('never'), { after: Number.NaN }, { in: 5 }],
      ...beyond,
    ];
    for (const answer of refusals) {
      expect(() => putBackAt(answer as unknown as RetryAnswer, 0)).toThrow(/a Date or \{ after \}/);
    }
    expect((await job.refresh()).outcome?.ok).toBe(false);
    expect(logged('ERROR').some((message) => message.includes("'tomorrow'"))).toBe(true);
  });

  it('[J-124] a job that its agent has lost is not put back by its old worker', async () => {
    const testBox = await setUp(makeStore);
    const { again, answering, queue, reactor } = testBox;
    const dispatchers = await startDispatchers(testBox, twoUuids);
    let ask: (answer: RetryAnswer) => void = () => {};
    const slow: RetryPolicy = {
      ...answering(false),
      name: 'slow',
      jobError: () => new Promise((resolve) => (ask = resolve)),
      interrupted: (data) => ({ answer: false, data }),
    };
    const job = await queue.put(again().with({ retryPolicy: slow }));
    await reactor.runUntilIdle();
    const holder = await holderOf(dispatchers, job);
    await (await queue.dispatchers.get(holder.uuid)).deactivate();
    await reactor.runUntilIdle();

    ask({ after: '1h' });
    await reactor.runUntilIdle();

    expect((await job.refresh()).ending).toBe('aborted');
    expect(await queue.length()).toBe(0);
  });
});
