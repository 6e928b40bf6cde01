import assert from 'node:assert/strict';
import { ConflictError, ReassignedError, SignalboxError } from '../../index.ts';
import type { ContractCheck } from './check.ts';
import { annotation, type Change, changeOf, check, put, quota, stored } from './checked-store.ts';

/** Checks for what a commit makes visible, and for its preconditions. */
export const commitChecks: readonly ContractCheck[] = [
  check('shows all changes of a commit once it is written', async ({ open }) => {
    const ticket = open.commit({ by: 'check', changes: [quota('q', 2), put('a')], expect: [] });

    await ticket.written;

    assert.equal((await open.get('quota', '/q'))?.size, 2);
    assert.equal((await open.get('job', 'a'))?.state, 'pending');
    assert.deepEqual((await open.get('job', 'a'))?.args, ['a']);
    await ticket.synced;
  }),

  check('shows a commit at once where its ticket says so', async ({ open }) => {
    const ticket = open.commit({ by: 'check', changes: [put('a')], expect: [] });
    const shown = await open.get('job', 'a');
    await ticket.written;

    if (ticket.isStaged) assert.equal(shown?.state, 'pending');
  }),

  check('answers a read, and says that all is settled, while commits keep coming', async ({ open }) => {
    let count = 0;
    const next = () => {
      count += 1;
      return open.commit({ by: 'client', changes: [put(`job-${count}`)], expect: [] });
    };
    for (const ask of [() => open.get('job', 'job-1'), () => open.settled()]) {
      const most = count + 200;
      let last = next();
      let isAnswered = false;
      const asking = ask().then(() => {
        isAnswered = true;
      });
      // There is always one that is not over.
      while (!isAnswered && count < most) {
        const following = next();
        await last.synced;
        last = following;
      }
      assert.ok(isAnswered, `not answered during ${count} commits`);
      await Promise.all([asking, last.synced]);
    }
  }),

  check('returns nothing for records that were never written', async ({ open }) => {
    assert.equal(await open.get('job', 'a'), undefined);
    assert.deepEqual(await open.list('job', ''), []);
  }),

  check('gives a record a new rev and the seq of its entry with every change', async (store) => {
    await store.commit([put('a'), put('b')]);
    const [a, b] = [await store.open.get('job', 'a'), await store.open.get('job', 'b')];
    await store.commit([changeOf('a', 'args.set', 'pending', 'pending', { args: [] })]);
    const changed = await store.open.get('job', 'a');

    assert.deepEqual([a?.rev, b?.rev, changed?.rev], [1, 1, 2]);
    assert.equal(b?.lastSeq, (a?.lastSeq ?? 0) + 1);
    assert.ok((changed?.lastSeq ?? 0) > (b?.lastSeq ?? 0), 'a later commit has greater seqs');
    assert.equal(changed?.createdSeq, a?.createdSeq);
  }),

  check('replaces the top-level keys that a patch names, and null clears one', async (store) => {
    await store.commit([put('a', { beginBy: 5 })]);
    await store.commit([changeOf('a', 'beginBy.set', 'pending', 'pending', { beginBy: null, args: [1] })]);

    const job = await store.open.get('job', 'a');
    assert.deepEqual([job?.beginBy, job?.args, job?.name], [null, [1], 'work']);
  }),

  check('leaves every other record that is written with a changed one as it was', async (store) => {
    await store.commit(['a', 'b', 'c', 'd'].map((id) => put(id)));
    const rearranged = (id: string): Change =>
      changeOf(id, 'args.set', 'pending', 'pending', { args: [id, 'new'] });
    const quiet = (id: string): Change =>
      changeOf(id, 'failureLogLevel.set', null, null, { failureLogLevel: 'INFO' });

    // In one commit, and in commits that are requested while it is made.
    await Promise.all([
      store.commit([rearranged('a'), quiet('b')]),
      store.commit([quiet('c')]),
      store.commit([rearranged('d')]),
    ]);

    const jobs = await store.open.list('job', '');
    assert.deepEqual(
      jobs.map(({ id, args, failureLogLevel, rev }) => ({ id, args, failureLogLevel, rev })),
      [
        { id: 'a', args: ['a', 'new'], failureLogLevel: null, rev: 2 },
        { id: 'b', args: ['b'], failureLogLevel: 'INFO', rev: 2 },
        { id: 'c', args: ['c'], failureLogLevel: 'INFO', rev: 2 },
        { id: 'd', args: ['d', 'new'], failureLogLevel: null, rev: 2 },
      ],
    );
  }),

  check('removes a record that a commit drops', async (store) => {
    await store.commit([quota('q', 1)]);
    const gone = { kind: 'quota', id: '/q', event: 'quota.removed', from: null, to: null } as const;
    await store.commit([{ ...gone, patch: null, gone: true }]);

    assert.equal(await store.open.get('quota', '/q'), undefined);
  }),

  check('lists records by prefix in order of id', async (store) => {
    await store.commit([quota('b', 1), quota('a', 1), put('a')]);
    const quotas = await store.open.list('quota', '/');

    assert.deepEqual(
      quotas.map((record) => record.id),
      ['/a', '/b'],
    );
    assert.deepEqual(await store.open.list('quota', 'other/'), []);
  }),

  check(
    'accepts a change whose precondition is the rev it read, and refuses it after another change',
    async (store) => {
      await store.commit([put('a')]);
      const unchanged = { check: 'rev', kind: 'job', id: 'a', rev: 1 } as const;
      const change = changeOf('a', 'args.set', 'pending', 'pending', { args: ['changed'] });

      await store.commit([change], [unchanged]);

      await assert.rejects(store.commit([change], [unchanged]), ConflictError);
      assert.equal((await store.open.get('job', 'a'))?.rev, 2);
    },
  ),

  check('reads rev 0 as the precondition that there is no such record', async (store) => {
    const absent = { check: 'rev', kind: 'job', id: 'a', rev: 0 } as const;

    await store.commit([put('a')], [absent]);

    await assert.rejects(store.commit([put('a')], [absent]), ConflictError);
  }),

  check('lets the holder of a job write, whatever other commits have changed in it', async (store) => {
    await store.commit([put('a')]);
    await store.claim();
    await store.commit([annotation('a', 'note', 'x'), stored('callback', { job: 'a' })]);
    await store.commit([changeOf('a', 'failureLogLevel.set', null, null, { failureLogLevel: 'INFO' })]);
    const holder = { check: 'holder', id: 'a', epoch: store.open.epoch, claim: 1 } as const;

    await store.commit([changeOf('a', 'job.start', 'assigned', 'active.running', {})], [holder]);

    assert.equal((await store.open.get('job', 'a'))?.state, 'active.running');
  }),

  check('refuses the write of a former holder as reassigned', async (store) => {
    await store.commit([put('a')]);
    await store.claim();
    const holder = { check: 'holder', id: 'a', epoch: store.open.epoch, claim: 1 } as const;
    const back = { parent: { queue: '' }, line: 'now', claim: 2 };
    await store.commit([changeOf('a', 'job.unassign', 'assigned', 'pending', back)]);
    await store.claim();

    const start = [changeOf('a', 'job.start', 'assigned', 'active.running', {})];
    await assert.rejects(store.commit(start, [holder]), ReassignedError);
    await assert.rejects(
      store.commit(start, [{ ...holder, claim: 3, epoch: store.open.epoch - 1 }]),
      ReassignedError,
    );
    assert.equal((await store.open.get('job', 'a'))?.state, 'assigned');
  }),

  check('refuses what needs a job that is not completed once it is', async (store) => {
    await store.commit([put('a')]);
    const open = { check: 'notCompleted', id: 'a' } as const;
    await store.commit([stored('one', { job: 'a' })], [open]);
    await store.claim();
    await store.start('a');
    await store.finish('a');

    await assert.rejects(store.commit([stored('two', { job: 'a' })], [open]), ConflictError);
  }),

  check(
    'refuses a wait for a job that waits for the waiting one, however many lie between',
    async (store) => {
      const wait = (id: string, on: string): Promise<void> =>
        store.commit(
          [changeOf(id, 'job.wait', 'active.running', 'active.waiting', { waitingOn: on })],
          [{ check: 'notAwaitedBy', id, on }],
        );
      const names = ['a', 'b', 'c', 'd'];
      await store.commit(names.map((id) => put(id)));
      await store.claim();
      for (const id of names) await store.start(id);
      const isCircle = (error: unknown): boolean =>
        error instanceof SignalboxError && error.code === 'AWAITED_ITSELF';
      await assert.rejects(wait('a', 'a'), isCircle);
      await wait('a', 'b');

      const [one, other] = await Promise.allSettled([wait('b', 'c'), wait('c', 'a')]);

      assert.deepEqual([one.status, other.status], ['fulfilled', 'rejected']);
      await assert.rejects(wait('c', 'b'), isCircle);
      await wait('c', 'd');
      assert.equal((await store.open.get('job', 'c'))?.state, 'active.waiting');
    },
  ),

  check('refuses what needs a job that does not exist', async (store) => {
    for (const needed of ['notCompleted', 'exists'] as const)
      await assert.rejects(
        store.commit([stored('one', { job: 'missing' })], [{ check: needed, id: 'missing' }]),
        (error) => error instanceof SignalboxError && error.code === 'JOB_NOT_FOUND',
      );
  }),

  check('takes what needs a job that exists, also once that is completed', async (store) => {
    await store.commit([put('a')]);
    await store.commit([annotation('a', 'early', 1)], [{ check: 'exists', id: 'a' }]);
    await store.claim();
    await store.start('a');
    await store.finish('a');

    await store.commit([annotation('a', 'late', 2)], [{ check: 'exists', id: 'a' }]);

    assert.equal((await store.open.annotations('a')).length, 2);
  }),

  check('refuses what needs every callback begun while one is not', async (store) => {
    await store.commit([put('a')]);
    const begun = { check: 'noUnstartedCallback', id: 'a' } as const;
    await store.commit([annotation('a', 'none', 'yet')], [begun]);
    await store.commit([stored('callback', { job: 'a' })]);
    await assert.rejects(store.commit([annotation('a', 'x', 'x')], [begun]), ConflictError);

    await store.commit([changeOf('callback', 'job.start', 'new', 'active.running', {})]);

    await store.commit([annotation('a', 'x', 'x')], [begun]);
  }),

  check('counts an undecided callback proxy as a callback that has not begun', async (store) => {
    const begun = { check: 'noUnstartedCallback', id: 'a' } as const;
    const proxy = { kind: 'proxy', id: 'p', from: null, to: null } as const;
    const patch = {
      parent: { job: 'a' },
      branches: [{ when: 'success', job: 'yes' }],
      otherwise: null,
    };
    await store.commit([put('a'), stored('yes', { proxy: 'p' }), { ...proxy, event: 'proxy.stored', patch }]);
    await assert.rejects(store.commit([annotation('a', 'x', 'x')], [begun]), ConflictError);

    await store.commit([
      { ...proxy, event: 'proxy.chosen', patch: { chosen: 'yes' } },
      changeOf('yes', 'job.start', 'new', 'active.running', {}),
    ]);

    await store.commit([annotation('a', 'x', 'x')], [begun]);
  }),

  check('refuses what counts the jobs of a dispatcher once it holds another one', async (store) => {
    await store.commit([put('a'), put('b')]);
    await store.claim({ limit: 1 });
    const one = { check: 'holds', id: '/d', queue: '', dispatcher: 'd', count: 1 } as const;
    await store.commit([annotation('a', 'x', 'x')], [one]);

    await store.claim({ limit: 1 });

    await assert.rejects(store.commit([annotation('a', 'y', 'y')], [one]), ConflictError);
    await store.commit([annotation('a', 'y', 'y')], [{ ...one, count: 2 }]);
  }),

  check('refuses a change from a state that the record has left', async (store) => {
    await store.commit([put('a')]);
    await store.claim();

    const pull = changeOf('a', 'job.pull', 'pending', 'new', { parent: null, line: null });
    await assert.rejects(store.commit([pull]), ConflictError);
  }),

  check('lets one commit take a record through several states', async (store) => {
    await store.commit([put('a')]);

    await store.commit([
      changeOf('a', 'job.pull', 'pending', 'new', { parent: null, line: null }),
      { ...put('a'), patch: { ...put('a').patch, args: ['again'] } },
    ]);

    assert.deepEqual((await store.open.get('job', 'a'))?.args, ['again']);
    assert.deepEqual(await store.waiting(), ['a']);
  }),

  check('applies nothing of a commit that it refuses, and says so in both strengths', async (store) => {
    await store.commit([put('a'), quota('q', 1)]);
    const before = await store.open.get('job', 'a');
    const ticket = store.open.commit({
      by: 'check',
      changes: [
        changeOf('a', 'args.set', 'pending', 'pending', { args: ['never'] }),
        put('b'),
        annotation('a', 'x', 'x'),
      ],
      expect: [{ check: 'rev', kind: 'quota', id: '/q', rev: 7 }],
    });

    await assert.rejects(ticket.written, ConflictError);
    await assert.rejects(ticket.synced, ConflictError);
    assert.deepEqual(await store.open.get('job', 'a'), before);
    assert.equal(await store.open.get('job', 'b'), undefined);
    assert.deepEqual(await store.open.annotations('a'), []);
    assert.deepEqual(await store.waiting(), ['a']);
  }),
];
