import assert from 'node:assert/strict';
import { ConflictError } from '../../index.ts';
import type { ContractCheck } from './check.ts';
import { check, put } from './checked-store.ts';

/** Checks for the agents of a claim, and for the room that they have. */
export const claimantChecks: readonly ContractCheck[] = [
  check('gives nothing to an agent whose record is gone', async (store) => {
    const record = '/d/main';
    const set = { kind: 'agent', id: record, event: 'agent.set', from: null, to: null } as const;
    await store.commit([put('a'), put('b'), { ...set, patch: { size: 1 } }]);
    assert.deepEqual(await store.claim({ record, limit: 1 }), ['a']);

    await store.commit([{ ...set, event: 'agent.removed', patch: null, gone: true }]);

    assert.deepEqual(await store.claim({ record, limit: 1 }), []);
    assert.deepEqual(await store.waiting(), ['b']);
  }),

  check('refuses a claim with settings that its agent has no more, and takes nothing', async (store) => {
    const record = '/d/main';
    const set = { kind: 'agent', id: record, event: 'agent.set', from: null, to: null } as const;
    const seq = async (): Promise<number> => (await store.open.get('agent', record))?.lastSeq ?? 0;
    await store.commit([put('a'), put('b'), { ...set, patch: { size: 1 } }]);
    const first = await seq();
    assert.deepEqual(await store.claim({ record, recordSeq: first, limit: 1 }), ['a']);

    await store.commit([{ ...set, patch: { size: 2 } }]);
    const second = await seq();
    await assert.rejects(store.claim({ record, recordSeq: first }), ConflictError);
    await store.commit([{ ...set, event: 'agent.removed', patch: null, gone: true }]);
    assert.deepEqual(await store.claim({ record, recordSeq: second }), []);
    await store.commit([{ ...set, patch: { size: 1 } }]);
    await assert.rejects(store.claim({ record, recordSeq: first }), ConflictError);

    assert.deepEqual(await store.waiting(), ['b']);
    assert.deepEqual(await store.claim({ record, recordSeq: await seq() }), ['b']);
  }),

  check(
    'gives nothing to an agent of a dispatcher that is not activated or counts as dead',
    async (store) => {
      const record = '/d/main';
      const agent = { kind: 'agent', id: record, event: 'agent.set', from: null, to: null } as const;
      const shown = { kind: 'representation', id: '/d', event: 'shown', patch: null } as const;
      const { epoch } = store.open;
      const signs = { epoch, activated: 100, lastPing: 300, pingInterval: 100, pingDeathInterval: 200 };
      await store.commit([
        ...['a', 'b', 'c'].map((id) => put(id)),
        { ...shown, from: null, to: 'registered', patch: signs },
        { ...agent, patch: { size: 10 } },
      ]);
      assert.deepEqual(await store.claim({ record, limit: 1 }), []);

      await store.commit([{ ...shown, from: 'registered', to: 'activated' }]);
      store.clock.now = 500;
      assert.deepEqual(await store.claim({ record, limit: 1 }), ['a']);

      store.clock.now = 501;
      assert.deepEqual(await store.claim({ record, limit: 1 }), []);

      await store.commit([{ ...shown, from: 'activated', to: 'activated', patch: { lastPing: 501 } }]);
      assert.deepEqual(await store.claim({ record, limit: 1 }), ['b']);

      await store.commit([{ ...shown, from: 'activated', to: 'deactivated' }]);
      assert.deepEqual(await store.claim({ record, limit: 1 }), []);
      assert.deepEqual(await store.waiting(), ['c']);
    },
  ),

  check('takes no more than an agent has room for', async (store) => {
    const record = '/d/main';
    const agent = { kind: 'agent', id: record, event: 'agent.set', from: null, to: null } as const;
    await store.commit([...['a', 'b', 'c', 'd'].map((id) => put(id)), { ...agent, patch: { size: 2 } }]);

    assert.deepEqual(await store.claim({ record, size: 2 }), ['a', 'b']);
    assert.deepEqual(await store.claim({ record, size: 2 }), []);
    await store.start('a');
    await store.finish('a');
    assert.deepEqual(await store.claim({ record, size: 2 }), ['c']);
    assert.deepEqual(await store.claim({ record, size: 1 }), []);
  }),
];
