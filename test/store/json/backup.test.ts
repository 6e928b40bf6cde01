import * as fs from 'node:fs';
import { join } from 'node:path';
import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore, verifyStore } from 'signalbox/json';
import { describe, expect, it } from 'vitest';
import type { JsonLog } from '../../../src/store/json/log/json-log.ts';
import { createFaultyFiles } from './faulty-files.ts';
import { copied, newPath, openStore, patchFile, refusal } from './open-store.ts';

const backupOf = (log: unknown) => (dir: string) => (log as JsonLog).backup(dir);

describe('a backup', () => {
  it('of a running box opens as a store of its own, clean, with its jobs and their history', async () => {
    const note = defineJob({ name: 'note', run: (text: string) => text });
    const store = jsonStore(newPath());
    const box = await createSignalbox({ store, jobs: [note] });
    await box.start();
    const job = await box.queue().put(note('kept'));
    await job.waitFor('COMPLETED');
    const dir = `${newPath()}-backup`;
    const { seq, bytes } = await store.backup(dir);
    await box.stop();

    const again = await createSignalbox({ store: jsonStore(dir, { create: false }), jobs: [note] });

    expect(await again.job(job.id ?? '').result()).toBe('kept');
    expect(seq).toBeGreaterThan(0);
    expect(bytes).toBeGreaterThan(seq);
    await again.stop();
  });

  it('has what was synced at the call, and nothing later', async () => {
    const store = await openStore(newPath());
    store.put('synced');
    await store.log.sync();
    store.put('written only');
    const dir = newPath();
    const running = backupOf(store.log)(dir);
    store.put('later');
    await store.log.sync();

    const backup = await running;

    const again = await openStore(dir);
    expect([backup.seq, backup.dir, [...again.records.keys()], again.recovered.clean]).toEqual([
      1,
      dir,
      ['job/synced'],
      true,
    ]);
  });

  it('is whole although a checkpoint removes what it copies', async () => {
    const dir = newPath();
    const store = await openStore(dir, { historyMaxBytes: 0 });
    for (let index = 0; index < 3_000; index += 1) store.append(`job-${index}`, { pad: 'p'.repeat(1_000) });
    store.log.write();
    await store.log.sync();
    const target = newPath();

    const running = backupOf(store.log)(target);
    await store.log.checkpoint(store.state());
    store.put('between');
    await store.log.checkpoint(store.state());
    await running;

    expect(fs.existsSync(join(dir, 'journal-00000001.jsonl'))).toBe(false);
    expect((await openStore(target)).records.size).toBe(3_000);
  });

  it('gets its name when all of it is there', async () => {
    const store = await openStore(newPath());
    store.put('a');
    await store.log.sync();
    const dir = newPath();

    const running = backupOf(store.log)(dir);
    const early = fs.existsSync(dir);
    await running;

    expect([early, fs.readdirSync(dir).sort()]).toEqual([
      false,
      ['clean.json', 'journal-00000001.jsonl', 'snapshot.json'],
    ]);
  });

  it('is refused for a path that exists, which stays unchanged', async () => {
    const store = await openStore(newPath());
    const dir = newPath();
    fs.mkdirSync(dir);

    expect((await refusal(backupOf(store.log)(dir))).message).toMatch(
      /Expected `dir` to be a directory that does not exist yet/,
    );
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it.each(['write', 'rename', 'datasync'] as const)(
    'leaves nothing behind when a %s fails, and the store works on',
    async (call) => {
      const files = createFaultyFiles();
      const store = await openStore(newPath(), { files });
      store.put('a');
      await store.log.sync();
      const dir = newPath();
      files.fault = (each) => (each === call ? 'ENOSPC' : null);

      expect((await refusal(backupOf(store.log)(dir))).code).toBe('STORE_FULL');

      files.fault = () => null;
      expect(fs.readdirSync(join(dir, '..'))).toEqual([]);
      store.put('b');
      await store.log.sync();
      expect((await backupOf(store.log)(dir)).seq).toBe(2);
    },
  );

  it('is refused when the store is not open, or closed', async () => {
    const store = jsonStore(newPath());
    expect((await refusal(store.backup(newPath()))).code).toBe('STORE_CLOSED');
    const box = await createSignalbox({ store, jobs: [] });
    await box.stop();

    expect((await refusal(store.backup(newPath()))).code).toBe('STORE_CLOSED');
  });

  it('is waited for by close', async () => {
    const store = await openStore(newPath());
    store.put('a');
    await store.log.sync();
    const dir = newPath();

    const running = backupOf(store.log)(dir);
    await store.log.close();

    expect(fs.existsSync(dir)).toBe(true);
    await running;
  });
});

describe('a verification', () => {
  async function twoGenerations(): Promise<string> {
    const dir = newPath();
    for (const id of ['a', 'b']) {
      const store = await openStore(dir);
      store.put(id);
      await store.log.close();
    }
    return dir;
  }

  it('names every file of a good store, and changes nothing', async () => {
    const dir = copied(await twoGenerations());
    fs.rmSync(join(dir, 'lock'));
    const before = fs.readdirSync(dir);

    const { storeId, ...found } = await verifyStore(dir);

    expect(found).toEqual({
      seq: 2,
      clean: true,
      counts: {
        jobs: { NEW: 0, PENDING: 0, ASSIGNED: 0, ACTIVE: 0, CALLBACKS: 0, COMPLETED: 0 },
        // Jobs of this test have a key that no job has.
        quarantined: 2,
        queues: 0,
        quotas: 0,
        annotations: 0,
        actors: 0,
        messages: 0,
      },
      good: [
        'clean.json',
        'journal-00000001.jsonl',
        'journal-00000002.jsonl',
        'snapshot-00000001.json',
        'snapshot-00000002.json',
        'snapshot.json',
        'snapshot.prev.json',
      ],
      damage: [],
      reports: [],
    });
    expect(storeId).toMatch(/^id\d+$/);
    expect(fs.readdirSync(dir)).toEqual(before);
  });

  it('rejects with file and byte where an opening would be refused', async () => {
    const dir = await twoGenerations();
    patchFile(join(dir, 'journal-00000002.jsonl'), 200, Buffer.from('#'));

    expect(await refusal(verifyStore(dir))).toMatchObject({
      code: 'STORE_CORRUPT',
      details: { file: 'journal-00000002.jsonl', lastGood: 1 },
    });
  });

  it('lists damage in history, which no opening reads', async () => {
    const dir = await twoGenerations();
    patchFile(join(dir, 'journal-00000001.jsonl'), 200, Buffer.from('#'));

    const { damage, good } = await verifyStore(dir);

    expect(damage).toEqual([
      expect.objectContaining({ code: 'STORE_CORRUPT', details: expect.objectContaining({ line: 2 }) }),
    ]);
    expect(good).not.toContain('journal-00000001.jsonl');
  });

  it('reports what an opening after a crash would cut', async () => {
    const source = newPath();
    const store = await openStore(source);
    store.put('a');
    store.put('b');
    const dir = copied(source);
    const journal = join(dir, 'journal-00000001.jsonl');
    fs.truncateSync(journal, fs.statSync(journal).size - 5);

    const { seq, clean, reports } = await verifyStore(dir);

    expect([seq, clean, reports]).toEqual([1, false, [expect.stringContaining('torn write')]]);
  });

  it('is refused for a store that is open, and for one that is not there', async () => {
    const dir = newPath();
    await openStore(dir);

    expect((await refusal(verifyStore(dir))).code).toBe('STORE_LOCKED');
    expect((await refusal(verifyStore(newPath()))).code).toBe('STORE_MISSING');
  });
});
