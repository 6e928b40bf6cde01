import { agent, ConflictError, type DispatcherEventName, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs, namesOf } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { forEachStore, makeBox } from './stores.ts';

forEachStore('Representations', (makeStore) => {
  async function makeTestBox(store: Store = makeStore()) {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({ store, jobs: [controlled.hold, controlled.done], queues: [''] });
    const heard: string[] = [];
    testBox.box.listen(({ name, representation }) => heard.push(`${name} ${representation.uuid}`));
    const { box, reactor } = testBox;
    return {
      ...controlled,
      testBox,
      box,
      reactor,
      heard,
      queue: box.queue(),
      dispatchers: box.queue().dispatchers,
    };
  }

  it('[DR-1] registering makes an empty, inactive, never-pinged representation once, and is announced', async () => {
    const { dispatchers, heard } = await makeTestBox();

    const representation = await dispatchers.register('a');

    expect(representation).toMatchObject({ uuid: 'a', queue: '', activated: null, lastPing: null });
    expect(await representation.agents.names()).toEqual([]);
    expect(heard).toEqual(['dispatcherRegistered a']);
    await expect(dispatchers.register('a')).rejects.toBeInstanceOf(ConflictError);
    expect(heard).toHaveLength(1);
  });

  it('[DR-2] unregistering removes a representation that is not activated, with its agents, and is announced', async () => {
    const { dispatchers, heard } = await makeTestBox();
    await expect(dispatchers.unregister('a')).rejects.toMatchObject({ code: 'REPRESENTATION_NOT_FOUND' });
    const representation = await dispatchers.register('a');
    await representation.agents.set('main', agent());
    await representation.activate();
    await expect(dispatchers.unregister('a')).rejects.toMatchObject({ code: 'BAD_STATUS' });
    await representation.deactivate();

    const removed = await dispatchers.unregister('a');

    expect(removed.uuid).toBe('a');
    expect([await dispatchers.has('a'), await dispatchers.uuids()]).toEqual([false, []]);
    expect(heard.at(-1)).toBe('dispatcherUnregistered a');
    expect(await (await dispatchers.register('a')).agents.names()).toEqual([]);
  });

  it('[DR-3] representations come and go through register and unregister alone, in order of UUID', async () => {
    const { dispatchers } = await makeTestBox();
    for (const uuid of ['c', 'a', 'b']) await dispatchers.register(uuid);

    const all = await dispatchers.all();

    expect(all.map(({ uuid }) => uuid)).toEqual(['a', 'b', 'c']);
    (all as unknown[]).splice(0);
    await dispatchers.unregister('b');
    expect(await dispatchers.uuids()).toEqual(['a', 'c']);
    await expect(dispatchers.get('b')).rejects.toMatchObject({ code: 'REPRESENTATION_NOT_FOUND' });
  });

  it('[DR-4] activating cleans first, then sets the instant, then is announced; an activated one refuses', async () => {
    const { box, dispatchers, queue, done, reactor, heard } = await makeTestBox();
    const representation = await dispatchers.register(box.uuid);
    const job = await queue.put(done('left behind'));
    await queue.claim();
    reactor.setNow(reactor.now() + 10_000);
    const seen: unknown[] = [];
    box.on('dispatcherActivated', async ({ representation: activated, tx }) => {
      seen.push(activated.activated?.getTime(), namesOf(await tx.queue().jobs()));
    });

    await representation.activate();

    expect(seen[0]).toBe(reactor.now());
    expect(representation.activated?.getTime()).toBe(reactor.now());
    expect((await job.refresh()).status).toBe('PENDING');
    expect(heard.at(-1)).toBe(`dispatcherActivated ${box.uuid}`);
    const events: string[] = [];
    for await (const entry of box.entries()) if (entry.seq > 3) events.push(entry.event);
    expect(events.slice(-2)).toEqual(['job.unassign', 'representation.activate']);
    await expect(representation.activate()).rejects.toMatchObject({ code: 'BAD_STATUS' });
  });

  it('[DR-5] deactivating clears the instant, cleans and is announced; one that is not activated refuses', async () => {
    const { box, dispatchers, queue, done, heard } = await makeTestBox();
    const representation = await dispatchers.register(box.uuid);
    await representation.activate();
    const job = await queue.put(done('claimed'));
    await queue.claim();
    expect((await job.refresh()).status).toBe('ASSIGNED');

    await representation.deactivate();

    expect(representation.activated).toBeNull();
    expect((await job.refresh()).status).toBe('PENDING');
    expect(heard.at(-1)).toBe(`dispatcherDeactivated ${box.uuid}`);
    await expect(representation.deactivate()).rejects.toMatchObject({ code: 'BAD_STATUS' });
  });

  it('[DR-6] reactivating sets the instant and announces itself alone; nothing is cleaned', async () => {
    const { box, dispatchers, queue, done, heard, reactor } = await makeTestBox();
    const representation = await dispatchers.register(box.uuid);
    const job = await queue.put(done('claimed'));
    await queue.claim();
    heard.length = 0;

    await representation.reactivate();

    expect(representation.activated?.getTime()).toBe(reactor.now());
    expect((await job.refresh()).status).toBe('ASSIGNED');
    expect(heard).toEqual([`dispatcherReactivated ${box.uuid}`]);
  });

  it('[DR-7] a representation is pinged every 30 s and dead after 60 s by default', async () => {
    const { testBox, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    const representation = await representationOf(testBox, 'a');
    expect(representation).toMatchObject({ pingInterval: 30_000, pingDeathInterval: 60_000 });

    await representation.setPingIntervals({ pingInterval: '10s', pingDeathInterval: '25s' });
    const first = representation.lastPing?.getTime() ?? 0;
    await reactor.advance('12s');
    expect((await representation.refresh()).lastPing?.getTime()).toBe(first + 10_000);
    reactor.setNow(first + 10_000 + 25_001);
    expect(representation.dead).toBe(true);
  });

  it('[DR-8] of two pings the later instant stays, whichever is written last', async () => {
    const { dispatchers, reactor } = await makeTestBox();
    const representation = await dispatchers.register('a');
    await representation.ping();
    const first = representation.lastPing?.getTime() ?? 0;

    reactor.setNow(first - 5000);
    await representation.ping();
    expect(representation.lastPing?.getTime()).toBe(first);
    reactor.setNow(first + 5000);
    await representation.ping();
    expect(representation.lastPing?.getTime()).toBe(first + 5000);
  });

  it('[DR-9] dead means that the later of activation and last ping is longer ago than the death interval', async () => {
    const { dispatchers, reactor } = await makeTestBox();
    const representation = await dispatchers.register('a');
    const start = reactor.now();
    reactor.setNow(start + 1_000_000);
    expect(representation.dead).toBe(false);

    await representation.activate();
    reactor.setNow(start + 1_060_000);
    expect(representation.dead).toBe(false);
    reactor.setNow(start + 1_060_001);
    expect(representation.dead).toBe(true);

    await representation.ping();
    expect(representation.dead).toBe(false);
    await representation.deactivate();
    reactor.setNow(start + 1_200_000);
    expect([representation.activated, representation.dead]).toEqual([null, true]);
  });

  it('[DR-21] one listener gets registration, activation, deactivation, reactivation and unregistration, each with its representation', async () => {
    const { dispatchers, heard } = await makeTestBox();
    const a = await dispatchers.register('a');

    await a.activate();
    await a.deactivate();
    await a.reactivate();
    await a.deactivate();
    await dispatchers.unregister('a');

    const names: DispatcherEventName[] = [
      'dispatcherRegistered',
      'dispatcherActivated',
      'dispatcherDeactivated',
      'dispatcherReactivated',
      'dispatcherDeactivated',
      'dispatcherUnregistered',
    ];
    expect(heard).toEqual(names.map((name) => `${name} a`));
  });

  it('[DR-22] what a hook adds is committed with the event, and a hook that throws takes all of it back', async () => {
    const { box, dispatchers, queue, done, heard } = await makeTestBox();
    const representation = await dispatchers.register('a');
    let isBroken = true;
    box.on('dispatcherActivated', async ({ representation: activated, tx }) => {
      await activated.agents.set('added', agent());
      await tx.queue().put(done('from the hook'));
      if (isBroken) throw new Error('no');
    });

    await expect(representation.activate()).rejects.toThrow('no');
    expect((await dispatchers.get('a')).activated).toBeNull();
    expect([await representation.agents.names(), await queue.length()]).toEqual([[], 0]);
    expect(heard).toEqual(['dispatcherRegistered a']);

    isBroken = false;
    await representation.activate();
    expect([await representation.agents.names(), await queue.length()]).toEqual([['added'], 1]);
    const lines = new Map<string, number>();
    for await (const entry of box.entries()) lines.set(`${entry.kind} ${entry.event}`, entry.seq);
    const [activation = 0, added = 0, put = 0] = [
      lines.get('representation representation.activate'),
      lines.get('agent agent.set'),
      lines.get('job job.put'),
    ];
    expect(Math.max(activation, added, put) - Math.min(activation, added, put)).toBe(2);
  });

  it("[DR-23] pings and deaths depend on the store's clock, the only one that all hosts share", async () => {
    const inner = makeStore();
    const ahead: Store = {
      name: inner.name,
      open: (ports) => inner.open({ ...ports, now: () => ports.now() + 3_600_000 }),
    };
    const { testBox, queue, done, reactor } = await makeTestBox(ahead);

    const began = reactor.now();
    const [a] = await startDispatchers(testBox, ['a']);
    const job = await queue.put(done('x'));
    await reactor.advance('1s');

    const representation = await representationOf(testBox, 'a');
    expect([representation.lastPing?.getTime(), a?.activated?.getTime()]).toEqual([
      began + 3_600_000,
      began + 3_600_000,
    ]);
    expect(representation.dead).toBe(false);
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(namesOf(await (await agentOf(testBox, 'a')).completed())).toEqual(['x']);
  });
});
