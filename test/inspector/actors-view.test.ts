import { agent, Dispatcher, defineJob, memoryStore, PollInfo, type Signalbox } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { VirtualThreads } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import type { ActorDetail, ActorsView } from '../../src/inspector/protocol/actors.ts';
import type { OverviewView } from '../../src/inspector/protocol/overview.ts';
import type { LiveActor } from '../../src/inspector/views/actors/actor-source.ts';
import { actorView } from '../../src/inspector/views/actors/actor-view.ts';
import { actorsView } from '../../src/inspector/views/actors/actors-view.ts';
import { pollCells, pollDetail, steadyHealth } from '../../src/inspector/views/actors/poll-cells.ts';
import { Traces } from '../../src/inspector/views/actors/traces.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const stuck = defineJob({ name: 'stuck', run: () => new Promise<void>(() => {}) });
const jobs = [stuck];
const closed = { source: null, notLive: 'not recorded' } as const;

/** What the pages of a box get. */
async function asked<Data>(box: Signalbox, path: string, inspector = createInspector(box)): Promise<Data> {
  const answer = await inspector.fetch(new Request(`http://127.0.0.1/api/v1/${path}`));
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { readonly data: Data }).data;
}

const idOf = (box: Signalbox, queue = '', name = 'main'): string => `agent:${queue}/${box.uuid}/${name}`;
const detail = (box: Signalbox, id: string, inspector?: ReturnType<typeof createInspector>) =>
  asked<ActorDetail>(box, `actors/${encodeURIComponent(id)}`, inspector);

forEachStore('The tree of actors', (makeStore) => {
  it('has the supervisor, each dispatcher with its polls, and each agent with what it holds', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs, queues: ['mail'] });
    await box.start({ agent: agent({ size: 2 }) });
    await box.queue('mail').put(stuck());
    await reactor.advance('12s');

    const view = await asked<ActorsView>(box, 'actors');

    expect(view).toMatchObject({ supervisor: { state: 'running' }, notLive: null });
    expect(view.dispatchers).toMatchObject([
      {
        id: `dispatcher:${box.uuid}`,
        state: 'waiting',
        record: 'at work',
        health: 'RUNNING',
        pollIntervalMs: 5000,
        agents: [
          { id: idOf(box), queue: '', state: 'idle', held: 0, size: 2, jobs: null },
          { id: idOf(box, 'mail'), queue: 'mail', state: 'working', held: 1, size: 2, jobs: null },
        ],
      },
    ]);
    expect(view.dispatchers[0]?.polls.map(({ claimed }) => claimed)).toEqual([1, 0, 0]);
  });

  it('names the jobs of an agent that is unfolded: fifty of them', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: agent({ size: 1000 }) });
    const all = await box.queue().putAll(Array.from({ length: 60 }, () => stuck()));
    await reactor.advance('3s');

    const view = await asked<ActorsView>(box, `actors?open=${encodeURIComponent(idOf(box))}`);
    const one = await detail(box, idOf(box));

    const [node] = view.dispatchers[0]?.agents ?? [];
    expect([node?.held, node?.jobs?.length]).toEqual([60, 50]);
    expect(node?.jobs?.[0]).toEqual({
      id: expect.toBeOneOf(all.map(({ id }) => id)),
      name: 'stuck',
      state: 'active.running',
      ending: null,
      forMs: 3000,
      waitingOn: null,
    });
    expect(one.agent?.jobs).toHaveLength(50);
  });

  it('shows records where live machines are not recorded', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: agent({ size: 2 }) });
    await box.queue().put(stuck());
    await reactor.advance('1s');

    const view = await actorsView(box.store, { ...closed, open: [] });
    const one = await actorView(box.store, idOf(box), { ...closed, poll: null });
    const past = await asked<ActorsView>(box, 'actors?at=1').catch(() => null);

    expect(view).toMatchObject({ supervisor: null, notLive: 'not recorded' });
    expect(view.dispatchers).toMatchObject([
      {
        state: null,
        health: null,
        record: 'at work',
        polls: [],
        agents: [{ state: null, held: 1, size: 2 }],
      },
    ]);
    expect(one).toMatchObject({ kind: 'agent', machine: null, notLive: 'not recorded', agent: { held: 1 } });
    expect(past?.supervisor ?? null).toBeNull();
  });

  it('shows the records of other processes, and says where their machines are seen', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();
    const other = new Dispatcher(box, { uuid: 'other-1' });
    other.activate();
    await reactor.advance('6s');
    other.abandon();
    const elsewhere = {
      actors: () => box.liveActors().filter(({ dispatcher }) => dispatcher !== 'other-1'),
      dispatcher: () => null,
      trace: () => ({ since: 0, states: [], taken: [], events: [] }),
    };
    const look = { source: elsewhere, notLive: '' };

    const atWork = await actorView(box.store, 'dispatcher:other-1', { ...look, poll: null });
    await reactor.advance('2m');
    const dead = await actorView(box.store, 'dispatcher:other-1', { ...look, poll: null });
    const { dispatchers } = await actorsView(box.store, { ...look, open: [] });

    expect(atWork.notLive).toContain('is at work in another process');
    expect(atWork.dispatching?.queues).toMatchObject([{ queue: '', state: 'at work' }]);
    expect(dead.notLive).toContain('belonged to an earlier process');
    expect(dispatchers.map(({ uuid, record }) => [uuid, record])).toEqual([
      [box.uuid, 'at work'],
      ['other-1', expect.not.stringContaining('at work')],
    ]);
  });
});

describe('An actor', () => {
  it('shows its chart from the first look on, with what it can get next', async () => {
    const { box, reactor } = await makeBox({ store: memoryStore(), jobs });
    await box.start({ agent: agent({ size: 2, filter: { jobs: ['stuck'] } }) });
    const inspector = createInspector(box);
    const first = await detail(box, idOf(box), inspector);
    await box.queue().put(stuck());
    await reactor.advance('1s');

    const { machine, agent: facts } = await detail(box, idOf(box), inspector);

    expect(first.machine).toMatchObject({ state: 'idle', events: [], taken: [] });
    expect(machine).toMatchObject({ chart: 'agent', version: '1', state: 'working' });
    expect(machine?.events[0]).toMatchObject({
      event: 'claim.done',
      note: 'held 1',
      to: 'working',
      isIgnored: false,
    });
    expect(machine?.taken).toContainEqual(
      expect.objectContaining({
        source: 'claiming',
        event: 'claim.done',
        guard: 'hasRoom',
        count: expect.any(Number),
      }),
    );
    expect(machine?.states.find(({ state }) => state === 'working')).toMatchObject({ isNow: true, ms: 1000 });
    expect(machine?.next.map(({ event, target }) => `${event} ${target}`)).toEqual(
      expect.arrayContaining(['agent.drain draining', 'work.available claiming', 'slots.freed full']),
    );
    expect(machine?.context).toEqual([
      ['size', '2'],
      ['held', '1'],
      ['offered', 'false'],
    ]);
    expect(facts).toMatchObject({
      selection: 'filter jobs: stuck',
      size: 2,
      liveSize: 2,
      held: 1,
      failure: null,
    });
  });

  it('shows that it calls code in worker threads, and how many there are', async () => {
    const threads = new VirtualThreads({ exports: { stuck } });
    const { box, reactor } = await makeBox({
      ...{ store: memoryStore(), jobs, threads, threadModule: 'file:///jobs.js' },
    });
    await box.start({ agent: agent({ executor: 'thread' }) });

    await box.queue().put(stuck());
    await reactor.runUntilIdle();
    const { agent: facts } = await detail(box, idOf(box));

    expect(facts?.selection).toBe('any job, in worker threads');
    expect(facts?.threads).toMatchObject({ now: { busy: 1, idle: 0, started: 1 }, idleMs: 30_000 });
  });

  it('shows the size that its record wants beside the size that it has', async () => {
    const { box } = await makeBox({ store: memoryStore(), jobs });
    await box.start({ agent: agent({ size: 7 }) });
    // As where another process has just set it.
    const source = {
      actors: () => box.liveActors().map((each) => ({ ...each, context: { ...each.context, size: 2 } })),
      dispatcher: () => null,
      trace: () => ({ since: 0, states: [], taken: [], events: [] }),
    };

    const { agent: facts } = await actorView(box.store, idOf(box), { source, notLive: '', poll: null });

    expect([facts?.size, facts?.liveSize]).toEqual([7, 2]);
  });

  it('shows the polls of a dispatcher, and what one of them found', async () => {
    const { box, reactor } = await makeBox({ store: memoryStore(), jobs });
    const dispatcher = await box.start({ agent: agent({ size: 2 }) });
    await box.queue().put(stuck());
    await reactor.advance('11s');
    const [newest] = dispatcher.polls;

    const id = `actors/${encodeURIComponent(`dispatcher:${box.uuid}`)}`;
    const { dispatching, machine } = await asked<ActorDetail>(box, `${id}?poll=${newest?.key}`);

    expect(machine?.state).toBe('waiting');
    expect(dispatching).toMatchObject({
      health: 'RUNNING',
      pollIntervalMs: 5000,
      pollAgeMs: 1000,
      record: 'at work',
    });
    expect(dispatching?.polls).toHaveLength(3);
    expect(dispatching?.poll).toMatchObject({
      key: String(newest?.key),
      agents: [{ queue: '', name: 'main', size: 2, active: 1, claimed: 0, error: null }],
    });
  });

  it('that misses its polls needs attention', async () => {
    const { box, reactor } = await makeBox({ store: memoryStore(), jobs });
    await box.start();
    const well = await asked<OverviewView>(box, 'overview');
    // Time goes on, and nothing runs: as where code blocks the event loop.
    reactor.setNow(reactor.now() + 17_000);

    const { attention, dispatchers } = await asked<OverviewView>(box, 'overview');
    const { dispatching } = await detail(box, `dispatcher:${box.uuid}`);

    expect(well.attention).toEqual([]);
    expect(attention).toMatchObject([
      { rule: 'dispatcher.stuck', link: { page: 'dispatcher', uuid: box.uuid }, level: 'fails' },
    ]);
    expect([dispatchers[0]?.lateMs, dispatching?.health]).toEqual([12_000, 'STUCK']);
    expect(dispatching?.polls.map(({ key }) => key === null)).toEqual([false, true, true]);
  });

  it('that nothing knows is said to be unknown', async () => {
    const { box } = await makeBox({ store: memoryStore(), jobs });

    expect(await detail(box, 'agent:none')).toMatchObject({
      kind: null,
      notLive: expect.stringContaining('no record'),
    });
  });

  it('is watched while pages ask, and left alone after that', async () => {
    const { box, reactor } = await makeBox({ store: memoryStore(), jobs });
    await box.start();
    let watching = 0;
    const watch = box.watchLiveActors.bind(box);
    box.watchLiveActors = (listener) => {
      const stop = watch(listener);
      watching += 1;
      return () => {
        watching -= 1;
        stop();
      };
    };
    const inspector = createInspector(box);
    const before = watching;
    await detail(box, 'supervisor', inspector);
    const during = watching;
    await reactor.advance('40s');
    const after = watching;

    const { machine } = await detail(box, `dispatcher:${box.uuid}`, inspector);

    expect([before, during, after]).toEqual([0, 1, 0]);

    // It began to look again: what happened meanwhile was not kept.
    expect(machine).toMatchObject({ since: box.store.now(), events: [] });
  });
});

describe('The trace of a machine', () => {
  const actor = (state: string): LiveActor => ({ id: 'a', machine: 'agent', state, context: {} });

  it('counts states, ways and times, and knows what the chart ignored', () => {
    const traces = new Traces([actor('full')], 1000);
    traces.note({ at: 1500, event: 'work.available', data: {}, from: 'full', actor: actor('full') });
    traces.note({
      at: 2000,
      event: 'slots.freed',
      data: { held: 3 },
      from: 'full',
      actor: actor('claiming'),
    });
    traces.note({
      at: 2100,
      event: 'slots.freed',
      data: { held: 2 },
      from: 'claiming',
      actor: actor('claiming'),
    });
    traces.note({
      at: 2200,
      event: 'claim.done',
      data: { held: 2 },
      from: 'claiming',
      actor: actor('claiming'),
    });

    const { since, states, taken, events } = traces.of(actor('claiming'), 3000);

    expect(since).toBe(1000);
    expect(states.filter(({ visits }) => visits > 0)).toEqual([
      { state: 'claiming', visits: 2, ms: 1000, isNow: true, isKnown: true },
      { state: 'full', visits: 1, ms: 1000, isNow: false, isKnown: true },
    ]);
    expect(taken.map(({ source, event, guard, target }) => [source, event, guard, target])).toEqual([
      ['full', 'slots.freed', 'hasRoom', 'claiming'],
      ['claiming', 'slots.freed', null, null],
      ['claiming', 'claim.done', 'wasOffered', 'claiming'],
    ]);
    expect(events.map(({ event, note, isIgnored }) => `${event} ${note} ${isIgnored}`)).toEqual([
      'claim.done held 2 false',
      'slots.freed held 2 false',
      'slots.freed held 3 false',
      'work.available  true',
    ]);
  });

  it('keeps the newest events only, and nothing of a machine that left', () => {
    const supervisor: LiveActor = { id: 'supervisor', machine: 'supervisor', state: 'running', context: {} };
    const traces = new Traces([supervisor, actor('idle')], 0);
    for (let at = 1; at <= 60; at += 1)
      traces.note({ at, event: 'tick.due', data: {}, from: 'running', actor: supervisor });
    traces.note({ at: 61, event: 'child.leave', data: { id: 'a' }, from: 'running', actor: supervisor });

    expect(traces.of(supervisor, 70).events).toHaveLength(50);
    expect(traces.of(actor('draining'), 70).states.find(({ isNow }) => isNow)?.state).toBe('draining');
  });
});

describe('The strip of polls', () => {
  const poll = (at: number, claimed: number, error: string | null = null): PollInfo => {
    const info = new PollInfo();
    info.timestamp = new Date(at);
    info.key = BigInt(1_000_000 - at);
    info.queues[''] = { main: { size: 3, len: 0, error, newJobs: [], claimed, activeJobs: [] } };
    return info;
  };

  it('has a cell for each poll, and a hole for each that was missed', () => {
    const cells = pollCells([poll(25_000, 1), poll(10_000, 0, 'Error: no'), poll(5000, 2)], 5000, 37_000, 62);

    expect(
      cells.map(({ key, claimed, errors }) => (key === null ? 'missed' : `${claimed} ${errors}`)),
    ).toEqual(['2 0', '0 1', 'missed', 'missed', '1 0', 'missed']);
  });

  it.each([
    ['STUCK', 5100, 'RUNNING'],
    ['STUCK', 9500, 'STUCK'],
    ['STOPPED', null, 'STOPPED'],
    ['RUNNING', 100, 'RUNNING'],
  ] as const)(
    'says of a dispatcher that is %s, %d ms after its poll, that it is %s',
    (health, pollAgeMs, shown) => {
      expect(steadyHealth({ health, pollAgeMs, pollIntervalMs: 5000 })).toBe(shown);
    },
  );

  it('shows the newest that fit', () => {
    const cells = pollCells([poll(15_000, 3), poll(10_000, 2), poll(5000, 1)], 5000, 15_000, 2);

    expect(cells.map(({ claimed }) => claimed)).toEqual([2, 3]);
  });

  it('shows the first line of an error, and no other', () => {
    const found = pollDetail([poll(5000, 0, 'TypeError: no\n    at secret (file.ts:1:1)')], '995000');

    expect(found?.agents[0]?.error).toBe('TypeError: no');
    expect(pollDetail([], '1')).toBeNull();
  });
});
