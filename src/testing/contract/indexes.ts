import assert from 'node:assert/strict';
import type { ContractCheck } from './check.ts';
import { annotation, changeOf, check, put, reopeningCheck, stored } from './checked-store.ts';

const ids = (records: readonly { readonly id: string }[]): string[] => records.map((record) => record.id);

/** A proxy with one branch. `chosen` null: the proxy is undecided. */
function callbackProxy(id: string, job: string, chosen: string | null) {
  const proxy = { kind: 'proxy', id, event: 'proxy.stored', from: null, to: null } as const;
  const branches = [{ when: 'success', job: chosen ?? 'missing' }];
  return {
    ...proxy,
    patch: { parent: { job }, branches, otherwise: null, chosen },
  } as const;
}

/** Checks for what a store finds by its indexes. */
export const indexChecks: readonly ContractCheck[] = [
  check('counts waiting jobs, held ones included', async (store) => {
    await store.commit([put('a'), put('b', { beginAfter: 100 }), put('c', { queue: 'other' })]);

    assert.equal(await store.open.waitingCount(''), 2);
    assert.equal(await store.open.waitingCount('', 'unknown'), 0);
    await store.claim();
    assert.equal(await store.open.waitingCount(''), 1);
  }),

  check(
    'finds the jobs that an agent holds in order of claim, and those of all agents by name',
    async (store) => {
      await store.commit([put('a'), put('b', { name: 'other' }), put('c')]);
      await store.claim({ agent: 'second', limit: 1 });
      await store.claim({ agent: 'first', choose: (claimable) => [...claimable].at(-1) ?? null, limit: 2 });

      assert.deepEqual(ids(await store.open.held('', 'd', 'first')), ['c', 'b']);
      assert.deepEqual(ids(await store.open.held('', 'd', 'second')), ['a']);
      assert.deepEqual(ids(await store.open.held('', 'd', null)), ['c', 'b', 'a']);
      assert.equal(await store.open.heldCount('', 'd', 'first'), 2);
      assert.deepEqual(ids(await store.open.held('', 'missing', null)), []);
    },
  ),

  check('finds the jobs that an agent has completed, newest first, and holds them no more', async (store) => {
    await store.commit([put('a'), put('b'), put('c')]);
    await store.claim();
    for (const id of ['b', 'a']) {
      await store.start(id);
      await store.finish(id);
    }

    assert.deepEqual(ids(await store.open.completed('', 'd', 'main')), ['a', 'b']);
    assert.deepEqual(ids(await store.open.held('', 'd', 'main')), ['c']);
  }),

  check('finds callbacks and proxies of a job in order', async (store) => {
    const proxy = { kind: 'proxy', id: 'p', event: 'proxy.stored', from: null, to: null } as const;
    const patch = {
      parent: { job: 'a' },
      branches: [{ when: 'success', job: 'yes' }],
      otherwise: null,
    };
    await store.commit([put('a'), stored('z', { job: 'a' })]);
    await store.commit([stored('yes', { proxy: 'p' }), { ...proxy, patch }]);
    await store.commit([stored('b', { job: 'a' })]);

    const callbacks = await store.open.callbacks('a');
    assert.deepEqual(
      callbacks.map((callback) => `${callback.kind} ${callback.record.id}`),
      ['job z', 'proxy p', 'job b'],
    );
    assert.deepEqual(await store.open.callbacks('z'), []);
  }),

  check('finds the branches of a callback proxy', async (store) => {
    await store.commit([stored('yes', { proxy: 'p' }), stored('no', { proxy: 'p' }), stored('x', null)]);

    assert.deepEqual(ids(await store.open.branches('p')), ['yes', 'no']);
  }),

  check('finds the jobs that wait for the result of a job, while they wait', async (store) => {
    await store.commit([put('outer'), put('inner')]);
    await store.claim();
    await store.start('outer');
    const wait = changeOf('outer', 'job.wait', 'active.running', 'active.waiting', { waitingOn: 'inner' });
    await store.commit([wait]);
    assert.deepEqual(ids(await store.open.waiters(['none', 'inner'])), ['outer']);

    await store.commit([changeOf('outer', 'job.finish', 'active.waiting', 'callbacks', { waitingOn: null })]);

    assert.deepEqual(ids(await store.open.waiters(['none', 'inner'])), []);
  }),

  reopeningCheck(
    'finds the held jobs whose attempts should be over for long',
    async (store) => {
      await store.commit(['late', 'in-time', 'free'].map((id) => put(id)));
      await store.claim();
      const at = store.clock.now;
      await store.commit([
        changeOf('late', 'job.start', 'assigned', 'active.running', { activeStart: at, timeout: 5 }),
        changeOf('in-time', 'job.start', 'assigned', 'active.running', { activeStart: at, timeout: 20_000 }),
        changeOf('free', 'job.start', 'assigned', 'active.running', { activeStart: at }),
      ]);
    },
    async ({ open, clock }) => {
      assert.deepEqual(ids(await open.overdue()), []);
      clock.now += 11_000;
      assert.deepEqual(ids(await open.overdue()), ['late']);
    },
  ),

  reopeningCheck(
    'finds the jobs that ran outside any agent when an opening ended',
    async (store) => {
      const began = { parent: null, line: null };
      await store.commit(['new', 'called', 'waiting', 'calling-back'].map((id) => stored(id, null)));
      await store.commit([put('held')]);
      await store.claim();
      await store.start('held');
      await store.commit([
        changeOf('called', 'job.start', 'new', 'active.running', began),
        changeOf('waiting', 'job.start', 'new', 'active.waiting', { ...began, waitingOn: 'held' }),
        changeOf('calling-back', 'job.finish', 'new', 'callbacks', began),
      ]);
    },
    async ({ open }) => {
      assert.deepEqual(ids(await open.orphans()).sort(), ['called', 'calling-back', 'waiting']);
    },
  ),

  reopeningCheck(
    'finds completed jobs whose callbacks are neither done nor waiting for a job that is not',
    async (store) => {
      const parents = ['begun', 'waits', 'awaited', 'chosen', 'undecided', 'all-done'];
      await store.commit([put('inner'), put('over'), ...parents.map((id) => put(id))]);
      await store.claim();
      for (const id of ['over', ...parents]) {
        await store.start(id);
        await store.finish(id);
      }
      await store.commit([
        ...parents.slice(0, 3).map((id) => stored(`of-${id}`, { job: id })),
        stored('of-all-done', { job: 'all-done' }),
        callbackProxy('proxy', 'chosen', 'branch'),
        stored('branch', { proxy: 'proxy' }),
        callbackProxy('open', 'undecided', null),
        callbackProxy('closed', 'all-done', 'ended'),
        stored('ended', { proxy: 'closed' }),
      ]);
      const wait = (id: string, waitingOn: string) =>
        changeOf(id, 'job.wait', 'new', 'active.waiting', { waitingOn });
      await store.commit([
        wait('of-begun', 'promise'),
        wait('of-waits', 'inner'),
        wait('of-awaited', 'over'),
        changeOf('branch', 'job.start', 'new', 'active.running', {}),
        changeOf('of-all-done', 'job.complete', 'new', 'completed', {}),
        changeOf('ended', 'job.complete', 'new', 'completed', {}),
      ]);
    },
    async ({ open }) => {
      assert.deepEqual(ids(await open.orphans()).sort(), ['awaited', 'begun', 'chosen', 'undecided']);
    },
  ),

  reopeningCheck(
    'knows which jobs one that is not over refers to',
    async (store) => {
      const over = ['given', 'awaited', 'parent', 'alone'];
      await store.commit(['outer', 'asked', ...over].map((id) => put(id)));
      await store.claim({ limit: 6 });
      for (const id of ['outer', 'asked', ...over]) await store.start(id);
      for (const id of ['asked', ...over]) await store.finish(id);
      const asks = (id: string, about: string): ReturnType<typeof put> => {
        const made = put(id);
        return { ...made, patch: { ...made.patch, args: [{ $job: about }] } };
      };
      await store.commit([
        changeOf('outer', 'job.wait', 'active.running', 'active.waiting', { waitingOn: 'awaited' }),
        asks('asks', 'given'),
        stored('of-parent', { job: 'parent' }),
        stored('of-asks', { job: 'asks' }),
      ]);
      await store.commit([
        changeOf('of-parent', 'job.start', 'new', 'active.running', {}),
        asks('over', 'asked'),
      ]);
      await store.commit([{ ...changeOf('over', 'evicted', 'pending', null, null), gone: true }]);
    },
    async ({ open }) => {
      const all = ['outer', 'asked', 'given', 'awaited', 'parent', 'alone', 'of-asks', 'none'];

      assert.deepEqual([...(await open.referred(all))].sort(), ['awaited', 'given', 'of-asks', 'parent']);
      assert.deepEqual([...(await open.referred(['alone']))], []);
    },
  ),

  check('finds the annotations of a job in order of name, and which jobs have some', async (store) => {
    await store.commit([put('a'), put('b'), annotation('a', 'z', 'last'), annotation('a', 'm', 'first')]);
    await store.commit([annotation('a', 'z', 'changed'), annotation('a', 'p', 'later')]);

    const annotations = await store.open.annotations('a');
    assert.deepEqual(
      annotations.map((record) => [record.id, record.value]),
      [
        ['a/m', 'first'],
        ['a/p', 'later'],
        ['a/z', 'changed'],
      ],
    );
    assert.deepEqual([...(await store.open.annotated(['b', 'a']))], ['a']);
  }),

  check(
    'gives a unique name to one of two commits that take it at once, and later to one that knows it',
    async (store) => {
      const id = '/feed/x';
      const take = (job: string, rev: number): Promise<void> =>
        store.commit(
          [
            put(job),
            { kind: 'unique', id, event: 'unique.taken', from: null, to: null, patch: { job, at: rev } },
          ],
          [{ check: 'rev', kind: 'unique', id, rev }],
        );

      const results = await Promise.allSettled([take('a', 0), take('b', 0)]);
      assert.deepEqual(
        results.map((result) => (result.status === 'rejected' ? result.reason.code : 'taken')),
        ['taken', 'CONFLICT'],
      );
      assert.deepEqual(await store.waiting(), ['a']);
      assert.equal((await store.open.get('unique', id))?.job, 'a');

      await take('c', 1);
      await assert.rejects(take('d', 1), { code: 'CONFLICT' });
      assert.deepEqual(await store.waiting(), ['a', 'c']);
      const [record, ...others] = await store.open.list('unique', '/feed/');
      assert.deepEqual([record?.job, record?.at, record?.until, record?.rev, others], ['c', 1, null, 2, []]);
    },
  ),

  check('knows the earliest instant at which a waiting job becomes due', async (store) => {
    assert.equal(await store.open.due(0), null);
    await store.commit([put('now'), put('late', { beginAfter: 300 }), put('soon', { beginAfter: 100 })]);
    assert.equal(await store.open.due(0), 100);
    await store.commit([put('other', { beginAfter: 50, name: 'other', queue: 'other' })]);

    // Independent of the clock: the caller says since when.
    store.clock.now = 200;
    assert.equal(await store.open.due(Number.NEGATIVE_INFINITY), 50);
    assert.equal(await store.open.due(49), 50);
    assert.equal(await store.open.due(50), 100);
    assert.equal(await store.open.due(100), 300);
    assert.equal(await store.open.due(300), null);
  }),

  check('forgets the due time of a job that is pulled', async (store) => {
    await store.commit([put('a', { beginAfter: 100 })]);

    await store.commit([changeOf('a', 'job.pull', 'pending', 'new', { parent: null, line: null })]);

    assert.equal(await store.open.due(0), null);
    assert.deepEqual(await store.waiting(), []);
  }),
];
