import { BadStatusError, defineJob, type Job, NeverRetry, type Signalbox } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

const known = defineJob({ name: 'known', run: (text: string) => text });
const hear = defineJob({ name: 'hear', run: (input: unknown) => `heard ${String(input)}` });
const late = defineJob({ name: 'late', run: (text: string) => `late ${text}` });
const lateHear = defineJob({ name: 'lateHear', run: (input: unknown) => `late heard ${String(input)}` });

/** A store that a process with all definitions has put jobs in, opened by a process with some of them. */
async function afterPut(
  makeStore: MakeStore,
  put: (box: Signalbox) => Promise<readonly Job<unknown>[]>,
  jobs: Parameters<typeof makeBox>[0]['jobs'] = [known, hear],
) {
  const store = makeStore();
  const client = await makeBox({ store, jobs: [known, hear, late, lateHear], queues: ['', 'a'] });
  const ids = (await put(client.box)).map(({ id }) => id ?? '');
  await client.stop();
  const testBox = await makeBox({ store, jobs });
  await testBox.box.start({ pollInterval: '5s' });
  await testBox.reactor.advance('6s');
  return { ...testBox, jobs: ids.map((id) => testBox.box.job(id)) };
}

forEachStore('Definitions that a process does not know', (makeStore) => {
  it('leave their jobs PENDING, and all others run', async () => {
    const { jobs, box, reactor } = await afterPut(makeStore, (client) =>
      client.queue().putAll([late('1'), known('2'), late('3'), known('4')]),
    );

    const statuses = await Promise.all(jobs.map(async (job) => (await job.refresh()).status));
    expect(statuses).toEqual(['PENDING', 'COMPLETED', 'PENDING', 'COMPLETED']);

    box.define(late);
    await reactor.runUntilIdle();
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['late 1', '2', 'late 3', '4']);
  });

  it('are logged once, with names and counts, and shown by getStatusInfo()', async () => {
    const { box, logged, reactor } = await afterPut(makeStore, async (client) => [
      ...(await client.queue().putAll([late('1'), late('2')])),
      await client.queue('a').put(lateHear('3')),
    ]);

    await reactor.advance('1m');

    const warnings = logged('WARNING').filter((message) => message.includes('knows their definition'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("2 of late in queue '', 1 of lateHear in queue 'a'");
    expect(box.getDispatcher()?.getStatusInfo().unknownJobs).toEqual([
      { queue: '', name: 'late', waiting: 2 },
      { queue: 'a', name: 'lateHear', waiting: 1 },
    ]);

    box.define(late);
    box.define(lateHear);
    await reactor.advance('6s');
    expect(box.getDispatcher()?.getStatusInfo().unknownJobs).toEqual([]);
  });

  it('are refused by box.call, and a job of one can be failed by hand', async () => {
    const { box, jobs } = await afterPut(makeStore, (client) =>
      client.queue().putAll([late('1'), late('2')]),
    );
    const [first, second] = jobs as [Job, Job];

    await box.queue().remove(await first.refresh());
    await expect(box.call(first)).rejects.toMatchObject({ code: 'UNKNOWN_DEFINITION' });
    expect((await first.refresh()).status).toBe('NEW');
    expect(await box.queue().claim()).toBeNull();

    await second.fail(new Error('not wanted any more'));
    expect([second.ending, second.outcome?.ok]).toEqual(['failed', false]);
  });

  it('keep a job in CALLBACKS until a process knows its callback, and free its worker', async () => {
    let callback: Job<unknown> | undefined;
    const { box, jobs, reactor } = await afterPut(makeStore, async (client) => {
      const job = known('1');
      await job.addCallback(hear);
      callback = await job.addCallback(lateHear);
      await job.addCallback(hear);
      return [await client.queue().put(job), callback];
    });
    const [job, second] = jobs as [Job, Job];
    await reactor.advance('1m');

    expect([(await job.refresh()).status, (await second.refresh()).status]).toEqual(['CALLBACKS', 'PENDING']);
    expect(job.outcome).toEqual({ ok: true, value: '1' });
    const [agent] = await Promise.all([(await box.queue().dispatchers.get(box.uuid)).agents.get('main')]);
    expect(await agent?.length()).toBe(0);

    box.define(lateHear);
    await reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(await second.result()).toBe('late heard 1');
    expect(await Promise.all((await job.callbacks()).map((each) => (each as Job).status))).toEqual([
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
    ]);
  });

  it('keep a job in CALLBACKS whose callback has a callback that is not known', async () => {
    const { box, jobs, reactor } = await afterPut(makeStore, async (client) => {
      const job = known('1');
      const inner = await job.addCallback(hear);
      const innermost = await inner.addCallback(lateHear);
      await job.addCallback(hear);
      await client.queue().put(job);
      return [job, inner, innermost];
    });
    const [job, inner, innermost] = jobs as [Job, Job, Job];
    await reactor.advance('1m');

    expect([(await job.refresh()).status, (await inner.refresh()).status]).toEqual([
      'CALLBACKS',
      'CALLBACKS',
    ]);

    box.define(lateHear);
    await reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(await innermost.result()).toBe('late heard heard 1');
  });

  it('keep an expired job in CALLBACKS whose callback is not known', async () => {
    const { box, jobs, reactor } = await afterPut(makeStore, async (client) => {
      const job = late('1');
      const callback = await job.addCallback(lateHear);
      await client.queue().put(job, { beginBy: '1s' });
      return [job, callback];
    });
    const [job, callback] = jobs as [Job, Job];
    await reactor.advance('1m');

    expect([(await job.refresh()).status, job.ending]).toEqual(['CALLBACKS', 'expired']);

    box.define(lateHear);
    await reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(await callback.result()).toMatch(/^late heard /);
  });

  it('leave the decision about an interrupted job to a process that knows its retry policy', async () => {
    const store = makeStore();
    let calls = 0;
    const once = defineJob({
      name: 'once',
      retry: NeverRetry,
      run: () => {
        calls += 1;
        return new Promise<void>(() => {});
      },
    });
    const first = await makeBox({ store, jobs: [once], queues: [''] });
    const dispatcher = await first.box.start();
    const { id } = await first.box.queue().put(once());
    await first.reactor.runUntilIdle();
    dispatcher.abandon();
    await first.stop();
    const second = await makeBox({ store, jobs: [known] });
    await second.box.start();
    await second.reactor.advance('5m');
    const job = second.box.job(id ?? '');
    expect([(await job.refresh()).status, job.outcome]).toEqual(['ACTIVE', null]);

    second.box.define(once);
    await second.reactor.advance('1m');

    expect([(await job.refresh()).ending, calls]).toEqual(['aborted', 1]);
    await expect(job.fail()).rejects.toBeInstanceOf(BadStatusError);
  });

  it('leave the decision about an interrupted hand-over to a process that knows the callback', async () => {
    const store = makeStore();
    const calls: string[] = [];
    const slow = defineJob({
      name: 'slow',
      run: (input: unknown) => (calls.push(String(input)) === 1 ? new Promise<void>(() => {}) : undefined),
    });
    const put = await makeBox({ store, jobs: [known, slow], queues: [''] });
    const parent = known('text');
    await parent.addCallback(slow);
    const { id } = await put.box.queue().put(parent);
    await put.stop();
    const handing = await makeBox({ store, jobs: [known] });
    await handing.box.start();
    await handing.reactor.advance('1m');
    await handing.stop();
    const calling = await makeBox({ store, jobs: [known, slow] });
    const dispatcher = await calling.box.start();
    await calling.reactor.runUntilIdle();
    expect(calls).toEqual(['text']);
    dispatcher.abandon();
    await calling.stop();

    const last = await makeBox({ store, jobs: [known] });
    await last.box.start();
    await last.reactor.advance('5m');
    const job = last.box.job(id ?? '');
    expect((await job.refresh()).status).toBe('CALLBACKS');
    last.box.define(slow);
    await last.reactor.advance('5m');

    expect([(await job.refresh()).status, calls]).toEqual(['COMPLETED', ['text', 'text']]);
  });
});
