import assert from 'node:assert/strict';
import type { ContractCheck } from './check.ts';
import { type CheckedStore, check, put, queueSet, reopeningCheck } from './checked-store.ts';

/** A mark of a pause. */
function paused(
  job: string | null,
  until: number | null = null,
): { readonly [key: string]: string | number | null } {
  return { job, by: 'check', at: 0, reason: null, until };
}

const systemJob = 'signalbox.handleInterrupt';

/** Ids of one of each kind of job. */
async function putAll(store: CheckedStore): Promise<void> {
  await store.commit([
    put('a', { name: 'mail.send' }),
    put('b', { name: 'mail.bulk', beginBy: 1000 }),
    put('c', { name: 'scan' }),
    put('d', { name: systemJob }),
    put('e', { name: `${systemJob}:mail.send` }),
  ]);
}

/** Checks for queues that are paused. */
export const pauseChecks: readonly ContractCheck[] = [
  reopeningCheck(
    'takes nothing but system jobs from a queue that is paused, also after it was opened again',
    async (store) => {
      await putAll(store);
      await store.commit([queueSet({ pauses: [paused(null)] })]);
    },
    async (store) => {
      assert.deepEqual(await store.claim(), ['d', 'e']);
      assert.deepEqual(await store.waiting(), ['a', 'b', 'c']);
      await store.commit([queueSet({ pauses: [] })]);

      assert.deepEqual(await store.claim(), ['a', 'b', 'c']);
    },
  ),

  check('takes no job whose definition matches a pattern that is paused', async (store) => {
    await putAll(store);
    await store.commit([queueSet({ pauses: [paused('mail.*'), paused('sca')] })]);
    assert.deepEqual(await store.claim({ limit: 2 }), ['c', 'd']);

    await store.commit([queueSet({ pauses: [paused('*send')] })]);

    assert.deepEqual(await store.claim(), ['b', 'e']);
    assert.deepEqual(await store.waiting(), ['a']);
  }),

  check('lets no claim that begins after a pause is committed take anything', async (store) => {
    await store.commit([put('a'), put('b')]);
    assert.deepEqual(await store.claim({ limit: 1 }), ['a']);

    await store.commit([queueSet({ pauses: [paused(null)] })]);

    assert.deepEqual(await store.claim(), []);
    await store.commit([put('c')]);
    assert.deepEqual(await store.claim(), []);
    assert.deepEqual(await store.claim({ choose: (claimable) => [...claimable][0] ?? null }), []);
  }),

  check('ends a pause at its instant, and says when that is', async (store) => {
    await store.commit([put('a'), put('b', { beginAfter: 900 })]);
    await store.commit([queueSet({ pauses: [paused(null, 500), paused('mail.*')] })]);
    assert.equal(await store.open.due(0), 500);
    store.clock.now = 499;
    assert.deepEqual(await store.claim(), []);

    store.clock.now = 500;

    assert.deepEqual(await store.claim(), ['a']);
    assert.equal(await store.open.due(500), 900);
  }),

  check('says when the pause of an agent ends', async (store) => {
    const set = { kind: 'agent', id: '/d/main', event: 'agent.paused', from: null, to: null } as const;
    const { job: _job, ...mark } = paused(null, 700);
    await store.commit([{ ...set, patch: { size: 1, paused: mark } }]);
    assert.equal(await store.open.due(0), 700);

    await store.commit([{ ...set, patch: { paused: null } }]);

    assert.equal(await store.open.due(0), null);
  }),

  check('hands out a job that is too late from a queue that is paused', async (store) => {
    await store.commit([put('late', { beginBy: 10 }), put('a')]);
    await store.commit([queueSet({ pauses: [paused(null)] })]);
    store.clock.now = 20;
    const seen: (readonly [string, boolean])[] = [];

    await store.claim({
      look: ({ job, expired }) => {
        seen.push([job.id, expired]);
        return false;
      },
    });

    assert.deepEqual(seen, [['late', true]]);
  }),
];
