import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore, type OpenStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { openByHand } from './open-by-hand.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newJsonStore(): Store {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-dense-'));
  folders.push(folder);
  return jsonStore(join(folder, 'store'));
}

const open = (store: Store): Promise<OpenStore> => openByHand(store, () => 1);

function quota(name: string): Change {
  return { kind: 'quota', id: `/${name}`, event: 'quota.created', from: null, to: null, patch: { size: 1 } };
}

function commit(store: OpenStore, names: readonly string[]): Promise<void> {
  return store.commit({ by: 'test', changes: names.map(quota), expect: [] }).synced;
}

async function seqsOf(store: OpenStore): Promise<readonly number[]> {
  const seqs: number[] = [];
  for await (const { seq } of store.entries(1)) seqs.push(seq);
  return seqs;
}

// The contract leaves room for stores that leave numbers out between commits: these do not.
describe.each([
  ['memory', () => memoryStore()],
  ['json', newJsonStore],
] as const)('A %s store', (_, makeStore) => {
  it('numbers its entries without a gap, over refused commits and openings', async () => {
    const made = makeStore();
    const first = await open(made);
    await commit(first, ['a', 'b']);
    const refused = { check: 'rev', kind: 'quota', id: '/a', rev: 9 } as const;
    await expect(
      first.commit({ by: 'test', changes: [quota('c')], expect: [refused] }).synced,
    ).rejects.toThrow();
    await commit(first, ['d']);
    await first.close();
    const second = await open(made);
    await commit(second, ['e', 'f']);

    const seqs = await seqsOf(second);
    expect(seqs.length).toBeGreaterThanOrEqual(5);
    expect(seqs).toEqual(seqs.map((_seq, index) => index + 1));
    expect(await second.seqAt(0)).toBe(0);
    expect(await second.position()).toEqual({ seq: seqs.at(-1), at: 1 });
    await second.close();
  });

  it('gives followers a line for each commit, which begins where the one before ends', async () => {
    const store = await open(makeStore());
    const from = (await store.position()).seq + 1;
    const seen: (readonly [number, string])[] = [];
    store.follow((lines) => {
      for (const { s, entries } of lines) seen.push([s, entries.map(({ id }) => id).join(' ')]);
    });

    await Promise.all([commit(store, ['a', 'b']), commit(store, ['c']), commit(store, ['d', 'e', 'f'])]);
    await commit(store, ['g']);
    await store.settled();

    expect(seen).toEqual([
      [from, '/a /b'],
      [from + 2, '/c'],
      [from + 3, '/d /e /f'],
      [from + 6, '/g'],
    ]);
    await store.close();
  });
});
