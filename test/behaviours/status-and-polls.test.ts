import { agent, type Dispatcher, defineJob, detached, Dispatcher as NewDispatcher } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { representationOf, startDispatchers } from './dispatchers.ts';
import { decorated, disconnect, Faults, faultyStore } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

forEachStore('Questions to a dispatcher', (makeStore) => {
  async function makeTestBox(queues: readonly string[] = ['']) {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({ store: makeStore(), jobs: [controlled.hold, controlled.done], queues });
    const { box, reactor } = testBox;
    return { ...controlled, testBox, box, reactor, queue: box.queue() };
  }

  /** A dispatcher with polls after 0, 5, 10, 15 and 20 s, and those instants. */
  async function makePolls() {
    const { testBox, reactor } = await makeTestBox();
    const start = reactor.now();
    const [a] = (await startDispatchers(testBox, ['a'])) as [Dispatcher];
    await reactor.advance('22s');
    const secondOf = (poll: { timestamp: Date }) => (poll.timestamp.getTime() - start) / 1000;
    return { a, reactor, secondOf, after: (seconds: number) => new Date(start + seconds * 1000) };
  }

  it('[D-42] the status has health, interval, time since the last poll, uptime and UUID', async () => {
    const { testBox, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a'], { pollInterval: '8s' });
    await reactor.advance('19s');

    expect(a?.getStatusInfo()).toEqual({
      status: 'RUNNING',
      pollInterval: 8000,
      timeSinceLastPoll: 3000,
      uptime: 19_000,
      uuid: 'a',
      unknownJobs: [],
      abandoned: 0,
      threads: [],
    });
  });

  it('a bound of polls that is neither a key nor a Date is refused', async () => {
    const { a, after } = await makePolls();

    for (const bound of [Number(after(10)), after(10).toISOString(), null, new Date('yesterday')])
      for (const attempt of [
        () => a.getPollInfo({ at: bound as never }),
        () => a.getPollInfo({ before: bound as never }),
        () => [...a.iterPolls({ since: bound as never })],
      ])
        expect(attempt).toThrow(/to be the key of a poll or a Date, got .+ Make a Date of/);
  });

  it('[D-43] a dispatcher that is not activated is STOPPED, without times', async () => {
    const { testBox, box } = await makeTestBox();
    const stopped = { status: 'STOPPED', timeSinceLastPoll: null, uptime: null };
    expect(new NewDispatcher(box, { uuid: 'new' }).getStatusInfo()).toMatchObject(stopped);
    const [a] = await startDispatchers(testBox, ['a']);
    expect(a?.getStatusInfo().status).toBe('RUNNING');

    await a?.deactivate();

    expect(a?.getStatusInfo()).toMatchObject(stopped);
  });

  it('[D-44] one that has not polled yet is STARTING for one poll interval, without uptime', async () => {
    const { box, reactor } = await makeTestBox();
    const dispatcher = new NewDispatcher(box, { uuid: 'a' });
    dispatcher.activate();

    reactor.setNow(reactor.now() + 5000);
    const starting = { status: 'STARTING', timeSinceLastPoll: 5000, uptime: null };
    expect(dispatcher.getStatusInfo()).toMatchObject(starting);
    reactor.setNow(reactor.now() + 1);
    expect(dispatcher.getStatusInfo().status).not.toBe('STARTING');
  });

  it('[D-45] one whose last poll, or whose activation, is longer ago than the interval is STUCK', async () => {
    const { testBox, box, reactor } = await makeTestBox();
    const silent = new NewDispatcher(box, { uuid: 'silent' });
    silent.activate();
    reactor.setNow(reactor.now() + 5000);
    expect(silent.getStatusInfo().status).not.toBe('STUCK');
    reactor.setNow(reactor.now() + 1);
    expect(silent.getStatusInfo()).toMatchObject({ status: 'STUCK', timeSinceLastPoll: 5001, uptime: null });
    await silent.deactivate();

    const [a] = await startDispatchers(testBox, ['a']);
    await reactor.advance('5s');
    reactor.setNow(reactor.now() + 5000);
    expect(a?.getStatusInfo().status).not.toBe('STUCK');
    reactor.setNow(reactor.now() + 1);
    expect(a?.getStatusInfo()).toMatchObject({ status: 'STUCK', timeSinceLastPoll: 5001, uptime: 10_001 });
  });

  it('[D-46] one that polled within the interval is RUNNING, with the time since then and its uptime', async () => {
    const { testBox, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);

    await reactor.advance('9s');
    expect(a?.getStatusInfo()).toMatchObject({ status: 'RUNNING', timeSinceLastPoll: 4000, uptime: 9000 });
    reactor.setNow(reactor.now() + 1000);
    expect(a?.getStatusInfo()).toMatchObject({ status: 'RUNNING', timeSinceLastPoll: 5000, uptime: 10_000 });
  });

  it('[D-47] the record of a job is found by its id, with or without the name of its store', async () => {
    const { testBox, box, queue, done, reactor } = await makeTestBox();
    const [a] = (await startDispatchers(testBox, ['a'])) as [Dispatcher];
    const job = await queue.put(done('one'));
    await reactor.runUntilIdle();
    const id = job.id ?? '';

    expect(a.getJobInfo(id).call).toContain(id);
    expect(a.getJobInfo(id, box.store.name)).toEqual(a.getJobInfo(id));
    expect(() => a.getJobInfo(id, 'elsewhere')).toThrow(
      expect.objectContaining({ code: 'NO_JOB_RECORD' }) as Error,
    );
    expect(() => a.getJobInfo('none')).toThrow(expect.objectContaining({ code: 'NO_JOB_RECORD' }) as Error);
  });

  it('[D-36] records of jobs and polls can be written as JSON, with the keys of polls as text', async () => {
    const { testBox, queue, done, reactor } = await makeTestBox();
    const [a] = (await startDispatchers(testBox, ['a'])) as [Dispatcher];
    const job = await queue.put(done('one'));
    await reactor.runUntilIdle();
    const info = a.getJobInfo(job.id ?? '');

    const json = JSON.parse(JSON.stringify({ info, jobs: [...a.jobs], polls: [...a.polls] }));

    const pollId = String(a.getPollInfo().key);
    const written = { ...info, pollId, started: info.started?.toJSON(), completed: info.completed?.toJSON() };
    expect(json.info).toEqual(written);
    expect(json.jobs).toEqual([[job.id, written]]);
    expect(json.polls[0].key).toBe(pollId);
  });

  it('[D-48] a job that runs here and that the last poll did not find with its agent is reported as reassigned, on a copy', async () => {
    const { testBox, queue, hold, reactor } = await makeTestBox();
    const main = agent({ filter: { notJobs: ['signalbox.*'] } });
    const [a] = (await startDispatchers(testBox, ['a'], { agents: { main } })) as [Dispatcher];
    const job = await queue.put(hold('one'));
    await reactor.advance('5s');
    const id = job.id ?? '';
    expect(a.getJobInfo(id).reassigned).toBe(false);

    await (await representationOf(testBox, 'a')).deactivate();
    expect(a.getJobInfo(id).reassigned).toBe(false);
    await reactor.advance('5s');

    expect(a.getJobInfo(id)).toMatchObject({ reassigned: true, completed: null });
    expect(a.jobs.get(id)?.reassigned).toBe(false);
  });

  it('[D-48] one that was claimed during a poll is not among those that the poll did not find', async () => {
    const controlled = makeControlledJobs();
    let answer: Promise<unknown> | null = null;
    const store = decorated(makeStore(), (inner) => ({
      async held(...about) {
        const jobs = await inner.held(...about);
        await answer;
        return jobs;
      },
    }));
    const testBox = await makeBox({ store, jobs: [controlled.hold], queues: [''] });
    const { box, reactor } = testBox;
    const [a] = (await startDispatchers(testBox, ['a'])) as [Dispatcher];
    answer = controlled.opened('answer');
    await reactor.advance('5s');
    const job = await box.queue().put(controlled.hold('one'));
    await reactor.advance('1s');
    const during = a.getJobInfo(job.id ?? '');
    controlled.open('answer');
    await reactor.advance('1s');

    const after = a.getJobInfo(job.id ?? '');

    expect(during).toMatchObject({ completed: null, reassigned: false });
    expect(after).toMatchObject({ completed: null, reassigned: false, pollId: a.polls.newest()?.key });
    expect(a.getStatistics()).toMatchObject({ started: 1, longestActive: job.names });
  });

  it('[D-48] one whose agent could not be read by the last poll is not reported as reassigned', async () => {
    const controlled = makeControlledJobs();
    const faults = new Faults();
    const store = faultyStore(makeStore(), faults);
    const testBox = await makeBox({ store, jobs: [controlled.hold], queues: [''] });
    const [a] = (await startDispatchers(testBox, ['a'])) as [Dispatcher];
    const job = await testBox.box.queue().put(controlled.hold('one'));
    faults.refuseHeld = disconnect;
    await testBox.reactor.advance('5s');

    const info = a.getJobInfo(job.id ?? '');

    expect(a.getPollInfo().queues['']?.main?.error).toContain('got no answer');
    expect(info).toMatchObject({ completed: null, reassigned: false });
    faults.refuseHeld = () => null;
  });

  it('[D-49] the active ids are those in the workers at this instant, newest first, by queue and agent', async () => {
    const controlled = makeControlledJobs();
    const outer = defineJob({ name: 'outer', run: () => controlled.hold('never put') });
    const promised = defineJob({ name: 'promised', run: () => detached(controlled.opened('never')) });
    const jobs = [controlled.hold, outer, promised];
    const testBox = await makeBox({ store: makeStore(), jobs, queues: ['', 'other'] });
    const { box, reactor } = testBox;
    const agents = {
      x: agent({ filter: { args: { '0': 'for x' } } }),
      y: agent({ filter: { notJobs: ['none'] } }),
    };
    const [a] = (await startDispatchers(testBox, ['a'], { agents })) as [Dispatcher];
    for (const waiting of [outer(), promised()]) await box.queue().put(waiting);
    await reactor.runUntilIdle();
    expect(a.getActiveJobIds()).toEqual([]);

    const forX = await box.queue().put(controlled.hold('for x'));
    await reactor.advance('1s');
    const first = await box.queue('other').put(controlled.hold('first'));
    await reactor.advance('1s');
    const second = await box.queue('other').put(controlled.hold('second'));
    await reactor.runUntilIdle();

    expect(a.getActiveJobIds({ queue: 'other' })).toEqual([second.names, first.names]);
    expect(a.getActiveJobIds({ queue: '' })).toEqual([forX.names]);
    expect(a.getActiveJobIds({ queue: 'other', agent: 'x' })).toEqual([]);
    expect(a.getActiveJobIds()).toEqual([second.names, first.names, forX.names]);
    controlled.open('second');
    await reactor.runUntilIdle();
    expect(a.getActiveJobIds({ agent: 'y', queue: 'other' })).toEqual([first.names]);
  });

  it('[D-50] one poll is asked for by key or instant: at or before it, strictly before it, or the latest', async () => {
    const { a, secondOf, after } = await makePolls();
    const at10 = a.getPollInfo({ at: after(10) });

    expect(secondOf(a.getPollInfo())).toBe(20);
    expect([secondOf(at10), secondOf(a.getPollInfo({ at: after(14) }))]).toEqual([10, 10]);
    expect(a.getPollInfo({ at: at10.key })).toBe(at10);
    expect(secondOf(a.getPollInfo({ before: after(10) }))).toBe(5);
    expect(secondOf(a.getPollInfo({ before: at10.key }))).toBe(5);
    expect(() => a.getPollInfo({ at: after(1), before: after(1) })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }) as Error,
    );
    expect(() => a.getPollInfo({ before: after(0) })).toThrow(
      expect.objectContaining({ code: 'NO_POLL' }) as Error,
    );
  });

  it('[D-51] polls are walked from new to old within inclusive bounds, safely while others come and go', async () => {
    const { a, reactor, secondOf, after } = await makePolls();
    const seconds = (range: Parameters<Dispatcher['iterPolls']>[0]) => [...a.iterPolls(range)].map(secondOf);

    expect(seconds({})).toEqual([20, 15, 10, 5, 0]);
    expect(seconds({ at: after(15), since: after(5) })).toEqual([15, 10, 5]);
    expect(seconds({ before: after(15), since: a.getPollInfo({ at: after(5) }).key })).toEqual([10, 5]);
    expect(seconds({ since: after(6) })).toEqual([20, 15, 10]);
    expect(seconds({ before: after(15), count: 2 })).toEqual([10, 5]);
    expect(() => seconds({ at: after(1), before: after(1) })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }) as Error,
    );

    const walk = a.iterPolls();
    const first = walk.next().value;
    await reactor.advance('10s');
    a.polls.clear();
    expect([secondOf(first as { timestamp: Date }), ...[...walk].map(secondOf)]).toEqual([20, 15, 10, 5, 0]);
  });
});
