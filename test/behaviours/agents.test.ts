import {
  agent,
  defineChooser,
  defineFilter,
  defineJob,
  NeverRetry,
  type RetryPolicy,
  type SignalboxError,
} from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs, namesOf } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { forEachStore, makeBox } from './stores.ts';

forEachStore('Agents', (makeStore) => {
  async function makeTestBox() {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({
      store: makeStore(),
      jobs: [controlled.hold, controlled.done],
      queues: [''],
    });
    return { ...controlled, testBox, box: testBox.box, reactor: testBox.reactor, queue: testBox.box.queue() };
  }

  it('[A-1] an agent takes three jobs of any kind by default, and knows its name, dispatcher, queue and history', async () => {
    const { testBox, box, hold, done, open, started, reactor } = await makeTestBox();
    const mail = await box.createQueue('mail');
    await startDispatchers(testBox, ['a'], { agents: { worker: agent() } });
    const jobs = [hold('one'), hold('two'), hold('three'), hold('four'), done('five')];
    for (const job of jobs) await mail.put(job);
    await reactor.runUntilIdle();

    const worker = await agentOf(testBox, 'a', 'worker', 'mail');
    expect(worker).toMatchObject({ name: 'worker', dispatcher: 'a', queue: 'mail', size: 3 });
    expect([started, namesOf(await worker.jobs())]).toEqual([
      ['one', 'two', 'three'],
      ['one', 'two', 'three'],
    ]);
    expect(await worker.completed()).toEqual([]);

    open('two');
    await reactor.runUntilIdle();
    open('four');
    await reactor.runUntilIdle();
    expect(started).toEqual(['one', 'two', 'three', 'four', 'five']);
    // Newest first.
    expect(namesOf(await worker.completed())).toEqual(['five', 'four', 'two']);
    // An agent belongs to one queue and has the jobs of that alone.
    expect(await (await agentOf(testBox, 'a', 'worker')).completed()).toEqual([]);
  });

  it('[A-2] an agent without filter and chooser takes any job, first come first served', async () => {
    const { testBox, queue, started, hold, done, reactor } = await makeTestBox();
    await queue.put(hold('first'));
    await queue.put(done('second'));
    await queue.put(hold('third'));

    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 2 }) } });

    expect(started).toEqual(['first', 'second', 'third']);
    await reactor.runUntilIdle();
    expect(namesOf(await (await agentOf(testBox, 'a')).jobs())).toEqual(['first', 'third']);
  });

  it('[A-3] an agent with a filter takes the jobs that it accepts, and the filter alone can check any job', async () => {
    const { testBox, queue, started, done } = await makeTestBox();
    const short = defineFilter('short', (job) => String(job.args[0]).length < 4);
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ filter: short }) } });

    const refused = await queue.put(done('long name'));
    const accepted = await queue.put(done('abc'));
    await testBox.reactor.advance('10s');

    expect(started).toEqual(['abc']);
    expect((await refused.refresh()).status).toBe('PENDING');
    expect([short.accepts(refused.record), short.accepts(accepted.record)]).toEqual([false, true]);
  });

  it('[A-4] a chooser picks from what is claimable, sees what the agent holds, and may take nothing', async () => {
    const { testBox, queue, started, open, hold, reactor } = await makeTestBox();
    const oneOfEach = defineChooser('oneOfEach', (claimable, held) => {
      const kinds = new Set(held.map((job) => String(job.args[0])[0]));
      for (const job of claimable) if (!kinds.has(String(job.args[0])[0])) return job;
      return null;
    });
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ chooser: oneOfEach, size: 1 }) } });

    await queue.put(hold('x1'));
    await reactor.runUntilIdle();
    await (await representationOf(testBox, 'a')).agents.set('main', agent({ chooser: oneOfEach, size: 2 }));
    await queue.put(hold('x2'));
    await reactor.advance('6s');
    expect(started).toEqual(['x1']);
    await queue.put(hold('y1'));
    await reactor.advance('6s');
    expect(started).toEqual(['x1', 'y1']);

    open('x1');
    await reactor.advance('6s');
    expect(started).toEqual(['x1', 'y1', 'x2']);
  });

  it('[A-5] a filter and a chooser exclude each other until one of them is null', () => {
    const filter = defineFilter('any', () => true);
    const chooser = defineChooser('none', () => null);

    expect(() => agent({ filter, chooser })).toThrow(
      expect.objectContaining({ code: 'CHOOSER_AND_FILTER' }) as SignalboxError,
    );
    expect(agent({ filter, chooser: null }).selection).toEqual({ kind: 'filter', name: 'any' });
    expect(agent({ filter: null, chooser }).selection).toEqual({ kind: 'chooser', name: 'none' });
  });

  it('[A-6] an agent without a chooser is a filter agent, even when its filter is null', async () => {
    const { testBox } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    const { agents } = await representationOf(testBox, 'a');
    const chooser = defineChooser('none', () => null);

    const marks: boolean[] = [];
    for (const settings of [agent(), agent({ filter: { jobs: ['x'] } }), agent({ chooser }), agent()]) {
      await agents.set('main', settings);
      marks.push((await agentOf(testBox, 'a')).isFilterAgent);
    }

    expect(marks).toEqual([true, true, false, true]);
  });

  it('[A-7] a job is held until COMPLETED, in callbacks and while it waits for another job; the size may change at any time', async () => {
    const controlled = makeControlledJobs();
    const outer = defineJob({ name: 'outer', run: () => controlled.hold('inner') });
    const testBox = await makeBox({
      store: makeStore(),
      jobs: [controlled.hold, controlled.done, outer],
      queues: [''],
    });
    const { box, reactor } = testBox;
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 2 }) } });
    const parent = controlled.done('parent');
    await parent.addCallback(controlled.hold.partial('callback'));

    await box.queue().put(parent);
    const waiting = await box.queue().put(outer());
    const third = await box.queue().put(controlled.done('third'));
    await reactor.advance('10s');

    expect((await parent.refresh()).status).toBe('CALLBACKS');
    expect([(await waiting.refresh()).status, waiting.record.state]).toEqual(['ACTIVE', 'active.waiting']);
    expect((await third.refresh()).status).toBe('PENDING');
    expect(await (await agentOf(testBox, 'a')).length()).toBe(2);
    await (await representationOf(testBox, 'a')).agents.set('main', agent({ size: 3 }));
    await reactor.advance('6s');
    expect((await third.refresh()).status).toBe('COMPLETED');
  });

  it('[A-8] an agent claims nothing while its representation is not activated or dead', async () => {
    const { testBox, queue, done, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);

    await (await representationOf(testBox, 'a')).deactivate();
    const first = await queue.put(done('first'));
    await reactor.advance('1s');
    expect((await first.refresh()).status).toBe('PENDING');
    await reactor.advance('5s');
    expect((await first.refresh()).status).toBe('COMPLETED');

    reactor.setNow(reactor.now() + 90_000);
    expect((await representationOf(testBox, 'a')).dead).toBe(true);
    const second = await queue.put(done('second'));
    await reactor.advance('1s');
    expect((await second.refresh()).status).toBe('PENDING');
    await reactor.advance('5s');
    expect((await second.refresh()).status).toBe('COMPLETED');
  });

  it('[A-9] an agent claims nothing while it holds as many jobs as its size', async () => {
    const { testBox, queue, hold, started, open, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 1 }) } });

    await queue.put(hold('one'));
    const two = await queue.put(hold('two'));
    await reactor.advance('20s');
    expect([started, (await two.refresh()).status]).toEqual([['one'], 'PENDING']);

    open('one');
    await reactor.runUntilIdle();
    expect([started, (await two.refresh()).status]).toEqual([['one', 'two'], 'ACTIVE']);
  });

  it('[A-10] a claimed job belongs to the agent, is ASSIGNED first, and comes last in its list', async () => {
    const { testBox, queue, hold, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    await queue.put(hold('one'), { id: 'z' });
    await reactor.runUntilIdle();

    const two = await queue.put(hold('two'), { id: 'a' });
    await reactor.runUntilIdle();

    expect((await two.refresh()).record.parent).toEqual({ queue: '', dispatcher: 'a', agent: 'main' });
    const statuses: (string | null)[] = [];
    for await (const entry of two.history()) statuses.push(entry.to);
    expect(statuses).toEqual(['pending', 'assigned', 'active.running']);
    expect(namesOf(await (await agentOf(testBox, 'a')).jobs())).toEqual(['one', 'two']);
  });

  it('[A-11] how an agent chooses can be replaced, for priorities', async () => {
    const { testBox, queue, done, started, reactor } = await makeTestBox();
    const alphabetical = defineChooser('alphabetical', (claimable) => {
      const jobs = [...claimable].sort((one, other) =>
        String(one.args[0]) < String(other.args[0]) ? -1 : 1,
      );
      return jobs[0] ?? null;
    });
    for (const name of ['pear', 'apple', 'cherry']) await queue.put(done(name));

    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 1, chooser: alphabetical }) } });
    await reactor.advance('30s');

    expect(started).toEqual(['apple', 'cherry', 'pear']);
  });

  it('[A-12] the jobs of an agent are a list in order of claim; a held job leaves it only by ending or by cleaning', async () => {
    const { testBox, queue, hold, done, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 2 }) } });
    const [one, two, three] = [hold('one'), hold('two'), done('three')];
    for (const job of [one, two, three]) await queue.put(job);
    await reactor.runUntilIdle();
    const main = await agentOf(testBox, 'a');

    expect(namesOf(await main.jobs())).toEqual(['one', 'two']);
    expect(await main.length()).toBe(2);
    expect([(await main.at(0)).id, (await main.at(-1)).id]).toEqual([one.id, two.id]);
    expect([await main.indexOf(two), await main.indexOf(three)]).toEqual([1, -1]);
    await expect(main.at(2)).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' });
    await expect(queue.remove(one)).rejects.toMatchObject({ code: 'JOB_NOT_WAITING' });
  });

  it('[A-17] why an agent could not claim is kept on the agent and in the poll record, and the next poll tries again', async () => {
    const { testBox, queue, done, reactor } = await makeTestBox();
    let isBroken = true;
    const moody = defineFilter('moody', () => {
      if (isBroken) throw new Error('not in the mood');
      return true;
    });
    const [a] = await startDispatchers(testBox, ['a'], { agents: { main: agent({ filter: moody }) } });
    const job = await queue.put(done('x'));
    await reactor.advance('6s');

    expect((await agentOf(testBox, 'a')).failure?.message).toBe('not in the mood');
    expect(a?.getPollInfo().queues['']?.main?.error).toContain('not in the mood');
    expect((await job.refresh()).status).toBe('PENDING');

    isBroken = false;
    await reactor.advance('5s');
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(a?.getPollInfo().queues['']?.main?.error).toBeNull();
    expect((await agentOf(testBox, 'a')).failure).toBeNull();
  });

  it('[A-18] only agents can be given to a representation, and one that holds jobs is not removed', async () => {
    const { testBox, queue, hold, open, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    const { agents } = await representationOf(testBox, 'a');
    await queue.put(hold('one'));
    await reactor.runUntilIdle();

    await expect(agents.set('other', { size: 3 } as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(agents.remove('main')).rejects.toMatchObject({ code: 'AGENT_NOT_EMPTY' });
    expect(await agents.names()).toEqual(['main']);

    open('one');
    await reactor.runUntilIdle();
    await agents.remove('main');
    expect(await agents.names()).toEqual([]);
  });

  it('[A-18] an agent that is removed claims nothing more, though its dispatcher has not polled since', async () => {
    const { testBox, queue, done, started, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a']);
    const { agents } = await representationOf(testBox, 'a');
    const polled = a?.getPollInfo().key;

    await agents.remove('main');
    const job = await queue.put(done('late'));
    await reactor.runUntilIdle();

    expect([started, (await job.refresh()).status]).toEqual([[], 'PENDING']);
    expect(a?.getPollInfo().key).toBe(polled);
    await agents.set('main', agent());
    await reactor.advance('5s');
    expect(await job.result()).toBe('late');
  });

  it('[A-17] a job that cannot be taken is passed over and named once; the jobs behind it are claimed', async () => {
    const { testBox, queue, done, started, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    let isBroken = true;
    const odd: RetryPolicy = {
      ...NeverRetry,
      name: 'odd',
      get startsOnce(): boolean {
        if (isBroken) throw new RangeError('no answer');
        return true;
      },
    };
    testBox.box.definePolicy(odd);

    const poisoned = await queue.put(done('poisoned'), { retryPolicy: 'odd' });
    const behind = await queue.put(done('behind'));
    await reactor.advance('1m');

    expect([started, (await poisoned.refresh()).status]).toEqual([['behind'], 'PENDING']);
    expect(await behind.result()).toBe('behind');
    expect((await agentOf(testBox, 'a')).failure).toBeNull();
    expect(testBox.logged('CRITICAL')).toEqual([
      expect.stringContaining(`job ${poisoned.id} cannot be claimed`),
    ]);
    isBroken = false;
    await reactor.advance('5s');
    expect(await poisoned.result()).toBe('poisoned');
  });

  it('[A-19] a dispatcher may have several agents in a queue: each fills its room in order of name, with workers of its own', async () => {
    const { testBox, queue, hold, reactor } = await makeTestBox();
    for (const name of ['one', 'two', 'three', 'four']) await queue.put(hold(name));

    const [a] = await startDispatchers(testBox, ['a'], {
      agents: { small: agent({ size: 1 }), big: agent({ size: 2 }) },
    });
    await reactor.runUntilIdle();

    expect(Object.keys(a?.getPollInfo().queues[''] ?? {})).toEqual(['big', 'small']);
    expect(namesOf(await (await agentOf(testBox, 'a', 'big')).jobs())).toEqual(['one', 'two']);
    expect(namesOf(await (await agentOf(testBox, 'a', 'small')).jobs())).toEqual(['three']);
    const threads = [...(a?.jobs ?? [])].map(([, info]) => info.thread).sort();
    expect(threads).toEqual(['big:0', 'big:1', 'small:0']);
  });

  it('[A-20] a start adds an agent named main to each queue as it is activated, unless it has one', async () => {
    const { testBox, box, reactor } = await makeTestBox();
    await box.createQueue('other');
    box.on('dispatcherActivated', async ({ representation }) => {
      if (representation.queue === 'other') await representation.agents.set('main', agent({ size: 7 }));
    });

    await reactor.until(box.start());

    const sizes = ['', 'other'].map(async (queue) => (await agentOf(testBox, box.uuid, 'main', queue)).size);
    expect(await Promise.all(sizes)).toEqual([3, 7]);
  });
});
