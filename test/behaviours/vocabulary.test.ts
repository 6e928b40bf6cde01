import { agent, Dispatcher, defineJob, type Job, local, SignalboxError } from 'signalbox';
import { getPoll } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from './stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const one = '00000000-0000-4000-8000-000000000001';
const two = '00000000-0000-4000-8000-000000000002';

forEachStore('Vocabulary and ownership', (makeStore) => {
  it('[V-1] a dispatcher that finds no queues in its store keeps polling and does no work', async () => {
    const { box, reactor } = await makeBox({ store: makeStore({ name: 'jobs' }) });
    const dispatcher = new Dispatcher(box);

    dispatcher.activate();
    reactor.run();
    await reactor.advance('11s');

    expect(box.store.name).toBe('jobs');
    expect([...dispatcher.iterPolls()].map((poll) => poll.queues)).toEqual([{}, {}, {}]);
    expect(dispatcher.getStatusInfo().status).toBe('RUNNING');
  });

  it('[V-2] a queue is made by its name alone, and anything else is refused', async () => {
    const { box } = await makeBox({ store: makeStore() });

    const queue = await box.createQueue('mail');

    expect(queue.name).toBe('mail');
    await expect(box.createQueue({ name: 'mail' } as never)).rejects.toMatchObject({ code: 'INVALID_NAME' });
    await expect(box.createQueue('a/b')).rejects.toMatchObject({ code: 'INVALID_NAME' });
    expect(await box.queues()).toEqual(['mail']);
  });

  it("[V-3] box.queue() is the queue named ''", async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [note], queues: ['', 'other'] });

    const job = await box.queue().put(note('x'));

    expect(box.queue().name).toBe('');
    expect((await job.place()).queue).toBe('');
    expect(await box.queue('other').length()).toBe(0);
  });

  it('[V-4] queues have jobs, quotas and representations of their own and share only the dispatcher', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [note], queues: ['a', 'b'] });
    await box.queue('a').quotas.create('disk');
    await box.queue('a').put(note('x'), { beginAfter: '1h' });

    await box.start();
    await (await box.queue('a').dispatchers.get(box.uuid)).agents.set('extra', agent({ size: 1 }));

    expect(await box.queue('a').quotas.names()).toEqual(['disk']);
    expect(await box.queue('b').quotas.names()).toEqual([]);
    expect([await box.queue('a').length(), await box.queue('b').length()]).toEqual([1, 0]);
    expect(await box.queue('a').dispatchers.uuids()).toEqual([box.uuid]);
    expect(await box.queue('b').dispatchers.uuids()).toEqual([box.uuid]);
    expect(await (await box.queue('b').dispatchers.get(box.uuid)).agents.names()).toEqual(['main']);
  });

  it('[V-5] queues, representations and agents are listed and polled in order of their names', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), queues: ['zoo', 'ant', 'mid'] });
    for (const uuid of [two, one]) await box.queue('ant').dispatchers.register(uuid);
    const { agents } = await box.queue('ant').dispatchers.get(one);
    for (const name of ['z', 'main', 'a']) await agents.set(name, agent());

    const dispatcher = new Dispatcher(box, { uuid: one });
    dispatcher.activate();
    await box.start({ agent: null });
    await reactor.advance('6s');

    expect(await box.queues()).toEqual(['', 'ant', 'mid', 'zoo']);
    expect((await box.queue('ant').dispatchers.uuids()).filter((uuid) => uuid !== box.uuid)).toEqual([
      one,
      two,
    ]);
    expect(await agents.names()).toEqual(['a', 'main', 'z']);
    const { queues } = dispatcher.getPollInfo();
    expect(Object.keys(queues)).toEqual(['', 'ant', 'mid', 'zoo']);
    expect(Object.keys(queues.ant ?? {})).toEqual(['a', 'main', 'z']);
  });

  it('[V-6] the representation outlives the dispatcher and can be read and changed without it', async () => {
    const store = makeStore();
    const first = await makeBox({ store, uuid: one });
    await first.box.start();
    await first.stop();

    const { box } = await makeBox({ store, uuid: two });
    const representation = await box.queue().dispatchers.get(one);
    await representation.agents.set('main', agent({ size: 9 }));

    expect(box.dispatchers.size).toBe(0);
    expect(representation.activated).toBeNull();
    expect(representation.lastPing).toBeInstanceOf(Date);
    expect((await representation.agents.get('main'))?.size).toBe(9);
  });

  it('[V-7] a dispatcher without agents is activated and pings, and takes no job', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note] });
    await box.start({ agent: null });
    const job = await box.queue().put(note('x'));

    await reactor.advance('31s');

    const representation = await box.queue().dispatchers.get(box.uuid);
    expect(representation.activated).not.toBeNull();
    expect(Number(representation.lastPing)).toBeGreaterThan(Number(representation.activated));
    expect((await job.refresh()).status).toBe('PENDING');
  });

  it('[V-8] an agent is identified by queue, dispatcher and name', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [note], queues: ['a', 'b'], uuid: one });
    for (const queue of ['a', 'b']) await box.queue(queue).dispatchers.register(two);
    for (const queue of ['a', 'b']) {
      const { agents } = await box.queue(queue).dispatchers.get(two);
      await agents.set('main', agent({ size: queue === 'a' ? 4 : 5 }));
    }
    const { agents } = await box.queue('a').dispatchers.get(two);
    await agents.set('main', agent({ size: 6 }));
    await box.start();

    const job = await box.queue('b').put(note('x'));
    await job.waitFor('COMPLETED');

    expect(await agents.names()).toEqual(['main']);
    expect((await agents.get('main'))?.size).toBe(6);
    expect((await (await box.queue('b').dispatchers.get(two)).agents.get('main'))?.size).toBe(5);
    expect(await job.place()).toEqual({ queue: 'b', dispatcher: one, agent: 'main' });
  });

  it('[V-9] a job is named by its id and the name of its store, wherever it is shown', async () => {
    const { box } = await makeBox({ store: makeStore({ name: 'shop' }), jobs: [note] });
    const dispatcher = await box.start();

    const job = await box.queue().put(note('x'));
    await job.result();

    const name = [job.id, 'shop'];
    expect(job.names).toEqual(name);
    expect(dispatcher.getPollInfo().queues['']?.main?.newJobs).toEqual([name]);
    expect(String(job)).toBe(`<Job (id ${job.id}, store 'shop') note('x')>`);
    expect(dispatcher.getJobInfo(job.id ?? '', 'shop').call).toBe(String(job));
    expect(() => dispatcher.getJobInfo(job.id ?? '', 'other')).toThrow(SignalboxError);
  });

  it('[V-10] a job has no parent or one: a queue, an agent while and after it is worked on, a job, or a proxy', async () => {
    const parents: unknown[] = [];
    const look = defineJob({
      name: 'look',
      run: () => {
        parents.push(local.getJob()?.record.parent);
      },
    });
    const { box } = await makeBox({ store: makeStore(), jobs: [note, look] });
    await box.createQueue('');
    const callback = note.partial();

    const job = await box.queue().put(look());
    await job.addCallback(callback);
    const proxy = await job.addCallbacks({ success: note.partial() });
    const branch = proxy.success?.record.parent;
    const added = (await proxy.addCallback(note.partial())).record.parent;
    parents.push(job.record.parent);
    const pulled = await box.queue().pull();
    parents.push(pulled.record.parent);
    await box.queue().put(pulled);
    await box.start();
    await pulled.waitFor('COMPLETED');
    parents.push((await pulled.refresh()).record.parent);

    const inAgent = { queue: '', dispatcher: box.uuid, agent: 'main' };
    expect(parents).toEqual([{ queue: '' }, null, inAgent, inAgent]);
    expect((await callback.refresh()).record.parent).toEqual({ job: job.id });
    expect(branch).toEqual({ proxy: expect.any(String) });
    expect(added).toEqual(branch);
  });

  it('[V-11] queue and agent are found through the parents, also from a callback of a callback', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [note], queues: ['q'] });
    const draft = note('x');
    const callback = await draft.addCallback(note.partial());
    const inner = await callback.addCallback(note.partial());

    const job = await box.queue('q').put(draft);
    const waiting = await inner.place();
    await box.start();
    await job.waitFor('COMPLETED');

    expect(waiting).toEqual({ queue: 'q', dispatcher: null, agent: null });
    const done = { queue: 'q', dispatcher: box.uuid, agent: 'main' };
    expect([await job.place(), await callback.place(), await inner.place()]).toEqual([done, done, done]);
    const loose = await box.queue('q').put(note('y'), { beginAfter: '1h' });
    await box.queue('q').remove(loose);
    expect(await loose.place()).toEqual({ queue: null, dispatcher: null, agent: null });
  });

  it('[V-12] a process that only puts jobs needs no dispatcher and no agent', async () => {
    const store = makeStore();
    const client = await makeBox({ store, jobs: [note], queues: [''] });
    const job = await client.box.queue().put(note('for later'));
    expect(client.box.dispatchers.size).toBe(0);
    expect(await client.box.queue().dispatchers.uuids()).toEqual([]);
    expect(client.reactor.pending).toBe(0);
    await client.stop();

    const worker = await makeBox({ store, jobs: [note] });
    await worker.box.start();

    expect(await worker.box.job(job.id ?? '').result()).toBe('for later');
  });

  it('[V-13] a job whose name this process does not know waits, and holds up nothing else', async () => {
    const store = makeStore();
    const client = await makeBox({
      store,
      jobs: [note, defineJob({ name: 'gone', run: () => 1 })],
      queues: [''],
    });
    const gone = defineJob({ name: 'gone', run: () => 1 });
    await expect(client.box.queue().put(gone())).rejects.toMatchObject({ code: 'UNKNOWN_DEFINITION' });
    await client.stop();
    const again = await makeBox({ store, jobs: [note, gone] });
    const lost = await again.box.queue().put(gone());
    const kept = await again.box.queue().put(note('kept'));
    await again.stop();

    const { box } = await makeBox({ store, jobs: [note] });
    const dispatcher = await box.start();

    expect(await box.job(kept.id ?? '').result()).toBe('kept');
    expect((await box.job(lost.id ?? '').refresh()).status).toBe('PENDING');
    expect(dispatcher.getStatusInfo().status).toBe('RUNNING');
  });

  it('[V-14] what a transaction does is visible when it commits, and gone when it throws', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [note], queues: ['a', 'b'] });
    const waiting = await box.queue('a').put(note('waiting'));

    const seen = await box.transaction(async (tx) => {
      await tx.queue('b').put(note('x'));
      await tx.queue('a').remove(waiting);
      return [await box.queue('a').length(), await box.queue('b').length()];
    });
    const after = [await box.queue('a').length(), await box.queue('b').length()];
    const failing = box.transaction(async (tx) => {
      await tx.queue('b').put(note('y'));
      throw new Error('changed my mind');
    });

    await expect(failing).rejects.toThrow('changed my mind');
    expect(seen).toEqual([1, 0]);
    expect(after).toEqual([0, 1]);
    expect(await box.queue('b').length()).toBe(1);
  });

  it('[V-15] a handle shows what it knew until it is refreshed', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [note] });
    await box.start();
    const job = await box.queue().put(note('x'));
    const other = box.job(job.id ?? '');
    await other.waitFor('COMPLETED');

    const before = [job.status, job.outcome];
    await job.refresh();

    expect(before).toEqual(['PENDING', null]);
    expect([job.status, job.outcome]).toEqual(['COMPLETED', { ok: true, value: 'x' }]);
  });

  it('[V-16] a job goes through the six statuses by their names', async () => {
    const statuses: Job['status'][] = [];
    const look = defineJob({
      name: 'look',
      run: async (id: string) => {
        statuses.push((await box.job(id).refresh()).status);
      },
    });
    const { box } = await makeBox({ store: makeStore(), jobs: [look], queues: [''] });
    const claimed = look('claimed');
    statuses.push(claimed.status);
    await box.queue().put(claimed);
    statuses.push(claimed.status);
    await box.queue().claim();
    statuses.push((await claimed.refresh()).status);
    await box.start();
    const run = look('run').with({ id: 'run' });
    await run.addCallback(look.partial('run'));
    await box.queue().put(run);
    await run.waitFor('COMPLETED');
    statuses.push((await run.refresh()).status);

    expect(statuses).toEqual(['NEW', 'PENDING', 'ASSIGNED', 'ACTIVE', 'CALLBACKS', 'COMPLETED']);
  });

  it('[V-17] every instant is UTC, and text without an offset is refused', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [note] });
    const dispatcher = await box.start();

    const job = await box.queue().put(note('x'), { beginAfter: '2030-01-01T02:00:00+02:00' });
    await job.waitFor('COMPLETED');
    await job.refresh();

    const midnight = new Date('2030-01-01T00:00:00Z');
    const representation = await box.queue().dispatchers.get(box.uuid);
    const info = dispatcher.getJobInfo(job.id ?? '');
    expect([job.beginAfter, job.activeStart, job.activeEnd]).toEqual([midnight, midnight, midnight]);
    expect([representation.activated, representation.lastPing]).toEqual([midnight, midnight]);
    expect([info.started, info.completed, dispatcher.getPollInfo().timestamp]).toEqual([
      midnight,
      midnight,
      midnight,
    ]);
    await expect(box.queue().put(note('y'), { beginAfter: '2030-01-01T02:00:00' })).rejects.toMatchObject({
      code: 'INVALID_INSTANT',
    });
  });

  it('[V-18] order of putting is not order of running, unless a quota of size 1 makes it so', async () => {
    const ended: string[] = [];
    let letGo = (): void => {};
    const firstMayEnd = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const work = defineJob({
      name: 'work',
      run: async (text: string) => {
        if (text === 'first') await firstMayEnd;
        ended.push(text);
      },
    });
    const { box } = await makeBox({ store: makeStore(), jobs: [work] });
    await box.start();
    await box.queue().quotas.create('serial');

    const first = await box.queue().put(work('first'));
    await (await box.queue().put(work('second'))).result();
    letGo();
    await first.result();
    const inLine = [];
    for (const text of ['a', 'b', 'c'])
      inLine.push(await box.queue().put(work(text), { quotaNames: ['serial'] }));
    for (const job of inLine) await job.result();

    expect(ended).toEqual(['second', 'first', 'a', 'b', 'c']);
  });

  it('[V-19] a job repeats when its own code puts its successor', async () => {
    const runs: number[] = [];
    const tick = defineJob({
      name: 'tick',
      run: async () => {
        runs.push(box.store.now());
        await local.getQueue().put(tick(), { beginAfter: '10m' });
      },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note, tick] });
    await box.start();
    const once = await box.queue().put(note('once'), { beginAfter: '5m' });

    await box.queue().put(tick());
    await reactor.advance('25m');

    expect(runs.map((at) => (at - (runs[0] ?? 0)) / 60_000)).toEqual([0, 10, 20]);
    expect((await once.refresh()).record.attempts).toBe(1);
  });

  it('[V-20] settings live in the store: changed through it they hold from the next poll, and after a restart', async () => {
    const store = makeStore();
    const first = await makeBox({ store, jobs: [note], uuid: one });
    const dispatcher = await first.box.start();
    const representation = await first.box.queue().dispatchers.get(one);
    await first.box.queue().quotas.create('disk', { size: 2 });

    await representation.agents.set('main', agent({ size: 7 }));
    await representation.setPingIntervals({ pingInterval: '10s', pingDeathInterval: '20s' });
    await first.box.queue().quotas.set('disk', { size: 5 });
    const poll = await first.reactor.until(getPoll(dispatcher));
    const size = poll.queues['']?.main?.size;
    await first.stop();
    const second = await makeBox({ store, jobs: [note], uuid: one });
    const again = await second.box.start();

    expect(size).toBe(7);
    expect(again.getPollInfo().queues['']?.main?.size).toBe(7);
    expect((await second.box.queue().dispatchers.get(one)).pingDeathInterval).toBe(20_000);
    expect((await second.box.queue().quotas.get('disk')).size).toBe(5);
  });
});
