import { agent, Dispatcher, type DispatcherEvent, defineJob, local, NodeReactor } from 'signalbox';
import { getPoll, waitForResult } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { multiply, newBox, opening, stores, virtualOpening } from './document.ts';

describe.each(stores)('The dispatcher starts, on a %s store:', (_, makeStore) => {
  it('it has the UUID of the instance, the reactor and the box that it was given', async () => {
    const reactor = new NodeReactor();
    const { box } = await newBox(makeStore());

    const dispatcher = new Dispatcher(box, { reactor, pollInterval: '500ms' });

    expect(dispatcher.uuid).toBe(box.uuid);
    expect(dispatcher.reactor).toBe(reactor);
    expect(dispatcher.box).toBe(box);
  });

  it('the poll interval defaults to 5 seconds and can be set', async () => {
    const { box } = await newBox(makeStore());

    expect(new Dispatcher(box).pollInterval).toBe(5000);
    expect(new Dispatcher(box, { uuid: 'another', pollInterval: '500ms' }).pollInterval).toBe(500);
  });

  it('activation ups the connection budget of the store by 1, for the poll: 7 becomes 8', async () => {
    const reactor = new NodeReactor();
    const { box } = await newBox(makeStore(), { reactor });
    const dispatcher = new Dispatcher(box, { reactor, pollInterval: '50ms' });
    const before = box.store.poolSize;

    dispatcher.activate();
    reactor.run();
    await getPoll(dispatcher, 0);

    expect([before, box.store.poolSize]).toEqual([7, 8]);
  });

  it('nothing is polled before the reactor runs', async () => {
    const reactor = new NodeReactor();
    const { box } = await newBox(makeStore(), { reactor });
    const dispatcher = new Dispatcher(box, { pollInterval: '50ms' });

    dispatcher.activate();
    await new Promise<void>((resolve) => reactor.callFromThread(resolve));

    expect([dispatcher.polls.length, dispatcher.getStatusInfo().status]).toEqual([0, 'STARTING']);
  });

  it('the first poll is empty and stamped with its instant', async () => {
    const reactor = new NodeReactor();
    const { box } = await newBox(makeStore(), { reactor });
    const dispatcher = new Dispatcher(box, { reactor, pollInterval: '50ms' });
    const initial = Date.now();

    dispatcher.activate();
    reactor.run();
    const poll = await getPoll(dispatcher, 0);

    expect(poll.isEmpty).toBe(true);
    expect(poll.queues).toEqual({});
    expect(poll.timestamp.getTime()).toBeGreaterThanOrEqual(initial);
    expect(poll.timestamp.getTime()).toBeLessThanOrEqual(Date.now());
  });
});

describe.each(stores)('A poll finds a new queue, on a %s store:', (_, makeStore) => {
  async function found() {
    const reactor = new NodeReactor();
    const { box, log } = await newBox(makeStore(), { reactor });
    const dispatcher = new Dispatcher(box, { reactor, pollInterval: '50ms' });
    const events: DispatcherEvent[] = [];
    box.listen((event) => events.push(event));
    dispatcher.activate();
    reactor.run();
    await getPoll(dispatcher, 0);
    const queue = await box.createQueue('');
    const poll = await getPoll(dispatcher);
    return { box, log, dispatcher, events, queue, poll };
  }

  it('the dispatcher registered itself with the queue', async () => {
    const { dispatcher, queue, poll } = await found();

    expect(await queue.dispatchers.uuids()).toEqual([dispatcher.uuid]);
    expect((await queue.dispatchers.get(dispatcher.uuid)).uuid).toBe(dispatcher.uuid);
    expect({ ...poll.queues[''] }).toEqual({});
  });

  it('a bare dispatcher has no agents in it', async () => {
    const { dispatcher, queue } = await found();

    const representation = await queue.dispatchers.get(dispatcher.uuid);

    expect(await representation.agents.names()).toEqual([]);
  });

  it('the dispatcher activated itself with the queue', async () => {
    const { dispatcher, queue } = await found();

    const representation = await queue.dispatchers.get(dispatcher.uuid);

    expect(representation.activated).toBeInstanceOf(Date);
  });

  it('the queue fired events to announce the registration and the activation', async () => {
    const { dispatcher, events } = await found();

    const facts = events.map(({ name, representation }) => [name, representation.queue, representation.uuid]);

    expect(facts).toEqual([
      ['dispatcherRegistered', '', dispatcher.uuid],
      ['dispatcherActivated', '', dispatcher.uuid],
    ]);
  });

  it('subscribers to these events could have created agents', async () => {
    const reactor = new NodeReactor();
    const { box } = await newBox(makeStore(), { reactor, queues: [''] });
    box.on('dispatcherRegistered', ({ representation }) => representation.agents.set('first', agent()));
    box.on('dispatcherActivated', ({ representation }) => representation.agents.set('second', agent()));
    const dispatcher = new Dispatcher(box, { reactor, pollInterval: '50ms' });

    dispatcher.activate();
    reactor.run();
    const poll = await getPoll(dispatcher, 0);

    expect(Object.keys(poll.queues[''] ?? {})).toEqual(['first', 'second']);
  });

  it('the dispatcher in the queue is a stored representative of the actual dispatcher', async () => {
    const { box, dispatcher, queue } = await found();

    const representation = await queue.dispatchers.get(dispatcher.uuid);

    expect(representation).not.toBe(dispatcher);
    expect(await box.store.get('representation', `/${dispatcher.uuid}`)).toMatchObject({
      state: 'activated',
      dispatcher: dispatcher.uuid,
    });
  });

  it('the dispatcher made its first ping', async () => {
    const { dispatcher, queue } = await found();

    const representation = await queue.dispatchers.get(dispatcher.uuid);

    expect(representation.lastPing).toBeInstanceOf(Date);
  });

  it('the ping interval is 30 seconds and the death interval 60', async () => {
    const { dispatcher, queue } = await found();

    const { pingInterval, pingDeathInterval } = await queue.dispatchers.get(dispatcher.uuid);

    expect([pingInterval, pingDeathInterval]).toEqual([30_000, 60_000]);
  });

  it('the dispatcher updates its last ping after every ping interval', async () => {
    const { reactor, representation } = await virtualOpening(makeStore());
    const first = (await representation.refresh()).lastPing?.getTime() ?? 0;

    await reactor.advance('20s');
    const early = (await representation.refresh()).lastPing?.getTime() ?? 0;
    await reactor.advance('15s');
    const later = (await representation.refresh()).lastPing?.getTime() ?? 0;

    expect([early - first, later - first]).toEqual([0, 30_000]);
  });

  it('the dispatcher that has not pinged for the death interval is considered dead', async () => {
    const { dispatcher, reactor, representation } = await virtualOpening(makeStore());
    dispatcher.abandon();
    const last = (await representation.refresh()).lastPing?.getTime() ?? 0;

    await reactor.advance(last + 60_000 - reactor.now());
    const atTheInterval = representation.dead;
    await reactor.advance(1);

    expect([atTheInterval, representation.dead]).toEqual([false, true]);
  });

  it('the active jobs of a dead dispatcher are ended, and may put themselves back to be restarted', async () => {
    const starts: string[] = [];
    const work = defineJob({
      name: 'work',
      run: async () => {
        starts.push(local.getDispatcher()?.uuid ?? '');
        return starts.length > 1 ? 'done' : new Promise<string>(() => {});
      },
    });
    const { box, dispatcher, reactor, queue } = await virtualOpening(makeStore(), { jobs: [work] });
    const job = await queue.put(work());
    await reactor.runUntilIdle();
    const sibling = new Dispatcher(box, { uuid: 'ffffffff-0000-4000-8000-000000000000' });
    box.on('dispatcherActivated', ({ representation }) => representation.agents.set('main', agent()));
    sibling.activate();

    dispatcher.abandon();
    const result = await reactor.until(waitForResult(job, { timeout: '5m' }));

    expect(result).toBe('done');
    expect(starts).toEqual([dispatcher.uuid, sibling.uuid]);
  });

  it('the event log has the attempt to activate, the trace log the poll', async () => {
    const { log, dispatcher, poll } = await found();

    const [attempt] = log.of('signalbox.events', 'INFO');
    const polls = log.of('signalbox.trace', 'DEBUG').map((entry) => entry.message);

    expect(attempt?.message).toBe(`attempting to activate dispatcher ${dispatcher.uuid}`);
    expect(polls.at(-1)).toContain(`poll ${poll.key}:\n`);
  });
});

describe.each(stores)('An agent makes the dispatcher work, on a %s store:', (_, makeStore) => {
  it('without an agent no job is performed', async () => {
    const reactor = new NodeReactor();
    const { box } = await newBox(makeStore(), { reactor, queues: [''] });
    const dispatcher = new Dispatcher(box, { reactor, pollInterval: '50ms' });
    dispatcher.activate();
    reactor.run();

    const job = await box.queue().put(multiply(14, 3));
    await getPoll(dispatcher);
    await getPoll(dispatcher);

    expect((await job.refresh()).status).toBe('PENDING');
  });

  it('the default agent is of size 3 and willing to perform any job', async () => {
    const { representation } = await opening(makeStore());

    const main = await representation.agents.get('main');

    expect([main?.size, main?.selection, await main?.length()]).toEqual([3, { kind: 'any' }, 0]);
  });

  it("the next poll records that it asked the 'main' agent for a job", async () => {
    const { dispatcher } = await opening(makeStore());

    const poll = dispatcher.getPollInfo();

    expect(poll.isEmpty).toBe(false);
    expect(Object.keys(poll.queues)).toEqual(['']);
    expect({ ...poll.queues[''] }).toEqual({
      main: { activeJobs: [], error: null, len: 0, newJobs: [], claimed: 0, size: 3 },
    });
  });

  it('the connection budget has increased by the size of the agent: 8 becomes 11', async () => {
    const { box } = await opening(makeStore());

    expect(box.store.poolSize).toBe(11);
  });
});
