import { agent, ConflictError, type Dispatcher, defineJob, local, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs, namesOf } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { disconnect, Faults, faultyStore, has, interceptedStore } from './faulty-store.ts';
import { forEachStore, makeBox, type TestBoxOptions } from './stores.ts';

forEachStore('Workers', (makeStore) => {
  async function makeTestBox(more: { readonly store?: Store; readonly jobs?: TestBoxOptions['jobs'] } = {}) {
    const controlled = makeControlledJobs();
    const { store = makeStore(), jobs = [] } = more;
    const testBox = await makeBox({ store, jobs: [controlled.hold, controlled.done, ...jobs], queues: [''] });
    const { box, reactor } = testBox;
    return { ...controlled, testBox, box, reactor, queue: box.queue() };
  }

  it('[D-26] an agent has as many workers as its size, each with one job at a time, in order of claim', async () => {
    const { testBox, queue, hold, started, open, reactor } = await makeTestBox();
    const [a] = await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 2 }) } });
    for (const name of ['1', '2', '3', '4']) await queue.put(hold(name));
    await reactor.runUntilIdle();
    expect([started, a?.getActiveJobIds().length]).toEqual([['1', '2'], 2]);

    open('2');
    await reactor.runUntilIdle();
    expect(started).toEqual(['1', '2', '3']);
    open('1');
    await reactor.runUntilIdle();

    expect(started).toEqual(['1', '2', '3', '4']);
    const threads = [...(a?.jobs ?? [])].map(([, info]) => info.thread).reverse();
    expect(threads).toEqual(['main:0', 'main:1', 'main:1', 'main:0']);
  });

  it('[D-27] a larger agent takes more at the next poll; a smaller one lets its jobs finish and takes no job before', async () => {
    const { testBox, queue, hold, started, open, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 1 }) } });
    for (const name of ['1', '2', '3', '4', '5']) await queue.put(hold(name));
    const { agents } = await representationOf(testBox, 'a');

    await agents.set('main', agent({ size: 3 }));
    await reactor.advance('5s');
    expect(started).toEqual(['1', '2', '3']);

    await agents.set('main', agent({ size: 1 }));
    await reactor.advance('5s');
    open('1');
    open('2');
    await reactor.advance('10s');
    expect(started).toEqual(['1', '2', '3']);
    expect(namesOf(await (await agentOf(testBox, 'a')).completed()).sort()).toEqual(['1', '2']);
    open('3');
    await reactor.runUntilIdle();
    expect(started).toEqual(['1', '2', '3', '4']);
  });

  it('[D-28] a job sees the dispatcher and the agent whose worker runs it', async () => {
    const seen: unknown[] = [];
    const look = defineJob({
      name: 'look',
      run: async () => {
        await Promise.resolve();
        seen.push(local.getDispatcher()?.uuid, local.getAgentName());
      },
    });
    const { testBox, queue, reactor } = await makeTestBox({ jobs: [look] });
    await startDispatchers(testBox, ['a'], { agents: { special: agent() } });

    await queue.put(look());
    await reactor.runUntilIdle();

    expect(seen).toEqual(['a', 'special']);
  });

  it('[D-29] a job is loaded however long the store is away: in 5, 10 … 60 s, and at once after a conflict', async () => {
    const errors: Error[] = [];
    const store = interceptedStore(makeStore(), (call) =>
      call === 'annotations' ? (errors.shift() ?? null) : null,
    );
    const { testBox, queue, done, started, reactor } = await makeTestBox({ store });
    await startDispatchers(testBox, ['a']);
    const annotated = (name: string) => done(name).with({ annotations: { colour: 'red' } });

    const away = Array.from({ length: 14 }, () => disconnect());
    errors.push(...away);
    await queue.put(annotated('patient'));
    // 5 + 10 + … + 60 s, and two more of 60 s.
    await reactor.advance('8m29s');
    expect(started).toEqual([]);
    await reactor.advance('1s');
    expect(started).toEqual(['patient']);
    const infos = testBox.entries.filter(({ message }) => message.includes('store away'));
    expect(infos.map(({ stream, level }) => `${stream} ${level}`)).toEqual(
      away.map(() => 'signalbox.events INFO'),
    );

    const conflict = new ConflictError({ subject: 'a test', expected: 'calm', actual: 'storm' });
    errors.push(...Array.from({ length: 6 }, () => conflict));
    await queue.put(annotated('contested'));
    await reactor.runUntilIdle();
    expect(started).toEqual(['patient', 'contested']);
    expect(testBox.logged('WARNING')).toEqual([
      expect.stringContaining('conflict 1 '),
      expect.stringContaining('conflict 5 '),
    ]);
  });

  it("[D-30] the trace names worker and job as it starts and as it ends, with the job's own entry between", async () => {
    const { testBox, queue, done, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    const job = await queue.put(done('one'));
    await reactor.runUntilIdle();

    const entries = testBox.entries.filter((entry) => entry.job === job.id);
    expect(entries.map(({ stream, level }) => `${stream} ${level}`)).toEqual(
      ['DEBUG', 'DEBUG', 'INFO', 'DEBUG'].map((level) => `signalbox.trace ${level}`),
    );
    const [start, own, _end, end] = entries.map(({ message }) => message);
    expect(start).toMatch(/^starting in thread main:0: .*done\('one'\)/);
    expect(own).toContain('succeeded');
    expect(end).toMatch(/^completed in thread main:0: .*done\('one'\)/);
  });

  it('[D-31] a job that is over already when it is handed out is an ERROR and filed, tried each second, CRITICAL every tenth time', async () => {
    let failures = 11;
    const store = interceptedStore(makeStore(), (call, args) => {
      const changes = call === 'commit' ? (args[0] as { changes: readonly { event: string }[] }).changes : [];
      if (failures === 0 || !changes.some(({ event }) => event === 'job.file')) return null;
      failures -= 1;
      return new Error('store error');
    });
    const { testBox, box, done, started, reactor } = await makeTestBox({ store });
    const [a] = await startDispatchers(testBox, ['a']);
    const job = await box.transaction(async (tx) => {
      const put = await tx.queue().put(done('too late'));
      await put.fail();
      return put;
    });
    await reactor.advance('10s');
    const main = await agentOf(testBox, 'a');
    expect([await main.length(), started]).toEqual([1, []]);
    expect(a?.getJobInfo(job.id ?? '')).toMatchObject({
      failed: true,
      started: new Date(reactor.now() - 10_000),
    });

    await reactor.advance('1s');
    expect([await main.length(), namesOf(await main.completed())]).toEqual([0, ['too late']]);
    expect(testBox.logged('ERROR')).toContainEqual(expect.stringContaining('job already completed?'));
    expect(testBox.logged('CRITICAL')).toEqual([expect.stringContaining('store error')]);
  });

  it('[D-31] a job that is in CALLBACKS when it is handed out gets them resumed', async () => {
    const { testBox, queue, done, hold, open, started, reactor } = await makeTestBox();
    await startDispatchers(testBox, ['a']);
    const parent = done('never called');
    await parent.addCallback(hold.partial('callback'));
    await queue.put(parent, { beginAfter: '10s' });
    const failing = parent.fail(new Error('not wanted any more'));
    await reactor.runUntilIdle();
    expect((await parent.refresh()).status).toBe('CALLBACKS');

    await reactor.advance('15s');
    expect(testBox.logged('ERROR')).toContainEqual(expect.stringContaining('not wanted any more'));
    open('callback');
    await reactor.runUntilIdle();
    await failing;

    expect((await parent.refresh()).status).toBe('COMPLETED');
    expect(started).toEqual(['callback', 'callback']);
    expect(namesOf(await (await agentOf(testBox, 'a')).completed())).toEqual(['never called']);
  });

  it('[D-32] a worker whose job was reassigned drops its result, marks that in its record, and takes the next job', async () => {
    const controlled = makeControlledJobs();
    let calls = 0;
    const twice = defineJob({
      name: 'twice',
      run: async () => {
        calls += 1;
        if (calls > 1) return 'second call';
        await controlled.opened('first');
        return 'first call';
      },
    });
    const { testBox, queue, done, started, reactor } = await makeTestBox({ jobs: [twice] });
    const dispatchers = await startDispatchers(testBox, ['a', 'b'], { agents: { main: agent({ size: 1 }) } });
    const job = await queue.put(twice());
    await reactor.runUntilIdle();
    const id = job.id ?? '';
    // On a database either of the two may have been faster.
    const holder = (await job.place()).dispatcher;
    const [a, b] = dispatchers.toSorted((one) => (one.uuid === holder ? -1 : 1)) as [Dispatcher, Dispatcher];

    await (await representationOf(testBox, a.uuid)).deactivate();
    await reactor.runUntilIdle();
    expect(b.getJobInfo(id)).toMatchObject({ result: "'second call'", reassigned: false });
    expect(a.jobs.get(id)?.completed).toBeNull();
    controlled.open('first');
    await reactor.advance('1s');

    expect((await job.refresh()).outcome).toEqual({ ok: true, value: 'second call' });
    expect(a.getJobInfo(id)).toMatchObject({ reassigned: true, result: "'second call'", failed: false });
    expect(a.getJobInfo(id).completed).toEqual(new Date(reactor.now() - 1000));
    await (await representationOf(testBox, b.uuid)).agents.remove('main');
    await reactor.advance('5s');
    await queue.put(done('next'));
    await reactor.runUntilIdle();
    expect([started, a.getActiveJobIds()]).toEqual([['next'], []]);
    expect([...a.jobs][0]?.[1]).toMatchObject({ result: "'next'", thread: 'main:0' });
  });

  it('[D-33] an error that escapes from the call of a job is CRITICAL, and the worker is replaced', async () => {
    const faults = new Faults();
    // A store answers with a refusal; one that throws is broken, and so is what called it.
    faults.refuse = (commit) => {
      if (!has(commit, 'job.finish')) return null;
      faults.refuse = () => null;
      throw new Error('gotcha');
    };
    const store = faultyStore(makeStore(), faults);
    const { testBox, queue, done, started, reactor } = await makeTestBox({ store });
    const [a] = await startDispatchers(testBox, ['a'], { agents: { main: agent({ size: 2 }) } });

    const job = await queue.put(done('broken'));
    await reactor.runUntilIdle();
    await queue.put(done('next'));
    await reactor.advance('5s');

    expect(testBox.logged('CRITICAL')).toEqual([
      expect.stringMatching(/unexpected error in worker main:0.*gotcha/),
    ]);
    expect(testBox.entries.find(({ level }) => level === 'CRITICAL')?.stream).toBe('signalbox.events');
    expect(a?.getJobInfo(job.id ?? '')).toMatchObject({ failed: true, thread: 'main:0' });
    expect((await job.refresh()).status).toBe('ACTIVE');
    expect([started, a?.getActiveJobIds()]).toEqual([['broken', 'next'], []]);
    expect([...(a?.jobs ?? [])][0]?.[1].thread).toBe('main:0');
  });
});
