import * as fs from 'node:fs';
import { join } from 'node:path';
import { createSignalbox, defineJob, type Signalbox, type SignalboxError } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { type FilePort, nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { newDirectory } from '../behaviours/stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const boxes: Signalbox[] = [];
afterEach(async () => {
  for (const box of boxes.splice(0)) await box.stop();
});

/** Without a UUID of its own, so that the instance writes its file, too. */
async function open(dir: string, files: FilePort = nodeFilePort): Promise<Signalbox> {
  const store = jsonStore(dir, { files, checkpointMinBytes: 2000 });
  const box = await createSignalbox({ store, jobs: [note], queues: ['a'] });
  boxes.push(box);
  return box;
}

async function refused(dir: string, files?: FilePort): Promise<SignalboxError> {
  return open(dir, files).then(
    () => Promise.reject(new Error('it was opened')),
    (error: SignalboxError) => error,
  );
}

/** A cleanly closed store with every kind of file that a store can have. */
async function closedStore(): Promise<string> {
  const dir = join(newDirectory(), 'store');
  for (let opening = 1; opening <= 3; opening += 1) {
    const box = await open(dir);
    for (let job = 0; job < 5; job += 1) await box.queue('a').put(note('x'.repeat(1000)));
    await box.stop();
  }
  return dir;
}

function modeOf(path: string): string {
  return (fs.statSync(path).mode & 0o777).toString(8);
}

/** The names in a directory, with the content of each. */
function contentOf(dir: string): Record<string, string> {
  return Object.fromEntries(
    fs
      .readdirSync(dir)
      .map((name) => [
        name,
        fs.lstatSync(join(dir, name)).isSymbolicLink() ? '→' : fs.readFileSync(join(dir, name), 'latin1'),
      ]),
  );
}

describe('[S16] the files of a store', () => {
  it.each([0o000, 0o077, 0o777])(
    'are for their owner alone whatever the umask, from the first moment on: %o',
    async (mask) => {
      const dir = join(newDirectory(), 'deep', 'store');
      const born: string[] = [];
      const files: FilePort = {
        ...nodeFilePort,
        makeDirectory(path) {
          nodeFilePort.makeDirectory(path);
          born.push(`directory ${modeOf(path)}`);
        },
        open(path, mode) {
          const fd = nodeFilePort.open(path, mode);
          if (mode === 'create' || mode === 'lock') born.push(`file ${modeOf(path)}`);
          return fd;
        },
      };
      const before = process.umask(mask);
      try {
        const box = await open(dir, files);
        for (let job = 0; job < 5; job += 1) await box.queue('a').put(note('x'.repeat(1000)));
        await box.stop();
      } finally {
        process.umask(before);
      }

      expect([...new Set(born)].sort()).toEqual(['directory 700', 'file 600']);
      expect(modeOf(dir)).toBe('700');
      const names = fs.readdirSync(dir);
      expect(names).toEqual(expect.arrayContaining(['clean.json', 'instance.uuid', 'lock', 'snapshot.json']));
      expect(names.map((name) => [name, modeOf(join(dir, name))])).toEqual(
        names.map((name) => [name, '600']),
      );
    },
  );

  it.each([0o770, 0o702, 0o777, 0o1777, 0o2720])(
    'are not trusted in a directory that others may write in: %o',
    async (mode) => {
      const dir = await closedStore();
      fs.chmodSync(dir, mode);
      const before = contentOf(dir);

      const error = await refused(dir);

      expect([error.code, error.message]).toEqual([
        'STORE_PERMISSION',
        expect.stringContaining('only its owner can write in'),
      ]);
      expect(contentOf(dir)).toEqual(before);
    },
  );

  it('are not trusted when they, or their directory, belong to another user', async () => {
    const dir = await closedStore();
    for (const name of ['', ...fs.readdirSync(dir)]) {
      const foreign = (path: string) => (path === join(dir, name) ? { foreignOwner: 4711 } : {});
      const files: FilePort = {
        ...nodeFilePort,
        stat: (path) => withFacts(nodeFilePort.stat(path), foreign(path)),
        lstat: (path) => withFacts(nodeFilePort.lstat(path), foreign(path)),
      };
      const before = contentOf(dir);

      const error = await refused(dir, files);

      expect([name, error.code, error.message]).toEqual([
        name,
        'STORE_PERMISSION',
        expect.stringContaining('user 4711'),
      ]);
      expect(contentOf(dir)).toEqual(before);
    }
  });

  it.runIf(process.getuid?.() === 0)('are not trusted when the operating system says so', async () => {
    const dir = await closedStore();
    expect(nodeFilePort.stat(dir)?.foreignOwner).toBeUndefined();
    fs.chownSync(dir, 4711, 4711);

    const error = await refused(dir);
    fs.chownSync(dir, process.getuid?.() ?? 0, process.getgid?.() ?? 0);

    expect([error.code, error.message]).toEqual(['STORE_PERMISSION', expect.stringContaining('user 4711')]);
  });
});

function withFacts<Facts extends object>(facts: Facts | null, more: object): Facts | null {
  return facts && { ...facts, ...more };
}

describe('[S16] a link planted at a name of the store', () => {
  it('is neither followed nor written through, at every name that a store has, whether it leads somewhere or not', async () => {
    const source = await closedStore();
    const names = fs.readdirSync(source);
    expect(names).toEqual(
      expect.arrayContaining([
        'clean.json',
        'instance.uuid',
        'lock',
        'snapshot.json',
        'snapshot.prev.json',
        'journal-00000001.jsonl',
        'snapshot-00000001.json',
      ]),
    );
    for (const name of [...names, 'journal-00000099.jsonl', 'snapshot-00000099.json']) {
      for (const leads of [true, false]) {
        const dir = copied(source);
        const victim = join(newDirectory(), 'victim');
        if (leads) fs.writeFileSync(victim, 'precious');
        fs.rmSync(join(dir, name), { force: true });
        fs.symlinkSync(victim, join(dir, name));
        const before = contentOf(dir);

        const error = await refused(dir);

        expect([name, error.code, error.message]).toEqual([
          name,
          'STORE_PERMISSION',
          expect.stringContaining('a symbolic link'),
        ]);
        expect(contentOf(dir)).toEqual(before);
        expect(fs.existsSync(victim) ? fs.readFileSync(victim, 'utf8') : null).toBe(
          leads ? 'precious' : null,
        );
      }
    }
  });

  it('is refused where a new store would be made, too, and so is one at the name of the UUID of an instance', async () => {
    for (const name of ['lock', 'snapshot.json', 'journal-00000001.jsonl', 'instance.uuid']) {
      const dir = newDirectory();
      const victim = join(newDirectory(), 'victim');
      fs.symlinkSync(victim, join(dir, name));

      expect([name, (await refused(dir)).code]).toEqual([name, 'STORE_PERMISSION']);
      expect(fs.existsSync(victim)).toBe(false);
    }
  });

  it('is not written through where the environment names the file of the UUID', async () => {
    const victim = join(newDirectory(), 'victim');
    const link = join(newDirectory(), 'uuid.txt');
    fs.symlinkSync(victim, link);
    process.env.SIGNALBOX_UUID_FILE = link;

    const error = await refused(join(newDirectory(), 'store'));
    delete process.env.SIGNALBOX_UUID_FILE;

    expect([error.code, error.message]).toEqual([
      'INVALID_OPTION',
      expect.stringContaining('a link that leads nowhere'),
    ]);
    expect(fs.existsSync(victim)).toBe(false);
  });

  it('cannot be waiting where a file is under construction: its name is random, and must be free', async () => {
    const dir = await closedStore();
    const created: string[] = [];
    const files: FilePort = {
      ...nodeFilePort,
      open(path, mode) {
        if (mode !== 'create') return nodeFilePort.open(path, mode);
        created.push(path);
        const victim = join(newDirectory(), 'victim');
        fs.symlinkSync(victim, path);
        expect(() => nodeFilePort.open(path, mode)).toThrow('EEXIST');
        fs.rmSync(path);
        expect(fs.existsSync(victim)).toBe(false);
        return nodeFilePort.open(path, mode);
      },
    };

    const box = await open(dir, files);
    await box.stop();
    const again = await open(dir, files);
    await again.stop();

    const temporary = created.filter((path) => path.endsWith('.tmp'));
    expect(temporary.length).toBeGreaterThanOrEqual(2);
    expect(new Set(temporary).size).toBe(temporary.length);
    for (const path of temporary) expect(path).toMatch(/\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/);
  });

  it('is not followed by what opens files, at any of its modes', () => {
    const victim = join(newDirectory(), 'victim');
    fs.writeFileSync(victim, 'precious');
    const link = join(newDirectory(), 'link');
    fs.symlinkSync(victim, link);

    for (const mode of ['read', 'update', 'create', 'lock'] as const)
      expect(() => nodeFilePort.open(link, mode)).toThrow(/ELOOP|EEXIST/);
    expect(fs.readFileSync(victim, 'utf8')).toBe('precious');
  });
});

function copied(dir: string): string {
  const copy = join(newDirectory(), 'store');
  fs.cpSync(dir, copy, { recursive: true });
  fs.chmodSync(copy, 0o700);
  return copy;
}
