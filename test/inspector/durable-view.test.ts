import { createSignalbox, memoryStore, type Signalbox } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DurableActorView } from '../../src/inspector/protocol/durable.ts';
import { showsOf, touchOf } from '../../src/inspector/server/live/touches.ts';
import { durableActorView } from '../../src/inspector/views/durable/durable-actor-view.ts';
import { durableView } from '../../src/inspector/views/durable/durable-view.ts';
import { visitsOf } from '../../src/inspector/views/durable/visits.ts';
import { jobView } from '../../src/inspector/views/job/job-view.ts';
import { overviewView } from '../../src/inspector/views/overview/overview-view.ts';
import type { HistoryEntry } from '../../src/store/entry.ts';
import { type Seeded, seed } from './seed.ts';
import { actorIds, seedActors } from './seed-actors.ts';
import { machineJobs, purchase, stock } from './shop-machines.ts';

let story: Seeded;

beforeAll(async () => {
  story = await seed();
  await seedActors(story);
});
afterAll(() => story?.close());

const viewOf = async (id: string): Promise<DurableActorView> =>
  (await durableActorView(story.box.store, id, { names: story.box.known })) as DurableActorView;

describe('The list of durable actors', () => {
  it('counts them by machine, status and state, with those first that need a person', async () => {
    const { machines, rows, next } = await durableView(story.box.store, { limit: 100 });

    expect(machines.map(({ machine, n }) => [machine, n])).toEqual([
      ['parcel', 8],
      ['purchase', 23],
      ['stock', 1],
    ]);
    expect(machines[1]?.counts.map(({ status, state, n }) => [status, state, n])).toEqual([
      ['suspended', 'paying', 1],
      ['active', 'approval', 5],
      ['active', 'paying', 1],
      ['active', 'review', 3],
      ['active', 'sending.goods.moving|sending.papers.written', 7],
      ['done', 'done', 1],
      ['done', 'rejected', 5],
    ]);
    expect([rows.length, next]).toEqual([32, null]);
    expect(rows.find(({ id }) => id === actorIds.suspended)).toMatchObject({
      ...{ status: 'suspended', state: 'paying', children: 1, timer: null, version: '3' },
      why: expect.stringContaining('TypeError: Cannot read'),
    });
  });

  it('finds them by machine, status and state, a page at a time', async () => {
    const asked = { machine: 'purchase', status: 'active', state: 'sending.goods' } as const;
    const first = await durableView(story.box.store, { ...asked, limit: 5 });
    const rest = await durableView(story.box.store, { ...asked, limit: 5, after: first.next ?? '' });

    const both = await durableView(story.box.store, {
      ...{ state: 'sending.goods.moving|sending.papers.written', limit: 100 },
    });

    expect(both.rows).toHaveLength(7);
    expect([first.rows.length, rest.rows.length, rest.next]).toEqual([5, 2, null]);
    expect(rest.rows.map(({ id }) => id)).toEqual(['purchase/A-6016', actorIds.sending]);
  });
});

describe('The overview', () => {
  it('names the machines whose actors are suspended, and leads to them', async () => {
    const { attention } = await overviewView(story.box.store);

    expect(attention.filter(({ rule }) => rule === 'actors.suspended')).toMatchObject([
      {
        title: ['1 actor of machine purchase is suspended.'],
        text: [expect.any(String), { name: actorIds.suspended }],
        link: { page: 'durable', machine: 'purchase', status: 'suspended' },
      },
    ]);
  });
});

describe('The page of a durable actor', () => {
  it('shows what may come next, its timers, and its values without what its machine hides', async () => {
    const view = await viewOf(actorIds.waiting);

    expect(view.next).toEqual([
      { event: 'approve', guards: [], isOpen: true },
      { event: 'change', guards: ['isReal'], isOpen: null },
      { event: 'reject', guards: [], isOpen: true },
    ]);
    expect(view.timers.map(({ words }) => words)).toEqual(['after reminder', 'after patience']);
    expect(view.hidden).toBe(null);
    expect(view.context).toMatchObject({ is: 'object' });
    expect(view.history.map(({ words, to }) => [words, to])).toEqual([
      ['signalbox.start', 'approval'],
      ['after reminder', 'approval'],
    ]);
    expect(JSON.stringify(view)).not.toContain('b-7001@example.org');
    expect(JSON.stringify(view.context)).toContain('B-7001');
  });

  it('shows its chart with where it is, what it passed and how long', async () => {
    const { states, noChart } = await viewOf(actorIds.sending);
    const of = (path: string) => states.find((state) => state.path === path);

    expect(noChart).toBe(null);
    expect(states.filter(({ isNow }) => isNow).map(({ path }) => path)).toEqual([
      ...['sending', 'sending.goods', 'sending.goods.moving', 'sending.papers', 'sending.papers.written'],
    ]);
    expect(of('paying')).toMatchObject({ visits: 1, ms: 2000, invokes: ['collect'] });
    expect(of('review')).toMatchObject({ visits: 0, ms: 0 });
    expect(of('approval')?.ways[0]).toEqual({ words: 'approve', guard: 'isSmall', targets: ['paying'] });
    expect(of('sending')).toMatchObject({
      type: 'parallel',
      ways: [{ words: 'sending is complete', guard: null, targets: ['done'] }],
    });
    expect(of('')?.ways).toEqual([{ words: 'reject', guard: null, targets: ['rejected'] }]);
  });

  it('shows its children with the state of each, and leads to its parent', async () => {
    const sending = await viewOf(actorIds.sending);
    const parcel = await viewOf(actorIds.parcel);

    expect(sending.children).toMatchObject([
      { id: 'parcel', kind: 'actor', target: actorIds.parcel, state: 'active', at: 'moving' },
    ]);
    expect(sending.verdict.code).toBe('child');
    expect(parcel.parent).toEqual({ actor: actorIds.sending, child: 'parcel' });
    expect(parcel.next?.map(({ event, isOpen }) => [event, isOpen])).toEqual([
      ['scan', true],
      ['delivered', true],
    ]);
  });

  it('shows why it is suspended, and the mail that waits meanwhile', async () => {
    const view = await viewOf(actorIds.suspended);
    const [child] = view.children;

    expect(view.verdict.text).toBe(
      "it is suspended: TypeError: Cannot read properties of undefined (reading 'iban')",
    );
    expect(view.failure?.frames[0]?.place).toBe('purchase.ts:57');
    expect(view.mail.first.map(({ event, from }) => [event, from])).toEqual([
      ['collect is done', { kind: 'job', id: child?.target }],
      ['reject', null],
    ]);
    expect([child?.state, child?.ending]).toEqual(['completed', 'succeeded']);
    const job = await jobView(story.box.store, child?.target ?? '');
    expect(job?.origin.actor).toEqual({ id: actorIds.suspended, child: 'collect' });
  });

  it('shows the states that it was in, and no next events, where its machine is not known', async () => {
    const view = await durableActorView(story.box.store, actorIds.done);

    expect(view?.noChart).toMatch(/^Its machine is known in a process that has it/);
    expect(view?.states.map(({ path, isNow }) => [path, isNow])).toEqual([
      ...[
        ['approval', false],
        ['paying', false],
      ],
      ...['sending', 'sending.goods', 'sending.goods.moving', 'sending.papers'].map((path) => [path, false]),
      ...[
        ['sending.papers.writing', false],
        ['sending.papers.written', false],
        ['done', true],
      ],
    ]);
    expect(view?.next).toBe(null);
    expect(await durableActorView(story.box.store, 'purchase/none')).toBe(undefined);
  });

  it('shows the state of a reducer, which has no chart', async () => {
    const view = await viewOf('stock/sku-17');

    expect(view).toMatchObject({
      ...{ states: [], noChart: 'It is a reducer, which has one state.', next: [], state: '' },
      context: { is: 'number', value: 12 },
    });
  });

  it('is touched by its own entries, its messages and its children, and by nothing else', async () => {
    const question = { path: 'durable/:id', id: actorIds.sending } as const;
    const shows = showsOf(question, await viewOf(actorIds.sending));
    const touch = (kind: HistoryEntry['kind'], id: string) =>
      touchOf(question, shows, {
        kind,
        id,
        event: 'x',
        from: null,
        to: null,
        patch: null,
        gone: false,
        q: 0,
      });

    expect(touch('actor', actorIds.sending)).toBe('own');
    expect(touch('message', `${actorIds.sending}#1`)).toBe('own');
    expect(touch('actor', actorIds.parcel)).toBe('own');
    expect(touch('message', `${actorIds.parcel}#1`)).toBe('no');
    expect(touch('job', 'another')).toBe('no');
  });
});

describe('Visits of states', () => {
  it('count each entering, and the time in all states around', () => {
    const entry = (at: number, to: string) => ({ at, to }) as HistoryEntry;

    const visits = visitsOf([entry(0, 'a.b|c'), entry(5, 'a.d|c'), entry(7, 'a.b|c')], 10);

    expect(Object.fromEntries(visits)).toEqual({
      'a.b': { visits: 2, ms: 8 },
      'a.d': { visits: 1, ms: 2 },
      a: { visits: 1, ms: 10 },
      c: { visits: 1, ms: 10 },
    });
  });
});

describe('An operator', () => {
  it('suspends, resumes, skips and stops an actor, and each is noted with who did it and why', async () => {
    const reactor = new VirtualReactor();
    const box = await createSignalbox({
      ...{ store: memoryStore(), reactor, queues: [''] },
      ...{ jobs: Object.values(machineJobs), machines: [purchase, stock] },
    });
    reactor.attach(box);
    await box.start();
    const actor = await box.actor(purchase, '1').start({ order: '1', email: 'ada@example.org', cents: 1 });
    const operator = box.operate({ user: 'ada', reason: 'stocktaking' });

    await operator.suspendActor(actor.id);
    const suspended = await box.explainActor(actor.id);
    await box.transaction((tx) => tx.actor(purchase, '1').send({ type: 'approve', by: 'Grace' }));
    await box.transaction((tx) => tx.actor(purchase, '1').send({ type: 'reject', reason: 'no' }));
    await operator.skipActor(actor.id);
    await reactor.advance('1ms');
    const skipped = await box.explainActor(actor.id);
    await expect(operator.resumeActor(actor.id)).rejects.toMatchObject({ code: 'ACTOR_FINISHED' });
    const second = await box.actor(purchase, '2').start({ order: '2', email: 'bob@example.org', cents: 1 });
    await operator.suspendActor(second.id);
    await box.transaction((tx) => tx.actor(purchase, '2').send({ type: 'reject', reason: 'no' }));
    await operator.resumeActor(second.id);
    await reactor.advance('1ms');
    const third = await box.actor(purchase, '3').start({ order: '3', email: 'eve@example.org', cents: 1 });
    await operator.stopActor(third.id);

    expect(suspended.verdict.text).toBe('it is suspended: Error: stocktaking');
    expect([skipped.status, skipped.state]).toEqual(['done', 'rejected']);
    expect((await box.deadLetters.list()).map(({ reason }) => reason)).toEqual(['skipped']);
    expect((await box.explainActor(second.id)).state).toBe('rejected');
    expect((await box.explainActor(third.id)).status).toBe('stopped');
    expect(await notesOf(box)).toEqual([
      'ada suspendActor purchase/1 stocktaking',
      'ada skipActor purchase/1 stocktaking',
      'ada suspendActor purchase/2 stocktaking',
      'ada resumeActor purchase/2 stocktaking',
      'ada stopActor purchase/3 stocktaking',
    ]);
    await expect(operator.stopActor('purchase/none')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await reactor.until(box.stop());
  });
});

async function notesOf(box: Signalbox): Promise<readonly string[]> {
  const notes: string[] = [];
  for await (const { event, patch } of box.store.history('store', 'store')) {
    if (event !== 'operator.acted' || patch === null) continue;
    const { user, action, target, reason } = patch.lastAction as Record<string, string>;
    notes.push(`${user} ${action} ${target} ${reason}`);
  }
  return notes.reverse();
}
