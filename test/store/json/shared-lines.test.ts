import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Entry, Line } from '../../../src/store/entry.ts';
import { JournalTail } from '../../../src/store/json/recovery/journal-tail.ts';
import { createFaultyFiles } from './faulty-files.ts';
import { copied, entryOf, newPath, type OpenStore, openStore } from './open-store.ts';

const journal = 'journal-00000001.jsonl';

/** Seq of the first entry of each line that is on disk. */
function linesIn(dir: string, name = journal): number[] {
  const texts = fs.readFileSync(join(dir, name), 'utf8').split('\n');
  return texts.flatMap((text) => /"s":(\d+)/.exec(text)?.[1] ?? []).map(Number);
}

function commitOf(s: number, entries: readonly Entry[], changes: Partial<Line> = {}): Line {
  return { s, at: 7, by: 'client#1', mv: '1', entries, ...changes };
}

/** Appends a commit for each list of ids. */
function append(
  store: OpenStore,
  lists: readonly (readonly string[])[],
  changes: Partial<Line> = {},
): Line[] {
  return lists.map((ids) => {
    const line = commitOf(
      store.seq + 1,
      ids.map((id) => entryOf(id, { size: 1 })),
      changes,
    );
    store.log.append(line);
    store.seq += ids.length;
    return line;
  });
}

async function read(store: OpenStore, seq: number): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of store.log.read(seq)) lines.push(line);
  return lines;
}

describe('commits of one author and one instant that are written together', () => {
  it('share a line, and are read one by one', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    const commits = append(store, [['a', 'b'], ['c'], ['d', 'e']]);
    store.log.write();
    await store.log.sync();

    expect(linesIn(dir)).toEqual([1]);
    for (const commit of commits)
      for (let index = 0; index < commit.entries.length; index += 1)
        expect(await store.log.find(commit.s + index)).toEqual(commit);
    expect(await read(store, 1)).toEqual(commits);
    expect(await read(store, 3)).toEqual(commits.slice(1));
    expect(await read(store, 5)).toEqual(commits.slice(2));
    expect(await store.log.find(6)).toBeNull();
  });

  it('are replayed one by one', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    const commits = append(store, [['a', 'b'], ['c'], ['d']]);
    store.log.write();
    const replayed: Line[] = [];

    const into = { load: () => {}, replay: (line: Line) => void replayed.push(line) };
    const again = await openStore(copied(dir), { into });

    expect([replayed, again.recovered.seq]).toEqual([commits, 4]);
  });

  it('are read from a process at work from the one after what is known', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    const commits = append(store, [['a', 'b'], ['c'], ['d']]);
    store.log.write();

    expect(new JournalTail(dir, 2).read()).toEqual(commits.slice(1));
  });

  it.each([
    ['author', { by: 'other#1' }],
    ['instant', { at: 8 }],
    ['version of the machines', { mv: '2' }],
  ])('have lines of their own when they differ in their %s', async (_what, changes) => {
    const dir = newPath();
    const store = await openStore(dir);
    const commits = [
      ...append(store, [['a'], ['b']]),
      ...append(store, [['c']], changes),
      ...append(store, [['d']]),
    ];
    store.log.write();
    await store.log.sync();

    expect(linesIn(dir)).toEqual([1, 3, 4]);
    expect(await read(store, 1)).toEqual(commits);
  });

  it('have another line when the first has 200 entries', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    append(store, [Array.from({ length: 199 }, (_, index) => `${index}`), ['b', 'c'], ['d'], ['e']]);
    store.log.write();

    expect(linesIn(dir)).toEqual([1, 202]);
  });

  it('share no line with what was written before', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    append(store, [['a'], ['b']]);
    store.log.write();
    append(store, [['c'], ['d']]);
    store.log.write();

    expect(linesIn(dir)).toEqual([1, 3]);
    expect((await openStore(copied(dir))).records.size).toBe(4);
  });

  it('leave nothing of one that cannot be written', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    const commits = append(store, [['a'], ['b']]);
    const refused = commitOf(3, [entryOf('refused', null), { ...entryOf('c', null), q: Number.NaN }]);

    expect(() => store.log.append(refused)).toThrow(/finite number/);

    commits.push(...append(store, [['d']]));
    store.log.write();
    await store.log.sync();
    expect(linesIn(dir)).toEqual([1]);
    expect(await read(store, 1)).toEqual(commits);
  });

  it('are refused together by a full disk, and the next one begins a line', async () => {
    const dir = newPath();
    const files = createFaultyFiles();
    const store = await openStore(dir, { files });
    append(store, [['a'], ['b']]);
    files.fault = (call) => (call === 'write' ? 'ENOSPC' : null);
    expect(() => store.log.write()).toThrow();
    files.fault = () => null;
    store.seq = 0;

    const commits = append(store, [['c'], ['d']]);
    store.log.write();
    await store.log.sync();

    expect([linesIn(dir), await read(store, 1)]).toEqual([[1], commits]);
  });

  it.each([
    ['go into the next journal', null, 'journal-00000002.jsonl'],
    ['stay in the present one when there is no next', 'EACCES', journal],
  ])('and that wait for a checkpoint %s, sharing a line', async (_what, errno, name) => {
    const dir = newPath();
    const files = createFaultyFiles();
    const store = await openStore(dir, { files });
    store.log.onWritable = () => void store.log.write();
    store.put('first');
    const state = store.state();
    files.fault = (call, path) =>
      call === 'open' && String(path).endsWith('journal-00000002.jsonl') ? errno : null;

    const checkpoint = store.log.checkpoint(state).catch(() => {});
    const commits = append(store, [['a'], ['b']]);
    await checkpoint;
    await store.log.sync();

    expect(linesIn(dir, name).at(-1)).toBe(2);
    expect(await read(store, 2)).toEqual(commits);
  });
});
