import assert from 'node:assert/strict';
import type { Json } from '../../../index.ts';
import type { ContractCheck } from '../check.ts';
import { type Change, type CheckedStore, check, reopeningCheck } from '../checked-store.ts';
import { ended, refusedWith, started, stepped } from './actors.ts';

/** Sends a message to an actor of the machine `order`. */
function sent(actor: string, id: string, patch: { readonly [key: string]: Json } = {}): Change {
  return {
    kind: 'message',
    id: `${actor}#${id}`,
    event: 'message.put',
    from: null,
    to: 'waiting',
    patch: { actor, machine: 'order', event: { type: 'order.go', id }, at: 0, ...patch },
  };
}

function taken(actor: string, id: string): Change {
  const patch = { endedAt: 1 };
  return {
    kind: 'message',
    id: `${actor}#${id}`,
    event: 'message.taken',
    from: 'waiting',
    to: 'taken',
    patch,
  };
}

function died(actor: string, id: string, reason = 'threw'): Change {
  const patch = { endedAt: 1, reason };
  return { kind: 'message', id: `${actor}#${id}`, event: 'message.dead', from: 'waiting', to: 'dead', patch };
}

const absent = (actor: string, id: string) =>
  ({ check: 'rev', kind: 'message', id: `${actor}#${id}`, rev: 0 }) as const;

/** Ids of the waiting messages of an actor, without its own. */
async function mailOf({ open }: CheckedStore, actor: string, most = 100): Promise<string[]> {
  return (await open.mail(actor, most)).map(({ id }) => id.slice(actor.length + 1));
}

function mailed({ open }: CheckedStore, after = '', most = 100): Promise<readonly string[]> {
  return open.mailed(['order', 'parcel'], after, most);
}

async function deadOf({ open }: CheckedStore, most = 100): Promise<string[]> {
  return (await open.deadLetters(most)).map(({ id }) => id);
}

/** How a store keeps messages. */
export const mailChecks: readonly ContractCheck[] = [
  check('keeps the mail of an actor in the order of commits', async (store) => {
    await store.commit([sent('order/1', 'z'), sent('order/2', 'm')]);
    await store.commit([sent('order/1', 'a'), sent('order/1', 'b')]);
    await store.commit([sent('order/1', 'c')]);

    assert.deepEqual(await mailOf(store, 'order/1'), ['z', 'a', 'b', 'c']);
    assert.deepEqual(await mailOf(store, 'order/1', 2), ['z', 'a']);
    assert.deepEqual(await mailOf(store, 'order/1', 0), []);
    assert.deepEqual(await mailOf(store, 'order/3'), []);
    assert.deepEqual([await store.open.mailCount('order/1'), await store.open.mailCount('order/3')], [4, 0]);
    const [first] = await store.open.mail('order/1', 1);
    assert.deepEqual(
      [first?.event, first?.state, first?.from, first?.run, first?.reason, first?.failure],
      [{ type: 'order.go', id: 'z' }, 'waiting', null, null, null, null],
    );
  }),

  check('takes a message out of the mail with the step that takes it', async (store) => {
    await store.commit([started('order/1', 'a')]);
    await store.commit([sent('order/1', 'one'), sent('order/1', 'two')]);

    await store.commit([stepped('order/1', 'a', 'b'), taken('order/1', 'one')]);

    assert.deepEqual(await mailOf(store, 'order/1'), ['two']);
    assert.equal((await store.open.get('message', 'order/1#one'))?.state, 'taken');
    await assert.rejects(store.commit([taken('order/1', 'one')]), refusedWith('CONFLICT'));
  }),

  check('refuses a message of an id that is known, waiting or taken', async (store) => {
    await store.commit([sent('order/1', 'one')], [absent('order/1', 'one')]);
    await assert.rejects(
      store.commit([sent('order/1', 'one')], [absent('order/1', 'one')]),
      refusedWith('CONFLICT'),
    );
    await store.commit([taken('order/1', 'one')]);

    await assert.rejects(
      store.commit([sent('order/1', 'one')], [absent('order/1', 'one')]),
      refusedWith('CONFLICT'),
    );
    await store.commit([sent('order/2', 'one')], [absent('order/2', 'one')]);

    assert.deepEqual([await mailOf(store, 'order/1'), await mailOf(store, 'order/2')], [[], ['one']]);
  }),

  check('takes one of two messages of one id that are sent at once', async (store) => {
    const send = () => store.commit([sent('order/1', 'one')], [absent('order/1', 'one')]);

    const results = await Promise.allSettled([send(), send()]);

    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.deepEqual(await mailOf(store, 'order/1'), ['one']);
  }),

  check('refuses what needs an empty mailbox while a message waits', async (store) => {
    const empty = { check: 'noMail', id: 'order/1' } as const;
    await store.commit([started('order/1', 'a'), sent('order/2', 'x')], [empty]);
    await store.commit([sent('order/1', 'one')]);
    await assert.rejects(store.commit([stepped('order/1', 'a', 'b')], [empty]), refusedWith('CONFLICT'));
    assert.equal((await store.open.get('actor', 'order/1'))?.state, 'a');

    await store.commit([taken('order/1', 'one')]);

    await store.commit([stepped('order/1', 'a', 'b')], [empty]);
  }),

  check('sees for an empty mailbox what commits of the same tick have sent and taken', async (store) => {
    const empty = { check: 'noMail', id: 'order/1' } as const;
    await store.commit([started('order/1', 'a')]);

    const late = await Promise.allSettled([
      store.commit([sent('order/1', 'one')]),
      store.commit([stepped('order/1', 'a', 'b')], [empty]),
    ]);
    assert.deepEqual(
      late.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );

    const free = await Promise.allSettled([
      store.commit([taken('order/1', 'one')]),
      store.commit([stepped('order/1', 'a', 'b')], [empty]),
    ]);
    assert.deepEqual(
      free.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
  }),

  check('refuses what an actor has to accept that is not there or has ended', async (store) => {
    const accepts = (id: string) => ({ check: 'accepts', id }) as const;
    await store.commit([started('order/1', 'a'), started('order/2', 'a'), started('order/3', 'a')]);
    await store.commit([
      stepped('order/2', 'a', 'a', { status: 'suspended' }),
      ended('order/3', 'a', 1, 'stopped'),
    ]);

    await store.commit([sent('order/1', 'one')], [accepts('order/1')]);
    await store.commit([sent('order/2', 'one')], [accepts('order/2')]);
    await assert.rejects(
      store.commit([sent('order/3', 'one')], [accepts('order/3')]),
      refusedWith('ACTOR_FINISHED'),
    );
    await assert.rejects(
      store.commit([sent('order/4', 'one')], [accepts('order/4')]),
      refusedWith('ACTOR_NOT_FOUND'),
    );

    assert.deepEqual(await mailed(store), ['order/1']);
  }),

  check('sees that an actor has ended in a commit of the same tick', async (store) => {
    await store.commit([started('order/1', 'a')]);

    const [, late] = await Promise.allSettled([
      store.commit([ended('order/1', 'a', 1)]),
      store.commit([sent('order/1', 'one')], [{ check: 'accepts', id: 'order/1' }]),
    ]);

    assert.ok(late.status === 'rejected' && refusedWith('ACTOR_FINISHED')(late.reason));
  }),

  check('refuses messages beyond the limit of a mailbox, all of a commit', async (store) => {
    const most = { check: 'atMost', of: 'mail', id: 'order/1', most: 2 } as const;
    await store.commit([sent('order/1', 'one'), sent('order/2', 'other')], [most]);
    await assert.rejects(
      store.commit([sent('order/1', 'two'), sent('order/1', 'three')], [most]),
      refusedWith('MAILBOX_FULL'),
    );
    await store.commit([sent('order/1', 'two')], [most]);
    await assert.rejects(store.commit([sent('order/1', 'three')], [most]), refusedWith('MAILBOX_FULL'));
    assert.deepEqual(await mailOf(store, 'order/1'), ['one', 'two']);

    await store.commit([taken('order/1', 'one')]);

    await store.commit([sent('order/1', 'three')], [most]);
  }),

  check('counts for the limit of a mailbox what commits of the same tick send', async (store) => {
    const most = { check: 'atMost', of: 'mail', id: 'order/1', most: 2 } as const;

    const results = await Promise.allSettled(
      ['one', 'two', 'three'].map((id) => store.commit([sent('order/1', id)], [most])),
    );

    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
    assert.equal(await store.open.mailCount('order/1'), 2);
  }),

  check('finds the actors that have mail, each once, in order of id, behind one', async (store) => {
    await store.commit([sent('order/c', 'one'), sent('order/a', 'one'), sent('order/a', 'two')]);
    await store.commit([
      sent('order/b/parcel', 'one', { machine: 'parcel' }),
      sent('other/d', 'one', { machine: 'other' }),
    ]);

    assert.deepEqual(await mailed(store), ['order/a', 'order/b/parcel', 'order/c']);
    assert.deepEqual(await mailed(store, '', 2), ['order/a', 'order/b/parcel']);
    assert.deepEqual(await mailed(store, 'order/a'), ['order/b/parcel', 'order/c']);
    assert.deepEqual(await mailed(store, 'order/aa', 1), ['order/b/parcel']);
    assert.deepEqual(await mailed(store, 'order/c'), []);
    assert.deepEqual(await store.open.mailed(['order'], '', 100), ['order/a', 'order/c']);
    assert.deepEqual(await store.open.mailed([], '', 100), []);
    await store.commit([taken('order/a', 'one'), taken('order/c', 'one')]);
    assert.deepEqual(await mailed(store), ['order/a', 'order/b/parcel']);
  }),

  check('leaves the mail of a suspended actor alone, and not that of one that has ended', async (store) => {
    await store.commit([started('order/a', 'x'), started('order/b', 'x'), started('order/c', 'x')]);
    await store.commit([sent('order/a', 'one'), sent('order/b', 'one')]);
    await store.commit([
      stepped('order/a', 'x', 'x', { status: 'suspended' }),
      ended('order/b', 'x', 1),
      stepped('order/c', 'x', 'x', { status: 'suspended' }),
    ]);
    await store.commit([sent('order/a', 'two'), sent('order/c', 'one')]);
    assert.deepEqual(await mailed(store), ['order/b']);
    assert.deepEqual(await mailOf(store, 'order/a'), ['one', 'two']);

    await store.commit([
      stepped('order/a', 'x', 'x', { status: 'active' }),
      ended('order/c', 'x', 2, 'stopped'),
    ]);

    assert.deepEqual(await mailed(store), ['order/a', 'order/b', 'order/c']);
  }),

  check('finds dead letters, newest first, and lets one be sent again', async (store) => {
    await store.commit(['one', 'two', 'three'].map((id) => sent('order/1', id)));
    await store.commit([died('order/1', 'two')]);
    await store.commit([died('order/1', 'one', 'skipped')]);

    assert.deepEqual(await deadOf(store), ['order/1#one', 'order/1#two']);
    assert.deepEqual(await deadOf(store, 1), ['order/1#one']);
    assert.equal((await store.open.deadLetters(1))[0]?.reason, 'skipped');
    assert.deepEqual(await mailOf(store, 'order/1'), ['three']);

    const again = { ...sent('order/1', 'two'), from: 'dead', patch: { reason: null, endedAt: null } };
    await store.commit([again]);

    assert.deepEqual(await deadOf(store), ['order/1#one']);
    assert.deepEqual(await mailOf(store, 'order/1'), ['three', 'two']);
  }),

  check('finds mail where it was when a commit is refused', async (store) => {
    await store.commit([sent('order/1', 'one'), sent('order/1', 'two')]);
    const changes = [taken('order/1', 'one'), sent('order/1', 'three'), taken('order/1', 'one')];
    await assert.rejects(store.commit(changes), refusedWith('CONFLICT'));

    assert.deepEqual(await mailOf(store, 'order/1'), ['one', 'two']);
    assert.deepEqual([await mailed(store), await store.open.mailCount('order/1')], [['order/1'], 2]);
  }),

  check('forgets a message that is dropped', async (store) => {
    await store.commit([sent('order/1', 'one'), sent('order/1', 'two')]);
    await store.commit([died('order/1', 'two')]);
    const gone = { event: 'evicted', from: null, to: null, patch: null, gone: true } as const;
    await store.commit([
      { kind: 'message', id: 'order/1#one', ...gone },
      { kind: 'message', id: 'order/1#two', ...gone },
    ]);

    assert.deepEqual(
      [await mailOf(store, 'order/1'), await deadOf(store), await mailed(store)],
      [[], [], []],
    );
    await store.commit([sent('order/1', 'one')], [absent('order/1', 'one')]);
  }),

  reopeningCheck(
    'knows after an opening which mail waits, and which is dead',
    async (store) => {
      await store.commit([started('order/b', 'a', { status: 'suspended' })]);
      await store.commit([
        sent('order/b', 'held'),
        sent('order/a', 'z'),
        sent('order/a', 'y'),
        sent('order/a', 'x'),
      ]);
      await store.commit([taken('order/a', 'z'), died('order/a', 'y')]);
      await store.commit([sent('order/a', 'a', { event: null, from: 'job-1', run: 3 })]);
    },
    async (store) => {
      assert.deepEqual(await mailOf(store, 'order/a'), ['x', 'a']);
      assert.deepEqual(await mailed(store), ['order/a']);
      assert.deepEqual([await store.open.mailCount('order/b'), await deadOf(store)], [1, ['order/a#y']]);
      const last = (await store.open.mail('order/a', 2))[1];
      assert.deepEqual([last?.event, last?.from, last?.run], [null, 'job-1', 3]);
      await assert.rejects(
        store.commit([sent('order/a', 'z')], [absent('order/a', 'z')]),
        refusedWith('CONFLICT'),
      );
    },
  ),
];
