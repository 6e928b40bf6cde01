import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { forEachStore, makeBox } from './stores.ts';

forEachStore('Pings', (makeStore) => {
  async function makeRing() {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({
      store: makeStore(),
      jobs: [controlled.hold, controlled.done],
      queues: [''],
    });
    const { box, reactor } = testBox;
    /** Which dispatchers were declared dead, and when, in milliseconds of virtual time. */
    const deaths: [uuid: string, at: number][] = [];
    box.listen(({ name, representation }) => {
      if (name === 'dispatcherDeactivated') deaths.push([representation.uuid, reactor.now()]);
    });
    return { ...controlled, testBox, box, reactor, deaths, queue: box.queue() };
  }

  it('[DR-10] a ping that finds its own representation deactivated logs that at CRITICAL and reactivates it', async () => {
    const { testBox, reactor } = await makeRing();
    await startDispatchers(testBox, ['a']);
    const representation = await representationOf(testBox, 'a');
    await representation.deactivate();

    await reactor.advance('5s');

    await representation.refresh();
    expect(representation.activated?.getTime()).toBe(reactor.now());
    const [message, ...others] = testBox.logged('CRITICAL');
    expect(others).toEqual([]);
    expect(message).toMatch(/death interval.*commit.*clock/);
    expect(testBox.entries.find(({ level }) => level === 'CRITICAL')?.stream).toBe('signalbox.events');
  });

  it('[DR-2] [DR-10] a dispatcher that was unregistered while it lives begins anew, with its agents', async () => {
    const { testBox, box, reactor, queue, hold, open, started, signals } = await makeRing();
    const [a] = await startDispatchers(testBox, ['a']);
    await queue.put(hold('job'));
    await reactor.runUntilIdle();
    const heard: string[] = [];
    box.listen(({ name }) => heard.push(name));

    await (await representationOf(testBox, 'a')).deactivate();
    await queue.dispatchers.unregister('a');
    await reactor.advance('5s');

    expect(heard).toEqual([
      'dispatcherDeactivated',
      'dispatcherUnregistered',
      'dispatcherRegistered',
      'dispatcherActivated',
    ]);
    expect(Object.keys(a?.getPollInfo().queues[''] ?? {})).toEqual(['main']);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
    expect(started).toEqual(['job', 'job']);
    expect(testBox.logged('CRITICAL')).toEqual([]);
    open('job');
  });

  it('[DR-11] a ping is recorded only when the last one is a ping interval old, though every poll asks', async () => {
    const { testBox, reactor } = await makeRing();
    const [a] = await startDispatchers(testBox, ['a']);
    const start = reactor.now();

    const pings = new Set<number>();
    for (let poll = 0; poll < 14; poll += 1) {
      const { lastPing } = await representationOf(testBox, 'a');
      pings.add((lastPing?.getTime() ?? 0) - start);
      await reactor.advance('5s');
    }

    expect([...pings]).toEqual([0, 30_000, 60_000]);
    expect(a?.polls.length).toBe(15);
  });

  it('[DR-12] a ping checks the next activated sibling in order of UUID, wraps to the lowest, and skips the others', async () => {
    const { testBox, box, reactor, deaths } = await makeRing();
    const [a, b, , d] = await startDispatchers(testBox, ['a', 'b', 'c', 'd']);
    const skipped = await box.queue().dispatchers.register('ca');
    await skipped.ping();
    for (const dispatcher of [a, b, d]) dispatcher?.abandon();

    // c looks at d, not at ca; then around at a, not at itself; b is not looked at before a is gone.
    await reactor.advance('75s');

    expect(deaths.map(([uuid]) => uuid)).toEqual(['d', 'a', 'b']);
    expect((await representationOf(testBox, 'ca')).dead).toBe(true);
    expect((await representationOf(testBox, 'c')).activated).not.toBeNull();
  });

  it('[DR-13] dead siblings are cleared one per ping, and one living dispatcher notices every death', async () => {
    const { testBox, reactor, deaths, queue, started, hold } = await makeRing();
    const dispatchers = await startDispatchers(testBox, ['a', 'b', 'c', 'd', 'e']);
    const start = reactor.now();
    for (const name of ['1', '2', '3', '4']) await queue.put(hold(name));
    await reactor.runUntilIdle();
    // Where claims race each other the last may have got one of its own.
    const own = await (await agentOf(testBox, 'e')).length();
    for (const dispatcher of dispatchers.slice(0, 4)) dispatcher.abandon();

    await reactor.advance('2m');

    expect(deaths).toEqual([
      ['a', start + 65_000],
      ['b', start + 70_000],
      ['c', start + 75_000],
      ['d', start + 80_000],
    ]);
    // What the dead held runs again with the living one, which has room for three.
    const again = started.slice(4);
    expect([new Set(again).size, again.length]).toEqual([3 - own, 3 - own]);
  });
});
