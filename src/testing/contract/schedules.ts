import assert from 'node:assert/strict';
import type { ContractCheck } from './check.ts';
import { type Change, type CheckedStore, check, put, reopeningCheck } from './checked-store.ts';

const figures = {
  cron: null,
  tz: 'UTC',
  every: 1000,
  from: 0,
  overlap: 'skip',
  misfire: 'once',
  misfireWindow: 1000,
  jitter: 0,
  until: null,
  maxRuns: null,
};

/** Sets a schedule of queue '', due at an instant; null: it does not come. */
function scheduled(name: string, nextAt: number | null): Change {
  const job = { content: { name: 'work', args: [name] }, delay: null, deadline: null, annotations: null };
  return {
    kind: 'schedule',
    id: `/${name}`,
    event: 'schedule.set',
    from: null,
    to: nextAt === null ? 'ended' : 'active',
    patch: { figures, job, setAt: 0, setBy: 'check', nextTick: nextAt, nextAt },
  };
}

/** The next tick of one. */
function planned(name: string, nextAt: number | null): Change {
  const patch = { nextTick: nextAt, nextAt };
  return { kind: 'schedule', id: `/${name}`, event: 'schedule.tick', from: 'active', to: 'active', patch };
}

async function due({ open }: CheckedStore, now: number, most = 100): Promise<string[]> {
  return (await open.dueSchedules(now, most)).map(({ id }) => id);
}

/**
 * What a store does that keeps schedules: all of Signalbox's stores do. Run it as `storeContract`.
 *
 * @example
 * ```ts
 * import { memoryStore } from 'signalbox';
 * import { scheduleContract } from 'signalbox/testing';
 *
 * for (const { run } of scheduleContract) await run(() => memoryStore());
 * ```
 */
export const scheduleContract: readonly ContractCheck[] = [
  check('finds the schedules that are due, earliest first, and when the next one is', async (store) => {
    await store.commit([scheduled('b', 20), scheduled('a', 10), scheduled('c', 20), scheduled('d', null)]);

    assert.deepEqual(await due(store, 9), []);
    assert.deepEqual(await due(store, 20), ['/a', '/b', '/c']);
    assert.deepEqual(await due(store, 20, 2), ['/a', '/b']);
    assert.deepEqual(await due(store, 1000, 0), []);
    assert.equal(await store.open.due(0), 10);
    assert.equal(await store.open.due(10), 20);
    assert.equal(await store.open.due(20), null);
  }),

  check('finds a schedule once, where its next tick is now, and no more when it is gone', async (store) => {
    await store.commit([scheduled('a', 10), scheduled('b', 10)]);
    await store.commit([planned('a', 30)]);
    assert.deepEqual(await due(store, 30), ['/b', '/a']);
    await store.commit([planned('a', null), { ...planned('b', 10), event: 'schedule.end', gone: true }]);

    assert.deepEqual(await due(store, 1000), []);
    assert.equal(await store.open.due(0), null);
    assert.deepEqual(
      (await store.open.list('schedule', '/')).map(({ id }) => id),
      ['/a'],
    );
  }),

  check('makes a tick and its job together, and refuses the same tick of another process', async (store) => {
    await store.commit([scheduled('a', 10)]);
    const expect = [
      { check: 'rev', kind: 'schedule', id: '/a', rev: 1 },
      { check: 'rev', kind: 'job', id: 'tick-10', rev: 0 },
    ] as const;
    await store.commit([planned('a', 20), put('tick-10')], expect);
    assert.deepEqual(await store.waiting(), ['tick-10']);

    await assert.rejects(store.commit([planned('a', 20), put('tick-10-again')], expect), {
      code: 'CONFLICT',
    });

    assert.deepEqual(await store.waiting(), ['tick-10']);
    assert.deepEqual(await due(store, 20), ['/a']);
  }),

  check('finds a schedule where it was when a commit about it is refused', async (store) => {
    await store.commit([scheduled('a', 10)]);
    const late = { check: 'rev', kind: 'schedule', id: '/a', rev: 7 } as const;
    await assert.rejects(store.commit([planned('a', 20)], [late]), { code: 'CONFLICT' });
    // The second change is refused when the first is made already.
    const impossible = { ...planned('a', 30), from: 'paused' };
    await assert.rejects(store.commit([planned('a', 20), impossible]), { code: 'CONFLICT' });

    assert.deepEqual(await due(store, 10), ['/a']);
    assert.equal(await store.open.due(0), 10);
  }),

  reopeningCheck(
    'knows after an opening what a schedule is, and when it is due',
    async (store) => {
      await store.commit([scheduled('a', 10), scheduled('b', 20), scheduled('c', null)]);
      await store.commit([planned('a', 30)]);
    },
    async (store) => {
      assert.deepEqual(await due(store, 30), ['/b', '/a']);
      assert.equal(await store.open.due(20), 30);
      for (const [name, rev, state, nextAt] of [
        ['a', 2, 'active', 30],
        ['b', 1, 'active', 20],
        ['c', 1, 'ended', null],
      ] as const) {
        const { lastSeq, ...found } = (await store.open.get('schedule', `/${name}`)) ?? { lastSeq: 0 };
        const set = { rev, state, ...scheduled(name, nextAt).patch };
        assert.deepEqual({ ...found, ...set }, { ...found });
        assert.ok(lastSeq > 0);
      }
    },
  ),
];
