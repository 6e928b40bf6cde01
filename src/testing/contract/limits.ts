import assert from 'node:assert/strict';
import type { ContractCheck } from './check.ts';
import { type Change, type CheckedStore, changeOf, check, put, reopeningCheck } from './checked-store.ts';

const day = 86_400_000;

/** Makes a keyed quota of queue ''. */
function keyed(name: string, size: number | null, rate: Rate | null = null): Change {
  const patch = { size, keyed: true, ...(rate === null ? {} : { rate: { ...rate } }) };
  return { kind: 'quota', id: `/${name}`, event: 'quota.created', from: null, to: null, patch };
}

interface Rate {
  readonly limit: number;
  readonly per: number;
  readonly burst: number;
}

function closed(limit: string, closedUntil: number | null): Change {
  return { kind: 'limit', id: limit, event: 'limit.closed', from: null, to: null, patch: { closedUntil } };
}

function resized(name: string, size: number): Change {
  return { kind: 'quota', id: `/${name}`, event: 'quota.resized', from: null, to: null, patch: { size } };
}

/** A waiting job is cancelled: it leaves the queue and takes no slot. */
function cancelled(id: string): Change {
  const ended = { parent: { left: '' }, line: null, ending: 'cancelled', activeEnd: 0, outcome: failure };
  return changeOf(id, 'job.cancel', 'pending', 'callbacks', ended);
}

const failure = {
  ok: false,
  failure: { name: 'CancelledError', message: '', stack: '', code: 'CANCELLED', cause: null, extra: {} },
} as const;

async function run(store: CheckedStore, id: string): Promise<void> {
  await store.start(id);
  await store.finish(id);
}

export const limitChecks: readonly ContractCheck[] = [
  check('takes as many jobs of each key as its limit has slots, over all claims', async (store) => {
    await store.commit([keyed('k', 1), put('a', { keys: ['k/1'] }), put('b', { keys: ['k/1'] })]);
    await store.commit([put('c', { keys: ['k/2'] }), put('d', { keys: ['k/2'] }), put('free')]);

    assert.deepEqual(await store.claim(), ['a', 'c', 'free']);
    assert.deepEqual(await store.open.quotaHolders('/k/1'), ['a']);
    assert.deepEqual(await store.open.quotaHolders('/k/2'), ['c']);
    assert.deepEqual(await store.claim(), []);
    assert.deepEqual([await store.open.parked('/k/1'), await store.open.parked('/k/3')], [1, 0]);

    await run(store, 'c');
    assert.deepEqual(await store.claim(), ['d']);
    await run(store, 'a');
    assert.deepEqual(await store.claim(), ['b']);
  }),

  check('takes the jobs of a key first in, first out, though they were parked in between', async (store) => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    await store.commit([keyed('k', 1), ...ids.map((id) => put(id, { keys: ['k/1'] }))]);
    const taken: string[] = [];
    for (const _ of ids) {
      const [id] = await store.claim();
      taken.push(id as string);
      assert.deepEqual(await store.claim(), []);
      await run(store, id as string);
    }

    assert.deepEqual(taken, ids);
  }),

  check('keeps the places of jobs that are parked, in their queue and when they are taken', async (store) => {
    await store.commit([keyed('k', 1), put('a', { keys: ['k/1'] }), put('b', { keys: ['k/1'] })]);
    await store.commit([put('c', { keys: ['k/2'] }), put('x', { name: 'other' })]);
    assert.deepEqual(await store.claim({ limit: 1 }), ['a']);
    assert.deepEqual(await store.claim({ limit: 1 }), ['c']);
    await store.commit([put('d', { keys: ['k/2'] })]);

    assert.deepEqual(await store.waiting(), ['b', 'x', 'd']);
    assert.deepEqual(await store.open.waitingCount(''), 3);
    assert.deepEqual(await store.open.place('d'), { n: 2, is: 'exact' });
    assert.deepEqual(await store.open.place('x'), { n: 1, is: 'exact' });
    await run(store, 'a');
    assert.deepEqual(await store.claim({ limit: 1 }), ['b']);
    assert.deepEqual(await store.claim(), ['x']);
  }),

  ...[
    ['k/1', 'm/1'],
    ['m/1', 'k/1'],
  ].map((keys) =>
    check(
      `takes a job with ${keys.join(' and ')} only when both have room, and keeps neither to itself`,
      async (store) => {
        await store.commit([keyed('k', 1), keyed('m', 1)]);
        await store.commit([put('k1', { keys: ['k/1'] }), put('m1', { keys: ['m/1'] })]);
        await store.commit([
          put('both', { keys }),
          put('k2', { keys: ['k/1'] }),
          put('m2', { keys: ['m/1'] }),
        ]);
        assert.deepEqual(await store.claim(), ['k1', 'm1']);
        assert.deepEqual(await store.claim(), []);

        await run(store, 'k1');
        assert.deepEqual(await all(store), ['k2']);
        await run(store, 'm1');
        assert.deepEqual(await all(store), ['m2']);
        await run(store, 'm2');
        assert.deepEqual(await all(store), []);
        await run(store, 'k2');
        assert.deepEqual(await all(store), ['both']);
      },
    ),
  ),

  check('lets no job overtake one of the same keys that is parked', async (store) => {
    await store.commit([keyed('k', 1), keyed('m', 1)]);
    const [first, other] = [{ keys: ['k/1', 'm/1'] }, { keys: ['k/1', 'm/2'] }];
    await store.commit([put('k', { keys: ['k/1'] }), put('m', { keys: ['m/1'] })]);
    assert.deepEqual(await store.claim(), ['k', 'm']);
    await store.commit([put('a', first), put('b', other)]);
    assert.deepEqual(await all(store), []);
    await store.commit([put('c', other)]);

    await run(store, 'k');
    assert.deepEqual(await all(store), ['b']);
    assert.deepEqual(await store.waiting(), ['a', 'c']);
  }),

  check('passes on the room of a job that was let out and then cancelled, or pulled', async (store) => {
    await store.commit([keyed('k', 1), ...['a', 'b', 'c', 'd'].map((id) => put(id, { keys: ['k/1'] }))]);
    assert.deepEqual(await store.claim(), ['a']);
    await run(store, 'a');

    await store.commit([cancelled('b')]);
    await store.commit([changeOf('c', 'job.pull', 'pending', 'new', { parent: null, line: null })]);

    assert.deepEqual(await store.open.waitingCount(''), 1);
    assert.deepEqual(await store.claim(), ['d']);
    assert.deepEqual(await store.claim(), []);
  }),

  check('drops a parked job from its place when it is cancelled', async (store) => {
    await store.commit([keyed('k', 1), ...['a', 'b', 'c'].map((id) => put(id, { keys: ['k/1'] }))]);
    assert.deepEqual(await store.claim(), ['a']);
    await store.commit([cancelled('b')]);
    assert.deepEqual(await store.open.parked('/k/1'), 1);

    await run(store, 'a');
    assert.deepEqual(await store.claim(), ['c']);
    assert.deepEqual(await store.waiting(), []);
  }),

  check('takes parked jobs when their limit becomes larger, or is removed', async (store) => {
    await store.commit([keyed('k', 1), ...['a', 'b', 'c', 'd'].map((id) => put(id, { keys: ['k/1'] }))]);
    assert.deepEqual(await store.claim(), ['a']);

    await store.commit([resized('k', 2)]);
    assert.deepEqual(await all(store), ['b']);
    await store.commit([{ ...resized('k', 0), event: 'quota.removed', patch: null, gone: true }]);
    assert.deepEqual(await all(store), ['c', 'd']);
  }),

  check('offers a parked job as expired once it is too late', async (store) => {
    await store.commit([
      keyed('k', 1),
      put('a', { keys: ['k/1'] }),
      put('b', { keys: ['k/1'], beginBy: 10 }),
    ]);
    assert.deepEqual(await store.claim(), ['a']);
    store.clock.now = 10;
    assert.deepEqual(await store.claim(), []);

    store.clock.now = 11;
    assert.deepEqual(await store.claim({ look: ({ expired, quotas }) => !expired && quotas.length > 0 }), []);
    assert.deepEqual(await store.claim({ look: ({ job, expired }) => job.id === 'b' && expired }), ['b']);
  }),

  check('parks a held job once it is due', async (store) => {
    await store.commit([keyed('k', 1), put('a', { keys: ['k/1'] })]);
    await store.commit([put('held', { keys: ['k/1'], beginAfter: 50 })]);
    store.clock.now = 60;
    await store.commit([put('b', { keys: ['k/1'], at: 60 })]);
    assert.deepEqual(await store.claim(), ['a']);
    assert.deepEqual(await store.waiting(), ['held', 'b']);

    await run(store, 'a');
    assert.deepEqual(await store.claim(), ['held']);
    await run(store, 'held');
    assert.deepEqual(await store.claim(), ['b']);
  }),

  check('lets a job that was put back keep the slot of its key', async (store) => {
    await store.commit([keyed('k', 1), put('a', { keys: ['k/1'] }), put('b', { keys: ['k/1'] })]);
    await store.claim();
    await store.start('a');

    await store.putBack('a', 2);

    assert.deepEqual(await store.open.quotaHolders('/k/1'), ['a']);
    assert.deepEqual(await store.claim(), ['a']);
  }),

  check(
    'takes a job that was put back when its rate allows, though it fills its key itself',
    async (store) => {
      store.clock.now = day;
      await store.commit([keyed('k', 1, { limit: 1, per: 1000, burst: 1 })]);
      await store.commit([put('a', { keys: ['k/1'] }), put('b', { keys: ['k/1'] })]);
      assert.deepEqual(await store.claim(), ['a']);
      await store.start('a');
      await store.putBack('a', 2);
      assert.deepEqual(await all(store), []);

      store.clock.now = day + 1000;
      assert.deepEqual(await all(store), ['a']);
    },
  ),

  check('takes a second job of a key at a poll when the first is refused', async (store) => {
    await store.commit([keyed('k', 1), ...['a', 'b', 'c'].map((id) => put(id, { keys: ['k/1'] }))]);
    assert.deepEqual(await store.claim(), ['a']);
    await run(store, 'a');
    const look = ({ job }: { job: { id: string } }): boolean => job.id !== 'b';

    assert.deepEqual(await store.claim({ look }), []);
    assert.deepEqual(await store.claim({ look, isPoll: true }), ['c']);
  }),

  check('parks the jobs behind a full key once, a thousand at a time', async (store) => {
    const many = Array.from({ length: 2500 }, (_, index) => put(`j${index}`, { keys: ['k/1'] }));
    await store.commit([keyed('k', 1), ...many, put('behind')]);
    assert.deepEqual(await all(store), ['j0', 'behind']);
    assert.equal(await store.open.parked('/k/1'), 2499);
    assert.equal(await store.open.waitingCount(''), 2499);
  }),

  check('lets as many jobs of a key begin in a time as its rate says', async (store) => {
    const ids = ['a', 'b', 'c', 'd'];
    store.clock.now = day;
    await store.commit([keyed('k', null, { limit: 2, per: 1000, burst: 2 })]);
    await store.commit([...ids.map((id) => put(id, { keys: ['k/1'] })), put('x', { keys: ['k/2'] })]);

    assert.deepEqual(await all(store), ['a', 'b', 'x']);
    assert.equal(await store.open.due(day), day + 500);
    store.clock.now = day + 499;
    assert.deepEqual(await all(store), []);
    store.clock.now = day + 500;
    assert.deepEqual(await all(store), ['c']);
    store.clock.now = day + 10_000;
    assert.deepEqual(await all(store), ['d']);
    assert.equal((await store.open.get('limit', '/k/1'))?.tat, day + 10_500);
  }),

  check(
    'holds up the lanes of a limit without keys until its rate lets the next one begin',
    async (store) => {
      store.clock.now = day;
      const rate = { limit: 1, per: 1000, burst: 1 };
      await store.commit([
        {
          kind: 'quota',
          id: '/q',
          event: 'quota.created',
          from: null,
          to: null,
          patch: { size: null, rate },
        },
        ...['a', 'b'].map((id) => put(id, { quotaNames: ['q'] })),
        put('free'),
      ]);

      assert.deepEqual(await store.claim(), ['a', 'free']);
      assert.equal(await store.open.due(day), day + 1000);
      store.clock.now = day + 1000;
      assert.deepEqual(await store.claim(), ['b']);
    },
  ),

  check('takes no job of a key that is closed, until it opens', async (store) => {
    store.clock.now = day;
    await store.commit([keyed('k', null), closed('/k/1', day + 300)]);
    await store.commit([
      put('a', { keys: ['k/1'] }),
      put('b', { keys: ['k/2'] }),
      put('c', { keys: ['k/1'] }),
    ]);

    assert.deepEqual(await all(store), ['b']);
    assert.equal(await store.open.due(day), day + 300);
    store.clock.now = day + 300;
    assert.deepEqual(await all(store), ['a', 'c']);
    await store.commit([closed('/k/1', day + 9000), put('d', { keys: ['k/1'] })]);
    assert.deepEqual(await all(store), []);
    await store.commit([closed('/k/1', null)]);
    assert.deepEqual(await all(store), ['d']);
  }),

  reopeningCheck(
    'knows after an opening who holds a key and what its rate owes, and parks anew',
    async (store) => {
      store.clock.now = day;
      await store.commit([keyed('k', 1), keyed('r', null, { limit: 1, per: 1000, burst: 1 })]);
      await store.commit([put('a', { keys: ['k/1'] }), put('b', { keys: ['k/1'] })]);
      await store.commit([put('c', { keys: ['r/1'] }), put('d', { keys: ['r/1'] })]);
      assert.deepEqual(await all(store), ['a', 'c']);
    },
    async (store) => {
      store.clock.now = day;
      assert.deepEqual(await all(store), []);
      assert.deepEqual(await store.open.quotaHolders('/k/1'), ['a']);
      await run(store, 'a');
      assert.deepEqual(await all(store), ['b']);
      store.clock.now = day + 1000;
      assert.deepEqual(await all(store), ['d']);
    },
  ),
];

/** Claims until there is nothing more. */
async function all(store: CheckedStore): Promise<string[]> {
  const taken: string[] = [];
  for (let looks = 0; looks < 50; looks += 1) taken.push(...(await store.claim()));
  return taken;
}
