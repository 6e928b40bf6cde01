import { statSync } from 'node:fs';
import { join } from 'node:path';
import { jsonStore } from 'signalbox/json';
import { expect, it } from 'vitest';
import { nodeFilePort } from '../../../src/store/json/file-port.ts';
import type { OpenStore } from '../../../src/store/store.ts';
import { newPath } from './open-store.ts';

/** A store whose syncs are counted, and cost nothing. */
async function countedStore(dir: string): Promise<{ store: OpenStore; syncs: () => number }> {
  let count = 0;
  const syncs = () => ({
    datasync: async () => {
      count += 1;
    },
    close: () => {},
  });
  const store = await jsonStore(dir, { files: nodeFilePort, syncs }).open({
    now: () => 1_000_000,
    defer: (run) => void setImmediate(run),
    newId: () => 'store',
    report: () => {},
  });
  return { store, syncs: () => count };
}

function put(store: OpenStore, number: number): Promise<void> {
  const id = `job/${number}`;
  const change = { kind: 'annotation' as const, id, event: 'annotation.set', from: null, to: null };
  const patch = { value: 'x'.repeat(100) };
  return store.commit({ by: 'client', changes: [{ ...change, patch }], expect: [] }).synced;
}

it('One sync acknowledges a batch: one for each commit alone, one for all of a tick', async () => {
  const { store, syncs } = await countedStore(newPath());
  const before = syncs();
  for (let number = 1; number <= 20; number += 1) await put(store, number);
  const alone = syncs() - before;
  await Promise.all(Array.from({ length: 100 }, (_, index) => put(store, 100 + index)));

  expect([alone, syncs() - before - alone]).toEqual([20, 1]);
  await store.close();
});

it('A commit costs the same bytes of journal however much the store holds', async () => {
  const dir = newPath();
  const { store } = await countedStore(dir);
  const size = (): number => statSync(join(dir, 'journal-00000001.jsonl')).size;
  const bytesOf = async (from: number): Promise<number> => {
    const begin = size();
    for (let number = from; number < from + 10; number += 1) await put(store, number);
    return size() - begin;
  };
  const small = await bytesOf(10_010);
  await Promise.all(Array.from({ length: 3_000 }, (_, index) => put(store, 20_000 + index)));

  const large = await bytesOf(10_050);

  // The numbers in a line, seq and synced seq, grow by a digit or two.
  expect(large - small).toBeLessThanOrEqual(10 * 3 * 3);
  expect(small / 10).toBeLessThan(450);
  await store.close();
});
