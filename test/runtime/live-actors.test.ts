import { type ActorChange, agent, defineJob, memoryStore } from 'signalbox';
import { supervisorMachine } from 'signalbox/machines';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { LiveActors } from '../../src/runtime/box/live-actors.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const work = defineJob({ name: 'work', run: (value: unknown) => value as string });
const stuck = defineJob({ name: 'stuck', run: () => new Promise<void>(() => {}) });
const jobs = [work, stuck];

forEachStore('The live actors', (makeStore) => {
  it('are the supervisor, its dispatchers and their agents, in this order', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs, queues: ['mail'] });
    const before = box.liveActors();
    await box.start({ agent: agent({ size: 2 }) });

    const actors = box.liveActors();

    expect(before).toMatchObject([
      { id: 'supervisor', machine: 'supervisor', state: 'running', parent: null },
    ]);
    const [, dispatcher] = actors;
    expect(actors).toEqual([
      { id: 'supervisor', machine: 'supervisor', state: 'running', context: { reason: null }, parent: null },
      {
        id: expect.stringContaining(`dispatcher:${box.uuid}`),
        machine: 'dispatcher',
        state: 'waiting',
        context: {},
        parent: 'supervisor',
        dispatcher: box.uuid,
      },
      ...['', 'mail'].map((queue) => ({
        id: expect.stringContaining(`agent:${queue}/${box.uuid}/main`),
        machine: 'agent',
        state: 'idle',
        context: { size: 2, held: 0, offered: false },
        parent: dispatcher?.id,
        dispatcher: box.uuid,
        queue,
        agent: 'main',
      })),
    ]);
  });

  it('show what an agent holds and counts', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: agent({ size: 1 }) });
    await box.queue().put(stuck());
    await reactor.advance('1s');

    expect(box.liveActors().at(-1)).toMatchObject({ state: 'full', context: { size: 1, held: 1 } });
  });

  it('end with their dispatcher', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs });
    const dispatcher = await box.start();
    await dispatcher.deactivate();

    await expect
      .poll(() => box.liveActors().map(({ machine, state }) => `${machine} ${state}`))
      .toEqual(['supervisor running', 'dispatcher stopped']);
  });

  it('are heard of, event by event, while a listener watches, and never a job or its values', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: agent({ size: 2 }) });
    const heard: ActorChange[] = [];
    const stop = box.watchLiveActors((change) => heard.push(change));
    await box.queue().put(work('secret'));
    await reactor.advance('100ms');
    stop();
    const count = heard.length;
    await box.queue().put(work('secret'));
    await reactor.advance('10s');

    const ofAgent = heard.filter(({ actor }) => actor.machine === 'agent');
    expect(ofAgent.map(({ event, from, actor }) => `${from} ${event} ${actor.state}`)).toEqual(
      expect.arrayContaining(['idle work.available claiming', 'claiming claim.done idle']),
    );
    expect(ofAgent.at(-1)).toMatchObject({
      at: expect.any(Number),
      data: { held: 0 },
      actor: { context: { size: 2, held: 0 } },
    });
    expect(JSON.stringify(heard)).not.toContain('secret');
    expect(heard).toHaveLength(count);
  });
});

describe('Those who watch the live actors', () => {
  it('hear of actors that join later, and of none that XState alone knows', async () => {
    const { box } = await makeBox({ store: memoryStore(), jobs });
    const heard: ActorChange[] = [];
    box.watchLiveActors((change) => heard.push(change));
    const dispatcher = await box.start();
    await dispatcher.deactivate();
    await expect.poll(() => heard.map(({ event }) => event)).toContain('child.leave');

    const events = heard.map(({ actor, event }) => `${actor.machine} ${event}`);
    expect(events).toEqual(
      expect.arrayContaining(['supervisor child.spawn', 'dispatcher poll.done', 'agent claim.done']),
    );
    expect(events.filter((event) => event.includes('xstate'))).toEqual([]);
    expect(heard.find(({ event }) => event === 'child.spawn')?.data).toEqual({
      id: expect.stringContaining('dispatcher:'),
    });
  });

  it('do not disturb each other, nor the machines', async () => {
    const { box, reactor, logged } = await makeBox({ store: memoryStore(), jobs });
    const heard: string[] = [];
    box.watchLiveActors(() => {
      throw new Error('oops');
    });
    const stop = box.watchLiveActors(({ event }) => {
      heard.push(event);
      if (event === 'poll.due') stop();
    });
    await box.start();
    const job = await box.queue().put(work(1));
    await reactor.advance('1s');

    expect(await job.result()).toBe(1);
    expect(heard.at(-1)).toBe('poll.due');
    expect(logged('ERROR')).toContain('a listener of actors failed: Error: oops');
  });

  it('are attached while there is one of them, and not a moment longer', () => {
    const silent = { actions: { openStore: () => {}, recover: () => {}, abortJobs: () => {} } };
    const root = createActor(supervisorMachine.provide(silent)).start();
    const actors = new LiveActors(
      root,
      () => 0,
      () => {},
    );
    let reads = 0;
    const send = (): void => {
      // The values of an event are read by those who watch alone.
      const read = { enumerable: true, get: () => (reads += 1) };
      root.send(Object.defineProperty({ type: 'store.opened' as const }, 'probe', read));
    };
    const stops = [actors.watch(() => {}), actors.watch(() => {})];

    send();
    const watched = reads;
    for (const stop of stops) stop();
    send();

    expect(watched).toBeGreaterThan(0);
    expect(reads).toBe(watched);
  });

  it('are functions', async () => {
    const { box } = await makeBox({ store: memoryStore(), jobs });

    expect(() => box.watchLiveActors('listener' as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });
});
