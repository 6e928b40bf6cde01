import { statSync } from 'node:fs';
import { join } from 'node:path';
import { jsonStore } from 'signalbox/json';
import { describe, expect, it } from 'vitest';
import { type FilePort, nodeFilePort } from '../../../src/store/json/ports/file-port.ts';
import type { SyncPort } from '../../../src/store/json/ports/sync-port.ts';
import type { OpenStore } from '../../../src/store/store.ts';
import { createFaultyFiles, createHeldSyncs, type FaultyFiles } from './faulty-files.ts';
import { newPath } from './open-store.ts';

/** A store whose syncs are counted, and cost nothing. */
async function countedStore(dir: string): Promise<{ store: OpenStore; syncs: () => number }> {
  let count = 0;
  const syncs = {
    datasync: async () => {
      count += 1;
    },
    close: () => {},
  };
  return { store: await opened(dir, nodeFilePort, syncs), syncs: () => count };
}

function opened(
  dir: string,
  files: FilePort,
  syncs: SyncPort,
  clock = { now: 1_000_000 },
): Promise<OpenStore> {
  return jsonStore(dir, { files, syncs: () => syncs }).open({
    now: () => clock.now,
    defer: (run) => void setImmediate(run),
    newId: () => 'store',
    report: () => {},
  });
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

describe('commits of ticks that follow a sync', () => {
  /** A store whose last sync has just ended; later syncs wait until they are released. */
  async function afterASync() {
    const syncs = createHeldSyncs();
    const files: FaultyFiles = createFaultyFiles();
    const clock = { now: 1_000_000 };
    const opening = opened(newPath(), files, syncs, clock);
    const end = { over: false };
    void opening.then(() => Object.assign(end, { over: true }));
    for (; !end.over; await tick()) syncs.letGo();
    const store = await opening;
    for (let ticks = 0; ticks < 3; ticks += 1) {
      syncs.letGo();
      await tick();
    }
    const first = put(store, 0);
    await tick();
    expect(syncs.waiting).toBe(1);
    syncs.letGo();
    await first;
    const close = (): Promise<void> => {
      syncs.pass();
      return store.close();
    };
    return { store, files, syncs, clock, close };
  }

  it('share the next one, which begins 4 ms after the last one began', async () => {
    const { store, syncs, clock, close } = await afterASync();
    const waiting: number[] = [];
    const puts: Promise<void>[] = [];
    for (const passed of [0, 0, 0, 0, 0, 1, 0, 2, 0, 1]) {
      clock.now += passed;
      puts.push(put(store, puts.length + 1));
      await tick();
      waiting.push(syncs.waiting);
    }
    expect(waiting).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    syncs.letGo();
    await Promise.all(puts);
    await close();
  });

  it('do not wait for a clock that was set back', async () => {
    const { store, syncs, clock, close } = await afterASync();
    clock.now -= 60_000;
    const second = put(store, 1);
    await tick();
    expect(syncs.waiting).toBe(1);
    syncs.letGo();
    await second;
    await close();
  });

  it('wait no longer for it than until a tick passes without a commit', async () => {
    const { store, syncs, close } = await afterASync();
    const second = put(store, 1);
    await tick();
    const before = syncs.waiting;
    await tick();
    expect([before, syncs.waiting]).toEqual([0, 1]);
    syncs.letGo();
    await second;
    await close();
  });

  it('are synced when a later one meets a full disk', async () => {
    const { store, files, syncs, close } = await afterASync();
    const second = put(store, 1);
    await tick();
    files.fault = (call) => (call === 'write' ? 'ENOSPC' : null);
    await expect(put(store, 2)).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(syncs.waiting).toBe(1);
    syncs.letGo();
    await second;
    files.fault = () => null;
    await close();
  });

  it('are synced one by one again after a tick without any', async () => {
    const { store, syncs, close } = await afterASync();
    await tick();
    const second = put(store, 1);
    await tick();
    expect(syncs.waiting).toBe(1);
    syncs.letGo();
    await second;
    await close();
  });
});

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
