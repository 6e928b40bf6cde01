import { defineJob, type Failure, type Job, type Json, local, RetryCommonForever } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { agentOf, crashHolder, startDispatchers, twoUuids } from './dispatchers.ts';
import { interceptedStore } from './faulty-store.ts';
import { comparable, makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

async function setUp(makeStore: MakeStore) {
  const controlled = makeControlledJobs();
  const recording = makeRecordingJobs();
  const { hold } = controlled;
  const { note, give, raise } = recording;
  const testBox = await makeBox({ store: makeStore(), jobs: [hold, note, give, raise], queues: [''] });
  return { ...controlled, ...recording, testBox, ...testBox, queue: testBox.box.queue() };
}

forEachStore('Callbacks', (makeStore) => {
  it('[J-86] addCallback returns the callback job: the one given, or a new one of the definition', async () => {
    const { box, queue, give, note, reactor } = await setUp(makeStore);
    await box.start();
    const parent = give(1);
    const given = note.partial('given');

    const returned = await parent.addCallback(given);
    const echo = defineJob({ name: 'echo', run: (input: Json | Failure) => comparable(input) as Json });
    box.define(echo);
    const made = await parent.addCallback(echo, { failureLogLevel: 'INFO', retryPolicy: 'NeverRetry' });
    await queue.put(parent);
    await reactor.runUntilIdle();

    expect(returned).toBe(given);
    expect(made).toMatchObject({ name: 'echo', failureLogLevel: 'INFO', retryPolicy: 'NeverRetry' });
    expect(await made.result()).toBe(1);
    expect((await parent.callbacks()).map(String)).toEqual([String(given), String(made)]);
  });

  it('[J-87] addCallbacks returns one proxy for a success and a failure callback', async () => {
    const { box, queue, give, note, notes, reactor } = await setUp(makeStore);
    await box.start();
    const parent = give(1);
    const [success, failure] = [note.partial('success'), note.partial('failure')];

    const proxy = await parent.addCallbacks({ success, failure }, { retryPolicy: 'NeverRetry' });
    await queue.put(parent);
    await reactor.runUntilIdle();

    expect([proxy.success, proxy.failure]).toEqual([success, failure]);
    expect([success.retryPolicy, failure.retryPolicy]).toEqual(['NeverRetry', 'NeverRetry']);
    expect(notes).toEqual([['success', 1]]);
    expect(await parent.callbacks()).toHaveLength(1);
  });

  it('[J-88] every callback gets the same result, and no callback changes it', async () => {
    const { box, queue, give, note, raise, notes, reactor } = await setUp(makeStore);
    await box.start();
    const parent = give('value');
    await parent.addCallback(note.partial('first'));
    await parent.addCallback(raise.partial('a callback fails'));
    await parent.addCallback(note.partial('last'));

    await queue.put(parent);
    await reactor.runUntilIdle();

    expect(notes).toEqual([
      ['first', 'value'],
      ['last', 'value'],
    ]);
    expect((await parent.refresh()).outcome).toEqual({ ok: true, value: 'value' });
    expect(parent.ending).toBe('succeeded');
  });

  it('[J-89] callbacks run one after the other, in the order they were added, and keep the slot', async () => {
    const { testBox, box, queue, give, hold, note, notes, open, reactor } = await setUp(makeStore);
    const dispatcher = await box.start();
    const parent = give(1);
    await parent.addCallback(note.partial('first'));
    await parent.addCallback(hold.partial('slow'));
    await parent.addCallback(note.partial('third'));

    await queue.put(parent);
    await reactor.runUntilIdle();
    const during = (await parent.refresh()).status;
    const held = await (await agentOf(testBox, dispatcher.uuid)).jobs();
    const noted = [...notes];
    open('slow');
    await reactor.runUntilIdle();

    expect(during).toBe('CALLBACKS');
    expect(held.map((job) => job.id)).toEqual([parent.id]);
    expect(noted).toEqual([['first', 1]]);
    expect(notes.map(([label]) => label)).toEqual(['first', 'third']);
    expect((await parent.refresh()).status).toBe('COMPLETED');
    expect(await (await agentOf(testBox, dispatcher.uuid)).jobs()).toEqual([]);
  });

  it('[J-89] thousands of callbacks cost their number, not its square: the list is read anew only for those added later', async () => {
    let reads = 0;
    const store = interceptedStore(makeStore(), (call) => {
      if (call === 'callbacks') reads += 1;
      return null;
    });
    const { note, notes, give } = makeRecordingJobs();
    const { box } = await makeBox({ store, jobs: [note, give], queues: [''] });
    const parent = give(1);
    for (let number = 0; number < 30; number += 1) await parent.addCallback(note.partial(String(number)));
    await box.start();

    await (await box.queue().put(parent)).waitFor('COMPLETED');

    expect(notes.map(([label]) => Number(label))).toEqual(Array.from({ length: 30 }, (_, number) => number));
    // One walk calls them all, and a second finds no more.
    expect(reads).toBe(2);
  });

  it('[J-90] a callback of a callback receives the result of the callback', async () => {
    const { box, queue, give, note, notes, reactor } = await setUp(makeStore);
    await box.start();
    const parent = give('parent');
    const callback = await parent.addCallback(note.partial('callback'));
    await callback.addCallback(note.partial('chained'));

    await queue.put(parent);
    await reactor.runUntilIdle();

    expect(notes).toEqual([
      ['callback', 'parent'],
      ['chained', 'noted callback'],
    ]);
  });

  it('[J-91] a callback whose turn comes too late is failed and not called; without beginAfter it has no deadline', async () => {
    const { box, queue, hold, note, notes, open, reactor, logged } = await setUp(makeStore);
    await box.start();
    const now = reactor.now();
    const parent = hold('long');
    const late = await parent.addCallback(note.partial('late'), { beginAfter: now, beginBy: '1m' });
    await parent.addCallback(note.partial('endless'), { beginBy: '1m' });
    await late.addCallback(note.partial('after late'));

    await queue.put(parent);
    await reactor.advance('2m');
    open('long', 'over');
    await reactor.runUntilIdle();

    expect((await late.refresh()).outcome?.ok).toBe(false);
    expect([late.ending, late.activeStart]).toEqual(['expired', null]);
    expect(notes.map(([label]) => label)).toEqual(['after late', 'endless']);
    expect(notes[0]?.[1]).toContain('TimeoutError');
    expect(logged('ERROR').filter((message) => message.includes(`${late.id}`))).toHaveLength(1);
  });

  it('[J-92] a callback added during CALLBACKS is run before the job completes', async () => {
    const { box, queue, give, hold, note, notes, open, reactor } = await setUp(makeStore);
    await box.start();
    const parent = give(1);
    await parent.addCallback(hold.partial('slow'));
    await queue.put(parent);
    await reactor.runUntilIdle();

    await parent.addCallback(note.partial('added'));
    await reactor.runUntilIdle();
    const before = [...notes];
    open('slow');
    await reactor.runUntilIdle();

    expect(before).toEqual([]);
    expect(notes).toEqual([['added', 1]]);
    const events = [];
    for await (const entry of parent.history()) events.push(entry.event);
    expect(events.filter((event) => event === 'job.complete')).toHaveLength(1);
  });

  it('[J-93] a callback added to a completed job runs at once, in the process that adds it', async () => {
    const { box, queue, give, note, notes, reactor } = await setUp(makeStore);
    await box.start();
    const parent = await queue.put(give(1));
    await reactor.runUntilIdle();

    const added = await parent.addCallback(note.partial('added'));
    const seen = [...notes];

    expect(seen).toEqual([['added', 1]]);
    expect((await added.refresh()).status).toBe('COMPLETED');
    expect((await parent.refresh()).status).toBe('COMPLETED');
  });

  it('[J-93] a job that adds a callback to a completed job has it run when its own changes are committed', async () => {
    const { queue, give, note, notes, reactor, box } = await setUp(makeStore);
    const adds = defineJob({
      name: 'adds',
      run: async (done: Job<unknown>) => {
        await done.addCallback(note.partial('added'));
        return notes.length;
      },
    });
    box.define(adds);
    await box.start();
    const parent = await queue.put(give(1));
    await reactor.runUntilIdle();

    const adder = await queue.put(adds(parent));
    await reactor.runUntilIdle();

    expect(await adder.result()).toBe(0);
    expect(notes).toEqual([['added', 1]]);
  });

  it('[J-93] one that its adding process left unfinished is run by the next process', async () => {
    const store = makeStore();
    const controlled = makeControlledJobs();
    const { give, note, notes } = makeRecordingJobs();
    const jobs = [controlled.hold, give, note];
    const first = await makeBox({ store, jobs });
    await first.box.start();
    const parent = await first.box.queue().put(give(1));
    await first.reactor.runUntilIdle();
    const callback = controlled.hold.partial('added').with({ id: 'added' });
    await callback.addCallback(note.partial('below'));
    const adding = parent.addCallback(callback);
    adding.catch(() => {});
    await first.reactor.runUntilIdle();
    await first.stop();

    const second = await makeBox({ store, jobs });
    await second.box.start();
    await second.reactor.runUntilIdle();
    controlled.open('added', 'late result');
    await second.reactor.runUntilIdle();

    expect(controlled.started).toEqual(['added', 'added']);
    expect(notes).toEqual([['below', 'late result']]);
    expect((await second.box.job('added').refresh()).status).toBe('COMPLETED');
  });

  it('[J-94] callbacks fail at CRITICAL and have their own default policy, unless these are set', async () => {
    const asked: string[] = [];
    const watching = (name: string) => ({
      ...RetryCommonForever,
      name,
      jobError: () => {
        asked.push(name);
        return false;
      },
    });
    const { raise, give } = makeRecordingJobs();
    const { box, reactor, entries } = await makeBox({
      store: makeStore(),
      jobs: [raise, give],
      retryPolicies: { callback: watching('ofCallbacks'), mine: watching('mine') },
    });
    await box.start();
    const parent = give(1);
    const plainOne = await parent.addCallback(raise.partial('plain'));
    const own = raise.partial('own').with({ failureLogLevel: 'WARNING', retryPolicy: 'mine' });
    await parent.addCallback(own);

    await box.queue().put(parent);
    await reactor.runUntilIdle();

    const levelOf = (job: Job<unknown>) =>
      entries
        .filter((entry) => entry.job === job.id && / failed in /.test(entry.message))
        .map(({ level }) => level);
    expect(asked).toEqual(['ofCallbacks', 'mine']);
    expect(levelOf(plainOne)).toEqual(['CRITICAL']);
    expect(levelOf(own)).toEqual(['WARNING']);
  });

  it('[J-95] the parent does not wait for a callback that returned a job', async () => {
    const { queue, give, hold, open, reactor, box } = await setUp(makeStore);
    const putsMore = defineJob({ name: 'putsMore', run: () => box.queue().put(hold('inner')) });
    box.define(putsMore);
    await box.start();
    const parent = give(1);
    const callback = await parent.addCallback(putsMore.partial());
    await queue.put(parent);
    await reactor.runUntilIdle();
    const during = [(await parent.refresh()).status, (await callback.refresh()).status];

    open('inner', 'inner result');
    await reactor.runUntilIdle();

    expect(during).toEqual(['COMPLETED', 'ACTIVE']);
    expect(await callback.result()).toBe('inner result');
    expect((await callback.refresh()).status).toBe('COMPLETED');
  });

  it('[J-96] a completed job still lists its callbacks, in order', async () => {
    const { box, queue, give, note, reactor } = await setUp(makeStore);
    await box.start();
    const parent = give(1);
    const first = await parent.addCallback(note.partial('first'));
    await parent.addCallbacks({ success: note.partial('pair') });
    await queue.put(parent);
    await reactor.runUntilIdle();
    const last = await parent.addCallback(note.partial('last'));

    const listed = await parent.callbacks();

    expect(listed.map((callback) => ('id' in callback ? callback.id : 'pair'))).toEqual([
      first.id,
      'pair',
      last.id,
    ]);
    expect(() => (listed as unknown[]).push('mine')).not.toThrow();
    expect(await parent.callbacks()).toHaveLength(3);
  });

  it('[J-103] after a crash callbacks run wherever they are taken up again', async () => {
    const where: (string | null)[] = [];
    const { give } = makeRecordingJobs();
    const { hold, open } = makeControlledJobs();
    const place = defineJob({
      name: 'place',
      run: () => {
        where.push(local.getDispatcher()?.uuid ?? null);
      },
    });
    const testBox = await makeBox({ store: makeStore(), jobs: [give, hold, place] });
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const parent = give(1);
    await parent.addCallback(place.partial());
    await parent.addCallback(hold.partial('slow'));
    await parent.addCallback(place.partial());
    await testBox.box.queue().put(parent);
    await testBox.reactor.runUntilIdle();

    const crashed = await crashHolder(testBox, dispatchers, parent);
    open('slow');
    await testBox.reactor.runUntilIdle();

    expect(where).toEqual([crashed.uuid, twoUuids.find((uuid) => uuid !== crashed.uuid)]);
    expect((await parent.refresh()).status).toBe('COMPLETED');
  });
});
