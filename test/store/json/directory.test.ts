import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../src/store/json/journal/frame.ts';
import { createFaultyFiles } from './faulty-files.ts';
import { closedStore, copied, newPath, openStore, refusal } from './open-store.ts';

const modeOf = (path: string) => (fs.statSync(path).mode & 0o777).toString(8);

function withUmask<Result>(mask: number, action: () => Promise<Result>): Promise<Result> {
  const before = process.umask(mask);
  return action().finally(() => process.umask(before));
}

describe('the directory of a store', () => {
  it.each([0o000, 0o022, 0o077, 0o277])(
    'and its files are for the owner alone under umask %o',
    async (mask) => {
      const dir = newPath();

      await withUmask(mask, () => closedStore(dir, ['a']));

      expect(modeOf(dir)).toBe('700');
      expect(fs.readdirSync(dir).map((name) => `${name} ${modeOf(join(dir, name))}`)).toEqual(
        fs.readdirSync(dir).map((name) => `${name} 600`),
      );
    },
  );

  it.each(['missing', 'found'])(
    'is on disk under its name, and all above it, when it was %s',
    async (how) => {
      const dir = join(newPath(), 'a', 'b');
      if (how === 'found') fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
      const files = createFaultyFiles();
      const synced: unknown[] = [];
      files.fault = (call, path) => {
        if (call === 'syncDirectory') synced.push(path);
        return null;
      };

      await openStore(dir, { files });

      const above = [dirname(dir), dirname(dirname(dir)), dirname(dirname(dirname(dir)))];
      expect(synced.slice(0, 3)).toEqual(above);
      expect(synced).toContain('/');
    },
  );

  it('is opened where a directory above it may not be read, and says what that means', async () => {
    const files = createFaultyFiles();
    files.fault = (call, path) => (call === 'syncDirectory' && path === '/' ? 'EACCES' : null);

    const { reports } = await openStore(newPath(), { files });

    expect(reports).toEqual([
      expect.stringMatching(/^\/ could not be synced \(EACCES\).* a power cut may remove it/),
    ]);
  });

  it('is made with its parents', async () => {
    const dir = join(newPath(), 'a', 'b');

    await openStore(dir);

    expect(modeOf(dir)).toBe('700');
  });

  it.each([0o770, 0o707, 0o720])('is refused when others may write in it: %o', async (mode) => {
    const dir = newPath();
    fs.mkdirSync(dir);
    fs.chmodSync(dir, mode);

    const error = await refusal(openStore(dir));

    expect(error).toMatchObject({
      code: 'STORE_PERMISSION',
      details: { path: dir, found: `mode 0${mode.toString(8)}` },
    });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('is not made when that is not wanted', async () => {
    const dir = newPath();

    expect((await refusal(openStore(dir, { create: false }))).code).toBe('STORE_MISSING');
    expect(fs.existsSync(dir)).toBe(false);
  });

  it('is refused when it is empty and no new store is wanted', async () => {
    const dir = newPath();
    fs.mkdirSync(dir, { mode: 0o700 });

    expect((await refusal(openStore(dir, { create: false }))).code).toBe('STORE_MISSING');
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('is opened without `create` when a store is there', async () => {
    const dir = newPath();
    await closedStore(dir, ['a']);

    expect((await openStore(dir, { create: false })).seq).toBe(1);
  });

  it.each(['index.json', 'package.json', '.gitignore'])(
    'is refused when it holds %s and no store',
    async (name) => {
      const dir = newPath();
      fs.mkdirSync(dir, { mode: 0o700 });
      fs.writeFileSync(join(dir, name), '{}');

      const error = await refusal(openStore(dir));

      expect([error.code, error.message]).toEqual(['STORE_NOT_A_STORE', expect.stringContaining(name)]);
      expect(fs.readdirSync(dir)).toEqual([name]);
    },
  );

  it('may hold the identity of the instance before the store is there', async () => {
    const dir = newPath();
    fs.mkdirSync(dir, { mode: 0o700 });
    fs.writeFileSync(join(dir, 'instance.uuid'), 'c0ffee');

    expect((await openStore(dir)).seq).toBe(0);
  });

  it('may hold other files beside a store, which stay untouched', async () => {
    const dir = newPath();
    await closedStore(dir, ['a']);
    fs.writeFileSync(join(dir, 'index.json'), 'not JSON');
    fs.writeFileSync(join(dir, 'upload.tmp'), 'half');

    expect((await openStore(dir)).seq).toBe(1);
    expect(fs.readFileSync(join(dir, 'index.json'), 'utf8')).toBe('not JSON');
    expect(fs.existsSync(join(dir, 'upload.tmp'))).toBe(true);
  });

  it('is refused when it is a file', async () => {
    const dir = newPath();
    fs.writeFileSync(dir, '');

    expect((await refusal(openStore(dir))).code).toBe('STORE_NOT_A_STORE');
  });
});

describe('a network file system', () => {
  it.each([
    [0x6969, 'NFS'],
    [0xff534d42, 'CIFS'],
    [0x65735546, 'FUSE'],
  ])('(%i) is named in a report when a store is opened on it', async (type, name) => {
    const files = { ...createFaultyFiles(), fileSystemType: () => type };

    const { reports } = await openStore(newPath(), { files });

    expect(reports).toEqual([expect.stringContaining(`is on ${name}, which other hosts may reach`)]);
  });

  it.each([0xef53, 0x01021994, null])('is nothing that a local one (%s) is reported as', async (type) => {
    const files = { ...createFaultyFiles(), fileSystemType: () => type };

    expect((await openStore(newPath(), { files })).reports).toEqual([]);
  });
});

describe('a symbolic link at a name of the store', () => {
  it.each([
    'snapshot.json',
    'snapshot.prev.json',
    'clean.json',
    'lock',
    'journal-00000001.jsonl',
    'journal-00000009.jsonl',
  ])('is refused and never followed: %s', async (name) => {
    const dir = newPath();
    await closedStore(dir, ['a']);
    await closedStore(dir, ['b']);
    const victim = `${newPath()}.txt`;
    fs.writeFileSync(victim, 'precious');
    fs.rmSync(join(dir, name), { force: true });
    fs.symlinkSync(victim, join(dir, name));

    const error = await refusal(openStore(dir));

    expect(error).toMatchObject({ code: 'STORE_PERMISSION', details: { found: 'a symbolic link' } });
    expect(fs.readFileSync(victim, 'utf8')).toBe('precious');
  });

  it('that appears while the store is open is not followed by a checkpoint', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    store.put('a');
    const victim = `${newPath()}.txt`;
    fs.writeFileSync(victim, 'precious');
    fs.symlinkSync(victim, join(dir, 'journal-00000002.jsonl'));

    expect((await refusal(store.log.checkpoint(store.state()))).code).toBe('STORE_FENCED');
    expect(fs.readFileSync(victim, 'utf8')).toBe('precious');
  });
});

describe('a file of a newer version', () => {
  it('is refused and not touched: a journal', async () => {
    const dir = newPath();
    await closedStore(dir, ['a']);
    const path = join(dir, 'journal-00000001.jsonl');
    const text = fs.readFileSync(path, 'utf8').split('\n')[0]?.slice(18).replace('"v":1', '"v":2') ?? '';
    fs.writeFileSync(path, encodeFrame(text).bytes);
    const before = fs.readFileSync(path);

    expect(await refusal(openStore(dir))).toMatchObject({ code: 'STORE_VERSION', details: { found: '2' } });
    expect(fs.readFileSync(path)).toEqual(before);
  });

  it.each(['snapshot.json', 'clean.json'])('is refused and not touched: %s', async (name) => {
    const source = newPath();
    await closedStore(source, ['a']);
    const dir = copied(source);
    const path = join(dir, name);
    fs.writeFileSync(path, fs.readFileSync(path, 'utf8').replace('"v":1', '"v":3'));
    const before = fs.readFileSync(path);

    expect(await refusal(openStore(dir))).toMatchObject({
      code: 'STORE_VERSION',
      details: { file: name, found: '3' },
    });
    expect(fs.readFileSync(path)).toEqual(before);
  });
});
