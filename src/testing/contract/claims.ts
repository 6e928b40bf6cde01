import assert from 'node:assert/strict';
import type { Json } from '../../index.ts';
import type { ContractCheck } from './check.ts';
import { changeOf, check, put, quota } from './checked-store.ts';

/** Checks for the order in which waiting jobs are offered to a claim, and for the end of the walk. */
export const orderChecks: readonly ContractCheck[] = [
  check('gives nothing from an empty queue, nor from a queue that does not exist', async (store) => {
    assert.deepEqual(await store.claim(), []);
    assert.deepEqual(await store.claim({ queue: 'nowhere' }), []);
  }),

  check('offers immediate jobs in order of arrival, within a commit and between commits', async (store) => {
    await store.commit([put('b'), put('a', { name: 'other' })]);
    await store.commit([put('c')]);

    assert.deepEqual(await store.waiting(), ['b', 'a', 'c']);
    assert.deepEqual(await store.claim(), ['b', 'a', 'c']);
  }),

  check('claims only from the queue that is asked', async (store) => {
    await store.commit([put('a', { queue: 'one' }), put('b', { queue: 'two' })]);

    assert.deepEqual(await store.claim({ queue: 'two' }), ['b']);
  }),

  check('claims up to the limit', async (store) => {
    await store.commit([put('a'), put('b'), put('c')]);

    assert.deepEqual(await store.claim({ limit: 2 }), ['a', 'b']);
    assert.deepEqual(await store.claim({ limit: 2 }), ['c']);
  }),

  check('never hands a job to two claims of one moment', async (store) => {
    await store.commit([put('a'), put('b')]);

    const [one, other] = await Promise.all([store.claim({ limit: 1 }), store.claim({ limit: 1 })]);

    assert.deepEqual([...one, ...other].sort(), ['a', 'b']);
  }),

  check('offers what was put back before everything else, in the order of putting back', async (store) => {
    await store.commit([put('a'), put('b', { name: 'other' }), put('c')]);
    await store.claim({ limit: 2 });
    await store.start('a');
    await store.start('b');
    await store.putBack('b', 2);
    await store.putBack('a', 2);

    assert.deepEqual(await store.waiting(), ['b', 'a', 'c']);
    assert.deepEqual(await store.claim(), ['b', 'a', 'c']);
  }),

  check('offers a held job when it is due, and not before', async (store) => {
    await store.commit([put('held', { beginAfter: 100 })]);
    store.clock.now = 99;
    assert.deepEqual(await store.claim(), []);

    store.clock.now = 100;

    assert.deepEqual(await store.claim(), ['held']);
  }),

  check('offers held jobs by instant, and those of one instant by id', async (store) => {
    await store.commit([put('late', { beginAfter: 200 }), put('z', { beginAfter: 100 })]);
    await store.commit([put('y', { beginAfter: 100, name: 'other' })]);
    store.clock.now = 300;

    assert.deepEqual(await store.waiting(), ['y', 'z', 'late']);
    assert.deepEqual(await store.claim(), ['y', 'z', 'late']);
  }),

  check(
    'merges held and immediate jobs by the instants of their heads, held first on a tie',
    async (store) => {
      await store.commit([put('held 50', { beginAfter: 50 }), put('held 100', { beginAfter: 100 })]);
      await store.commit([put('at 60', { at: 60 })]);
      await store.commit([put('at 100', { at: 100 }), put('at 110', { at: 110, name: 'other' })]);
      store.clock.now = 200;

      const order = ['held 50', 'at 60', 'held 100', 'at 100', 'at 110'];
      assert.deepEqual(await store.waiting(), order);
      assert.deepEqual(await store.claim(), order);
    },
  ),

  check('never sorts immediate jobs: one put with an earlier instant waits its turn', async (store) => {
    await store.commit([put('first', { at: 100 }), put('pre-dated', { at: 100, beginAfter: 10 })]);
    await store.commit([put('held', { at: 0, beginAfter: 50 })]);
    store.clock.now = 200;

    assert.deepEqual(await store.claim(), ['held', 'first', 'pre-dated']);
  }),

  check('ends at the first job that is not due, whatever is behind it', async (store) => {
    await store.commit([put('moved'), put('behind'), put('other', { name: 'other' })]);
    await store.commit([changeOf('moved', 'beginAfter.set', 'pending', 'pending', { beginAfter: 500 })]);
    store.clock.now = 100;
    assert.deepEqual(await store.claim(), []);

    store.clock.now = 500;

    assert.deepEqual(await store.claim(), ['moved', 'behind', 'other']);
  }),

  check('lets the callables of a claim start once the puts are synced', async (store) => {
    const { open } = store;
    let isPutSynced = false;
    const putting = open.commit({ by: 'check', changes: [put('a')], expect: [] });
    const synced = putting.synced.then(() => {
      isPutSynced = true;
    });
    await putting.written;

    const claimed = await open.claim({
      queue: '',
      limit: 1,
      by: 'd',
      agent: null,
      accepts: { lane: () => true, job: null },
      choose: null,
      take: ({ job }) => [changeOf(job.id, 'job.claim', 'pending', 'assigned', { claim: 1 })],
    });
    await claimed.startable;

    assert.deepEqual([claimed.jobs.length, isPutSynced], [1, true]);
    await synced;
  }),

  check('leaves a candidate that is not taken where it is', async (store) => {
    await store.commit([put('a'), put('b')]);

    assert.deepEqual(await store.claim({ look: ({ job }) => job.id !== 'a' }), ['b']);
    assert.deepEqual(await store.waiting(), ['a']);
  }),
];

/** Checks for the jobs that a claim may take: quotas, deadlines, filters and choosers. */
export const acceptanceChecks: readonly ContractCheck[] = [
  check('takes as many jobs of a quota as it has slots, over all claims', async (store) => {
    const two = { quotaNames: ['q'] };
    await store.commit([quota('q', 2), put('a', two), put('b', two), put('c', two), put('free')]);

    assert.deepEqual(await store.claim({ limit: 1 }), ['a']);
    assert.deepEqual(await store.claim(), ['b', 'free']);
    assert.deepEqual(await store.open.quotaHolders('/q'), ['a', 'b']);
    assert.deepEqual(await store.claim(), []);
  }),

  check('passes over the jobs behind a full quota and keeps their places', async (store) => {
    const limited = { quotaNames: ['q'], name: 'limited' };
    await store.commit([quota('q', 1)]);
    await store.commit([put('a', limited), put('b', limited), put('c'), put('d', limited), put('e')]);

    assert.deepEqual(await store.claim(), ['a', 'c', 'e']);
    assert.deepEqual(await store.waiting(), ['b', 'd']);

    await store.start('a');
    await store.finish('a');
    assert.deepEqual(await store.claim(), ['b']);
  }),

  check('gives a quota slot free with the result', async (store) => {
    await store.commit([quota('q', 1), put('a', { quotaNames: ['q'] })]);
    await store.claim();
    await store.start('a');

    await store.finish('a');

    assert.deepEqual(await store.open.quotaHolders('/q'), []);
  }),

  check('takes a job of several quotas only when all have room', async (store) => {
    await store.commit([quota('q', 1), quota('r', 2)]);
    await store.commit([put('a', { quotaNames: ['r', 'q'] }), put('b', { quotaNames: ['q', 'r'] })]);
    await store.commit([put('c', { quotaNames: ['r'] })]);

    assert.deepEqual(await store.claim(), ['a', 'c']);
    assert.deepEqual(await store.open.quotaHolders('/r'), ['a', 'c']);
    assert.deepEqual(await store.open.quotaHolders('/q'), ['a']);
  }),

  check('ignores the names of quotas that do not exist', async (store) => {
    await store.commit([put('a', { quotaNames: ['removed'] }), put('b', { quotaNames: ['removed'] })]);

    assert.deepEqual(await store.claim({ look: ({ quotas }) => quotas.length === 0 }), ['a', 'b']);
  }),

  check('lets a job that was put back keep its slot of a full quota', async (store) => {
    await store.commit([quota('q', 1), put('a', { quotaNames: ['q'] }), put('b', { quotaNames: ['q'] })]);
    await store.claim();
    await store.start('a');

    await store.putBack('a', 2);

    assert.deepEqual(await store.open.quotaHolders('/q'), ['a']);
    assert.deepEqual(await store.claim(), ['a']);
  }),

  check('offers a job as expired once its deadline has passed, not exactly then', async (store) => {
    await store.commit([put('a', { beginBy: 50 }), put('b', { beginBy: 60, beginAfter: 0 })]);
    store.clock.now = 50;
    const expired: (readonly [string, boolean])[] = [];
    const look = ({ job, expired: isOver }: { job: { id: string }; expired: boolean }): boolean => {
      expired.push([job.id, isOver]);
      return false;
    };

    await store.claim({ look });
    store.clock.now = 51;
    await store.claim({ look });

    assert.deepEqual(expired, [
      ['a', false],
      ['b', false],
      ['a', true],
      ['b', false],
    ]);
  }),

  check('offers expired jobs behind a full quota too', async (store) => {
    const limited = { quotaNames: ['q'] };
    await store.commit([quota('q', 1), put('a', limited), put('b', limited)]);
    await store.commit([put('late', { ...limited, beginBy: 10 })]);
    store.clock.now = 20;
    const seen: string[] = [];

    await store.claim({
      look: ({ job, expired }) => {
        if (expired) seen.push(job.id);
        return !expired;
      },
    });

    assert.deepEqual(seen, ['late']);
    assert.deepEqual(await store.open.quotaHolders('/q'), ['a']);
  }),

  check('asks about an expired job as the system job that will fail it', async (store) => {
    await store.commit([put('late', { beginBy: 10 }), put('a')]);
    store.clock.now = 20;
    const accepting = (accepted: string) => ({ lane: (name: string) => name === accepted, job: null });

    assert.deepEqual(await store.claim({ accepts: accepting('work') }), ['a']);
    assert.deepEqual(await store.claim({ accepts: accepting('signalbox.fail') }), ['late']);
  }),

  check('takes only what is accepted, by lane and by job', async (store) => {
    await store.commit([put('a'), put('b', { name: 'other' }), put('c', { name: 'other' })]);

    const accepts = {
      lane: (name: string) => name === 'other',
      job: (job: { id: string }) => job.id !== 'b',
    };
    assert.deepEqual(await store.claim({ accepts }), ['c']);
    assert.deepEqual(await store.waiting(), ['a', 'b']);
  }),

  check('takes what a filter of arguments accepts, however many jobs are before it', async (store) => {
    const tenant = (id: string, args: readonly Json[]) => ({ ...put(id), patch: { ...put(id).patch, args } });
    await store.commit([
      ...Array.from({ length: 5 }, (_, index) => tenant(`other ${index}`, [{ tenant: 'b', n: [1] }])),
      tenant('a', [{ tenant: 'a', n: [1] }]),
      tenant('c', [{ tenant: 'a', n: [2] }]),
    ]);
    const isWanted = ({ args }: { args: readonly Json[] }): boolean =>
      JSON.stringify(args[0]) === '{"tenant":"a","n":[1]}';

    const accepts = { lane: () => true, job: isWanted, args: { '0.tenant': 'a', '0.n': [1] } };
    assert.deepEqual(await store.claim({ limit: 1, accepts }), ['a']);
    assert.deepEqual(await store.claim({ limit: 1, accepts }), []);
  }),

  check('lets a chooser pick among everything claimable, in order, until it returns null', async (store) => {
    await store.commit([quota('q', 1), put('a'), put('b', { quotaNames: ['q'] })]);
    await store.commit([put('c', { quotaNames: ['q'] }), put('d')]);
    const offered: string[][] = [];
    const picks = ['c', 'a'];

    const claimed = await store.claim({
      choose: (claimable) => {
        const jobs = [...claimable];
        offered.push(jobs.map((job) => job.id));
        return jobs.find((job) => job.id === picks[offered.length - 1]) ?? null;
      },
    });

    assert.deepEqual(claimed, ['c', 'a']);
    assert.deepEqual(offered, [['a', 'b', 'c', 'd'], ['a', 'd'], ['d']]);
  }),

  check('asks a chooser no more once the limit is reached', async (store) => {
    await store.commit([put('a'), put('b'), put('c')]);
    let asked = 0;
    const choose = (claimable: Iterable<{ id: string }>) => {
      asked += 1;
      return [...claimable].at(-1) as never;
    };

    assert.deepEqual(await store.claim({ limit: 2, choose }), ['c', 'b']);
    assert.equal(asked, 2);
  }),
];
