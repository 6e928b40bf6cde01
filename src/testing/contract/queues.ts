import assert from 'node:assert/strict';
import type { OpenStore } from '../../index.ts';
import type { ContractCheck } from './check.ts';
import { type CheckedStore, check, put, quota, reopeningCheck } from './checked-store.ts';

type Lane = Awaited<ReturnType<OpenStore['lanes']>>[number];

/** Each lane in a few words, in the order of their names. */
async function lanesOf(store: CheckedStore, queue = ''): Promise<string[]> {
  const lanes = await store.open.lanes(queue);
  return lanes.map(words).sort();
}

function words({ name, quotaNames, hasDeadlines, holdsSlots, putBack, now, held, oldestAt }: Lane): string {
  const flags = `${hasDeadlines ? ' late' : ''}${holdsSlots ? ' slots' : ''}`;
  return `${[name, ...quotaNames].join('+')}${flags}: ${putBack} ${now} ${held}, ${oldestAt}`;
}

/** The place of each waiting job is how many come before it. */
async function mustKnowPlaces(store: CheckedStore, queue = ''): Promise<void> {
  for (const [n, id] of (await store.waiting(queue)).entries())
    assert.deepEqual(await store.open.place(id), { n, is: 'exact' }, id);
}

/** Checks for what a store says of a queue without walking through it. */
export const queueChecks: readonly ContractCheck[] = [
  reopeningCheck(
    'knows the lanes of a queue with the length of each line, also after it was opened again',
    async (store) => {
      await store.commit([
        quota('smtp', 2),
        put('a', { at: 5 }),
        put('b', { at: 6 }),
        put('c', { beginAfter: 90 }),
      ]);
      await store.commit([
        put('d', { quotaNames: ['smtp'], at: 7 }),
        put('e', { beginBy: 10, at: 8 }),
        put('x', { queue: 'other', at: 9 }),
      ]);
      store.clock.now = 20;
      await store.claim({ limit: 1 });
      await store.start('a');
      await store.putBack('a', 1);
    },
    async (store) => {
      assert.deepEqual(await lanesOf(store), [
        'work late: 0 1 0, 8',
        'work+smtp: 0 1 0, 7',
        'work: 1 1 1, 5',
      ]);
      assert.deepEqual(await lanesOf(store, 'other'), ['work: 0 1 0, 9']);
      assert.deepEqual(await lanesOf(store, 'none'), []);
    },
  ),

  check('forgets a lane in which no job waits any more', async (store) => {
    await store.commit([put('a'), put('b', { name: 'other' })]);
    await store.claim({ limit: 1 });

    assert.deepEqual(await lanesOf(store), ['other: 0 1 0, 0']);
  }),

  check('knows the place of each job, through all lines of all lanes', async (store) => {
    await store.commit([
      put('a', { at: 10 }),
      put('late', { name: 'other', at: 10, beginAfter: 40 }),
      put('b', { name: 'other', at: 11 }),
      put('soon', { at: 11, beginAfter: 13 }),
      put('before', { at: 12, beginAfter: 5 }),
      put('tie', { at: 12, beginAfter: 14 }),
      put('c', { name: 'other', at: 14, quotaNames: ['smtp'] }),
      put('d', { at: 15 }),
    ]);
    store.clock.now = 30;
    await mustKnowPlaces(store);
    await store.claim({ limit: 2 });
    for (const id of ['a', 'b']) {
      await store.start(id);
      await store.putBack(id, 1);
    }
    await mustKnowPlaces(store);
    await store.claim({ limit: 1, look: ({ job }) => job.id === 'c' });
    await mustKnowPlaces(store);
  }),

  check('knows no place of a job that does not wait', async (store) => {
    await store.commit([put('a')]);
    await store.claim();

    assert.deepEqual([await store.open.place('a'), await store.open.place('none')], [null, null]);
  }),

  check('finds jobs by the begin of their id, in order, and no more than asked for', async (store) => {
    await store.commit(['ab2', 'b1', 'ab1', 'a1', 'ab3'].map((id) => put(id)));
    await store.claim({ limit: 1 });
    const found = async (prefix: string, limit: number): Promise<string[]> =>
      (await store.open.find(prefix, limit)).map(({ id }) => id);

    assert.deepEqual(
      [await found('ab', 2), await found('ab', 9), await found('c', 9), await found('', 2)],
      [['ab1', 'ab2'], ['ab1', 'ab2', 'ab3'], [], ['a1', 'ab1']],
    );
  }),
];
