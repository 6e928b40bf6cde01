import {
  agent,
  createSignalbox,
  Dispatcher,
  defineChooser,
  defineFilter,
  defineJob,
  installAgent,
  type OpenStore,
} from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from './stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
/** One commit, as followers of a store see it. */
type Line = Parameters<Parameters<OpenStore['follow']>[0]>[0][number];

const uuid = '00000000-0000-4000-8000-000000000001';

forEachStore('Start-up', (makeStore, kind) => {
  it('[I-1] createSignalbox resolves once its store is open, and rejects with what kept it from opening', async () => {
    const store = makeStore();
    const { box } = await makeBox({ store, jobs: [note] });

    // A database is there for many; what keeps one from opening is shown with the store itself.
    if (kind !== 'postgres')
      await expect(createSignalbox({ store })).rejects.toMatchObject({ code: 'STORE_LOCKED' });

    expect(box.state).toBe('running');
    await expect(box.opened()).resolves.toBeUndefined();
    await expect(createSignalbox({} as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('[I-2] missing queues are made, each in its own commit, and those that are there stay as they are', async () => {
    const store = makeStore();
    const first = await makeBox({ store, jobs: [note], queues: ['a'] });
    const kept = await first.box.queue('a').put(note('kept'));
    await first.box.queue('a').quotas.create('disk');
    await first.stop();

    const { box } = await makeBox({ store, jobs: [note], queues: ['a', 'b'] });
    const lines: Line[] = [];
    box.store.follow((synced) => lines.push(...synced));
    await Promise.all(['a', 'c', 'd', 'c'].map((name) => box.createQueue(name)));
    await box.store.settled();

    expect(await box.queues()).toEqual(['a', 'b', 'c', 'd']);
    expect((await box.queue('a').jobs()).map((job) => job.id)).toEqual([kept.id]);
    expect(await box.queue('a').quotas.names()).toEqual(['disk']);
    const made = lines.map((line) => line.entries.map((entry) => `${entry.event} ${entry.id}`));
    // The second try for c was refused, and took nothing with it.
    expect(made.flat()).toEqual(['queue.created c', 'queue.created d']);
    // What is asked for at once is one statement on a database, which has one line for its commits.
    if (kind !== 'postgres') expect(made.map(({ length }) => length)).toEqual([1, 1]);
  });

  it('[I-3] making a queue is an entry of the journal and a log entry; an error leaves nothing behind', async () => {
    const { box, entries } = await makeBox({ store: makeStore(), queues: ['mail'] });

    const refused = box.createQueue('not/this');

    await expect(refused).rejects.toMatchObject({ code: 'INVALID_NAME' });
    const created: string[] = [];
    for await (const entry of box.entries()) if (entry.event === 'queue.created') created.push(entry.id);
    expect(created).toEqual(['mail']);
    expect(entries.filter((entry) => entry.message.includes('queue'))).toMatchObject([
      { level: 'INFO', stream: 'signalbox.events', message: "queue 'mail' added" },
    ]);
    await expect(makeBox({ store: makeStore(), queues: ['fine', 'not/this'] })).rejects.toMatchObject({
      code: 'INVALID_NAME',
    });
  });

  it('[I-4] queues can live in a store of their own, whose jobs name things of another by id', async () => {
    const content = await makeBox({ store: makeStore({ name: 'content' }), jobs: [note], queues: [''] });
    const queues = await makeBox({ store: makeStore({ name: 'async' }), jobs: [note] });
    await queues.box.start();
    const document = await content.box.queue().put(note('a document'), { beginAfter: '1d' });
    const before = content.box.store.oldestSeq();
    const count = async (): Promise<number> => {
      let entries = 0;
      for await (const _ of content.box.entries(before)) entries += 1;
      return entries;
    };
    const quiet = await count();

    const job = await queues.box.queue().put(note(document.id ?? ''));
    const result = await job.result();

    expect(result).toBe(document.id);
    expect([job.names?.[1], document.names?.[1]]).toEqual(['async', 'content']);
    expect(await count()).toBe(quiet);
  });

  it('[I-5] start needs no settings: a poll every 5 s, and an agent main of size 3 for any job in all queues', async () => {
    const { box } = await makeBox({ store: makeStore(), queues: ['a'] });

    const dispatcher = await box.start();

    expect(dispatcher.pollInterval).toBe(5000);
    expect(await box.queues()).toEqual(['', 'a']);
    for (const name of ['', 'a']) {
      const { agents } = await box.queue(name).dispatchers.get(dispatcher.uuid);
      expect(await agents.names()).toEqual(['main']);
      expect(await agents.get('main')).toMatchObject({ size: 3, selection: { kind: 'any' } });
    }
  });

  it("[I-11] the host's own event loop is used: no handler of a signal is installed, and stop ends everything", async () => {
    const counts = (): number[] =>
      ['SIGINT', 'SIGTERM', 'SIGBREAK'].map((name) => process.listenerCount(name));
    const before = counts();
    const { box, reactor, stop } = await makeBox({ store: makeStore(), jobs: [note] });
    const dispatcher = await box.start();
    await (await box.queue().put(note('x'))).result();
    const during = counts();

    await stop();

    expect(during).toEqual(before);
    expect([box.state, dispatcher.activated, reactor.pending]).toEqual(['stopped', null, 0]);
  });

  it('[I-12] an installed agent is added in the queues it is for, and one of its name gets its settings unless they are pinned', async () => {
    const { box, logged } = await makeBox({ store: makeStore(), queues: ['a', 'b', 'c'], uuid });
    await box.queue('b').dispatchers.register(uuid);
    await (await box.queue('b').dispatchers.get(uuid)).agents.set('mailer', agent({ size: 9 }));
    await box.queue('c').dispatchers.register(uuid);
    const pinned = await box.queue('c').dispatchers.get(uuid);
    await pinned.agents.set('all', agent({ size: 9 }), { pinned: true });

    installAgent(box, { name: 'mailer', settings: agent({ size: 2 }), queues: ['a', 'b'] });
    installAgent(box, { name: 'all', settings: agent() });
    await box.start({ agent: null });

    const sizes: Record<string, number | undefined> = {};
    for (const name of await box.queues()) {
      const { agents } = await box.queue(name).dispatchers.get(uuid);
      for (const each of await agents.names()) sizes[`${name}/${each}`] = (await agents.get(each))?.size;
    }
    expect(sizes).toEqual({ '/all': 3, 'a/all': 3, 'a/mailer': 2, 'b/all': 3, 'b/mailer': 2, 'c/all': 9 });
    expect(logged('INFO')).toContain("agent 'mailer' added to queue 'a'");
    expect(logged('INFO')).toContain(
      "agent 'mailer' in queue 'b' changed, as the code says: size 2 instead of 9",
    );
    expect(logged('INFO')).toContain(
      "agent 'all' in queue 'c' is pinned and stays as it is: the code says size 3 instead of 9",
    );
    const chooser = defineChooser('first', ([job]) => job ?? null);
    expect(() => agent({ chooser, filter: { jobs: ['*'] } })).toThrow('a filter or a chooser, got both');
    expect(() => installAgent(box, { name: 'no/name' })).toThrow('an agent name');
  });

  it('[I-13] neither a registration nor a reactivation installs an agent', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), uuid });
    const heard: string[] = [];
    box.listen(({ name }) => heard.push(name));
    const added: string[] = [];
    installAgent(box, { name: 'extra' });
    await box.createQueue('');
    await box.queue().dispatchers.register(uuid);
    added.push(...(await (await box.queue().dispatchers.get(uuid)).agents.names()));
    await box.start({ agent: null });
    const representation = await box.queue().dispatchers.get(uuid);
    await representation.agents.remove('extra');

    await representation.deactivate();
    await reactor.advance('6s');

    expect(heard).toEqual([
      'dispatcherRegistered',
      'dispatcherActivated',
      'dispatcherDeactivated',
      'dispatcherReactivated',
    ]);
    expect([...added, ...(await representation.agents.names())]).toEqual([]);
  });

  it('[I-14] a later start with other settings changes the stored agent, and says what changed', async () => {
    const store = makeStore();
    const first = await makeBox({ store, uuid });
    await first.box.start({ agent: agent({ size: 4 }) });
    await first.stop();

    const { box, logged } = await makeBox({ store, jobs: [note], uuid });
    const dispatcher = await box.start({ agent: agent({ size: 8, filter: { jobs: ['mail.*', 'note'] } }) });

    const { agents } = await box.queue().dispatchers.get(uuid);
    expect(await agents.get('main')).toMatchObject({ size: 8, selection: { kind: 'data' }, pinned: false });
    expect(dispatcher.getPollInfo().queues['']?.main?.size).toBe(8);
    expect(logged('INFO')).toContain(
      "agent 'main' in queue '' changed, as the code says: size 8 instead of 4, filter jobs: mail.* note instead of any job",
    );
  });

  it('[I-14] an agent that an operator has pinned keeps its settings at the next start, until it is set without a pin', async () => {
    const store = makeStore();
    const first = await makeBox({ store, uuid });
    await first.box.start({ agent: agent({ size: 4 }) });
    const before = (await first.box.queue().dispatchers.get(uuid)).agents;
    await before.set('main', agent({ size: 16 }), { pinned: true });
    await first.stop();

    const second = await makeBox({ store, uuid });
    await second.box.start({ agent: agent({ size: 8 }) });
    const { agents } = await second.box.queue().dispatchers.get(uuid);
    const kept = await agents.get('main');
    await agents.set('main', agent({ size: 16 }));
    await second.stop();
    const third = await makeBox({ store, uuid });
    await third.box.start({ agent: agent({ size: 8 }) });

    expect(kept).toMatchObject({ size: 16, pinned: true });
    expect(second.logged('INFO')).toContain(
      "agent 'main' in queue '' is pinned and stays as it is: the code says size 8 instead of 16",
    );
    const now = await (await third.box.queue().dispatchers.get(uuid)).agents.get('main');
    expect(now).toMatchObject({ size: 8, pinned: false });
  });

  it('[I-14] a start that says nothing of an agent leaves the stored settings', async () => {
    const store = makeStore();
    const first = await makeBox({ store, uuid });
    await first.box.start({ agent: agent({ size: 8 }) });
    await first.stop();

    const { box, logged } = await makeBox({ store, uuid });
    await box.start();

    expect((await (await box.queue().dispatchers.get(uuid)).agents.get('main'))?.size).toBe(8);
    expect(logged('INFO')).toContain("agent 'main' is already in queue ''");
  });

  it('[I-14] the filter function of a stored agent is known again when the code says it again', async () => {
    const store = makeStore();
    const settings = agent({ filter: defineFilter('short', (job) => String(job.args[0]).length < 5) });
    const first = await makeBox({ store, jobs: [note], uuid });
    await first.box.start({ agent: settings });
    await first.stop();

    const { box, logged } = await makeBox({ store, jobs: [note], uuid });
    await box.start({ agent: settings });

    expect(await (await box.queue().put(note('x'))).result()).toBe('x');
    expect(logged('INFO')).toContain("agent 'main' is already in queue ''");
    expect(logged('CRITICAL')).toEqual([]);
  });

  it('[I-15] createSignalbox alone makes neither queue nor dispatcher: enough for a client', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note], uuid });

    expect(await box.queues()).toEqual([]);
    expect([box.dispatchers.size, reactor.pending]).toEqual([0, 0]);
    expect(box.uuid).toBe(uuid);
    await box.createQueue('made elsewhere'.replaceAll(' ', '-'));
    expect((await box.queue('made-elsewhere').put(note('x'))).status).toBe('PENDING');
  });

  it("[I-16] one call starts a working system with the queue '' and the given options", async () => {
    const choosy = defineChooser('last', (claimable) => [...claimable].at(-1) ?? null);
    const { box } = await makeBox({ store: makeStore(), jobs: [note] });

    const dispatcher = await box.start({
      pollInterval: '1s',
      jobsSize: 10,
      agent: agent({ size: 7, chooser: choosy }),
    });
    const job = await box.queue().put(note('x'));

    expect(await job.result()).toBe('x');
    expect([dispatcher.pollInterval, dispatcher.jobs.size]).toEqual([1000, 10]);
    const { agents } = await box.queue().dispatchers.get(box.uuid);
    expect(await agents.get('main')).toMatchObject({ size: 7, selection: { kind: 'chooser', name: 'last' } });
  });

  it('[I-17] a queue that appears later is activated at the next poll, and its agents claim in that same poll', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note] });
    const dispatcher = await box.start();
    const late = await box.createQueue('late');
    const job = await late.put(note('x'));
    const before = await late.dispatchers.uuids();

    await reactor.advance('5s');

    expect(before).toEqual([]);
    expect(await job.result()).toBe('x');
    expect(dispatcher.polls.length).toBe(2);
    expect(dispatcher.getPollInfo().queues.late?.main?.newJobs).toEqual([job.names]);
  });

  it('[I-18] the ready set-ups hold: one store, two stores, and a client that only looks', async () => {
    const shared = makeStore({ name: 'one' });
    const worker = await makeBox({ store: shared, jobs: [note] });
    await worker.box.start();
    const done = await worker.box.queue().put(note('in one store'));
    const apart = await makeBox({ store: makeStore({ name: 'two' }), jobs: [note] });
    await apart.box.start();
    const elsewhere = await apart.box.queue().put(note('in another'));
    const results = [await done.result(), await elsewhere.result()];
    await done.waitFor('COMPLETED');
    await worker.stop();

    const client = await makeBox({ store: shared });
    const seen = await client.box.job(done.id ?? '').refresh();
    const representations = await client.box.queue().dispatchers.all();

    expect(results).toEqual(['in one store', 'in another']);
    expect([worker.box.uuid === apart.box.uuid, elsewhere.names?.[1]]).toEqual([false, 'two']);
    expect([seen.status, seen.outcome]).toEqual(['COMPLETED', { ok: true, value: 'in one store' }]);
    expect(representations.map((each) => each.activated)).toEqual([null]);
    expect(client.box.dispatchers.size).toBe(0);
  });

  it('[I-5] [I-6] a dispatcher of its own is made and activated without start, under its own UUID', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note], queues: [''] });
    installAgent(box, { name: 'main' });
    const dispatcher = new Dispatcher(box, { uuid, pollInterval: '2s' });

    dispatcher.activate();
    reactor.run();
    await dispatcher.nextPoll();

    expect(await (await box.queue().put(note('x'))).result()).toBe('x');
    expect(dispatcher.getStatusInfo()).toMatchObject({ uuid, pollInterval: 2000, status: 'RUNNING' });
  });
});
