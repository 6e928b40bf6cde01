import { agent, ConflictError, Dispatcher, defineFilter, type Job, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs, namesOf } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { interceptedStore } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

function conflict(): ConflictError {
  return new ConflictError({ subject: 'a test', expected: 'calm', actual: 'storm' });
}

forEachStore('A poll', (makeStore) => {
  async function makeTestBox(queues: readonly string[] = [''], store: Store = makeStore()) {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({ store, jobs: [controlled.hold, controlled.done], queues });
    const { box, reactor } = testBox;
    return { ...controlled, testBox, box, reactor, queue: box.queue() };
  }

  it('[D-14] without queues a poll ends normally with an empty record', async () => {
    const { testBox, box, reactor } = await makeTestBox([]);
    const dispatcher = new Dispatcher(box, { uuid: 'a' });

    dispatcher.activate();
    reactor.run();
    await reactor.advance('5s');

    expect([...dispatcher.polls].map((poll) => poll.isEmpty)).toEqual([true, true]);
    expect(testBox.logged('CRITICAL')).toEqual([]);
  });

  it('[D-15] the record has every queue in order of name, null for one that was skipped', async () => {
    const { testBox, box } = await makeTestBox(['b', 'c', 'a']);
    box.on('dispatcherActivated', ({ representation }) => {
      if (representation.queue === 'b') throw new Error('not here');
    });

    const [a] = await startDispatchers(testBox, ['a']);

    const { queues } = a?.getPollInfo() ?? { queues: {} };
    expect(Object.keys(queues)).toEqual(['', 'a', 'b', 'c']);
    expect(Object.values(queues).map((entry) => entry !== null)).toEqual([true, true, false, true]);
  });

  it('[D-16] a poll registers its dispatcher in every queue where it is not registered, also in later ones', async () => {
    const { testBox, box, reactor } = await makeTestBox(['', 'first']);
    await startDispatchers(testBox, ['a']);
    expect(await box.queue('first').dispatchers.uuids()).toEqual(['a']);

    await box.createQueue('later');
    expect(await box.queue('later').dispatchers.uuids()).toEqual([]);
    await reactor.advance('5s');
    expect(await box.queue('later').dispatchers.uuids()).toEqual(['a']);
    expect((await representationOf(testBox, 'a', 'later')).activated).not.toBeNull();
  });

  it('[D-17] a UUID that is active already and not dead is an ERROR at each poll and skipped; once dead it is taken over', async () => {
    const { testBox, box, queue, hold, started, reactor } = await makeTestBox();
    const [former] = await startDispatchers(testBox, ['a']);
    await queue.put(hold('left'));
    await reactor.runUntilIdle();
    const lastSign = reactor.now();
    former?.abandon();
    box.popDispatcher('a');

    const [latter] = await startDispatchers(testBox, ['a']);
    await reactor.advance('59s');
    expect(testBox.logged('ERROR')).toHaveLength(12);
    expect(testBox.logged('ERROR')[0]).toMatch(/already active.*same UUID/);
    expect([...(latter?.polls ?? [])].map((poll) => poll.queues[''])).toEqual(Array(12).fill(null));
    expect((await representationOf(testBox, 'a')).lastPing?.getTime()).toBe(lastSign);
    expect(started).toEqual(['left']);

    await reactor.advance('10s');
    expect(latter?.getPollInfo().queues['']).not.toBeNull();
    expect((await representationOf(testBox, 'a')).activated?.getTime()).toBe(lastSign + 65_000);
    expect(started).toEqual(['left', 'left']);
    expect(testBox.logged('ERROR')).toHaveLength(13);
  });

  it('[D-18] a poll pings before it claims, so a dispatcher taken for dead claims again in the same poll', async () => {
    const { testBox, box, queue, done, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    await (await representationOf(testBox, 'a')).deactivate();
    const job = await queue.put(done('one'));

    await reactor.advance('5s');

    const poll = a?.getPollInfo();
    expect(poll?.timestamp.getTime()).toBe(reactor.now());
    expect(poll?.queues['']?.main?.newJobs).toEqual([job.names]);
    const events: string[] = [];
    for await (const { event } of box.entries()) events.push(event);
    expect(events.indexOf('representation.reactivate')).toBeLessThan(events.indexOf('job.claim'));
    expect(testBox.logged('CRITICAL')).toHaveLength(1);
  });

  it('[D-19] for each agent, in order of name, the record has its size, what it held before claiming, and no error', async () => {
    const { testBox, queue, hold, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a'], {
      agents: { y: agent({ size: 1 }), x: agent({ size: 2 }) },
    });
    const jobs: Job[] = [];
    for (const name of ['1', '2', '3']) jobs.push(await queue.put(hold(name)));
    await reactor.advance('5s');

    const entry = a?.getPollInfo().queues[''];
    expect(Object.keys(entry ?? {})).toEqual(['x', 'y']);
    const [held, other] = [
      namesOf(await (await agentOf(testBox, 'a', 'x')).jobs()),
      namesOf(await (await agentOf(testBox, 'a', 'y')).jobs()),
    ];
    const idsOf = (names: readonly unknown[]) =>
      jobs.filter((job) => names.includes(job.args[0])).map((job) => job.names);
    const rest = { error: null, newJobs: [], claimed: 0 };
    expect(entry?.x).toEqual({ size: 2, len: 2, activeJobs: idsOf(held), ...rest });
    expect(entry?.y).toEqual({ size: 1, len: 1, activeJobs: idsOf(other), ...rest });
  });

  it('[D-20] an agent that cannot be read has its error in the record, and the next agent is processed', async () => {
    let isBroken = false;
    const store = interceptedStore(makeStore(), (call, args) =>
      isBroken && call === 'held' && args[2] === 'broken' ? new Error('unreadable') : null,
    );
    const { testBox, queue, hold, reactor } = await makeTestBox([''], store);
    const [a] = await startDispatchers(testBox, ['a'], {
      agents: {
        broken: agent({ filter: { args: { '0': 'one' } } }),
        sound: agent({ filter: { args: { '0': 'two' } } }),
      },
    });
    isBroken = true;
    await queue.put(hold('one'));
    const job = await queue.put(hold('two'));
    await reactor.advance('5s');

    const entry = a?.getPollInfo().queues[''];
    expect(entry?.broken).toMatchObject({
      error: expect.stringContaining('unreadable'),
      len: 0,
      newJobs: [],
    });
    expect(entry?.sound).toMatchObject({ error: null, len: 1, activeJobs: [job.names] });
  });

  it('[D-21] a poll makes the workers of a new agent, and fits workers and connections to a new size', async () => {
    const { testBox, box, queue, hold, started, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 1 }) } });
    for (const name of ['1', '2', '3', '4']) await queue.put(hold(name));
    await reactor.runUntilIdle();
    expect([box.store.poolSize, started.length]).toEqual([9, 1]);
    const { agents } = await representationOf(testBox, 'a');

    await agents.set('main', agent({ size: 2 }));
    await reactor.advance('5s');
    expect([box.store.poolSize, started.length]).toEqual([10, 2]);

    await agents.set('second', agent({ size: 2 }));
    await reactor.advance('5s');
    expect([box.store.poolSize, started.length]).toEqual([12, 4]);

    await agents.set('main', agent({ size: 1 }));
    await reactor.advance('5s');
    expect(box.store.poolSize).toBe(11);
  });

  it('[D-22] an agent claims until it is refused, each job with a record, and a conflict is tried five times', async () => {
    const { testBox, queue, done, reactor } = await makeTestBox();
    let [asked, conflicts] = [0, 4];
    const contested = defineFilter('contested', () => {
      asked += 1;
      if (conflicts > 0) {
        conflicts -= 1;
        throw conflict();
      }
      return true;
    });
    const jobs: Job[] = [];
    for (const name of ['1', '2', '3', '4']) jobs.push(await queue.put(done(name)));
    const agents = { main: agent({ size: 3, filter: contested }) };
    const [a] = await startDispatchers(testBox, ['a'], { agents });

    const entry = [...(a?.polls ?? [])].at(-1)?.queues['']?.main;
    expect(entry?.error).toBeNull();
    expect(entry?.newJobs).toEqual(jobs.map((job) => job.names));
    for (const job of jobs) expect(a?.getJobInfo(job.id ?? '').agent).toBe('main');

    [asked, conflicts] = [0, Number.POSITIVE_INFINITY];
    const refused = await queue.put(done('refused'));
    await reactor.runUntilIdle();
    expect([asked, (await refused.refresh()).status]).toEqual([5, 'PENDING']);
    await reactor.advance('5s');
    expect(a?.getPollInfo().queues['']?.main?.error).toContain('ConflictError');
    expect((await agentOf(testBox, 'a')).failure?.name).toBe('ConflictError');
  });

  it('[D-23] the workers of an agent or a queue that is gone are given up at the next poll', async () => {
    let isAway = false;
    const store = interceptedStore(makeStore(), (call, args) =>
      isAway && call === 'get' && args[0] === 'representation' ? new Error('no representations today') : null,
    );
    const { testBox, box, queue, done, reactor } = await makeTestBox(['', 'doomed'], store);
    await startDispatchers(testBox, ['a'], {
      agents: { main: agent({ size: 2 }), second: agent({ size: 4 }) },
    });
    expect(box.store.poolSize).toBe(7 + 1 + 6 + 6);

    // A queue that is only skipped has lost nothing.
    isAway = true;
    await reactor.advance('5s');
    expect(box.getDispatcher('a')?.getPollInfo().queues).toEqual({ '': null, doomed: null });
    expect(box.store.poolSize).toBe(7 + 1 + 6 + 6);
    isAway = false;

    await (await representationOf(testBox, 'a')).agents.remove('second');
    await (await representationOf(testBox, 'a')).agents.remove('main');
    await reactor.advance('5s');
    expect(box.store.poolSize).toBe(7 + 1 + 6);
    const job = await queue.put(done('nobody'));
    await reactor.advance('10s');
    expect((await job.refresh()).status).toBe('PENDING');

    const gone = { kind: 'queue', id: 'doomed', event: 'queue.removed', from: null, to: null } as const;
    await box.store.commit({ by: 'test', changes: [{ ...gone, patch: null, gone: true }], expect: [] })
      .synced;
    await reactor.advance('5s');
    expect(box.store.poolSize).toBe(7 + 1);
  });

  it('[D-24] a poll always leaves a record, its key is at the jobs it started, and it is logged only when it differs', async () => {
    const { testBox, box, queue, hold, reactor } = await makeTestBox();
    const logged = () => testBox.logged('DEBUG').filter((message) => message.startsWith('poll ')).length;
    let isBroken = true;
    box.on('dispatcherActivated', () => {
      if (isBroken) throw new Error('no');
    });
    const job = await queue.put(hold('one'));
    const [a] = await startDispatchers(testBox, ['a']);
    expect([a?.polls.length, logged()]).toEqual([1, 1]);
    await reactor.advance('10s');
    expect([a?.polls.length, logged()]).toEqual([3, 1]);

    isBroken = false;
    await reactor.advance('5s');
    const claiming = a?.getPollInfo();
    expect(claiming?.queues['']?.main?.newJobs).toEqual([job.names]);
    expect(a?.getJobInfo(job.id ?? '').pollId).toBe(claiming?.key);
    expect(logged()).toBe(2);
    await reactor.advance('20s');
    expect([a?.polls.length, logged()]).toEqual([8, 3]);
    expect(testBox.entries.filter(({ level }) => level === 'DEBUG')[0]?.stream).toBe('signalbox.trace');
  });

  it('[D-25] a conflict in a step is tried five times, any other error once: then CRITICAL, and the poll continues', async () => {
    let isAway = false;
    const store = interceptedStore(makeStore(), (call, args) =>
      isAway && call === 'list' && args[0] === 'queue' ? new Error('no queues today') : null,
    );
    const { testBox, box, reactor, done } = await makeTestBox(['a', 'b', 'c'], store);
    const tries = new Map<string, number>();
    box.on('dispatcherActivated', ({ representation: { queue } }) => {
      tries.set(queue, (tries.get(queue) ?? 0) + 1);
      if (queue === 'a') throw conflict();
      if (queue === 'b') throw new Error('broken');
    });
    const job = await box.queue('c').put(done('in c'));

    const [a] = await startDispatchers(testBox, ['a']);

    expect([tries.get('a'), tries.get('b'), tries.get('c')]).toEqual([5, 1, 1]);
    expect(testBox.logged('CRITICAL')).toEqual([
      expect.stringContaining('storm'),
      expect.stringContaining('broken'),
    ]);
    expect((await job.refresh()).status).toBe('COMPLETED');

    isAway = true;
    await reactor.advance('5s');
    expect(a?.getPollInfo().isEmpty).toBe(true);
    expect(testBox.logged('CRITICAL').at(-1)).toContain('no queues today');
    isAway = false;
    await reactor.advance('5s');
    expect(Object.keys(a?.getPollInfo().queues ?? {})).toEqual(['', 'a', 'b', 'c']);
  });
});
