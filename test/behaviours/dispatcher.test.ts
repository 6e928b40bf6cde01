import { agent, ConflictError, createSignalbox, Dispatcher, memoryStore } from 'signalbox';
import { expect, it, vi } from 'vitest';
import { makeControlledJobs, namesOf } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { interceptedStore } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

forEachStore('A dispatcher', (makeStore) => {
  async function makeTestBox(queues: readonly string[] = [''], store = makeStore()) {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({ store, jobs: [controlled.hold, controlled.done], queues });
    const { box, reactor } = testBox;
    return { ...controlled, testBox, box, reactor, queue: box.queue() };
  }

  it('[D-1] a dispatcher polls every 5 s and keeps 200 jobs and 400 polls by default', async () => {
    const { box } = await makeTestBox();

    const usual = new Dispatcher(box, { uuid: 'usual' });
    const other = new Dispatcher(box, { uuid: 'other', pollInterval: '0.25s', jobsSize: 2, pollsSize: 4 });

    expect([usual.pollInterval, usual.jobs.size, usual.polls.size]).toEqual([5000, 200, 400]);
    expect([other.pollInterval, other.jobs.size, other.polls.size]).toEqual([250, 2, 4]);
    expect(() => new Dispatcher(box, { uuid: 'bad', jobsSize: 0 })).toThrow('jobsSize');
  });

  it("[D-2] without more it has the instance's UUID and the box's reactor, which it does not touch before it is activated", async () => {
    const { box, reactor } = await makeTestBox();
    const five = [
      'callFromThread',
      'callInThread',
      'callLater',
      'addSystemEventTrigger',
      'callWhenRunning',
    ] as const;
    const watched = five.map((call) => vi.spyOn(reactor, call));

    const dispatcher = new Dispatcher(box);

    expect(dispatcher.uuid).toBe(box.uuid);
    expect(dispatcher.reactor).toBe(reactor);
    for (const call of watched) expect(call).not.toHaveBeenCalled();
    expect(reactor.running).toBe(false);
  });

  it('[D-3] there is one dispatcher per UUID, and there may be several of different UUIDs', async () => {
    const { box } = await makeTestBox();
    const [a, b] = [new Dispatcher(box, { uuid: 'a' }), new Dispatcher(box, { uuid: 'b' })];

    expect(() => new Dispatcher(box, { uuid: 'a' })).toThrow(
      expect.objectContaining({ code: 'DISPATCHER_EXISTS' }) as Error,
    );
    expect([...box.dispatchers.values()]).toEqual([a, b]);
  });

  it('[D-3] a UUID that would run into the names of agents is refused, wherever it is given', async () => {
    const { box } = await makeTestBox();
    const code = 'INVALID_OPTION';

    for (const uuid of ['', 'a/b', 'a b', 'a\n', 'a'.repeat(129)]) {
      expect(() => new Dispatcher(box, { uuid })).toThrow(expect.objectContaining({ code }) as Error);
      await expect(box.queue().dispatchers.register(uuid)).rejects.toMatchObject({ code });
      await expect(createSignalbox({ store: memoryStore(), uuid })).rejects.toMatchObject({ code });
    }

    expect([...box.dispatchers.keys(), ...(await box.queue().dispatchers.uuids())]).toEqual([]);
  });

  it('[D-4] dispatchers are found by UUID, stopped ones too, until they are popped or cleared', async () => {
    const { testBox, box } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const own = new Dispatcher(box);
    await a?.deactivate();

    expect([box.getDispatcher('a'), box.getDispatcher(), box.getDispatcher('none')]).toEqual([a, own, null]);
    expect([box.popDispatcher('a'), box.getDispatcher('a')]).toEqual([a, null]);
    const again = new Dispatcher(box, { uuid: 'a' });
    expect(box.getDispatcher('a')).toBe(again);
    box.clearDispatchers();
    expect([box.getDispatcher('a'), box.getDispatcher(), box.dispatchers.size]).toEqual([null, null, 0]);
  });

  it('[D-5] a new dispatcher is not active, remembers nothing, has no workers and is in no queue', async () => {
    const { box, queue } = await makeTestBox();

    const dispatcher = new Dispatcher(box, { uuid: 'a' });

    expect(dispatcher.activated).toBeNull();
    expect([dispatcher.polls.length, dispatcher.jobs.length]).toEqual([0, 0]);
    expect(dispatcher.getActiveJobIds()).toEqual([]);
    expect(box.store.poolSize).toBe(7);
    expect(await queue.dispatchers.has('a')).toBe(false);
  });

  it('[D-6] activating logs, forgets old records, adds a connection, polls once the reactor runs, and stops with it', async () => {
    const { testBox, box, reactor } = await makeTestBox();
    const dispatcher = new Dispatcher(box, { uuid: 'a' });

    dispatcher.activate();
    reactor.setNow(reactor.now() + 60_000);
    expect(dispatcher.activated?.getTime()).toBe(reactor.now() - 60_000);
    expect([dispatcher.polls.length, box.store.poolSize]).toEqual([0, 8]);
    expect(testBox.entries.map(({ stream, level }) => [stream, level])).toContainEqual([
      'signalbox.events',
      'INFO',
    ]);
    expect(() => dispatcher.activate()).toThrow(
      expect.objectContaining({ code: 'DISPATCHER_STATE' }) as Error,
    );

    reactor.run();
    await reactor.runUntilIdle();
    expect(dispatcher.polls.length).toBe(1);
    await reactor.stop();
    expect([dispatcher.activated, (await representationOf(testBox, 'a')).activated]).toEqual([null, null]);

    dispatcher.activate();
    expect(dispatcher.polls.length).toBe(0);
  });

  it('[D-7] a poll that takes longer than the interval is never overlapped by another', async () => {
    const { testBox, box, reactor } = await makeTestBox();
    let [polling, most] = [0, 0];
    box.on('dispatcherActivated', async () => {
      polling += 1;
      most = Math.max(most, polling);
      await new Promise<void>((resolve) => reactor.callLater(12_000, resolve));
      polling -= 1;
      throw new Error('again');
    });

    const [a] = await startDispatchers(testBox, ['a']);
    await reactor.advance('65s');

    expect(most).toBe(1);
    // 12 s of poll and 5 s of pause each.
    expect(a?.polls.length).toBe(4);
  });

  it('[D-8] the next poll comes one interval after the last one ended, also when that one failed', async () => {
    const { testBox, box, reactor } = await makeTestBox();
    const start = reactor.now();
    const ends: number[] = [];
    let calls = 0;
    box.on('dispatcherActivated', async () => {
      calls += 1;
      if (calls === 1) await new Promise<void>((resolve) => reactor.callLater(7000, resolve));
      if (calls <= 2) throw new Error('this poll fails');
    });

    const [a] = await startDispatchers(testBox, ['a']);
    await reactor.advance('23s');

    for (const poll of a?.polls ?? []) ends.unshift(poll.timestamp.getTime() - start);
    expect(ends).toEqual([7000, 12_000, 17_000, 22_000]);
    expect(testBox.logged('CRITICAL')).toHaveLength(2);
    expect((await representationOf(testBox, 'a')).activated).not.toBeNull();
  });

  it('[D-9] a dispatcher that is abandoned polls no more and cleans nothing, as after a crash', async () => {
    const { testBox, queue, hold, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const job = await queue.put(hold('one'));
    await reactor.advance('6s');
    const polls = a?.polls.length;

    a?.abandon();
    const later = await queue.put(hold('two'));
    await reactor.advance('5m');

    expect([a?.polls.length, a?.activated]).toEqual([polls, null]);
    expect((await later.refresh()).status).toBe('PENDING');
    expect((await representationOf(testBox, 'a')).activated).not.toBeNull();
    expect((await job.refresh()).record.parent).toEqual({ queue: '', dispatcher: 'a', agent: 'main' });
  });

  it('[D-10] deactivating leaves every queue in one commit, tried five times, and gives back workers and connections', async () => {
    const { testBox, box, reactor } = await makeTestBox(['', 'other']);
    const [a] = await startDispatchers(testBox, ['a']);
    await expect(new Dispatcher(box, { uuid: 'b' }).deactivate()).rejects.toMatchObject({
      code: 'DISPATCHER_STATE',
    });
    let tries = 0;
    const activatedMeanwhile: unknown[] = [];
    box.on('dispatcherDeactivated', ({ representation }) => {
      if (representation.queue !== 'other') return;
      tries += 1;
      activatedMeanwhile.push(a?.activated);
      if (tries < 5) throw new ConflictError({ subject: 'a test', expected: 'calm', actual: 'storm' });
    });

    await a?.deactivate();

    expect([tries, a?.activated, box.store.poolSize]).toEqual([5, null, 7]);
    expect(activatedMeanwhile).toEqual([null, null, null, null, null]);
    const seqs: number[] = [];
    for await (const entry of box.entries())
      if (entry.event === 'representation.deactivate') seqs.push(entry.seq);
    expect(seqs).toHaveLength(2);
    expect((seqs[1] ?? 0) - (seqs[0] ?? 0)).toBe(1);
    expect(testBox.logged('INFO').at(-1)).toBe('deactivated dispatcher a');

    tries = Number.NEGATIVE_INFINITY;
    a?.activate();
    await reactor.runUntilIdle();
    await a?.deactivate();
    expect([a?.activated, a?.getStatusInfo().status, box.store.poolSize]).toEqual([null, 'STOPPED', 7]);
    expect(testBox.logged('CRITICAL')).toHaveLength(1);
    expect((await representationOf(testBox, 'a')).activated).not.toBeNull();
  });

  it('[D-10] jobs that end while it is deactivated keep nothing from being handed on', async () => {
    const looks = { left: 0, end: async () => {} };
    const store = interceptedStore(makeStore(), (call, [queue, , name]) => {
      if (call !== 'held' || queue !== 'other' || name !== null || looks.left === 0) return null;
      looks.left -= 1;
      return looks.end();
    });
    const { testBox, queue, hold, open, reactor } = await makeTestBox(['', 'other'], store);
    const [a] = await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 10 }) } });
    const names = Array.from({ length: 9 }, (_, index) => `job ${index}`);
    const jobs = await queue.putAll(names.map((name) => hold(name)));
    await reactor.runUntilIdle();
    // The jobs of the first queue have been looked at by then.
    looks.end = async () => {
      open(`job ${looks.left}`);
      await jobs[looks.left]?.waitFor('COMPLETED');
    };
    looks.left = 8;

    await a?.deactivate();

    expect((await representationOf(testBox, 'a')).activated).toBeNull();
    expect(namesOf(await (await agentOf(testBox, 'a')).jobs())).toEqual([]);
    expect((await queue.jobs()).map(({ name }) => name)).toEqual(['signalbox.handleInterrupt']);
    expect(testBox.logged('CRITICAL')).toEqual([]);
  });

  it('[D-11] polls and jobs are remembered after a stop, until the next activation', async () => {
    const { testBox, queue, done, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const job = await queue.put(done('one'));
    await reactor.advance('6s');

    await a?.deactivate();
    expect([a?.polls.length, a?.getJobInfo(job.id ?? '').result]).toEqual([2, "'one'"]);

    a?.activate();
    expect([a?.polls.length, a?.jobs.length]).toEqual([0, 0]);
  });

  it('[D-12] deactivating neither waits for running jobs nor stops them, but what they return is not stored', async () => {
    const { testBox, queue, hold, open, signals, started, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const job = await queue.put(hold('one'));
    await reactor.runUntilIdle();

    await a?.deactivate();
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    expect(namesOf(await (await agentOf(testBox, 'a')).jobs())).toEqual([]);
    open('one', 'too late');
    await reactor.advance('1m');

    await job.refresh();
    expect([job.status, job.outcome]).toEqual(['ACTIVE', null]);
    expect(started).toEqual(['one']);
  });

  it('[D-13] the connection budget grows by one and by the size of each agent, and is given back', async () => {
    const { testBox, box, reactor } = await makeTestBox();
    const budget = [box.store.poolSize];
    const dispatcher = new Dispatcher(box, { uuid: 'a' });
    box.on('dispatcherActivated', ({ representation }) => representation.agents.set('main', agent()));

    dispatcher.activate();
    budget.push(box.store.poolSize);
    reactor.run();
    await reactor.runUntilIdle();
    budget.push(box.store.poolSize);
    await dispatcher.deactivate();
    budget.push(box.store.poolSize);

    expect(budget).toEqual([7, 8, 11, 7]);
    expect((await representationOf(testBox, 'a')).activated).toBeNull();
  });
});
