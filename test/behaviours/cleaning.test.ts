import { agent, defineJob, detached, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { internals } from '../../src/runtime/box/internals.ts';
import { makeControlledJobs, namesOf } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { Faults, faultyStore, has } from './faulty-store.ts';
import { forEachStore, makeBox, type TestBox } from './stores.ts';

/** Ends a dispatcher as the death of its process does, and deactivates its representation as a sibling would. */
async function crashAndDeactivate(testBox: TestBox, uuid: string): Promise<void> {
  testBox.box.getDispatcher(uuid)?.abandon();
  await (await representationOf(testBox, uuid)).deactivate();
}

function systemJobs(jobs: readonly Job[]): [name: string, concerned: unknown][] {
  return jobs.map((job) => [job.name, (job.record.args[0] as { $job?: string } | null)?.$job]);
}

forEachStore('Cleaning a representation', (makeStore) => {
  async function makeTestBox(store = makeStore()) {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({
      store,
      jobs: [controlled.hold, controlled.done],
      queues: [''],
    });
    const { box, reactor } = testBox;
    return { ...controlled, testBox, box, reactor, queue: box.queue() };
  }

  it('[DR-14] agents are cleaned in order of name and their jobs from first to last, in one commit with the deactivation', async () => {
    const faults = new Faults();
    const { testBox, box, queue, hold, reactor } = await makeTestBox(faultyStore(makeStore(), faults));
    await startDispatchers(testBox, ['a'], {
      agents: { left: agent({ size: 2 }), right: agent({ size: 1, filter: { args: { '0': 'r' } } }) },
    });
    const [r, l1, l2] = [hold('r'), hold('l1').with({ id: 'z' }), hold('l2').with({ id: 'a' })];
    await (await representationOf(testBox, 'a')).agents.set(
      'left',
      agent({ size: 2, filter: { args: { '1': 1 } } }),
    );
    await reactor.advance('6s');
    await queue.put(r);
    for (const job of [l1, l2]) await queue.put(job);
    await (await representationOf(testBox, 'a')).agents.set('left', agent({ size: 2 }));
    await reactor.advance('6s');
    let before = 0;
    for await (const { seq } of box.entries()) before = seq;

    await crashAndDeactivate(testBox, 'a');

    const cleaning: { event: string; id: string; at: number }[] = [];
    for await (const entry of box.entries(before + 1)) cleaning.push(entry);
    const moved = cleaning.filter(({ event }) => event === 'job.interrupt').map(({ id }) => id);
    expect(moved).toEqual([l1.id, l2.id, r.id]);
    expect(cleaning.at(-1)?.event).toBe('representation.deactivate');
    expect(cleaning).toHaveLength(7);
    const deactivation = faults.commits.find((commit) => has(commit, 'representation.deactivate'));
    expect(deactivation?.changes).toHaveLength(7);
    for (const name of ['left', 'right']) expect(await (await agentOf(testBox, 'a', name)).length()).toBe(0);
  });

  it('[DR-14] a job in CALLBACKS gets a system job that continues them, and a completed one is filed with a WARNING', async () => {
    const { testBox, box, queue, done, hold, started, open, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    const parent = done('parent');
    await parent.addCallback(hold.partial('callback'));
    await queue.put(parent);
    await reactor.runUntilIdle();
    const completed = await box.transaction(async (tx) => {
      const job = await tx.queue().put(done('never called'), { beginAfter: '1s' });
      await job.fail(new Error('too late'));
      return job;
    });
    const representation = await box.queue().dispatchers.register(box.uuid);
    await representation.activate();
    reactor.setNow(reactor.now() + 2000);
    const claimed = await queue.claim();
    expect(claimed?.id).toBe(completed.id);

    await representation.deactivate();
    await crashAndDeactivate(testBox, 'a');

    expect(testBox.logged('WARNING')).toEqual([expect.stringContaining('completed job found')]);
    expect((await completed.refresh()).callbacksEnd).toEqual(new Date(reactor.now()));
    expect(systemJobs(await queue.jobs())).toEqual([['signalbox.resumeCallbacks', parent.id]]);
    expect((await parent.refresh()).status).toBe('CALLBACKS');
    await startDispatchers(testBox, ['b']);
    open('callback');
    await reactor.advance('10s');
    expect((await parent.refresh()).status).toBe('COMPLETED');
    expect(started).toEqual(['parent', 'callback', 'callback']);
  });

  it('[DR-15] an ASSIGNED job goes to the end of the line and keeps its assigner, its time and its quota slots', async () => {
    const { box, queue, done } = await makeTestBox();
    await queue.quotas.create('q', { size: 1 });
    const job = await queue.put(done('claimed'), { quotaNames: ['q'] });
    await queue.claim();
    await queue.put(done('waiting'));
    const representation = await queue.dispatchers.register(box.uuid);
    const { beginAfter, assigner } = (await job.refresh()).record;

    await representation.activate();

    expect(namesOf(await queue.jobs())).toEqual(['waiting', 'claimed']);
    await job.refresh();
    expect(job.status).toBe('PENDING');
    expect(job.record).toMatchObject({ beginAfter, assigner });
    expect((await queue.quotas.get('q')).jobs).toEqual([job.id]);
  });

  it('[DR-16] an ACTIVE job stays ACTIVE until its system job, at the end of the line, puts it to the front', async () => {
    const { testBox, queue, hold, done, started, open, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 1 }) } });
    const job = await queue.put(hold('interrupted'));
    await reactor.runUntilIdle();
    await queue.put(done('before'));

    await crashAndDeactivate(testBox, 'a');
    await queue.put(done('after'));

    expect((await queue.jobs()).map(({ name }) => name)).toEqual([
      'done',
      'signalbox.handleInterrupt',
      'done',
    ]);
    expect((await job.refresh()).status).toBe('ACTIVE');
    expect(job.record.parent).toEqual({ system: (await queue.at(1)).id });
    open('interrupted');
    await startDispatchers(testBox, ['b'], { agents: { main: agent({ size: 1 }) } });
    await reactor.advance('10s');
    expect(started).toEqual(['interrupted', 'before', 'interrupted', 'after']);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('[DR-17] the system jobs of cleaning are retried without limit and fail at CRITICAL', async () => {
    const { testBox, box, queue, hold, done, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    await queue.put(hold('active'));
    const parent = done('parent');
    await parent.addCallback(hold.partial('callback'));
    await queue.put(parent);
    await reactor.runUntilIdle();

    await crashAndDeactivate(testBox, 'a');

    const system = await queue.jobs();
    expect(system.map(({ name }) => name)).toEqual([
      'signalbox.handleInterrupt',
      'signalbox.resumeCallbacks',
    ]);
    const { registry } = internals(box).context;
    expect(system.map(({ record }) => registry.policyOf(record)?.name)).toEqual([
      'RetryCommonForever',
      'RetryCommonForever',
    ]);
    expect(system.map(({ failureLogLevel }) => failureLogLevel)).toEqual(['CRITICAL', 'CRITICAL']);
  });

  it('[DR-18] while a system job waits or runs, the queue of the job that it concerns is found through it', async () => {
    const { testBox, queue, hold, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    const job = await queue.put(hold('one'));
    await reactor.runUntilIdle();

    await crashAndDeactivate(testBox, 'a');
    expect(await job.place()).toEqual({ queue: '', dispatcher: null, agent: null });

    const claimed = await queue.claim();
    expect(claimed?.name).toBe('signalbox.handleInterrupt');
    expect(await job.place()).toMatchObject({ queue: '', agent: 'client' });
  });

  it('[DR-19] cleaning twice harms nothing: activation recovers what slipped into a deactivated agent', async () => {
    const { box, queue, done } = await makeTestBox();
    const representation = await queue.dispatchers.register(box.uuid);
    await representation.activate();
    const [first, second] = [await queue.put(done('first')), await queue.put(done('second'))];
    await queue.claim();
    await representation.deactivate();
    expect(namesOf(await queue.jobs())).toEqual(['second', 'first']);
    expect((await queue.claim())?.id).toBe(second.id);

    await representation.activate();

    expect(namesOf(await queue.jobs())).toEqual(['first', 'second']);
    expect([(await first.refresh()).status, (await second.refresh()).status]).toEqual(['PENDING', 'PENDING']);
  });

  it('[DR-20] a job that waits for another job or for a promise is interrupted too, and runs again from the start', async () => {
    const calls: string[] = [];
    const controlled = makeControlledJobs();
    const outer = defineJob({
      name: 'outer',
      run: () => {
        calls.push('outer');
        return controlled.hold(`inner ${calls.length}`);
      },
    });
    const promised = defineJob({
      name: 'promised',
      run: () => {
        calls.push('promised');
        return calls.filter((call) => call === 'promised').length === 1
          ? detached(new Promise<string>(() => {}))
          : 'kept';
      },
    });
    const testBox = await makeBox({
      store: makeStore(),
      jobs: [controlled.hold, outer, promised],
      queues: [''],
    });
    const queue = testBox.box.queue();
    await startDispatchers(testBox, ['a']);
    const jobs = [await queue.put(outer()), await queue.put(promised())];
    await testBox.reactor.runUntilIdle();
    expect(jobs.map((job) => job.name)).toEqual(['outer', 'promised']);
    for (const job of jobs) expect((await job.refresh()).record.state).toBe('active.waiting');

    await crashAndDeactivate(testBox, 'a');
    await startDispatchers(testBox, ['b']);
    await testBox.reactor.advance('10s');

    expect(calls.sort()).toEqual(['outer', 'outer', 'promised', 'promised']);
    expect((await jobs[1]?.refresh())?.outcome).toEqual({ ok: true, value: 'kept' });
    expect((await jobs[0]?.refresh())?.record.attempts).toBe(2);
  });
});
