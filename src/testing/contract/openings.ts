import assert from 'node:assert/strict';
import { type Json, SignalboxError } from '../../index.ts';
import type { ContractCheck } from './check.ts';
import {
  annotation,
  type Change,
  changeOf,
  check,
  opened,
  put,
  quota,
  reopeningCheck,
  stored,
} from './checked-store.ts';

/** Values that look like other values, and text that a format could mistake for its own syntax. */
const values: readonly Json[] = [
  null,
  false,
  0,
  '',
  [],
  {},
  [[]],
  [null],
  { value: [], none: null },
  'null',
  '{}',
  'NULL',
  '"\\\',{}%_\n\u2028\u007f\u{1F600}',
  Number.MAX_SAFE_INTEGER,
  2 ** 63,
  -1e-7,
  1e21,
  Number.MIN_VALUE,
  Number.MAX_VALUE,
  JSON.parse('{"__proto__":{"a":[]},"constructor":1,"10":1,"2":2,"":""}') as Json,
  'x'.repeat(20_000),
];

/** Checks for what survives a closing, and for what a closed store refuses. */
export const openingChecks: readonly ContractCheck[] = [
  reopeningCheck(
    'has a greater epoch with every opening',
    async ({ open }) => {
      assert.ok(open.epoch >= 1);
    },
    async (second, first) => {
      assert.ok(second.open.epoch > first.open.epoch);
    },
  ),

  reopeningCheck(
    'reports that its opening is alive, and that a closed opening is not',
    async ({ open }) => {
      assert.deepEqual(await open.openings(), { alive: new Set([open.epoch]), newest: open.epoch });
    },
    async ({ open }) => {
      assert.deepEqual(await open.openings(), { alive: new Set([open.epoch]), newest: open.epoch });
    },
  ),

  {
    name: 'finds every record as it was left',
    async run(makeStore) {
      const store = await makeStore();
      const first = await opened(store);
      const all = [quota('q', 4), put('a', { quotaNames: ['q'], beginBy: 9 }), annotation('a', 'n', 'x')];
      await first.commit(all);
      await first.claim();
      const read = ({ open }: typeof first) =>
        Promise.all([open.get('job', 'a'), open.get('quota', '/q'), open.get('annotation', 'a/n')]);
      const before = await read(first);
      await first.open.close();

      const second = await opened(store);
      const after = await read(second);
      await second.open.close();

      assert.deepEqual(after, before);
    },
  },

  reopeningCheck(
    'finds every value as it was given, whatever it is',
    async (store) => {
      await store.commit(values.map((value, index) => annotation('a', `n${index}`, value)));
      await store.commit(values.map((value, index) => valued(`j${index}`, value)));
    },
    async ({ open }) => {
      for (const [index, value] of values.entries()) {
        assert.deepEqual((await open.get('annotation', `a/n${index}`))?.value, value);
        const job = await open.get('job', `j${index}`);
        assert.deepEqual([job?.args, job?.retryData], [[value], { value }]);
        assert.deepEqual(job?.outcome, { ok: true, value });
      }
    },
  ),

  reopeningCheck(
    'offers waiting jobs in the same order',
    async (store) => {
      await store.commit([put('z'), put('back'), put('held', { beginAfter: 100 })]);
      await store.claim({ choose: (claimable) => [...claimable].at(-1) ?? null, limit: 1 });
      await store.start('back');
      await store.putBack('back', 2);
      await store.commit([put('a', { name: 'other' })]);
    },
    async (store) => {
      assert.deepEqual(await store.waiting(), ['back', 'z', 'a', 'held']);
      assert.deepEqual(await store.claim(), ['back', 'z', 'a']);
    },
  ),

  reopeningCheck(
    'finds its indexes again',
    async (store) => {
      await store.commit([quota('q', 9), put('a', { quotaNames: ['q'] }), put('b', { quotaNames: ['q'] })]);
      await store.commit([
        put('c'),
        put('d'),
        put('e'),
        stored('two', { job: 'b' }),
        stored('one', { job: 'b' }),
      ]);
      await store.claim();
      for (const id of ['c', 'a', 'e']) {
        await store.start(id);
        await store.finish(id);
      }
    },
    async ({ open }) => {
      const ids = (jobs: readonly { id: string }[]): string[] => jobs.map((job) => job.id);
      assert.deepEqual(ids(await open.held('', 'd', 'main')), ['b', 'd']);
      assert.deepEqual(ids(await open.completed('', 'd', 'main')), ['e', 'a', 'c']);
      assert.deepEqual(await open.quotaHolders('/q'), ['b']);
      assert.deepEqual(
        (await open.callbacks('b')).map((callback) => callback.record.id),
        ['two', 'one'],
      );
    },
  ),

  reopeningCheck(
    'continues the sequence of entries, and still gives the old ones',
    async (store) => {
      await store.commit([put('a')]);
    },
    async (store, first) => {
      await store.claim();

      const events: string[] = [];
      let last = 0;
      for await (const entry of store.open.entries(1)) {
        assert.ok(entry.seq > last, `${entry.seq} follows ${last}`);
        last = entry.seq;
        if (entry.id === 'a') events.push(`${entry.event} ${entry.by}`);
      }
      assert.deepEqual(events, [`job.put check#${first.open.epoch}`, `job.claim d#${store.open.epoch}`]);
    },
  ),

  check('syncs what was committed before it was closed', async (store) => {
    let isSynced = false;
    const ticket = store.open.commit({ by: 'check', changes: [put('a')], expect: [] });
    const synced = ticket.synced.then(() => {
      isSynced = true;
    });

    await store.open.close();

    assert.equal(isSynced, true);
    await synced;
  }),

  check(
    'refuses commits, claims and looks at its journal once it is closed, and closing again is harmless',
    async (store) => {
      await store.commit([put('a')]);
      await store.open.close();
      const isClosed = (error: unknown): boolean =>
        error instanceof SignalboxError && error.code === 'STORE_CLOSED';

      const ticket = store.open.commit({ by: 'check', changes: [put('b')], expect: [] });
      await assert.rejects(ticket.written, isClosed);
      await assert.rejects(ticket.synced, isClosed);
      await assert.rejects(store.claim(), isClosed);
      await assert.rejects(store.open.entries(1)[Symbol.asyncIterator]().next(), isClosed);
      await store.open.close();
    },
  ),

  check('has the time of the clock it was given', async (store) => {
    store.clock.now = 12_345;

    assert.equal(store.open.now(), 12_345);
  }),

  check('has a budget of connections that can be raised and lowered', async ({ open }) => {
    const before = open.poolSize;
    open.poolSize += 4;

    assert.equal(open.poolSize, before + 4);
  }),
];

/** A completed job with a value in every key that may have one. */
function valued(id: string, value: Json): Change {
  const patch = { name: 'work', args: [value], retryData: { value }, outcome: { ok: true, value } };
  return changeOf(id, 'job.stored', null, 'completed', patch);
}
