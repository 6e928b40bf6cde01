import assert from 'node:assert/strict';
import { type Json, SignalboxError } from '../../../index.ts';
import type { ContractCheck } from '../check.ts';
import { type Change, type CheckedStore, check, reopeningCheck } from '../checked-store.ts';

type Patch = { readonly [key: string]: Json };

/** Starts an actor of the machine `order`, unless the patch names another one. */
export function started(id: string, state: string, patch: Patch = {}): Change {
  const about = { machine: 'order', version: '1', hash: 'h', status: 'active', startedAt: 0 };
  return {
    kind: 'actor',
    id,
    event: 'signalbox.start',
    from: null,
    to: state,
    patch: { ...about, ...patch },
  };
}

/** A step of an actor. */
export function stepped(id: string, from: string, to: string, patch: Patch | null = null): Change {
  return { kind: 'actor', id, event: 'order.go', from, to, patch };
}

/** The end of an actor, at an instant. */
export function ended(id: string, from: string, at: number, status = 'done'): Change {
  return stepped(id, from, 'over', { status, finishedAt: at, dueAt: null, timers: null });
}

async function due({ open }: CheckedStore, now: number, most = 100): Promise<readonly string[]> {
  return open.dueActors(['order', 'parcel'], now, most);
}

/** A refusal with a code. */
export function refusedWith(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SignalboxError && error.code === code;
}

/** How a store keeps actors. */
export const actorChecks: readonly ContractCheck[] = [
  check('keeps an actor with each key of its context by itself, and when it began', async (store) => {
    const timers = { wait: [20, 1, { type: 'late' }, null] } as unknown as Json;
    await store.commit([started('order/1', 'a', { 'c:n': 1, 'c:list': [], dueAt: 20, timers })]);
    const first = await store.open.get('actor', 'order/1');
    await store.commit([stepped('order/1', 'a', 'b', { 'c:text': 'x' })]);

    const actor = await store.open.get('actor', 'order/1');
    assert.deepEqual([actor?.state, actor?.status, actor?.rev], ['b', 'active', 2]);
    assert.deepEqual([actor?.['c:n'], actor?.['c:list'], actor?.['c:text']], [1, [], 'x']);
    assert.deepEqual(actor?.timers, timers);
    assert.deepEqual([actor?.output, actor?.children, actor?.finishedAt], [null, null, null]);
    assert.equal(first?.createdSeq, first?.lastSeq);
    assert.equal(actor?.createdSeq, first?.createdSeq);
    assert.ok((actor?.lastSeq ?? 0) > (actor?.createdSeq ?? 0));
  }),

  check('drops a key of the context that is cleared', async (store) => {
    await store.commit([started('order/1', 'a', { 'c:n': 1, 'c:m': 2 })]);

    await store.commit([stepped('order/1', 'a', 'a', { 'c:n': null })]);

    const actor = (await store.open.get('actor', 'order/1')) ?? {};
    assert.deepEqual([Object.hasOwn(actor, 'c:n'), Object.hasOwn(actor, 'c:m')], [false, true]);
  }),

  check('refuses the step of an actor that was read before another step', async (store) => {
    await store.commit([started('order/1', 'a')]);
    const known = { check: 'rev', kind: 'actor', id: 'order/1', rev: 1 } as const;
    await store.commit([stepped('order/1', 'a', 'b')], [known]);

    await assert.rejects(store.commit([stepped('order/1', 'b', 'c')], [known]), refusedWith('CONFLICT'));
    await assert.rejects(
      store.commit([started('order/1', 'a')], [{ ...known, rev: 0 }]),
      refusedWith('CONFLICT'),
    );

    assert.equal((await store.open.get('actor', 'order/1'))?.state, 'b');
  }),

  check('refuses the step of an actor from a state that it has left', async (store) => {
    await store.commit([started('order/1', 'a'), stepped('order/1', 'a', 'b')]);

    await assert.rejects(store.commit([stepped('order/1', 'a', 'c')]), refusedWith('CONFLICT'));
  }),

  check('takes several steps of one actor in one commit', async (store) => {
    await store.commit([started('order/1', 'a', { dueAt: 5 })]);
    const steps = [
      stepped('order/1', 'a', 'b', { 'c:n': 1, 'c:gone': 1 }),
      stepped('order/1', 'b', 'c', { 'c:n': 2, 'c:gone': null, dueAt: 30 }),
    ];

    await store.commit(steps, [{ check: 'rev', kind: 'actor', id: 'order/1', rev: 1 }]);

    const actor = await store.open.get('actor', 'order/1');
    assert.deepEqual([actor?.state, actor?.rev, actor?.['c:n']], ['c', 3, 2]);
    assert.equal(Object.hasOwn(actor ?? {}, 'c:gone'), false);
    assert.deepEqual([await due(store, 29), await due(store, 30)], [[], ['order/1']]);
  }),

  check(
    'finds active actors whose timers are due, earliest first, and when the next one is',
    async (store) => {
      await store.commit([
        started('order/b', 'a', { dueAt: 20 }),
        started('order/a', 'a', { dueAt: 20 }),
        started('parcel/c', 'a', { machine: 'parcel', dueAt: 10 }),
        started('order/d', 'a'),
        started('other/e', 'a', { machine: 'other', dueAt: 5 }),
      ]);

      assert.deepEqual(await due(store, 9), []);
      assert.deepEqual(await due(store, 20), ['parcel/c', 'order/a', 'order/b']);
      assert.deepEqual(await due(store, 20, 2), ['parcel/c', 'order/a']);
      assert.deepEqual(await due(store, 20, 0), []);
      assert.deepEqual(await store.open.dueActors(['order'], 20, 100), ['order/a', 'order/b']);
      assert.deepEqual(await store.open.dueActors([], 20, 100), []);
      assert.deepEqual(
        [
          await store.open.due(0),
          await store.open.due(5),
          await store.open.due(10),
          await store.open.due(20),
        ],
        [5, 10, 20, null],
      );
    },
  ),

  check(
    'finds an actor where its timer is now, and not while it is suspended or has ended',
    async (store) => {
      await store.commit(['a', 'b', 'c'].map((key) => started(`order/${key}`, 'a', { dueAt: 10 })));
      await store.commit([
        stepped('order/a', 'a', 'a', { dueAt: 30 }),
        stepped('order/b', 'a', 'a', { status: 'suspended' }),
        ended('order/c', 'a', 1),
      ]);
      assert.deepEqual(await due(store, 100), ['order/a']);
      assert.equal(await store.open.due(0), 30);

      await store.commit([
        stepped('order/b', 'a', 'a', { status: 'active' }),
        { kind: 'actor', id: 'order/a', event: 'evicted', from: null, to: null, patch: null, gone: true },
      ]);

      assert.deepEqual(await due(store, 100), ['order/b']);
    },
  ),

  check('finds the timers of actors where they were when a commit is refused', async (store) => {
    await store.commit([started('order/a', 'a', { dueAt: 10 })]);
    // The second change is refused when the first is made already.
    const changes = [stepped('order/a', 'a', 'b', { dueAt: 50 }), stepped('order/a', 'x', 'c')];
    await assert.rejects(store.commit(changes), refusedWith('CONFLICT'));

    assert.deepEqual([await due(store, 10), await store.open.due(10)], [['order/a'], null]);
  }),

  check('gives actors in pages, in order of id', async (store) => {
    await store.commit(['d', 'b', 'a', 'c'].map((key) => started(`order/${key}`, 'a')));
    await store.commit([started('order/b/parcel', 'a', { machine: 'parcel' })]);

    const found: string[][] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await store.open.actorsPage({ limit: 2, ...(after === undefined ? {} : { after }) });
      found.push(page.actors.map(({ id }) => id));
      after = page.next;
    }

    assert.deepEqual(found, [['order/a', 'order/b'], ['order/b/parcel', 'order/c'], ['order/d']]);
    const one = await store.open.actorsPage({ machine: 'order', limit: 4 });
    assert.deepEqual(
      [one.actors.map(({ id }) => id), one.next],
      [['order/a', 'order/b', 'order/c', 'order/d'], null],
    );
  }),

  check('gives pages of actors of some statuses, in a state or in one below it', async (store) => {
    await store.commit([
      started('order/a', 'shipping.parcel.packed|shipping.invoice'),
      started('order/b', 'shippingLater'),
      started('order/c', 'shipping'),
      started('order/d', 'a'),
    ]);
    await store.commit([ended('order/d', 'a', 1, 'failed')]);
    const ids = async (filter: object): Promise<string[]> =>
      (await store.open.actorsPage({ ...filter, limit: 10 })).actors.map(({ id }) => id);

    assert.deepEqual(await ids({ state: 'shipping' }), ['order/a', 'order/c']);
    assert.deepEqual(await ids({ state: 'shipping.invoice' }), ['order/a']);
    assert.deepEqual(await ids({ state: 'shipping.parcel|shipping.invoice' }), ['order/a']);
    assert.deepEqual(await ids({ state: 'shipping|a' }), []);
    assert.deepEqual(await ids({ state: 'ship' }), []);
    assert.deepEqual(await ids({ status: ['failed', 'done'] }), ['order/d']);
    assert.deepEqual(await ids({ status: ['active'], state: 'shippingLater' }), ['order/b']);
    assert.deepEqual(await ids({ machine: 'parcel' }), []);
  }),

  check('counts actors by machine, status and state', async (store) => {
    assert.deepEqual(await store.open.actorCounts(), []);
    await store.commit([
      started('order/a', 'a'),
      started('order/b', 'a'),
      started('order/c', 'b'),
      started('parcel/a', 'a', { machine: 'parcel' }),
    ]);
    await store.commit([stepped('order/c', 'b', 'b', { status: 'suspended' }), stepped('order/b', 'a', 'c')]);

    assert.deepEqual(await store.open.actorCounts(), [
      { machine: 'order', status: 'active', state: 'a', n: 1 },
      { machine: 'order', status: 'active', state: 'c', n: 1 },
      { machine: 'order', status: 'suspended', state: 'b', n: 1 },
      { machine: 'parcel', status: 'active', state: 'a', n: 1 },
    ]);
  }),

  check('keeps in the journal what an event carried, and nothing where it carried nothing', async (store) => {
    await store.commit([{ ...started('order/a', 'a'), arg: { by: 'Grace', n: [1, null] } }]);
    await store.commit([
      { ...stepped('order/a', 'a', 'a'), arg: 'hash' },
      stepped('order/a', 'a', 'a'),
      { ...stepped('order/a', 'a', 'a'), arg: 0 },
    ]);

    const args: unknown[] = [];
    for await (const entry of store.open.history('actor', 'order/a'))
      args.push('arg' in entry ? entry.arg : 'none');

    assert.deepEqual(args, [0, 'none', 'hash', { by: 'Grace', n: [1, null] }]);
    const events: unknown[] = [];
    for await (const { kind, arg } of store.open.entries(1)) if (kind === 'actor') events.push(arg ?? 'none');
    assert.deepEqual(events, [{ by: 'Grace', n: [1, null] }, 'hash', 'none', 0]);
  }),

  check('names in a line about an actor the chart that all of them have', async (store) => {
    await store.commit([started('order/a', 'a')]);

    const versions: string[] = [];
    for await (const { kind, mv } of store.open.entries(1)) if (kind === 'actor') versions.push(mv);
    assert.match(versions[0] ?? '', /,actor@/);
  }),

  reopeningCheck(
    'knows after an opening what an actor is, and what its events carried',
    async (store) => {
      await store.commit([{ ...started('order/a', 'a', { 'c:list': [], 'c:n': 1, dueAt: 10 }), arg: [] }]);
      await store.commit([stepped('order/a', 'a', 'b', { 'c:n': null, output: [] })]);
      await store.commit([started('order/b', 'a', { dueAt: 20, status: 'suspended' })]);
    },
    async (store) => {
      const actor = await store.open.get('actor', 'order/a');
      assert.deepEqual([actor?.state, actor?.rev, actor?.dueAt, actor?.output], ['b', 2, 10, []]);
      assert.deepEqual([actor?.['c:list'], Object.hasOwn(actor ?? {}, 'c:n')], [[], false]);
      assert.ok((actor?.createdSeq ?? 0) > 0 && (actor?.createdSeq ?? 0) < (actor?.lastSeq ?? 0));
      assert.deepEqual([await due(store, 100), await store.open.due(0)], [['order/a'], 10]);
      assert.equal((await store.open.actorCounts()).length, 2);
      const args: unknown[] = [];
      for await (const { arg } of store.open.history('actor', 'order/a')) args.push(arg ?? 'none');
      assert.deepEqual(args, ['none', []]);
    },
  ),
];
