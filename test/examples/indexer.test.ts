import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const start = fileURLToPath(new URL('../../examples/indexer/start.mjs', import.meta.url));
const command = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

const folders: string[] = [];
const indexers: Indexer[] = [];
const inspecting: ChildProcess[] = [];

afterEach(async () => {
  for (const indexer of indexers.splice(0)) await indexer.kill('SIGKILL');
  for (const child of inspecting.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A process of the example and what it has said so far. */
class Indexer {
  stdout = '';
  stderr = '';
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;

  constructor(cwd: string, ...args: string[]) {
    this.#process = spawn(process.execPath, [start, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout.on('data', (text) => {
      this.stdout += text;
    });
    this.#process.stderr.on('data', (text) => {
      this.stderr += text;
    });
    this.ended = once(this.#process, 'close').then(([code, signal]) => ({ code, signal }));
    indexers.push(this);
  }

  /** Resolves when standard output matches. */
  async says(pattern: RegExp): Promise<void> {
    const end = this.ended.then(() => 'end');
    while (!pattern.test(this.stdout)) {
      if ((await Promise.race([once(this.#process.stdout, 'data'), end])) === 'end') break;
    }
    expect(this.stdout).toMatch(pattern);
  }

  /** The address that was printed. */
  inspector(): string {
    return /^Inspector: (http:\S+)$/m.exec(this.stdout)?.[1] ?? '';
  }

  /** Signals the process whose number was printed. */
  async kill(signal: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }> {
    const pid = /^pid (\d+)$/m.exec(this.stdout)?.[1];
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return this.ended;
    if (pid === undefined) this.#process.kill(signal);
    else process.kill(Number(pid), signal);
    return this.ended;
  }
}

/** What the pages show of the queues. */
interface Overview {
  readonly queues: readonly object[];
}

interface Jobs {
  readonly rows: readonly { readonly id: string }[];
}

/** What the page of a job shows of its life. */
interface Life {
  readonly state: string;
  readonly explanation: {
    readonly verdict: { readonly code: string };
    readonly conditions: readonly object[];
  };
  readonly history: {
    readonly lines: readonly { readonly seq: number; readonly event: string; readonly to: string }[];
  };
}

/** The life of a job that indexes a file. */
const steps = [
  ['job.new', 'new'],
  ['job.put', 'pending'],
  ['job.claim', 'assigned'],
  ['job.start', 'active.running'],
  ['job.wait', 'active.waiting'],
  ['job.finish', 'callbacks'],
];

/** Asks an inspector, as its pages do. */
async function asks<Data>(
  address: string,
  question: string,
): Promise<{ readonly seq: number; readonly data: Data }> {
  const { origin, hash } = new URL(address);
  const headers = { authorization: `Bearer ${hash.slice('#t='.length)}` };
  const response = await fetch(`${origin}/api/v1/${question}`, { headers });
  expect([question, response.status]).toEqual([question, 200]);
  return response.json() as Promise<{ readonly seq: number; readonly data: Data }>;
}

/** Runs `signalbox inspect` on a directory. Gives the address that it prints. */
async function inspected(directory: string) {
  const child = spawn(process.execPath, [command, 'inspect', directory, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  inspecting.push(child);
  const [said] = await once(child.stdout, 'data');
  const close = () => {
    child.kill('SIGTERM');
    return once(child, 'close');
  };
  return { address: (JSON.parse(String(said)) as { readonly url: string }).url, close };
}

/** A copy of a folder that may not be written to. Its files were made before, so a change would be seen. */
function readOnlyCopy(of: string): string {
  const copy = join(newFolder(), 'store');
  cpSync(of, copy, { recursive: true, preserveTimestamps: true });
  for (const name of readdirSync(copy)) chmodSync(join(copy, name), 0o400);
  chmodSync(copy, 0o500);
  return copy;
}

/** Everything about the files of a folder that a process could change. */
function traces(folder: string): readonly unknown[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const { mtimeMs, ctimeMs, ino } = statSync(join(folder, name));
      return [name, mtimeMs, ctimeMs, ino, readFileSync(join(folder, name), 'hex')];
    });
}

function newFolder(files: { readonly [path: string]: string } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-indexer-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) write(folder, path, text);
  return folder;
}

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const manyFiles = 400;

/** Enough files to be hit in the middle. */
function newLargeFolder(): string {
  const names = Array.from({ length: manyFiles }, (_, at) => `part${at % 7}/${at}.txt`);
  return newFolder(Object.fromEntries(names.map((name, at) => [name, `all w${at % 100} w${at % 9} ${at}`])));
}

async function indexed(cwd: string, folder: string): Promise<string> {
  const indexer = new Indexer(cwd, folder);
  expect(await indexer.ended, indexer.stderr).toEqual({ code: 0, signal: null });
  return indexer.stdout;
}

function indexIn(cwd: string): string {
  return readFileSync(join(cwd, '.signalbox', 'index.json'), 'utf8');
}

/** The files that the newest run has recorded, in the order in which it did. */
function recordedIn(cwd: string): string[] {
  const names = readdirSync(join(cwd, '.signalbox')).filter((name) => name.startsWith('words-'));
  expect(names).toHaveLength(1);
  const lines = readFileSync(join(cwd, '.signalbox', String(names[0])), 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line)[0]);
}

describe('The indexer', { timeout: 60_000 }, () => {
  it('indexes the text files of a folder, prints where, and ends', async () => {
    const cwd = newFolder();
    const folder = newFolder({
      'b.txt': 'One two, TWO 2024!',
      'a/c.md': 'two __proto__ Ünï',
      'empty.txt': '',
      '.hidden/x.txt': 'hidden',
      'node_modules/x/x.txt': 'installed',
      'dist/x.txt': 'built',
      'image.png': 'PNG\u0000image',
      'large.txt': 'large '.repeat(100_000),
    });

    const said = await indexed(cwd, folder);

    expect(indexIn(cwd)).toBe(`{
  "words": {
    "2024": ["b.txt"],
    "__proto__": ["a/c.md"],
    "one": ["b.txt"],
    "two": ["a/c.md","b.txt"],
    "ünï": ["a/c.md"]
  },
  "files": 3
}
`);
    expect(said).toMatch(/^pid \d+\nInspector: http:\S+\nrecorded 0 of 3 files\n/);
    expect(said).toContain(`Indexed 3 files with 5 words of ${folder} (`);
    expect(said).toMatch(/8 jobs in \d+\.\d s, \d+ jobs\/s/);
    expect(said).toContain('Left out: 1 files (binary).');
    expect(said).toContain('Left out: 1 files (above 512 KiB).');
    expect(said).toContain(`Index: ${join(cwd, '.signalbox', 'index.json')}\n`);
    expect(said).toContain(`Store: ${join(cwd, '.signalbox', 'store')}\n`);
  });

  it('continues where it was after kill -9, records each file once, and makes the same index', async () => {
    const folder = newLargeFolder();
    const [undisturbed, disturbed] = [newFolder(), newFolder()];
    await indexed(undisturbed, folder);
    const killed = new Indexer(disturbed, folder);
    await killed.says(/recorded [1-9]\d* of/);
    expect(await killed.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    expect(recordedIn(disturbed).length).toBeLessThan(manyFiles);
    // Again, this time while the first interruption is dealt with.
    const killedAgain = new Indexer(disturbed, folder);
    await killedAgain.says(/Continuing/);
    await killedAgain.kill('SIGKILL');

    const said = await indexed(disturbed, folder);

    expect(said).toContain('Continuing the unfinished run.');
    expect(said).not.toContain('recorded 0 of');
    expect(recordedIn(disturbed).length).toBe(manyFiles);
    expect(new Set(recordedIn(disturbed)).size).toBe(manyFiles);
    expect(indexIn(disturbed) === indexIn(undisturbed)).toBe(true);
  });

  it('can be looked at after kill -9: which job waits, why, and what happened to it, without a byte changed', async () => {
    const cwd = newFolder();
    const killed = new Indexer(cwd, newLargeFolder());
    await killed.says(/recorded [1-9]\d* of/);
    await killed.kill('SIGKILL');
    const store = readOnlyCopy(join(cwd, '.signalbox', 'store'));
    const before = traces(store);

    const { address, close } = await inspected(store);
    const found = async (list: string) =>
      (await asks<Jobs>(address, `jobs?list=${list}&text=task:indexFile`)).data.rows[0]?.id ?? '';
    const { data: waiting } = await asks<Life>(address, `jobs/${await found('waiting')}`);
    const { data: held } = await asks<Life>(address, `jobs/${await found('held')}`);
    await close();

    // A slot may have been free for the moment in which the process was killed.
    expect(['room', 'place', 'offered']).toContain(waiting.explanation.verdict.code);
    expect(waiting.explanation.conditions).toContainEqual(
      expect.objectContaining({
        holds: false,
        text: expect.stringMatching(/^agent 'main': notJobs: .*indexFile/),
      }),
    );
    expect(waiting.history.lines.map(({ event, to }) => [event, to])).toEqual(steps.slice(0, 2));
    expect(held.history.lines.map(({ event, to }) => [event, to])).toEqual(
      steps.slice(0, held.history.lines.length),
    );
    expect(held.history.lines.length).toBeGreaterThan(3);
    expect(traces(store)).toEqual(before);
  });

  it('ends an unfinished run over another folder before it begins its own', async () => {
    const cwd = newFolder();
    const killed = new Indexer(cwd, newLargeFolder());
    await killed.says(/recorded [1-9]\d* of/);
    await killed.kill('SIGKILL');
    const folder = newFolder({ 'a.txt': 'one' });

    const said = await indexed(cwd, folder);

    expect(said).toContain(`Indexed ${manyFiles} files`);
    expect(said).toContain(`Indexed 1 files with 1 words of ${folder}`);
    expect(JSON.parse(indexIn(cwd))).toEqual({ words: { one: ['a.txt'] }, files: 1 });
  });

  it('indexes anew when it is started after it has finished', async () => {
    const cwd = newFolder();
    const folder = newFolder({ 'a.txt': 'one' });
    await indexed(cwd, folder);
    write(folder, 'b.txt', 'two');

    const said = await indexed(cwd, folder);

    expect(said).not.toContain('Continuing');
    expect(JSON.parse(indexIn(cwd))).toEqual({ words: { one: ['a.txt'], two: ['b.txt'] }, files: 2 });
    // Jobs run side by side, so which file is recorded first is chance.
    expect(recordedIn(cwd).sort()).toEqual(['a.txt', 'b.txt']);
  });

  it('shows what it does in an inspector while it works, and ends with no page left to ask', async () => {
    const indexer = new Indexer(newFolder(), newLargeFolder());
    await indexer.says(/recorded [1-9]\d* of/);

    const { data } = await asks<Overview>(indexer.inspector(), 'overview');
    const page = await (await fetch(indexer.inspector())).text();

    expect(page).toContain('<title>Signalbox</title>');
    expect(data.queues).toMatchObject([{ name: '', agents: [{ name: 'main' }, { name: 'readers' }] }]);
    expect(await indexer.ended).toEqual({ code: 0, signal: null });
    expect(indexer.stdout).toMatch(/\nStore: [^\n]+\n$/);
    await expect(fetch(indexer.inspector())).rejects.toThrow();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stays up with --keep until %s, and then ends with 0',
    async (signal) => {
      const indexer = new Indexer(newFolder(), newFolder({ 'a.txt': 'one' }), '--keep');
      await indexer.says(/\nInspector: http:\S+\nStaying up until Ctrl-C\.\n$/);
      const { data } = await asks<Overview>(indexer.inspector(), 'overview');

      expect(data.queues).toMatchObject([{ name: '', waiting: { n: 0 } }]);
      expect(await indexer.kill(signal)).toEqual({ code: 0, signal: null });
    },
  );

  it('drains when it is interrupted in the middle, and continues at the next start', async () => {
    const cwd = newFolder();
    const folder = newLargeFolder();
    const indexer = new Indexer(cwd, folder, '--', '--keep');
    await indexer.says(/recorded [1-9]\d* of/);

    expect(await indexer.kill('SIGINT')).toEqual({ code: 0, signal: null });

    expect(indexer.stdout).toContain('continues at the next start');
    expect(await indexed(cwd, folder)).toContain('Continuing');
    expect(recordedIn(cwd).length).toBe(manyFiles);
  });

  it('refuses a second process on the same store', async () => {
    const cwd = newFolder();
    const folder = newFolder({ 'a.txt': 'one' });
    const first = new Indexer(cwd, folder, '--keep');
    await first.says(/Staying up/);

    const second = new Indexer(cwd, folder);

    expect(await second.ended).toEqual({ code: 1, signal: null });
    const holder = /^pid (\d+)$/m.exec(first.stdout)?.[1];
    expect(second.stderr).toMatch(
      new RegExp(`^Expected the store in .* to be free, got one held by pid ${holder} `),
    );
    expect(second.stderr.split('\n')).toHaveLength(2);
  });

  it.each([
    ['a missing folder', ['nowhere'], "Expected a folder, got 'nowhere', which is not a folder."],
    ['a file', [start], `Expected a folder, got '${start}', which is not a folder.`],
    ['an unknown option', ['--fast'], "Expected at most one folder and --keep, got '--fast' as well."],
    ['a second folder', ['.', '..'], "Expected at most one folder and --keep, got '..' as well."],
  ])('refuses %s and writes nothing', async (_what, args, sentence) => {
    const cwd = newFolder();
    const indexer = new Indexer(cwd, ...args);

    expect(await indexer.ended).toEqual({ code: 1, signal: null });
    expect(indexer.stderr.startsWith(sentence), indexer.stderr).toBe(true);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('prints which files it could not index', async () => {
    const cwd = newFolder();
    const folder = newLargeFolder();
    const killed = new Indexer(cwd, folder);
    await killed.says(/recorded 0 of/);
    await killed.kill('SIGKILL');
    rmSync(join(folder, 'part6'), { recursive: true });

    const indexer = new Indexer(cwd, folder);

    expect(await indexer.ended).toEqual({ code: 1, signal: null });
    expect(indexer.stdout).toMatch(/Failed: \d+ files, such as\n {2}part6\/\d+\.txt: ENOENT/);
  });
});
