import { createSignalbox, defineMachine, memoryStore, SignalboxError } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { fromTransition } from 'xstate';
import { actorBox, stores } from './box.ts';
import { ada, length, order } from './machines.ts';

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (error instanceof SignalboxError ? error.code : String(error)),
  );

describe.each(stores)('A durable actor on a %s store', (_, makeStore) => {
  it('starts with its input, and is a record from then on', async () => {
    const { box } = await actorBox(makeStore());

    const actor = await box.actor(order, '17').start(ada);

    expect(actor.id).toBe('order/17');
    const snapshot = await actor.snapshot();
    expect(snapshot.value).toBe('approval');
    expect(snapshot.context).toEqual({ ...ada, receipt: null, reminders: 0 });
    expect(snapshot.can({ type: 'order.approve', by: 'Grace' })).toBe(true);
    expect(await box.store.get('actor', 'order/17')).toMatchObject({
      machine: 'order',
      version: '1',
      status: 'active',
      state: 'approval',
    });
  });

  it('is started once, unless the caller says otherwise', async () => {
    const { box } = await actorBox(makeStore());
    await box.actor(length, 'root').start();
    await box.actor(length, 'root').ask({ type: 'change', by: 4 });

    expect(await codeOf(box.actor(length, 'root').start())).toBe('ACTOR_EXISTS');
    expect(await codeOf(box.actor(length, 'root').start(undefined, { ifExists: 'restart' }))).toBe(
      'ACTOR_EXISTS',
    );
    await box.actor(length, 'root').start(undefined, { ifExists: 'return' });
    expect((await box.actor(length, 'root').snapshot()).context).toBe(4);
    await box.actor(length, 'root').stop();
    expect(await codeOf(box.actor(length, 'root').start())).toBe('ACTOR_EXISTS');
    await box.actor(length, 'root').start(undefined, { ifExists: 'restart' });
    expect((await box.actor(length, 'root').snapshot()).context).toBe(0);
  });

  it('takes events in their order, many in one commit', async () => {
    const { box } = await actorBox(makeStore());
    const actor = await box.actor(length, 'root').start();
    const { seq } = await box.store.position();

    const receipts = await Promise.all(
      Array.from({ length: 100 }, (_each, by) => actor.send({ type: 'change', by: by === 13 ? 0 : by })),
    );

    expect(receipts.every(({ taken }) => taken === true)).toBe(true);
    expect((await actor.snapshot()).context).toBe(4950 - 13);
    const bys: unknown[] = [];
    const commits = new Set<number>();
    for await (const entry of box.store.entries(seq + 1)) {
      bys.push((entry.arg as { by: number }).by);
      commits.add(entry.commit);
    }
    expect(bys).toEqual(Array.from({ length: 100 }, (_each, by) => (by === 13 ? 0 : by)));
    expect(commits.size).toBe(4);
    expect(await box.store.mailCount('length/root')).toBe(0);
  });

  it('acknowledges a message whose id was used before, and takes it once', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(length, 'root').start();

    const first = await actor.send({ type: 'change', by: 1 }, { id: 'click-93' });
    const again = await actor.send({ type: 'change', by: 1 }, { id: 'click-93' });
    const both = await Promise.all([
      actor.send({ type: 'change', by: 1 }, { id: 'click-94' }),
      actor.send({ type: 'change', by: 1 }, { id: 'click-94' }),
    ]);

    expect([first.isDuplicate, again.isDuplicate]).toEqual([false, true]);
    expect(both.map(({ isDuplicate }) => isDuplicate)).toEqual([false, true]);
    expect((await actor.snapshot()).context).toBe(2);
    await reactor.advance('10s');
    expect((await actor.send({ type: 'change', by: 1 }, { id: 'click-93' })).isDuplicate).toBe(true);
  });

  it('refuses what it cannot take to the one who asks, and says so to the one who sends', async () => {
    const { box } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);
    const before = await box.store.position();
    await actor.ask({ type: 'order.approve', by: 'Grace' });

    const asked = actor.ask({ type: 'order.approve', by: 'Grace' });

    await expect(asked).rejects.toThrow(/got no transition for it in state "paying"/);
    expect((await actor.send({ type: 'order.approve', by: 'Grace' })).taken).toBe(false);
    expect(before.seq).toBeGreaterThan(0);
  });

  it('is asked once under an id, and given up on after a time', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(length, 'root').start();

    const first = await actor.ask({ type: 'change', by: 4 }, { id: 'question-1' });
    const again = await actor.ask({ type: 'change', by: 4 }, { id: 'question-1', timeout: '1m' });

    expect([first.context, again.context]).toEqual([4, 4]);
    await expect(actor.ask({ type: 'change', by: 1 }, { timeout: 'soon' as never })).rejects.toMatchObject({
      code: 'INVALID_DURATION',
    });
    expect(reactor.now()).toBeGreaterThan(0);
  });

  it('is as before when a step throws, and its sender learns why', async () => {
    const { box } = await actorBox(makeStore());
    const actor = await box.actor(length, 'root').start();
    await actor.send({ type: 'change', by: 1 });

    const [good, bad, last] = await Promise.allSettled([
      actor.send({ type: 'change', by: 2 }),
      actor.send({ type: 'change', by: 13 }),
      actor.send({ type: 'change', by: 3 }),
    ]);

    expect([good.status, bad.status, last.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((bad as PromiseRejectedResult).reason).toMatchObject({ code: 'STEP_FAILED' });
    expect((bad as PromiseRejectedResult).reason.message).toContain('thirteen is not counted');
    expect((await actor.snapshot()).context).toBe(6);
  });

  it('refuses events of the machinery, and what is no event', async () => {
    const { box } = await actorBox(makeStore());
    const actor = await box.actor(length, 'root').start();

    for (const type of ['xstate.done.actor.charge', 'signalbox.stop', 'xstate.init'])
      expect(await codeOf(actor.send({ type, by: 1 } as never))).toBe('EVENT_RESERVED');
    for (const event of [null, 'change', {}, { type: '' }, { type: 1 }])
      expect(await codeOf(actor.send(event as never))).toBe('INVALID_OPTION');
    for (const key of ['', 'a/b', 'a#b', 'x'.repeat(201), '\u0000', 17])
      expect(await codeOf((async () => box.actor(length, key as string))())).toBe('INVALID_OPTION');
    expect(await codeOf(box.actor(length, 'none').send({ type: 'change', by: 1 }))).toBe('ACTOR_NOT_FOUND');
    await actor.stop();
    expect(await codeOf(actor.send({ type: 'change', by: 1 }))).toBe('ACTOR_FINISHED');
    expect(await codeOf(actor.ask({ type: 'change', by: 1 }))).toBe('ACTOR_FINISHED');
  });

  it('keeps what an event carried in the journal, of a large one its digest', async () => {
    const { box } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);
    await actor.send({ type: 'order.approve', by: 'x'.repeat(20_000) });

    const args: unknown[] = [];
    for await (const { arg } of actor.history()) args.push(arg);

    expect(args[0]).toEqual({ ...ada });
    expect(args[1]).toEqual({ $sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('takes what is sent while its last turn ends', async () => {
    const { box } = await actorBox(makeStore());
    const actor = await box.actor(length, 'root').start();

    // Each is sent by the answer to the one before: in the tick in which the line has nothing left.
    for (let n = 0; n < 300; n += 1) await actor.send({ type: 'change', by: 1 });
    let chain = actor.send({ type: 'change', by: 1 });
    for (let n = 0; n < 300; n += 1) chain = chain.then(() => actor.send({ type: 'change', by: 1 }));
    await chain;

    expect((await actor.snapshot()).context).toBe(601);
  });

  it('is started by the first message when that brings an input', async () => {
    const { box } = await actorBox(makeStore());
    const actor = box.actor(length, 'root');

    await Promise.all([
      actor.send({ type: 'change', by: 1 }, { start: undefined }),
      actor.send({ type: 'change', by: 2 }, { start: undefined }),
    ]);

    expect((await actor.snapshot()).context).toBe(3);
    const entries = [];
    for await (const { event, from, to } of actor.history()) entries.push([event, from, to]);
    expect(entries.map(([event]) => event)).toEqual(['signalbox.start', 'change', 'change']);
  });

  it('is not started by a message that its machine cannot take', async () => {
    const { box } = await actorBox(makeStore());
    const actor = box.actor(length, 'root');

    const sent = actor.send({ type: 'change', by: 13 }, { start: undefined, id: 'first' });

    await expect(sent).rejects.toMatchObject({ code: 'STEP_FAILED' });
    await expect(actor.snapshot()).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    const again = await actor.send({ type: 'change', by: 1 }, { start: undefined, id: 'first' });
    expect([again.taken, again.isDuplicate]).toEqual([true, false]);
    expect((await actor.send({ type: 'change', by: 1 }, { start: undefined, id: 'first' })).isDuplicate).toBe(
      true,
    );
    expect((await actor.snapshot()).context).toBe(1);
  });

  it('calls observers with what is on disk, and lets a condition be waited for', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(length, 'root').start();
    const seen: number[] = [];
    const { unsubscribe } = actor.subscribe(({ context }) => seen.push(context));
    const waited = actor.waitFor(({ context }) => context >= 3);

    for (const by of [1, 2, 3]) await actor.send({ type: 'change', by });

    expect((await waited).context).toBe(3);
    await reactor.runUntilIdle();
    expect(seen.at(-1)).toBe(6);
    unsubscribe();
    await actor.send({ type: 'change', by: 1 });
    expect(seen.at(-1)).toBe(6);
  });

  it('lists the actors of a machine', async () => {
    const { box } = await actorBox(makeStore());
    for (const key of ['a', 'b', 'c']) await box.actor(order, key).start(ada);
    await box.actor(order, 'b').stop();

    const all = await box.actors(order, { limit: 2 });
    const rest = await box.actors(order, { limit: 2, after: all.next ?? '' });
    const stopped = await box.actors(order, { status: 'stopped' });

    expect([...all.actors, ...rest.actors].map(({ actor, status }) => [actor.id, status])).toEqual([
      ['order/a', 'active'],
      ['order/b', 'stopped'],
      ['order/c', 'active'],
    ]);
    expect(stopped.actors.map(({ actor }) => actor.id)).toEqual(['order/b']);
  });
});

describe('Two machines of one logic under different names', () => {
  it('have jobs of their own', async () => {
    const logic = fromTransition((n: number, event: { type: 'add'; by: number }) => n + event.by, 0);
    const [one, other] = [defineMachine(logic, { name: 'one' }), defineMachine(logic, { name: 'other' })];
    const { box, reactor } = await actorBox(memoryStore(), { machines: [one, other], jobs: [] });
    await box.actor(one, 'a').start();
    await box.actor(other, 'a').start();

    const job = await box.queue().put(box.actor(other, 'a').job({ type: 'add', by: 2 }));
    await reactor.runUntilIdle();

    expect([job.name, (await job.result()).context]).toEqual(['other.ask', 2]);
    expect((await box.actor(one, 'a').snapshot()).context).toBe(0);
  });
});

describe('A box that was never started', () => {
  it('starts actors, sends and asks', async () => {
    const box = await createSignalbox({ store: memoryStore(), machines: [length] });
    const actor = await box.actor(length, 'root').start();
    await actor.send({ type: 'change', by: 4 });
    expect((await actor.ask({ type: 'change', by: 1 })).context).toBe(5);
    await box.stop();
  });

  it('sends to a machine that it does not know, which then waits in the mailbox', async () => {
    const store = memoryStore();
    const first = await createSignalbox({ store, machines: [length] });
    await first.actor(length, 'root').start();
    await first.stop();
    const box = await createSignalbox({ store });
    const receipt = await box.actor(length, 'root').send({ type: 'change', by: 4 });
    expect(receipt.taken).toBeNull();
    expect(await codeOf(box.actor(length, 'root').ask({ type: 'change', by: 4 }))).toBe('UNKNOWN_MACHINE');
    await box.stop();
    const second = await createSignalbox({ store, machines: [length] });
    expect((await second.actor(length, 'root').ask({ type: 'change', by: 1 })).context).toBe(5);
    await second.stop();
  });
});
