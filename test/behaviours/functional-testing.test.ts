import {
  createSignalbox,
  Dispatcher,
  defineJob,
  Failure,
  handleSignals,
  local,
  NeverRetry,
  NodeReactor,
  TimeoutError,
} from 'signalbox';
import {
  createTestBox,
  echoLog,
  getPoll,
  TearDownError,
  type TestBox,
  type TestBoxOptions,
  tearDownDispatcher,
  VirtualReactor,
  waitForAnnotation,
  waitForDeactivation,
  waitForDeath,
  waitForJobs,
  waitForResult,
  waitForStart,
} from 'signalbox/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { internals } from '../../src/runtime/box/internals.ts';
import { Barrier } from './barrier.ts';
import { makeControlledJobs } from './controlled-jobs.ts';
import { conflict, Faults, faultyStore, has, interceptedStore, lostConnection } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

const testBoxes: TestBox[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const { tearDown } of testBoxes.splice(0)) await tearDown();
});

/** A test box that is torn down after the test, also when the test fails. */
async function testBoxOf(options: TestBoxOptions): Promise<TestBox> {
  const testBox = await createTestBox(options);
  testBoxes.push(testBox);
  return testBox;
}

/** Collects what is written to the console from now on, instead of the terminal. */
function shownLines(): string[] {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  return lines;
}

const fail = defineJob({
  name: 'fail',
  run: (): never => {
    throw new RangeError('no');
  },
});

forEachStore('Functional testing', (makeStore, kind) => {
  it('[F-1] createTestBox gives a running system: the default queue, two polls 0.1 s apart, and agent main', async () => {
    const { done } = makeControlledJobs();

    const { box, dispatcher } = await testBoxOf({ store: makeStore(), jobs: [done] });

    expect([dispatcher.pollInterval, dispatcher.getStatusInfo().status]).toEqual([100, 'RUNNING']);
    expect(dispatcher.polls.length).toBeGreaterThanOrEqual(2);
    expect(dispatcher.getPollInfo().queues['']?.main).toMatchObject({ size: 3, error: null });
    expect(await (await box.queue().put(done('one'))).result()).toBe('one');
    expect(dispatcher.polls.length).toBeLessThan(20);
  });

  it('[F-1] createTestBox fails when the dispatcher does not get into the queue, and leaves nothing open', async () => {
    const store = makeStore();
    const faults = new Faults();
    faults.refuse = (commit) =>
      has(commit, 'representation.activate') ? new RangeError('the queue is closed') : null;
    const reactor = new VirtualReactor();

    const made = testBoxOf({ store: faultyStore(store, faults), log: null, reactor });

    await expect(made).rejects.toMatchObject({ code: 'NOT_STARTED' });
    expect((await testBoxOf({ store })).box.state).toBe('running');
  });

  it('[F-2] entries at CRITICAL are shown on the current output, or those of another level, or no entries', async () => {
    const shown = shownLines();
    const { box } = await testBoxOf({ store: makeStore(), jobs: [fail], reactor: new VirtualReactor() });
    const critical = fail().with({ failureLogLevel: 'CRITICAL' });
    for (const job of [fail(), critical]) await waitForResult(await box.queue().put(job));
    expect(shown).toEqual([expect.stringMatching(/^signalbox\.events CRITICAL <Job .* fail\(\)> failed/)]);

    const lines: string[] = [];
    const heard: string[] = [];
    const hear = echoLog({ level: 'DEBUG', write: (line) => heard.push(line) });
    const write = (line: string): void => void lines.push(line.split(' ', 2).join(' '));
    const chatty = await testBoxOf({ jobs: [fail], log: { level: 'ERROR', write }, logger: hear });
    await waitForResult(await chatty.box.queue().put(fail()));
    expect(lines).toEqual(['signalbox.events ERROR']);
    expect(heard.some((line) => line.startsWith('signalbox.trace DEBUG poll'))).toBe(true);

    const quiet = await testBoxOf({ jobs: [fail], log: null });
    await waitForResult(await quiet.box.queue().put(fail().with({ failureLogLevel: 'CRITICAL' })));
    expect(shown).toHaveLength(1);
  });

  it('[F-2] a callback that is retried without limit shows in the echo', async () => {
    const shown = shownLines();
    const { done } = makeControlledJobs();
    const reactor = new VirtualReactor();
    const { box } = await testBoxOf({
      store: makeStore(),
      jobs: [done, fail],
      reactor,
      pollInterval: '10s',
    });
    const job = done('one');
    const callback = await job.addCallback(fail.partial(), { retryPolicy: 'unheard-of' });

    await box.queue().put(job);
    await reactor.advance('10m');

    expect(shown.length).toBeGreaterThan(1);
    expect(shown.filter((line) => !line.includes(`id ${callback.id},`))).toEqual([]);
    box.definePolicy({ ...NeverRetry, name: 'unheard-of' });
    expect(await waitForJobs(reactor, [job], { pollInterval: '1m' })).toEqual([]);
  });

  it('[F-3] tearDown ends the echo, the dispatcher, the registry, signal handlers and the store; all can be repeated', async () => {
    const shown = shownLines();
    const { done } = makeControlledJobs();
    const store = makeStore();
    const handlers = process.listenerCount('SIGTERM');
    for (const round of ['1', '2', '3']) {
      const { box, dispatcher, tearDown } = await createTestBox({ store, jobs: [done] });
      handleSignals(box);
      expect(await (await box.queue().put(done(round))).result()).toBe(round);

      await tearDown();

      expect([box.state, box.dispatchers.size, dispatcher.activated]).toEqual(['stopped', 0, null]);
      expect(process.listenerCount('SIGTERM')).toBe(handlers);
      internals(box).context.log.events('CRITICAL', () => 'unheard');
      await tearDown();
    }
    expect(shown).toEqual([]);
    const { box } = await testBoxOf({ store, jobs: [done] });
    const agents = (await box.queue().dispatchers.all()).length;
    expect(agents).toBe(kind === 'memory' ? 4 : 1);
  });

  it('[F-4] a job that does not end within 3 s is named by its worker and its text, from memory', async () => {
    const { hold, open } = makeControlledJobs();
    let isAway = false;
    const store = interceptedStore(makeStore(), (call) =>
      isAway && call !== 'settled' && call !== 'idle' ? lostConnection() : null,
    );
    const reactor = new VirtualReactor();
    const { box, dispatcher, tearDown } = await testBoxOf({ store, jobs: [hold], reactor });
    const job = await waitForStart(await box.queue().put(hold('the line')));
    await dispatcher.deactivate();
    isAway = true;
    const began = reactor.now();

    const error = await tearDown().catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(TearDownError);
    const text = `worker main:0 still runs <Job (id ${job.id}, store '${store.name}') hold('the line')>`;
    expect(error).toMatchObject({ code: 'TEAR_DOWN', details: { problems: [text], limit: '3s' } });
    expect([reactor.now() - began, box.state]).toEqual([3000, 'running']);
    isAway = false;

    open('the line');
    await tearDown();
    expect(box.state).toBe('stopped');
  });

  it('[F-5] a dispatcher that does not stop is named by its UUID, beside its jobs; later it is torn down', async () => {
    const { hold, open } = makeControlledJobs();
    const barrier = new Barrier();
    let isHeldUp = false;
    const store = interceptedStore(makeStore(), (call) =>
      isHeldUp && call === 'held' ? barrier.wait() : null,
    );
    const reactor = new VirtualReactor();
    const { box, dispatcher, tearDown } = await testBoxOf({ store, jobs: [hold], reactor });
    await waitForStart(await box.queue().put(hold('the line')));
    isHeldUp = true;
    await reactor.advance('5s');

    const error = (await tearDown({ timeout: '1s' }).catch((thrown: unknown) => thrown)) as TearDownError;

    expect(error.details.problems).toEqual([
      expect.stringContaining(dispatcher.uuid),
      expect.stringContaining("hold('the line')"),
    ]);
    expect(error.message).toContain('within 1s');
    isHeldUp = false;
    barrier.release('');
    open('the line');
    await tearDown();
    expect([box.state, dispatcher.getStatusInfo().status]).toEqual(['stopped', 'STOPPED']);
  });

  it('[F-6] each test box has a store and a dispatcher of its own, and knows nothing of the application', async () => {
    const { done, started } = makeControlledJobs();
    const application = await makeBox({ store: makeStore(), jobs: [done], queues: [''] });
    await application.box.queue().put(done('of the application'));

    const one = await testBoxOf({ jobs: [done] });
    const others = [await testBoxOf({ jobs: [done] }), await testBoxOf({ store: makeStore(), jobs: [done] })];
    const job = await one.box.queue().put(done('of one'));
    await job.result();

    expect(new Set([one, ...others].map(({ dispatcher }) => dispatcher.uuid)).size).toBe(3);
    for (const { box } of others)
      await expect(box.job(job.id ?? '').refresh()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect([await application.box.queue().length(), started]).toEqual([1, ['of one']]);
  });

  it('[F-7] getPoll waits for more polls than there are, or than a count, and fails when no poll follows', async () => {
    const reactor = new VirtualReactor();
    const { box, dispatcher } = await testBoxOf({ store: makeStore(), reactor });
    const newest = dispatcher.getPollInfo();
    const { length } = dispatcher.polls;

    expect(await getPoll(dispatcher, 0)).toBe(newest);
    expect((await reactor.until(getPoll(dispatcher))).key).toBeLessThan(newest.key);
    await reactor.until(getPoll(dispatcher, length + 4, { timeout: '30s' }));
    expect(dispatcher.polls.length).toBe(length + 5);

    const began = reactor.now();
    const idle = new Dispatcher(box, { uuid: 'idle' });
    await expect(reactor.until(getPoll(idle))).rejects.toThrow(
      /dispatcher idle, which is STOPPED, within 6s/,
    );
    expect(reactor.now() - began).toBe(6000);
  });

  it('[F-8] waitForStart gives a job once it is ACTIVE, and fails with its status', async () => {
    const { hold } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [hold] });
    await box.start();

    const job = await box.queue().put(hold('one'), { beginAfter: '5s' });
    expect((await reactor.until(waitForStart(job))).status).toBe('ACTIVE');
    const later = await box.queue().put(hold('two'), { beginAfter: '7s' });
    await expect(reactor.until(waitForStart(later))).rejects.toThrow(/ within 6s, got status PENDING/);
  });

  it('[F-9] waitForResult gives the result of a COMPLETED job, ignores conflicts of reads, and fails when it is late', async () => {
    const { hold, open } = makeControlledJobs();
    const conflicts: Error[] = [];
    const store = interceptedStore(makeStore(), (call, [of]) =>
      call === 'get' && of === 'job' ? (conflicts.shift() ?? null) : null,
    );
    const { box, reactor } = await makeBox({ store, jobs: [hold, fail] });
    await box.start();
    const job = await box.queue().put(hold('one'));
    await reactor.runUntilIdle();
    conflicts.push(conflict(), conflict(), conflict());

    const waiting = waitForResult(job);
    await reactor.runUntilIdle();
    open('one', 'the result');
    expect(await waiting).toBe('the result');
    expect([conflicts.length, job.status]).toEqual([0, 'COMPLETED']);

    expect(await waitForResult(await box.queue().put(fail()))).toBeInstanceOf(Failure);
    const late = reactor.until(waitForResult(await box.queue().put(hold('two'))));
    await expect(late).rejects.toThrow(/the completion of <Job .*> within 6s, got status ACTIVE/);
  });

  it('[F-10] waitForAnnotation gives the value once it is there, and fails after six seconds', async () => {
    const greet = defineJob({
      name: 'greet',
      run: async () => {
        await new Promise<void>((resolve) => local.getReactor().callLater(5000, resolve));
        await local.setLiveAnnotation('greeting', ['hello']);
        await new Promise(() => {});
      },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [greet] });
    await box.start();
    const job = await box.queue().put(greet());

    expect(await reactor.until(waitForAnnotation(job, 'greeting'))).toEqual(['hello']);
    const began = reactor.now();
    await expect(reactor.until(waitForAnnotation(job, 'farewell'))).rejects.toBeInstanceOf(TimeoutError);
    expect(reactor.now() - began).toBe(6000);
  });

  it('[F-11] waitForDeactivation waits until a dispatcher has left its queues, not until it begins to', async () => {
    const barrier = new Barrier();
    let isHeldUp = false;
    const store = interceptedStore(makeStore(), (call) =>
      isHeldUp && call === 'held' ? barrier.wait() : null,
    );
    const { box, reactor } = await makeBox({ store });
    const dispatcher = await box.start();
    isHeldUp = true;
    void dispatcher.deactivate();
    await reactor.runUntilIdle();
    expect(dispatcher.activated).toBeNull();

    await expect(reactor.until(waitForDeactivation(dispatcher, { timeout: '1s' }))).rejects.toThrow(
      'within 1s',
    );
    isHeldUp = false;
    barrier.release('');
    await reactor.until(waitForDeactivation(dispatcher));

    expect((await box.queue().dispatchers.get(box.uuid)).activated).toBeNull();
  });

  it('[F-12] waitForDeath gives a representation that is dead, and fails while it is pinged', async () => {
    const { box, reactor } = await makeBox({ store: makeStore() });
    const dispatcher = await box.start();
    const representation = await box.queue().dispatchers.get(box.uuid);
    await representation.setPingIntervals({ pingInterval: '1s', pingDeathInterval: '6s' });

    await expect(reactor.until(waitForDeath(representation))).rejects.toThrow(
      /pinged last: 2030-.*, within 6s/,
    );
    dispatcher.abandon();
    const dead = await reactor.until(waitForDeath(representation, { timeout: '10s' }));

    expect([dead === representation, dead.dead]).toEqual([true, true]);
    expect(reactor.now() - Number(dead.lastPing)).toBeGreaterThan(6000);
  });

  it('[F-13] one dispatcher is torn down alone, and a log is echoed without a test box', async () => {
    const { hold, open } = makeControlledJobs();
    const shown = shownLines();
    const logger = echoLog({ level: 'INFO' });
    const reactor = new VirtualReactor();
    const box = await createSignalbox({ store: makeStore(), reactor, jobs: [hold], logger });
    reactor.attach(box);
    const dispatcher = await box.start();
    const other = new Dispatcher(box, { uuid: 'other' });
    await waitForStart(await box.queue().put(hold('one')));
    expect(shown).toContain("signalbox.events INFO queue '' added");

    await expect(reactor.until(tearDownDispatcher(dispatcher))).rejects.toThrow(/hold\('one'\)/);
    open('one');
    await reactor.until(tearDownDispatcher(dispatcher));
    expect([...box.dispatchers.values()]).toEqual([other]);

    const { length } = shown;
    logger.stop();
    await box.createQueue('unheard');
    expect(shown).toHaveLength(length);
    await box.stop();
  });

  it('[F-14] the whole system has one clock, which moves only by the test; stopping its reactor runs the triggers', async () => {
    const { done } = makeControlledJobs();
    const now = Date.UTC(2006, 7, 10, 15, 44, 22, 211);
    const reactor = new VirtualReactor({ now });
    const { box, dispatcher } = await testBoxOf({ store: makeStore(), jobs: [done], reactor });
    const start = reactor.now();
    const job = await box.queue().put(done('one'));
    await job.waitFor('COMPLETED');

    const { activeStart, activeEnd, beginAfter } = await job.refresh();
    expect([activeStart, activeEnd, beginAfter].map(Number)).toEqual([start, start, start]);
    expect([dispatcher.activated, dispatcher.polls.newest()?.timestamp].map(Number)).toEqual([now, start]);
    expect(box.store.now()).toBe(start);
    expect(Math.abs(Date.now() - start)).toBeGreaterThan(365 * 86_400_000);

    reactor.setNow(new Date('2031-05-01T00:00:00Z'));
    expect(Number((await box.queue().put(done('two'))).beginAfter)).toBe(Date.UTC(2031, 4, 1));

    const order: string[] = [];
    reactor.addSystemEventTrigger('before', 'shutdown', () => void order.push('trigger'));
    await reactor.stop();
    expect([order, dispatcher.activated]).toEqual([['trigger'], null]);
  });

  it('[F-15] advance makes every call that is due within the span, in order, and returns how many', async () => {
    const { done, started } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [done] });
    const dispatcher = await box.start();
    await box.queue().put(done('late'), { beginAfter: '7s' });
    await box.queue().put(done('soon'), { beginAfter: '6s' });
    const began = reactor.now();
    const { length } = dispatcher.polls;

    expect(await reactor.advance('5s')).toBe(1);
    expect([dispatcher.polls.length, Number(dispatcher.getPollInfo().timestamp)]).toEqual([
      length + 1,
      began + 5000,
    ]);
    expect(await reactor.advance('4s')).toBe(2);
    expect([started, reactor.now()]).toEqual([['soon', 'late'], began + 9000]);
    expect(await reactor.advance(0)).toBe(0);
  });

  it('[F-16] runUntilIdle makes what is due now, advanceToNext one call, and returns whether there was one', async () => {
    const { done } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [done] });
    const dispatcher = await box.start();
    const began = reactor.now();
    const job = await box.queue().put(done('now'));

    await reactor.runUntilIdle();
    expect([reactor.now(), (await job.refresh()).status]).toEqual([began, 'COMPLETED']);

    expect(await reactor.advanceToNext()).toBe(true);
    expect([reactor.now(), dispatcher.polls.length]).toEqual([began + 5000, 2]);
    await dispatcher.deactivate();
    expect([await reactor.advanceToNext(), reactor.now()]).toEqual([false, began + 5000]);
  });

  it('[F-17] waitForJobs moves time poll by poll until jobs are done, and gives those that are not', async () => {
    const { done } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [done] });
    await box.start();
    const queue = box.queue();
    const soon = [await queue.put(done('1')), await queue.put(done('2'), { beginAfter: '12s' })];
    const late = await queue.put(done('3'), { beginAfter: '2m' });
    const began = reactor.now();

    expect(await waitForJobs(reactor, soon)).toEqual([]);
    expect(soon.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED']);
    expect(reactor.now() - began).toBe(15_000);

    expect(await waitForJobs(reactor, [...soon, late])).toEqual([late]);
    expect(reactor.now() - began).toBe(65_000);
    expect(await waitForJobs(reactor, [late], { pollInterval: '1m', attempts: 1 })).toEqual([]);
  });

  it('[F-18] before it is started time is refused, callWhenRunning is kept, and stores still open', async () => {
    const { done } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [done], queues: [''] });
    const calls: string[] = [];
    reactor.callWhenRunning(() => calls.push('running'));
    const dispatcher = new Dispatcher(box);
    dispatcher.activate();
    const began = reactor.now();

    await expect(reactor.advance('1m')).rejects.toMatchObject({ code: 'NOT_STARTED' });
    await expect(reactor.advanceToNext()).rejects.toMatchObject({ code: 'NOT_STARTED' });
    expect([reactor.now() - began, calls, dispatcher.polls.length]).toEqual([0, [], 0]);
    // A client is no dispatcher: it puts jobs without any reactor being started.
    expect((await box.queue().put(done('one'))).status).toBe('PENDING');

    reactor.run();
    await reactor.advance(0);
    expect([calls, dispatcher.polls.length]).toEqual([['running'], 1]);
  });

  it('[F-19] a reactor takes no trigger but one before its shutdown', () => {
    for (const reactor of [new VirtualReactor(), new NodeReactor()]) {
      const add = (phase: string, event: string) => () =>
        reactor.addSystemEventTrigger(phase as 'before', event as 'shutdown', () => {});
      for (const [phase, event] of [
        ['after', 'shutdown'],
        ['during', 'shutdown'],
        ['before', 'startup'],
      ])
        expect(add(phase ?? '', event ?? '')).toThrow(
          /Expected `trigger` to be phase 'before' of event 'shutdown'/,
        );
      expect(add('before', 'shutdown')).not.toThrow();
    }
  });

  it('[F-20] nothing reads another clock: every instant that is stored lies in virtual time', async () => {
    const { done } = makeControlledJobs();
    const reactor = new VirtualReactor({ now: new Date('1999-12-31T23:59:50Z') });
    const { box } = await testBoxOf({ store: makeStore(), jobs: [done], reactor });
    const began = Date.UTC(1999, 11, 31, 23, 59, 50);
    const jobs = [
      await box.queue().put(done('at once'), { beginBy: '1h' }),
      await box.queue().put(done('with an offset'), { beginAfter: '2000-01-01T01:00:00+01:00' }),
      await box.queue().put(done('as a date'), { beginAfter: new Date(Date.UTC(2000, 0, 1, 0, 0, 1)) }),
    ];
    await reactor.advance('1m');
    await jobs[0]?.addCallback(done.partial('late'));

    expect(jobs.map((job) => job.beginAfter?.toISOString().slice(11, 19))).toEqual([
      expect.stringMatching(/^23:59:50/),
      '00:00:00',
      '00:00:01',
    ]);
    const instants: number[] = [];
    for await (const entry of box.entries()) {
      instants.push(entry.at);
      for (const [key, value] of Object.entries(entry.patch ?? {}))
        if (/At$|^active|Start$|End$|^beginAfter$|^lastPing$/.test(key) && typeof value === 'number')
          instants.push(value);
    }
    expect(instants.length).toBeGreaterThan(20);
    expect(Math.min(...instants)).toBeGreaterThanOrEqual(began);
    expect(Math.max(...instants)).toBeLessThanOrEqual(reactor.now());
  });
});
