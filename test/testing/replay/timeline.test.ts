import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignalbox, defineJob, memoryStore } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { createTestBox, timeline, VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { stores } from '../../actors/box.ts';
import { ada, charge, mail, order } from '../../actors/machines.ts';

describe.each(stores)('The timeline of a %s store', (name, make) => {
  it('shows an actor as it was after each of its entries', { timeout: 60_000 }, async () => {
    const reactor = new VirtualReactor();
    const store = make();
    const { box, tearDown } = await createTestBox({
      reactor,
      store,
      jobs: [charge, mail],
      machines: [order],
    });
    await box.actor(order, '17').start(ada);
    await reactor.advance('11m');
    await reactor.until(box.actor(order, '17').ask({ type: 'order.approve', by: 'Grace' }));
    await reactor.advance('1m');

    const past = await timeline(box.store);
    const seen: unknown[] = [];
    for await (const { seq, event } of past.steps({ actor: 'order/17' })) {
      const then = await past.at(seq).actor(order, '17');
      seen.push([event, then.value, then.context.reminders, then.context.receipt]);
    }

    expect(seen).toEqual([
      ['signalbox.start', 'approval', 0, null],
      ['xstate.after.reminder.order.approval', 'approval', 1, null],
      ['order.approve', 'paying', 1, null],
      ['xstate.done.actor.charge', 'shipping', 1, 'receipt of 17'],
    ]);
    expect((await past.at(new Date(Date.UTC(2030, 0, 1, 0, 5))).actor(order, '17')).matches('approval')).toBe(
      true,
    );
    await tearDown();
  });

  it('shows a job, and that it was not there before', { timeout: 60_000 }, async () => {
    const greet = defineJob({ name: 'greet', run: (whom: string) => `hello ${whom}` });
    const reactor = new VirtualReactor();
    const { box, tearDown } = await createTestBox({ reactor, store: make(), jobs: [greet] });
    const { seq: before } = await box.store.position();
    const job = await box.queue().put(greet('Ada'));
    await reactor.advance('1s');

    const past = await timeline(box.store);
    const seen: unknown[] = [];
    for await (const { seq } of past.steps({ job: job.id ?? '' })) {
      const { status, value, args, attempts } = await past.at(seq).job(job.id ?? '');
      seen.push([status, value, args, attempts]);
    }

    expect(seen).toEqual([
      ['PENDING', undefined, ['Ada'], 0],
      ['ASSIGNED', undefined, ['Ada'], 0],
      ['ACTIVE', undefined, ['Ada'], 1],
      ['CALLBACKS', 'hello Ada', ['Ada'], 1],
      ['COMPLETED', 'hello Ada', ['Ada'], 1],
    ]);
    await expect(past.at(before).job(job.id ?? '')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await expect(past.at(before).actor(order, '17')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await tearDown();
  });

  it('shows what waited in a queue and what was held, or says that this store does not keep that', {
    timeout: 60_000,
  }, async () => {
    const greet = defineJob({ name: 'greet', run: (whom: string) => `hello ${whom}` });
    const reactor = new VirtualReactor();
    const { box, tearDown } = await createTestBox({ reactor, store: make(), jobs: [greet] });
    await box.queue().pause({ job: 'greet' });
    const [one, other] = [await box.queue().put(greet('Ada')), await box.queue().put(greet('Grace'))];
    const { seq } = await box.store.position();
    await box.queue().resume({ job: 'greet' });
    await reactor.advance('1s');

    const past = await timeline(box.store);
    const then = past.at(seq).queue('');

    if (name === 'postgres') await expect(then).rejects.toThrow('single records');
    else expect(await then).toEqual({ waiting: [one.id, other.id], held: [] });
    if (name !== 'postgres') {
      const held: string[] = [];
      for await (const { seq: at } of past.steps({ job: one.id ?? '' }))
        if ((await past.at(at).queue()).held.includes(one.id ?? ''))
          held.push((await past.at(at).job(one.id ?? '')).status);
      expect(held).toContain('ACTIVE');
    }
    await tearDown();
  });
});

it('The timeline of a directory is that of its closed store', async () => {
  const directory = join(mkdtempSync(join(tmpdir(), 'signalbox-timeline-')), 'store');
  const box = await createSignalbox({ store: jsonStore(directory), jobs: [charge, mail], machines: [order] });
  await box.start();
  await box.actor(order, '17').start(ada);
  await box.stop();

  const past = await timeline(directory);

  for await (const { seq } of past.steps({ actor: 'order/17' }))
    expect((await past.at(seq).actor(order, '17')).matches('approval')).toBe(true);
});

it.each([[null], [{}], [7]])('A timeline of %j is refused', async (given) => {
  await expect(timeline(given as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

it('A timeline refuses what is no moment, no machine, and nothing that has steps', async () => {
  const { box, tearDown } = await createTestBox();
  const past = await timeline(box.store);

  for (const moment of [Number.NaN, new Date('never'), '7', undefined])
    expect(() => past.at(moment as never)).toThrow('Expected `moment` to be the seq of an entry, or a Date');
  await expect(past.at(0).actor({} as never, '17')).rejects.toThrow('what defineMachine returns');
  for (const of of [{}, undefined, { job: 7 }])
    expect(() => past.steps(of as never)).toThrow('Expected `of` to be { actor: id } or { job: id }');
  await tearDown();
});

it('A timeline whose history was cut shows no moment before the cut, named by an instant or by a seq', async () => {
  const greet = defineJob({ name: 'greet', run: (whom: string) => `hello ${whom}` });
  const reactor = new VirtualReactor();
  const store = memoryStore({ historyMaxLines: 5 });
  const { box, tearDown } = await createTestBox({ reactor, store, jobs: [greet] });
  const before = new Date(reactor.now());
  await reactor.advance('1h');
  for (const whom of ['Ada', 'Grace', 'Edsger']) await (await box.queue().put(greet(whom))).result();
  const last = await box.queue().put(greet('Barbara'));
  await last.result();

  const past = await timeline(box.store);

  await expect(past.at(before).job(last.id ?? '')).rejects.toMatchObject({ code: 'HISTORY_CUT' });
  await expect(past.at(1).queue()).rejects.toMatchObject({ code: 'HISTORY_CUT' });
  expect((await past.at(new Date(reactor.now())).job(last.id ?? '')).status).toBe('COMPLETED');
  await tearDown();
});
