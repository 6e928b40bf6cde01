import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFaultyFiles, createHeldSyncs } from './faulty-files.ts';
import { copied, newPath, openStore, refusal } from './open-store.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a checkpoint', () => {
  it('is wanted when the journal has outgrown the smallest size and the snapshot', async () => {
    const store = await openStore(newPath(), { checkpointMinBytes: 2_500 });
    const wanted: boolean[] = [];

    for (let index = 0; index < 3; index += 1) {
      wanted.push(store.log.wantsCheckpoint());
      store.put(`job-${index}`, { text: 'x'.repeat(900) });
    }

    expect([...wanted, store.log.wantsCheckpoint()]).toEqual([false, false, false, true]);
    await store.log.checkpoint(store.state());
    expect(store.log.wantsCheckpoint()).toBe(false);
  });

  it('begins a journal with only the later lines, and keeps the snapshot before it in case of damage', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    store.put('a');

    await store.log.checkpoint(store.state());
    store.put('b');

    const journal = fs.readFileSync(join(dir, 'journal-00000002.jsonl'), 'utf8');
    expect([journal.includes('job/a'), journal.includes('job/b')]).toEqual([false, true]);
    expect(fs.readFileSync(join(dir, 'snapshot.json'), 'utf8')).toContain('"id":"a"');
    expect(fs.statSync(join(dir, 'snapshot.prev.json')).ino).toBe(
      fs.statSync(join(dir, 'snapshot-00000001.json')).ino,
    );
  });

  it('loses nothing under load, wherever the process dies', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    const copies: { dir: string; seq: number }[] = [];
    let isWritable = true;
    store.log.onWritable = () => {
      isWritable = store.log.write();
    };
    for (let round = 0; round < 5; round += 1) {
      for (let index = 0; index < 200; index += 1)
        store.append(`${round}-${index}`, { pad: 'p'.repeat(500) });
      if (isWritable) isWritable = store.log.write();
      const running = store.log.checkpoint(store.state());
      const deferred = async () => {
        for (let index = 0; index < 20; index += 1) {
          const written = isWritable ? store.seq : null;
          if (written !== null) copies.push({ dir: copied(dir), seq: written });
          store.append(`${round}-during-${index}`, {});
          isWritable = store.log.write();
          await turn();
        }
      };
      await Promise.all([running, deferred()]);
    }
    await store.log.sync();

    expect((await openStore(copied(dir))).records).toEqual(store.records);
    for (const copy of copies.filter((_, index) => index % 7 === 0)) {
      expect((await openStore(copy.dir)).seq).toBe(copy.seq);
    }
  });

  it('writes no byte of the next journal before the present one is on disk', async () => {
    const dir = newPath();
    const syncs = createHeldSyncs();
    syncs.pass();
    const first = await openStore(dir, { syncs });
    await first.log.close();
    const held = createHeldSyncs();
    const opening = openStore(dir, { syncs: held });
    let store: Awaited<typeof opening> | null = null;
    void opening.then((opened) => {
      store = opened;
    });
    while (store === null) {
      held.letGo();
      await turn();
    }
    const { log, append, put, state } = await opening;
    put('a');
    const next = join(dir, 'journal-00000003.jsonl');
    const checkpoint = log.checkpoint(state());
    append('b', {});

    expect([log.write(), held.waiting, fs.existsSync(next)]).toEqual([false, 1, false]);

    held.letGo();
    await turn();
    expect([fs.existsSync(next), log.write(), held.waiting]).toEqual([true, false, 1]);

    held.pass();
    await checkpoint;
    expect([log.write(), fs.readFileSync(next, 'utf8').includes('job/b')]).toEqual([true, true]);
  });

  it('is taken only of what is written', async () => {
    const store = await openStore(newPath());
    store.append('a', {});

    const early = await refusal(store.log.checkpoint(store.state()));
    store.log.write();
    const other = await refusal(store.log.checkpoint({ ...store.state(), seq: 0 }));

    expect([early.code, other.code]).toEqual(['INVALID_OPTION', 'INVALID_OPTION']);
  });

  it('that cannot begin a journal continues in the present one, with the lines that waited', async () => {
    const dir = newPath();
    const files = createFaultyFiles();
    const store = await openStore(dir, { files });
    store.log.onWritable = () => void store.log.write();
    store.put('a');
    files.fault = (call, path) =>
      call === 'open' && String(path).endsWith('journal-00000002.jsonl') ? 'EACCES' : null;

    const checkpoint = refusal(store.log.checkpoint(store.state()));
    store.append('b', {});
    store.append('c', {});
    expect(store.log.write()).toBe(false);

    expect((await checkpoint).code).toBe('STORE_PERMISSION');
    files.fault = () => null;
    await store.log.sync();
    await store.log.checkpoint(store.state());
    store.put('d');
    expect((await openStore(copied(dir))).records.size).toBe(4);
  });

  it('removes the journal whose header did not fit', async () => {
    const dir = newPath();
    const files = createFaultyFiles();
    const store = await openStore(dir, { files });
    store.put('a');
    let opened = false;
    files.fault = (call, path) => {
      opened ||= call === 'open' && String(path).endsWith('journal-00000002.jsonl');
      return opened && call === 'write' ? 'ENOSPC' : null;
    };

    expect((await refusal(store.log.checkpoint(store.state()))).code).toBe('STORE_FULL');
    expect(fs.existsSync(join(dir, 'journal-00000002.jsonl'))).toBe(false);
  });

  it('ends the log when an unfinished journal cannot be removed', async () => {
    const files = createFaultyFiles();
    const store = await openStore(newPath(), { files });
    store.put('a');
    let opened = false;
    files.fault = (call, path) => {
      opened ||= call === 'open' && String(path).endsWith('journal-00000002.jsonl');
      return opened && (call === 'write' || call === 'unlink') ? 'EIO' : null;
    };

    const error = await refusal(store.log.checkpoint(store.state()));

    expect(error).toMatchObject({ code: 'STORE_IO', details: { call: 'unlink', outcome: 'unknown' } });
    expect(await refusal(store.log.sync())).toBe(error);
  });

  it('lets the event loop run between slices of a large state', async () => {
    let turns = 0;
    const defer = () => {
      turns += 1;
      return turn().then(() => {});
    };
    const store = await openStore(newPath(), { defer });
    for (let index = 0; index < 1_000; index += 1) store.append(`job-${index}`, { pad: 'é'.repeat(2_000) });
    store.log.write();
    turns = 0;

    await store.log.checkpoint(store.state());

    expect(turns).toBeGreaterThan(14);
  });

  it('gives a second call during the first the same result', async () => {
    const store = await openStore(newPath());
    store.put('a');

    const first = store.log.checkpoint(store.state());

    expect(store.log.checkpoint(store.state())).toBe(first);
    await first;
  });

  it('is waited for by close', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    store.put('a');
    void store.log.checkpoint(store.state());

    await store.log.close();

    const again = await openStore(dir);
    expect([again.recovered.snapshot?.seq, again.recovered.clean]).toEqual([1, true]);
  });
});
