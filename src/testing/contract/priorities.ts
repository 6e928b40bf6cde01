import assert from 'node:assert/strict';
import type { ContractCheck } from './check.ts';
import { type CheckedStore, changeOf, check, put, queueSet, quota, reopeningCheck } from './checked-store.ts';

const hour = 3_600_000;

/** The waiting jobs, each at the place that the store knows for it. */
async function order(store: CheckedStore): Promise<string[]> {
  const ids = await store.waiting();
  for (const [n, id] of ids.entries()) assert.deepEqual(await store.open.place(id), { n, is: 'exact' }, id);
  return ids;
}

/** Checks for the order between jobs of different priorities. */
export const priorityChecks: readonly ContractCheck[] = [
  check(
    'offers a lower priority first, unless the other was ready an hour a level earlier',
    async (store) => {
      await store.commit([put('usual', { at: 0 })]);
      await store.commit([
        put('later', { at: hour - 1, priority: -1 }),
        put('least', { at: 1, priority: 9 }),
      ]);
      await store.commit([
        put('too late', { at: hour + 1, priority: -1 }),
        put('other', { at: 5, name: 'other' }),
      ]);
      store.clock.now = 2 * hour;

      const expected = ['later', 'usual', 'too late', 'other', 'least'];
      assert.deepEqual(await order(store), expected);
      assert.deepEqual(await store.claim({ limit: 2 }), expected.slice(0, 2));
      assert.deepEqual(await store.claim(), expected.slice(2));
    },
  ),

  check('keeps the order of arrival within a priority, over all definitions', async (store) => {
    await store.commit([put('a', { priority: 5 }), put('b', { priority: 5, name: 'other' })]);
    await store.commit([
      put('c', { priority: -5 }),
      put('d', { priority: 5 }),
      put('e', { priority: -5, name: 'other' }),
    ]);

    assert.deepEqual(await order(store), ['c', 'e', 'a', 'b', 'd']);
    assert.deepEqual(await store.claim({ limit: 3 }), ['c', 'e', 'a']);
    assert.deepEqual(await store.claim(), ['b', 'd']);
  }),

  reopeningCheck(
    'goes by the aging of the queue, also after it was opened again',
    async (store) => {
      await store.commit([queueSet({ agingMs: 10 }), put('usual', { at: 0 })]);
      await store.commit([put('urgent', { at: 21, priority: -2 }), put('in-time', { at: 19, priority: -2 })]);
    },
    async (store) => {
      store.clock.now = 100;
      assert.deepEqual(await order(store), ['usual', 'urgent', 'in-time']);

      await store.commit([queueSet({ agingMs: null })]);

      assert.deepEqual(await order(store), ['urgent', 'in-time', 'usual']);
      assert.deepEqual(await store.claim(), ['urgent', 'in-time', 'usual']);
    },
  ),

  check('counts a job as ready from its put on, when it is put with an earlier instant', async (store) => {
    await store.commit([queueSet({ agingMs: 10 }), put('usual', { at: 100 })]);
    await store.commit([put('pre-dated', { at: 105, beginAfter: 5, priority: 1 })]);
    store.clock.now = 200;

    assert.deepEqual(await order(store), ['usual', 'pre-dated']);
    assert.deepEqual(await store.claim(), ['usual', 'pre-dated']);
  }),

  check('holds up nothing by a lower priority that is not due', async (store) => {
    await store.commit([put('held', { beginAfter: 500, priority: -9 }), put('usual')]);
    await store.commit([put('also held', { beginAfter: 400 })]);
    store.clock.now = 100;
    assert.deepEqual(await order(store), ['usual', 'also held', 'held']);
    assert.deepEqual(await store.claim(), ['usual']);

    store.clock.now = 600;

    assert.deepEqual(await order(store), ['held', 'also held']);
    assert.deepEqual(await store.claim(), ['held', 'also held']);
  }),

  check('offers what was put back before everything else, whatever its priority', async (store) => {
    await store.commit([put('a', { priority: 9 }), put('b', { priority: 9 })]);
    await store.claim({ limit: 1 });
    await store.start('a');
    await store.putBack('a', 2);
    await store.commit([put('c', { priority: -9 })]);

    assert.deepEqual(await order(store), ['a', 'c', 'b']);
    assert.deepEqual(await store.claim(), ['a', 'c', 'b']);
  }),

  check('passes over a lower priority behind a full quota', async (store) => {
    const limited = { quotaNames: ['q'], name: 'limited' };
    await store.commit([quota('q', 1), put('a', { ...limited, priority: 5 })]);
    await store.claim({ limit: 1 });
    await store.commit([put('b', { ...limited, priority: -9 }), put('c'), put('d', { priority: -5 })]);

    assert.deepEqual(await store.claim(), ['d', 'c']);
    await store.start('a');
    await store.finish('a');
    assert.deepEqual(await store.claim(), ['b']);
  }),

  check('moves a job to its own place among those of its new priority', async (store) => {
    await store.commit([
      put('a', { priority: 5 }),
      put('b'),
      put('c', { priority: 5 }),
      put('d', { priority: -5 }),
    ]);
    const setTo = (id: string, priority: number) =>
      store.commit([changeOf(id, 'priority.set', 'pending', 'pending', { priority })]);

    await setTo('b', 5);
    assert.deepEqual(await order(store), ['d', 'a', 'b', 'c']);
    await setTo('b', 0);
    await setTo('c', -5);

    assert.deepEqual(await order(store), ['c', 'd', 'b', 'a']);
    assert.deepEqual(await store.claim(), ['c', 'd', 'b', 'a']);
  }),
];
