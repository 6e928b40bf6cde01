import assert from 'node:assert/strict';
import type { OpenStore } from '../../index.ts';
import type { ContractCheck } from './check.ts';
import {
  type Change,
  type CheckedStore,
  changeOf,
  check,
  put,
  reopeningCheck,
  stored,
} from './checked-store.ts';

type Request = Parameters<OpenStore['jobsPage']>[0];

const ids = (records: readonly { readonly id: string }[]): string[] => records.map((record) => record.id);

/** Ids of a list, read page by page. */
async function pages(
  store: CheckedStore,
  request: Omit<Request, 'limit'>,
  limit: number,
): Promise<string[][]> {
  const found: string[][] = [];
  let after: string | undefined;
  do {
    const page = await store.open.jobsPage({ ...request, limit, ...(after === undefined ? {} : { after }) });
    found.push(ids(page.jobs));
    after = page.next ?? undefined;
  } while (after !== undefined);
  return found;
}

async function listed(store: CheckedStore, request: Omit<Request, 'limit'>): Promise<string[]> {
  return ids((await store.open.jobsPage({ ...request, limit: 200 })).jobs);
}

/** Ends a waiting job without success. */
function failed(id: string): ReturnType<typeof changeOf>[] {
  const failure = { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} };
  const outcome = { ok: false, failure };
  return [
    changeOf(id, 'job.fail', 'pending', 'callbacks', { outcome, ending: 'failed', activeEnd: 1 }),
    changeOf(id, 'job.complete', 'callbacks', 'completed', null),
  ];
}

function dropped(id: string): ReturnType<typeof changeOf> {
  return { ...changeOf(id, 'evicted', 'completed', null, null), gone: true };
}

/** Checks for the lists of jobs, and for how many there are. */
export const listChecks: readonly ContractCheck[] = [
  check('lists waiting jobs in the order of claims, page by page', async (store) => {
    await store.commit([put('c'), put('a'), put('later', { beginAfter: 100 }), put('b')]);
    await store.commit([put('x', { queue: 'other' })]);

    assert.deepEqual(await pages(store, { list: 'waiting', queue: '' }, 2), [
      ['c', 'a'],
      ['b', 'later'],
    ]);
    assert.deepEqual(await pages(store, { list: 'waiting', queue: 'other' }, 2), [['x']]);
  }),

  check('lists only jobs that match, and says how many it looked at', async (store) => {
    await store.commit([put('a', { name: 'mail.send' }), put('b'), put('c', { name: 'mail.bulk' })]);
    const request = { list: 'waiting', queue: '', limit: 10 } as const;

    const named = await store.open.jobsPage({ ...request, names: ['mail.*'] });
    const matched = await store.open.jobsPage({ ...request, matches: (job) => job.args[0] === 'b' });
    const cut = await store.open.jobsPage({ ...request, matches: () => false, look: 2 });

    assert.deepEqual(ids(named.jobs), ['a', 'c']);
    assert.deepEqual(
      [ids(matched.jobs), matched.looked, matched.next, matched.isCut],
      [['b'], 3, null, false],
    );
    assert.deepEqual([cut.jobs.length, cut.looked, cut.isCut, cut.next !== null], [0, 2, true, true]);
  }),

  check('goes on behind the last job of a page, though that has left the list', async (store) => {
    await store.commit([put('a'), put('b'), put('c'), put('d')]);

    const first = await store.open.jobsPage({ list: 'waiting', queue: '', limit: 2 });
    await store.claim({ limit: 1 });
    const second = await store.open.jobsPage({
      list: 'waiting',
      queue: '',
      limit: 2,
      after: first.next ?? '',
    });

    assert.deepEqual(
      [ids(first.jobs), ids(second.jobs)],
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    );
  }),

  check('lists all jobs newest first, and goes on behind one that was dropped', async (store) => {
    await store.commit([put('a'), put('b', { queue: 'other' }), put('c', { name: 'mail.send' }), put('d')]);
    await store.commit([stored('e', null), stored('f', { job: 'd' })]);
    await store.claim({ limit: 1 });
    await store.start('a');
    await store.finish('a');
    await store.commit(failed('c'));

    assert.deepEqual(await pages(store, { list: 'all' }, 4), [
      ['f', 'e', 'd', 'c'],
      ['b', 'a'],
    ]);
    assert.deepEqual(await listed(store, { list: 'all', queue: '' }), ['d', 'c', 'a']);
    assert.deepEqual(await listed(store, { list: 'all', names: ['mail.*'] }), ['c']);
    assert.deepEqual(await listed(store, { list: 'all', status: ['PENDING'] }), ['d', 'b']);
    assert.deepEqual(await listed(store, { list: 'all', status: ['NEW', 'COMPLETED'] }), [
      'f',
      'e',
      'c',
      'a',
    ]);
    assert.deepEqual(await listed(store, { list: 'all', ending: ['failed', 'aborted'] }), ['c']);
    const first = await store.open.jobsPage({ list: 'all', limit: 4 });
    await store.commit([put('g'), dropped('c')]);
    const second = await store.open.jobsPage({ list: 'all', limit: 4, after: first.next ?? '' });
    assert.deepEqual(ids(second.jobs), ['b', 'a']);
    assert.deepEqual(await listed(store, { list: 'all' }), ['g', 'f', 'e', 'd', 'b', 'a']);
  }),
  check(
    'lists the jobs of a tag in any state, newest first, page by page, as their tags are now',
    async (store) => {
      await store.commit([put('c', { tags: ['x', 'y'] }), put('a', { tags: ['x'] }), put('b')]);
      await store.commit([
        put('d', { tags: ['y'], beginAfter: 100 }),
        put('e', { tags: ['x'], name: 'mail' }),
      ]);
      await store.claim({ limit: 1 });
      await store.start('c');
      await store.finish('c');

      assert.deepEqual(await pages(store, { list: 'tagged', tag: 'x' }, 2), [['e', 'a'], ['c']]);
      assert.deepEqual(await listed(store, { list: 'tagged', tag: 'x', names: ['mail'] }), ['e']);
      assert.deepEqual(await listed(store, { list: 'tagged', tag: 'z' }), []);
      const set = (id: string, state: string, tags: string[] | null): Change =>
        changeOf(id, 'tags.set', state, state, { tags });
      await store.commit([
        set('c', 'completed', ['z', 'x']),
        set('a', 'pending', null),
        set('b', 'pending', ['x']),
      ]);
      await store.commit([
        { kind: 'job', id: 'e', event: 'evicted', from: 'pending', to: null, patch: null, gone: true },
      ]);
      assert.deepEqual(await listed(store, { list: 'tagged', tag: 'x' }), ['b', 'c']);
      assert.deepEqual(await listed(store, { list: 'tagged', tag: 'y' }), ['d']);
      assert.deepEqual(await listed(store, { list: 'tagged', tag: 'z' }), ['c']);
      await store.commit([put('e', { tags: ['y'] })]);
      assert.deepEqual(await listed(store, { list: 'tagged', tag: 'y' }), ['e', 'd']);
    },
  ),

  check('lists what agents hold, in the order of claims', async (store) => {
    const patch = { queue: '', dispatcher: 'd' };
    await store.commit([
      { kind: 'representation', id: '/d', event: 'r.register', from: null, to: 'registered', patch },
      put('a'),
      put('b'),
      put('c'),
    ]);
    await store.claim({ agent: 'second', limit: 1 });
    await store.claim({ agent: 'first', limit: 1 });

    assert.deepEqual(await listed(store, { list: 'held' }), ['a', 'b']);
  }),

  check('lists completed jobs newest first, and those without success', async (store) => {
    await store.commit([put('a'), put('b'), put('c'), put('d')]);
    await store.claim({ limit: 2 });
    for (const id of ['b', 'a']) {
      await store.start(id);
      await store.finish(id);
    }
    await store.commit(failed('c'));

    assert.deepEqual(await pages(store, { list: 'ended' }, 2), [['c', 'a'], ['b']]);
    assert.deepEqual(await listed(store, { list: 'failed' }), ['c']);
    await store.commit([dropped('c')]);
    assert.deepEqual(await listed(store, { list: 'failed' }), []);
    assert.deepEqual(
      [(await store.open.counts()).lists.failed.n, (await store.open.counts()).endings.failed.n],
      [0, 0],
    );
  }),

  check('lists jobs without a place, by id, and no callbacks', async (store) => {
    await store.commit([stored('b', null), stored('a', null), stored('call', { job: 'b' }), put('c')]);

    assert.deepEqual(await listed(store, { list: 'unplaced' }), ['a', 'b']);
  }),

  reopeningCheck(
    'counts jobs by state, by ending and by list, also after it was opened again',
    async (store) => {
      await store.commit([put('a'), put('b'), put('c'), put('d'), stored('e', null)]);
      await store.claim({ limit: 2 });
      await store.start('a');
      await store.finish('a');
      await store.start('b');
      await store.commit(failed('c'));
    },
    async (store) => {
      const { states, endings, lists } = await store.open.counts();
      const numbers = (counts: Readonly<Record<string, { readonly n: number }>>): Record<string, number> =>
        Object.fromEntries(Object.entries(counts).map(([key, { n }]) => [key, n]));

      assert.deepEqual(numbers(states), {
        new: 1,
        pending: 1,
        assigned: 0,
        'active.running': 1,
        'active.waiting': 0,
        'active.timingOut': 0,
        'active.cancelling': 0,
        callbacks: 0,
        completed: 2,
      });
      assert.deepEqual(numbers(endings), { succeeded: 1, failed: 1, aborted: 0, expired: 0, cancelled: 0 });
      assert.deepEqual(numbers(lists), {
        waiting: 1,
        held: 1,
        failed: 1,
        ended: 2,
        unplaced: 1,
        quarantined: 0,
      });
    },
  ),
];
