import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryStore } from 'signalbox';
import { jsonStore, verifyStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/store/json/journal/frame.ts';
import { closeBoxes, errorOf, keep, newPath, openBox } from './boxes.ts';

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await closeBoxes();
});

/** Everything in a directory, byte for byte. */
function picture(directory: string): Record<string, string> {
  return Object.fromEntries(
    fs
      .readdirSync(directory)
      .map((name) => [name, fs.readFileSync(join(directory, name)).toString('base64')]),
  );
}

/** A store that was used and cleanly closed, twice. */
async function closedStore(): Promise<string> {
  const directory = newPath();
  for (const value of [1, 2]) {
    const box = await openBox(jsonStore(directory));
    await box.queue().put(keep(value));
    await box.stop();
  }
  return directory;
}

function lastJournal(directory: string): string {
  const journals = fs.readdirSync(directory).filter((name) => /^journal-.*\.jsonl$/.test(name));
  return journals.sort().at(-1) as string;
}

/** Returns the error of an opening that is refused, and checks that the directory is unchanged. */
async function refusalToOpen(directory: string, options: Parameters<typeof jsonStore>[1] = {}) {
  const before = picture(directory);
  const error = await errorOf(() => openBox(jsonStore(directory, options)));
  const { lock: _before, ...files } = before;
  const { lock: _after, ...left } = picture(directory);
  expect(left).toEqual(files);
  return error;
}

function flip(path: string, at: number): void {
  const bytes = fs.readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 0x01;
  fs.writeFileSync(path, bytes);
}

describe('a json store', () => {
  it.each([
    ['completedMaxCount', 'many'],
    ['completedMaxCount', Number.NaN],
    ['completedMaxCount', -1],
    ['historyMaxBytes', '64 MiB'],
    ['historyMaxBytes', -1],
    ['checkpointMinBytes', '1'],
    ['checkpointMinBytes', 0.5],
    ['poolSize', 0],
    ['poolSize', '7'],
    ['lock', 'none'],
    ['lock', null],
    ['create', 'no'],
    ['create', null],
  ])('with a %s of %j is refused when it is made', async (option, value) => {
    const path = newPath();

    const error = await errorOf(() => jsonStore(path, { [option]: value } as never));

    expect([error.code, error.message]).toEqual([
      'INVALID_OPTION',
      expect.stringContaining(`Expected \`${option}\` to be `),
    ]);
  });

  it.each(['completedMaxAge', 'failedMaxAge', 'historyMaxAge'])(
    'with a %s that is no duration is refused when it is made',
    async (option) => {
      const error = await errorOf(() => jsonStore(newPath(), { [option]: 'long' }));

      expect([error.code, error.details]).toEqual(['INVALID_DURATION', { option, actual: "'long'" }]);
    },
  );

  it('may have no limits', async () => {
    const none = Number.POSITIVE_INFINITY;
    const limits = { completedMaxCount: none, historyMaxBytes: none, checkpointMinBytes: none };

    const box = await openBox(jsonStore(newPath(), limits));

    expect(box.state).toBe('running');
  });

  it.each([undefined, null, '', 5, new URL('file:///data/jobs')])(
    'whose path is %j is refused, and so are its check and its backup',
    async (path) => {
      const store = jsonStore(newPath());
      await openBox(store);

      for (const attempt of [
        () => jsonStore(path as never),
        () => verifyStore(path as never),
        () => store.backup(path as never),
      ]) {
        const error = await errorOf(attempt);
        expect([error.code, error.message]).toEqual([
          'INVALID_OPTION',
          expect.stringContaining('Expected `dir` to be the path of a directory'),
        ]);
      }
    },
  );
});

describe('a directory', () => {
  it('that another process holds is refused, and the holder is named', async () => {
    const directory = newPath();
    const script = fileURLToPath(new URL('../store/json/hold-store.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, directory, 'fs-native-extensions'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');

    const error = await refusalToOpen(directory);

    expect([error.code, error.message]).toEqual([
      'STORE_LOCKED',
      expect.stringContaining(`pid ${child.pid} `),
    ]);
  });

  it('that this process holds is refused a second time, and the first store still works', async () => {
    const directory = newPath();
    const box = await openBox(jsonStore(directory));

    const error = await errorOf(() => openBox(jsonStore(directory)));

    expect([error.code, error.message]).toEqual([
      'STORE_LOCKED',
      expect.stringContaining(`pid ${process.pid} `),
    ]);
    await box.queue().put(keep(1));
    expect(await box.queue().length()).toBe(1);
  });

  it('that holds something else is refused, and nothing in it is touched', async () => {
    const directory = newPath();
    fs.mkdirSync(directory);
    fs.writeFileSync(join(directory, 'thesis.txt'), 'precious');

    const error = await refusalToOpen(directory);

    expect([error.code, error.message]).toEqual([
      'STORE_NOT_A_STORE',
      expect.stringContaining('to be empty or a Signalbox store, got'),
    ]);
    expect(fs.readdirSync(directory)).toEqual(['thesis.txt']);
  });

  it('that is a file is refused, and stays one', async () => {
    const path = newPath();
    fs.writeFileSync(path, 'precious');

    const error = await errorOf(() => openBox(jsonStore(path)));

    expect(error.code).toMatch(/^STORE_(NOT_A_STORE|IO|PERMISSION)$/);
    expect(fs.readFileSync(path, 'utf8')).toBe('precious');
  });

  it('that is missing is refused when no new store is wanted, and not made', async () => {
    const directory = newPath();

    const error = await errorOf(() => openBox(jsonStore(directory, { create: false })));

    expect([error.code, error.message]).toEqual([
      'STORE_MISSING',
      expect.stringContaining(`a store in ${directory}`),
    ]);
    expect(fs.existsSync(directory)).toBe(false);
  });
});

describe('a cleanly closed store', () => {
  it('with any of 64 bytes of its journal flipped is refused, with the file, and not touched', async () => {
    const directory = await closedStore();
    const journal = lastJournal(directory);
    const path = join(directory, journal);
    const { length } = fs.readFileSync(path);

    for (let at = 0; at < length; at += Math.ceil(length / 64)) {
      flip(path, at);
      const error = await refusalToOpen(directory);
      flip(path, at);

      expect(error.code).toMatch(/^STORE_(CORRUPT|VERSION)$/);
      expect(error.message).toContain(journal);
    }
    const box = await openBox(jsonStore(directory));
    expect(await box.queue().length()).toBe(2);
  });

  it('with a flipped byte in its snapshot loses nothing, or is refused', async () => {
    const directory = await closedStore();
    const { length } = fs.readFileSync(join(directory, 'snapshot.json'));

    for (let at = 1; at < length; at += Math.ceil(length / 16)) {
      const copy = newPath();
      fs.cpSync(directory, copy, { recursive: true });
      fs.chmodSync(copy, 0o700);
      flip(join(copy, 'snapshot.json'), at);

      const lengthThere = await openBox(jsonStore(copy)).then(
        async (box) => box.queue().length(),
        (error) => error.code,
      );
      expect([2, 'STORE_CORRUPT', 'STORE_VERSION']).toContain(lengthThere);
    }
  });

  it('of a newer format is refused, with both versions, and not touched', async () => {
    const directory = await closedStore();
    const journal = lastJournal(directory);
    const path = join(directory, journal);
    const [head = '', ...rest] = fs.readFileSync(path, 'utf8').split('\n');
    const newer = Buffer.from(encodeFrame(head.slice(18).replace('"v":1', '"v":2')).bytes).toString();
    fs.writeFileSync(path, [newer.trimEnd(), ...rest].join('\n'));

    const error = await refusalToOpen(directory);

    expect([error.code, error.message]).toEqual([
      'STORE_VERSION',
      expect.stringContaining('to have format up to 1, got 2'),
    ]);
    expect(error.message).toContain('use a newer Signalbox');
  });
});

describe('a memory store', () => {
  it.each([
    ['completedMaxCount', 'many'],
    ['completedMaxCount', -1],
    ['completedMaxAgeMs', 'long'],
    ['failedMaxAgeMs', 'long'],
    ['historyMaxLines', -1],
    ['historyMaxLines', '9'],
    ['poolSize', 0],
  ])('with a %s of %j is refused when it is made', async (option, value) => {
    const error = await errorOf(() => memoryStore({ [option]: value }));

    expect(error.message).toContain(`Expected \`${option}\` to be `);
  });

  it('that a box holds is refused a second time, and taken once that is stopped', async () => {
    const store = memoryStore();
    const first = await openBox(store);
    await first.queue().put(keep(1));

    expect((await errorOf(() => openBox(store))).code).toBe('STORE_LOCKED');
    await first.stop();
    expect(await (await openBox(store)).queue().length()).toBe(1);
  });
});
