import { defineJob, defineMachine, fromJob, fromPromise, local } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { actorBox, stores } from './box.ts';
import { ada, order } from './machines.ts';

describe.each(stores)('Children and timers of an actor on a %s store', (_, makeStore) => {
  it('a job is put with the step, and its outcome moves the actor', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);

    await actor.ask({ type: 'order.approve', by: 'Grace' });
    await reactor.runUntilIdle();

    const snapshot = await actor.snapshot();
    expect(snapshot.value).toBe('shipping');
    expect(snapshot.context.receipt).toBe('receipt of 17');
    const [entry] = await box.store.list('actor', 'order/17/parcel');
    expect(entry).toMatchObject({ machine: 'parcel', state: 'moving', status: 'active' });
  });

  it('a failed job is an error of its child, which the machine handles', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start({ ...ada, cents: 200_000 });

    await actor.ask({ type: 'order.approve', by: 'Grace' });
    await reactor.runUntilIdle();

    expect(await actor.output()).toEqual({ receipt: null });
    expect((await actor.snapshot()).value).toBe('rejected');
  });

  it('a machine is a child: its last step tells its parent', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);
    await actor.ask({ type: 'order.approve', by: 'Grace' });
    await reactor.runUntilIdle();

    const child = box.actorById('order/17/parcel');
    await child.send({ type: 'scan' } as never);
    await child.send({ type: 'delivered' } as never);
    await reactor.runUntilIdle();

    expect(await actor.output()).toEqual({ receipt: 'receipt of 17' });
    expect(await box.store.get('actor', 'order/17/parcel')).toMatchObject({
      status: 'done',
      output: { scans: 1 },
    });
  });

  it('a child is stopped when its state is left', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);
    await actor.ask({ type: 'order.approve', by: 'Grace' });
    await reactor.runUntilIdle();

    await actor.ask({ type: 'order.reject', reason: 'no' });
    await reactor.runUntilIdle();

    expect(await box.store.get('actor', 'order/17/parcel')).toMatchObject({ status: 'stopped' });
    expect((await actor.snapshot()).value).toBe('rejected');
  });

  it('a job that is left before it is done is cancelled with the step, and its outcome moves nothing', async () => {
    const { box, reactor } = await actorBox(makeStore());
    await box.queue().pause();
    const actor = await box.actor(order, '17').start(ada);
    await actor.ask({ type: 'order.approve', by: 'Grace' });
    const [job] = await box.store.waiting('');

    await actor.ask({ type: 'order.reject', reason: 'no' });
    await box.queue().resume();
    await reactor.runUntilIdle();

    expect((await box.store.get('job', job?.id ?? ''))?.ending).toBe('cancelled');
    expect((await actor.snapshot()).value).toBe('rejected');
    expect(await box.store.mailCount('order/17')).toBe(0);
  });

  it('a timer is on the record: it fires at its time, also after downtime, again and again', async () => {
    const { box, reactor, crash, reopen } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);
    await reactor.advance('9m');
    expect((await actor.snapshot()).context.reminders).toBe(0);
    await reactor.advance('1m');
    expect((await actor.snapshot()).context.reminders).toBe(1);

    await crash();
    await reactor.advance('13m');
    const second = await reopen();
    await reactor.runUntilIdle();

    expect((await second.box.actor(order, '17').snapshot()).context.reminders).toBe(2);
    await reactor.advance('10m');
    expect((await second.box.actor(order, '17').snapshot()).context.reminders).toBe(3);
    const jobs = await second.box.store.list('job', '');
    expect(jobs.filter(({ name }) => name === 'mail')).toHaveLength(3);
    await second.tearDown();
  });

  it('a timer of an actor that a transaction starts fires at its time', async () => {
    const { box, reactor } = await actorBox(makeStore(), { pollInterval: '1h' });
    await box.transaction(async (tx) => {
      await tx.actor(order, '17').start(ada);
    });

    await reactor.advance('10m');

    expect((await box.actor(order, '17').snapshot()).context.reminders).toBe(1);
  });

  it('an actor that begins anew counts on: the outcome of a child of its earlier life moves nothing', async () => {
    const { box, reactor } = await actorBox(makeStore());
    const actor = await box.actor(order, '17').start(ada);
    await box.queue().pause();
    await actor.ask({ type: 'order.approve', by: 'Grace' });
    await actor.stop();

    await actor.start(ada, { ifExists: 'restart' });
    await actor.ask({ type: 'order.approve', by: 'Grace' });

    const { children } = (await box.store.get('actor', 'order/17')) ?? {};
    expect(children?.charge?.run).toBe(2);
    await reactor.runUntilIdle();
    expect((await actor.snapshot()).value).toBe('paying');
  });

  it('a promise of signalbox is a job, with an id that is the same in every attempt', async () => {
    const ids: (string | null)[] = [];
    const machine = defineMachine(
      setup({
        types: { context: {} as { got: number | null } },
        actors: {
          work: fromPromise(async ({ input }: { input: { n: number } }) => {
            ids.push(local.getJob()?.id ?? null);
            if (ids.length === 1) throw new Error('once more');
            return input.n + 1;
          }),
        },
      }).createMachine({
        id: 'promised',
        version: '1',
        context: { got: null },
        initial: 'working',
        states: {
          working: {
            invoke: {
              src: 'work',
              id: 'work',
              input: { n: 41 },
              onDone: { target: 'done', actions: assign({ got: ({ event }) => event.output as number }) },
              onError: { target: 'failed' },
            },
          },
          done: { type: 'final' },
          failed: { type: 'final' },
        },
      }),
    );
    const { box, reactor } = await actorBox(makeStore(), { machines: [machine] });
    const actor = await box.actor(machine, 'a').start();
    await reactor.runUntilIdle();
    expect((await actor.snapshot()).value).toBe('failed');
    expect(ids).toHaveLength(1);
    await box.actor(machine, 'b').start();
    await reactor.runUntilIdle();
    expect((await box.actor(machine, 'b').snapshot()).context.got).toBe(42);
  });

  it('a restarted state has a job of its own, and the outcome of the one before is dropped', async () => {
    let release: (value: string) => void = () => {};
    const calls: string[] = [];
    const slow = defineJob({
      name: 'slow',
      run: async (n: number) => {
        calls.push(`begin ${n}`);
        if (n === 1)
          await new Promise<string>((resolve) => {
            release = resolve;
          });
        return `result ${n}`;
      },
    });
    const machine = defineMachine(
      setup({
        types: {
          context: {} as { n: number; got: string | null },
          events: {} as { type: 'again' },
        },
        actors: { slow: fromJob(slow) },
      }).createMachine({
        id: 'again',
        version: '1',
        context: { n: 1, got: null },
        initial: 'working',
        states: {
          working: {
            invoke: {
              src: 'slow',
              id: 'slow',
              input: ({ context }): [number] => [context.n],
              onDone: { target: 'done', actions: assign({ got: ({ event }) => event.output as string }) },
            },
            on: {
              again: {
                target: 'working',
                reenter: true,
                actions: assign({ n: ({ context }) => context.n + 1 }),
              },
            },
          },
          done: { type: 'final' },
        },
      }),
    );
    const { box, reactor } = await actorBox(makeStore(), { machines: [machine], jobs: [slow] });
    const actor = await box.actor(machine, 'a').start();
    await reactor.runUntilIdle();
    await actor.ask({ type: 'again' });
    release('late');
    await reactor.runUntilIdle();

    expect(calls).toEqual(['begin 1', 'begin 2']);
    expect((await actor.snapshot()).context).toEqual({ n: 2, got: 'result 2' });
  });

  it('a child that two steps of one commit start is stopped in between, and so is its own job', async () => {
    const slow = defineJob({ name: 'slow', run: () => local.sleep('1h') });
    const inner = setup({ actors: { slow: fromJob(slow) } }).createMachine({
      id: 'inner',
      version: '1',
      invoke: { id: 'slow', src: 'slow', input: () => [] },
    });
    const outer = defineMachine(
      setup({ types: { events: {} as { type: 'go' } }, actors: { inner } }).createMachine({
        id: 'outer',
        version: '1',
        initial: 'idle',
        states: {
          idle: { on: { go: { target: 'working' } } },
          working: {
            invoke: { id: 'inner', src: 'inner' },
            on: { go: { target: 'working', reenter: true } },
          },
        },
      }),
    );
    const { box, reactor } = await actorBox(makeStore(), { machines: [outer], jobs: [slow] });
    const actor = await box.actor(outer, 'a').start();

    await Promise.all([actor.send({ type: 'go' }), actor.send({ type: 'go' })]);
    await reactor.runUntilIdle();

    const events: string[] = [];
    for await (const { event } of box.actorById('outer/a/inner').history()) events.push(event);
    expect(events).toEqual(['signalbox.start', 'signalbox.stop', 'signalbox.start']);
    const jobs = await box.store.list('job', '');
    expect(jobs.map(({ ending }) => ending).sort()).toEqual(['cancelled', null]);
  });
});
