import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Line } from '../../../src/store/entry.ts';
import { createFaultyFiles } from './faulty-files.ts';
import { closedStore, copied, newPath, type OpenStore, openStore, patchFile, refusal } from './open-store.ts';

async function seqsFrom(store: OpenStore, seq: number): Promise<number[]> {
  const seqs: number[] = [];
  for await (const line of store.log.read(seq)) seqs.push(line.s);
  return seqs;
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('history', () => {
  it('finds each line across generations and openings', async () => {
    const dir = newPath();
    const lines: Line[] = [];
    for (let opening = 0; opening < 3; opening += 1) {
      const store = await openStore(dir);
      for (let index = 0; index < 40; index += 1) {
        lines.push(store.append(`${opening}-${index}`, { pad: 'p'.repeat(3_000) }));
        store.log.write();
        if (index === 20) await store.log.checkpoint(store.state());
      }
      await store.log.close();
    }

    const store = await openStore(dir);

    for (const line of lines.toReversed()) expect(await store.log.find(line.s)).toEqual(line);
    expect(await seqsFrom(store, 1)).toEqual(range(1, 120));
    expect(await seqsFrom(store, 77)).toEqual(range(77, 120));
    expect([store.log.oldestSeq(), await store.log.find(121), await store.log.find(0)]).toEqual([
      1,
      null,
      null,
    ]);
  });

  it('finds an entry inside its line', async () => {
    const store = await openStore(newPath());
    const [entry] = store.append('a', {}).entries;
    if (entry === undefined) expect.fail();
    const line = { s: 2, at: 1, by: 'client#1', mv: '1', entries: [entry, entry, entry] };
    store.log.append(line);
    store.log.write();
    await store.log.sync();

    expect([await store.log.find(2), await store.log.find(4)]).toEqual([line, line]);
    expect(await store.log.find(5)).toBeNull();
  });

  it('shows only what is synced', async () => {
    const store = await openStore(newPath());
    store.put('a');
    await store.log.sync();
    store.put('b');

    expect([await store.log.find(2), await seqsFrom(store, 1)]).toEqual([null, [1]]);
    await store.log.sync();
    expect(await seqsFrom(store, 1)).toEqual([1, 2]);
  });

  it('reads to the newest line at the time of the call, while more are written', async () => {
    const store = await openStore(newPath());
    for (let index = 0; index < 600; index += 1) store.append(`${index}`, {});
    store.log.write();
    await store.log.sync();
    const seqs: number[] = [];

    for await (const line of store.log.read(1)) {
      seqs.push(line.s);
      if (line.s % 100 !== 0) continue;
      store.put(`more-${line.s}`);
      await store.log.checkpoint(store.state());
    }

    expect(seqs).toEqual(range(1, 600));
  });

  it('reads a bounded part of a journal to find a line', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    for (let index = 0; index < 4_000; index += 1) store.append(`${index}`, { pad: 'p'.repeat(1_000) });
    store.log.write();
    await store.log.close();
    const counted = createFaultyFiles();
    const again = await openStore(dir, { files: counted });
    await again.log.find(3_990);
    // So that nothing around the line is known any more but its mark.
    await again.log.find(10);
    let bytes = 0;
    counted.fault = (call, ...args) => {
      if (call === 'read') bytes += args[3] as number;
      return null;
    };

    await again.log.find(3_999);

    expect(bytes).toBeLessThan(600_000);
  });

  it('reads once where several lines that are looked for lie close together', async () => {
    const counted = createFaultyFiles();
    const store = await openStore(newPath(), { files: counted });
    const lines = range(1, 60).map((seq) => store.append(`${seq}`, { pad: 'p'.repeat(100) }));
    store.log.write();
    await store.log.sync();
    let opened = 0;
    counted.fault = (call) => {
      if (call === 'open') opened += 1;
      return null;
    };

    for (const line of lines.toReversed()) expect(await store.log.find(line.s)).toEqual(line);
    expect(opened).toBe(1);
    const next = store.append('61', {});
    store.log.write();
    await store.log.sync();

    expect(await store.log.find(next.s)).toEqual(next);
  });

  it('parses a line once, however many of its entries are looked for', async () => {
    const store = await openStore(newPath());
    store.append('0', {});
    const many = store.append('1', { list: 'x'.repeat(200_000) });
    store.log.write();
    await store.log.sync();

    const found = [await store.log.find(many.s), await store.log.find(many.s)];

    expect(found[0]).toEqual(many);
    expect(found[1]).toBe(found[0]);
  });

  /** A journal of 2 MB that was written by an earlier opening: nothing is known of its places. */
  async function unmarked(): Promise<string> {
    const dir = newPath();
    const store = await openStore(dir, { now: () => 0 });
    for (let index = 0; index < 2_000; index += 1) store.append(`${index}`, { pad: 'p'.repeat(1_000) });
    store.log.write();
    await store.log.close();
    return dir;
  }

  it('lets other work have its turn after each 64 KiB of a journal that was not read before', async () => {
    const counted = createFaultyFiles();
    const pieces: number[] = [];
    let bytes = 0;
    const turn = async (): Promise<void> => {
      pieces.push(bytes);
      bytes = 0;
    };
    const store = await openStore(await unmarked(), { files: counted, defer: turn });
    counted.fault = (call, ...args) => {
      if (call === 'read') bytes += args[3] as number;
      return null;
    };

    const found = [await store.log.find(1_990), await store.log.find(7)].map((line) => line?.s);
    const cold = pieces.length;
    const lines = await seqsFrom(store, 1_000);

    expect([...found, lines.length]).toEqual([1_990, 7, 1_001]);
    expect(cold).toBeGreaterThan(4);
    expect(Math.max(...pieces, bytes)).toBeLessThanOrEqual(3 * 64 * 1024);
    expect(pieces.length - cold).toBeGreaterThan(1_000_000 / (64 * 1024) - 2);
  });

  it('finds a line in a journal that was not read before without reading all that comes before it', async () => {
    const counted = createFaultyFiles();
    const store = await openStore(await unmarked(), { files: counted });
    let bytes = 0;
    counted.fault = (call, ...args) => {
      if (call === 'read') bytes += args[3] as number;
      return null;
    };

    await store.log.find(1_990);

    expect(bytes).toBeLessThan(1_000_000);
  });

  it('remembers the places that it has read: the next look there needs no other', async () => {
    let turns = 0;
    const turn = async (): Promise<void> => {
      turns += 1;
    };
    const store = await openStore(await unmarked(), { defer: turn });
    await store.log.find(1_200);
    const first = turns;

    const near = [await store.log.find(1_201), await store.log.find(1_199)];

    expect(near.map((line) => line?.s)).toEqual([1_201, 1_199]);
    expect(first).toBeGreaterThan(3);
    expect(turns - first).toBeLessThanOrEqual(2);
  });

  it('finds every line by its seq and by its instant, whatever was read before', async () => {
    const store = await openStore(await unmarked());

    for (const seq of [1, 2_000, 1_000, 3, 777, 1_500, 1_999, 64, 65]) {
      expect(await store.log.find(seq)).toMatchObject({ s: seq, at: 1_000 + seq });
      expect(await store.log.seqAt(1_000 + seq)).toBe(seq);
      expect(await store.log.seqAt(1_000.5 + seq)).toBe(seq);
    }
    expect([await store.log.seqAt(1_000), await store.log.seqAt(1e9)]).toEqual([0, 2_000]);
  });

  it('refuses to show a damaged line, with its place', async () => {
    const source = newPath();
    await closedStore(source, ['a', 'b']);
    await closedStore(source, ['c']);
    const dir = copied(source);
    const path = join(dir, 'journal-00000001.jsonl');
    patchFile(path, fs.statSync(path).size - 10, Buffer.from('#'));
    const store = await openStore(dir);

    const error = await refusal(store.log.find(2));

    expect(error).toMatchObject({ code: 'STORE_CORRUPT', details: { file: 'journal-00000001.jsonl' } });
    expect(await store.log.find(3)).toMatchObject({ s: 3 });
  });

  it('starts after a journal whose header cannot be read, and says so', async () => {
    const source = newPath();
    for (const id of ['a', 'b', 'c']) await closedStore(source, [id]);
    const dir = copied(source);
    patchFile(join(dir, 'journal-00000001.jsonl'), 30, Buffer.from('#'));

    const store = await openStore(dir);

    expect([store.log.oldestSeq(), await store.log.find(1), store.records.size]).toEqual([2, null, 3]);
    expect(store.reports).toEqual([expect.stringContaining('journal-00000001.jsonl begins with')]);
  });
});

describe('old generations', () => {
  const kept = (dir: string) => fs.readdirSync(dir).filter((name) => /-\d+\./.test(name));

  async function generations(
    dir: string,
    count: number,
    changes: Parameters<typeof openStore>[1],
  ): Promise<OpenStore> {
    const store = await openStore(dir, changes);
    for (let index = 1; index < count; index += 1) {
      store.put(`${index}`, { pad: 'p'.repeat(8_000) });
      await store.log.checkpoint(store.state());
    }
    return store;
  }

  it('are dropped with their snapshots, oldest first, above the total size', async () => {
    const dir = newPath();

    const store = await generations(dir, 8, { historyMaxBytes: 150_000 });

    const names = kept(dir);
    const first = Number(/journal-(\d+)/.exec(names[0] ?? '')?.[1]);
    expect(first).toBeGreaterThan(1);
    expect(names).toEqual([
      ...range(first, 8).map((number) => `journal-0000000${number}.jsonl`),
      ...range(first, 8).map((number) => `snapshot-0000000${number}.json`),
    ]);
    expect(store.log.oldestSeq()).toBe(first);
    expect([await store.log.find(first - 1), await store.log.find(first)]).toMatchObject([
      null,
      { s: first },
    ]);
    expect(await seqsFrom(store, 1)).toEqual(range(first, 7));
  });

  it('are dropped when they were closed too long ago', async () => {
    const dir = newPath();
    let now = 0;
    const store = await generations(dir, 4, { now: () => now, historyMaxAgeMs: 1_000 });
    now = 1_001;

    store.put('late');
    await store.log.checkpoint(store.state());

    expect(kept(dir)[0]).toBe('journal-00000004.jsonl');
  });

  it('that recovery may need stay, whatever the limits say', async () => {
    const dir = newPath();

    const store = await generations(dir, 6, { historyMaxBytes: 0, historyMaxAgeMs: 0 });

    expect(kept(dir)).toEqual(
      [5, 6]
        .flatMap((n) => `journal-0000000${n}.jsonl`)
        .concat(['snapshot-00000005.json', 'snapshot-00000006.json']),
    );
    const copy = copied(dir);
    fs.rmSync(join(copy, 'snapshot.json'));
    expect((await openStore(copy)).records).toEqual(store.records);
  });

  it('stay while a reader is in them', async () => {
    const store = await openStore(newPath(), { historyMaxBytes: 0 });
    store.put('a');
    await store.log.sync();
    const reader = store.log.read(1)[Symbol.asyncIterator]();
    await reader.next();

    for (const id of ['b', 'c', 'd']) {
      store.put(id);
      await store.log.checkpoint(store.state());
    }
    expect(store.log.oldestSeq()).toBe(1);
    await reader.return?.();
    store.put('e');
    await store.log.checkpoint(store.state());

    expect(store.log.oldestSeq()).toBe(5);
  });

  it('that a crash left half removed are removed at the next opening', async () => {
    const dir = newPath();
    const store = await generations(dir, 6, {});
    await store.log.close();
    fs.rmSync(join(dir, 'journal-00000002.jsonl'));

    const again = await openStore(dir);

    expect(kept(dir)[0]).toBe('journal-00000003.jsonl');
    expect(again.log.oldestSeq()).toBe(3);
  });
});
