import assert from 'node:assert/strict';
import type { HistoryEntry, OpenStore } from '../../index.ts';
import type { ContractCheck } from './check.ts';
import { changeOf, check, put, quota } from './checked-store.ts';

type Lines = Parameters<Parameters<OpenStore['follow']>[0]>[0];

async function all(entries: AsyncIterable<HistoryEntry>): Promise<HistoryEntry[]> {
  const found: HistoryEntry[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

/** Asserts that numbers grow strictly, from a lowest one on. Stores need not use every number between two commits. */
function assertGrowing(numbers: readonly number[], from: number): void {
  for (const [index, number] of numbers.entries())
    assert.ok(number >= (index === 0 ? from : (numbers[index - 1] as number) + 1), `${numbers} from ${from}`);
}

/** Position after everything that opening the store has written. */
async function end({ open }: { readonly open: OpenStore }): Promise<number> {
  return ((await all(open.entries(1))).at(-1)?.seq ?? 0) + 1;
}

/** Checks for what the journal gives, to which callers, and when. */
export const journalChecks: readonly ContractCheck[] = [
  check('gives the entries of all commits in one order, with author and instant', async (store) => {
    const from = await end(store);
    store.clock.now = 7;
    await store.commit([quota('q', 1), put('a')]);
    store.clock.now = 8;
    await store.claim();

    const entries = await all(store.open.entries(from));
    const { epoch } = store.open;
    assert.deepEqual(
      entries.map(({ at, by, event, from, to }) => [at, by, event, from, to]),
      [
        [7, `check#${epoch}`, 'quota.created', null, null],
        [7, `check#${epoch}`, 'job.put', 'new', 'pending'],
        [8, `d#${epoch}`, 'job.claim', 'pending', 'assigned'],
      ],
    );
    const seqs = entries.map(({ seq }) => seq);
    assertGrowing(seqs, from);
    assert.equal(seqs[1], (seqs[0] as number) + 1, 'within a commit no number is left out');
  }),

  check('says of each entry with which commit it came', async (store) => {
    const from = await end(store);
    await store.commit([put('a'), put('b')]);
    await store.commit([put('c')]);

    const [a, b, c] = await all(store.open.entries(from));
    assert.deepEqual([a?.commit, b?.commit, c?.commit], [a?.seq, a?.seq, c?.seq]);
    const tail = await all(store.open.entries((a?.seq ?? 0) + 1));
    assert.deepEqual(
      tail.map(({ commit }) => commit),
      [a?.seq, c?.seq],
    );
    assert.deepEqual((await all(store.open.history('job', 'b')))[0]?.commit, a?.seq);
  }),

  check('gives entries from a cursor on, also from the middle of a commit', async (store) => {
    const from = await end(store);
    await store.commit([put('a'), put('b'), put('c')]);

    const whole = await all(store.open.entries(from));
    const first = whole[0]?.seq ?? 0;
    assert.deepEqual(
      whole.map(({ id, seq }) => `${id} ${seq}`),
      [`a ${first}`, `b ${first + 1}`, `c ${first + 2}`],
    );
    assert.deepEqual(await all(store.open.entries(first + 1)), whole.slice(1));
    assert.deepEqual(await all(store.open.entries(first + 3)), []);
    assert.ok(store.open.oldestSeq() <= from);
  }),

  check('gives the patch of each entry: applied in order they make the record', async (store) => {
    await store.commit([put('a')]);
    await store.claim();
    await store.start('a');
    await store.finish('a');

    const entries = (await all(store.open.entries(1))).filter((entry) => entry.id === 'a');
    const record = Object.assign({}, ...entries.map((entry) => entry.patch)) as Record<string, unknown>;
    const job = (await store.open.get('job', 'a')) as unknown as Record<string, unknown>;
    for (const key of ['name', 'args', 'parent', 'outcome', 'claim', 'callbacksEnd'])
      assert.deepEqual(record[key], job[key], key);
  }),

  check('gives the history of one record, newest first, along its chain', async (store) => {
    await store.commit([put('a'), put('b')]);
    await store.claim();
    await store.start('a');

    const history = await all(store.open.history('job', 'a'));
    assert.deepEqual(
      history.map((entry) => entry.event),
      ['job.start', 'job.claim', 'job.put'],
    );
    assert.deepEqual(
      history.map((entry) => entry.q),
      [history[1]?.seq, history[2]?.seq, 0],
    );
    assert.deepEqual(await all(store.open.history('job', 'missing')), []);
  }),

  check('gives the history of a record that is gone from one of its entries on', async (store) => {
    await store.commit([quota('q', 1), put('a')]);
    const { seq } = await store.open.position();
    await store.commit([{ ...quota('q', 0), event: 'quota.removed', patch: null, gone: true }]);
    const { seq: removed } = await store.open.position();

    const history = await all(store.open.history('quota', '/q', removed));
    assert.deepEqual(
      history.map((entry) => entry.event),
      ['quota.removed', 'quota.created'],
    );
    assert.ok(history.every((entry) => entry.mv !== ''));
    assert.deepEqual(await all(store.open.history('quota', '/q', seq)), [], 'the entry of another record');
    assert.deepEqual(await all(store.open.history('quota', '/q', removed + 1)), [], 'no entry yet');
  }),

  check('shows what it was right after each entry, if it shows the past at all', async (store) => {
    const { past: pastOf } = store.open;
    if (pastOf === null) return;
    await store.commit([put('a'), put('b')]);
    const { seq } = await store.open.position();
    store.clock.now = 9;
    await store.claim({ limit: 1 });
    const past = await pastOf();

    const seen: unknown[] = [];
    for (const moment of [seq + 1, seq, seq - 1, seq + 1]) {
      await past.moveTo(moment);
      const waiting = (await past.waiting('')).map(({ id }) => id);
      seen.push([past.now(), waiting, await past.heldCount('', 'd', 'main')]);
    }
    const [claimed, both, one] = [
      [9, ['b'], 1],
      [0, ['a', 'b'], 0],
      [0, ['a'], 0],
    ];
    assert.deepEqual(seen, [claimed, both, one, claimed]);
    assert.deepEqual(
      (await all(past.history('job', 'a'))).map((entry) => entry.event),
      ['job.claim', 'job.put'],
    );
    await past.moveTo(seq);
    assert.equal((await all(past.history('job', 'a'))).length, 1, 'what came later is not shown');
    assert.deepEqual((await all(past.entries(seq - 1))).length, 2);
    assert.ok(past.from < seq && past.to === seq + 1);
  }),

  check('names its newest synced entry, and its instant', async (store) => {
    store.clock.now = 7;
    await store.commit([put('a'), put('b')]);
    const { seq } = await store.open.position();
    store.clock.now = 9;
    await assert.rejects(store.commit([put('c')], [{ check: 'rev', kind: 'job', id: 'a', rev: 9 }]));

    const entries = await all(store.open.entries(1));
    assert.equal(entries.at(-1)?.seq, seq);
    assert.deepEqual(await store.open.position(), { seq, at: 7 });

    const { written } = store.open.commit({ by: 'check', changes: [put('c')], expect: [] });
    await written;
    assert.ok((await store.open.position()).seq >= seq);
    await store.open.settled();
    assert.deepEqual(await store.open.position(), { seq: (await end(store)) - 1, at: 9 });
  }),

  check('finds the newest entry that is not later than an instant', async (store) => {
    const { seq: opened } = await store.open.position();
    store.clock.now = 7;
    await store.commit([put('a'), put('b')]);
    store.clock.now = 9;
    await assert.rejects(store.commit([put('c')], [{ check: 'rev', kind: 'job', id: 'a', rev: 9 }]));
    await store.commit([put('c')]);
    store.clock.now = 12;
    await store.commit([put('d')]);

    const { seq: newest } = await store.open.position();
    const entries = await all(store.open.entries(1));
    const lastOf = (id: string): number => entries.findLast((entry) => entry.id === id)?.seq ?? 0;
    const found: number[] = [];
    for (const instant of [-1, 0, 6.5, 7, 8, 9, 11, 12, 1e15]) found.push(await store.open.seqAt(instant));
    const [none, b, c] = [(entries[0]?.seq ?? 0) - 1, lastOf('b'), lastOf('c')];
    assert.deepEqual(found, [none, opened, opened, b, b, c, c, newest, newest]);
    const past = await store.open.past?.();
    await past?.moveTo(b);
    if (past !== undefined) assert.deepEqual([await past.seqAt(7), await past.seqAt(12)], [b, b]);
  }),

  check('leaves no trace of a refused commit', async (store) => {
    const from = await end(store);
    await store.commit([put('a')]);
    await assert.rejects(store.commit([put('b')], [{ check: 'rev', kind: 'job', id: 'a', rev: 9 }]));
    await store.commit([put('c')]);

    const entries = await all(store.open.entries(from));
    assert.deepEqual(
      entries.map(({ id }) => id),
      ['a', 'c'],
    );
    assertGrowing(
      entries.map(({ seq }) => seq),
      from,
    );
  }),

  check('gives followers each commit once and as a whole, in order', async (store) => {
    const from = await end(store);
    const seen: Lines[number][] = [];
    const stop = store.open.follow((lines) => seen.push(...lines));

    for (const id of ['a', 'b', 'c', 'd'])
      store.open.commit({ by: 'check', changes: [put(id), quota(id, 1)], expect: [] });
    await store.commit([put('e')]);
    await store.open.settled();
    stop();
    await store.commit([put('f')]);

    // A store may give several commits as one.
    const told = seen.map(({ entries }) => entries.map(({ id }) => id));
    assert.deepEqual(told.flat().sort(), ['/a', '/b', '/c', '/d', 'a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(
      told.flat().filter((id) => !id.startsWith('/')),
      ['a', 'b', 'c', 'd', 'e'],
    );
    for (const ids of told)
      for (const id of ['a', 'b', 'c', 'd']) assert.equal(ids.includes(id), ids.includes(`/${id}`));
    assertGrowing(
      seen.flatMap(({ s, entries }) => entries.map((_entry, index) => s + index)),
      from,
    );
    const kept = (await all(store.open.entries(from))).filter(({ id }) => id !== 'f');
    assert.deepEqual(
      kept.map(({ seq, id }) => `${seq} ${id}`),
      seen.flatMap(({ s, entries }) => entries.map(({ id }, index) => `${s + index} ${id}`)),
    );
  }),

  check('is settled when everything written by then is synced', async (store) => {
    await store.open.settled();
    const synced: string[] = [];
    for (const id of ['a', 'b']) {
      const ticket = store.open.commit({ by: 'check', changes: [put(id)], expect: [] });
      void ticket.synced.then(() => synced.push(id));
    }
    const third = changeOf('a', 'args.set', 'pending', 'pending', { args: [3] });
    const { written } = store.open.commit({ by: 'check', changes: [third], expect: [] });
    await written;

    await store.open.settled();

    assert.deepEqual(synced, ['a', 'b']);
  }),

  check('is idle when no call is under way', async (store) => {
    await store.open.idle();
    let isSynced = false;
    const { synced } = store.open.commit({ by: 'check', changes: [put('a')], expect: [] });
    void synced.then(() => {
      isSynced = true;
    });

    await store.open.idle();

    assert.equal(isSynced, true);
  }),

  check('gives only what is synced', async (store) => {
    const from = await end(store);
    let isSynced = false;
    const ticket = store.open.commit({ by: 'check', changes: [put('a')], expect: [] });
    void ticket.synced.then(() => {
      isSynced = true;
    });

    const entries = await all(store.open.entries(from));

    assert.deepEqual([entries.length, isSynced], [1, true]);
  }),
];
