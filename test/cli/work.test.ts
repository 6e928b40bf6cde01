import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createSignalbox, defineJob, discoverJobs, memoryStore } from 'signalbox';
import { jsonStore, readStore } from 'signalbox/json';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { run } from './run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
// Below this repository, where `signalbox` in a job file means this package.
const parent = mkdtempSync(join(root, 'test', 'cli', '.work-'));
const children = new Set<ChildProcess>();
let count = 0;

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** A folder with job files below `jobs`. */
function folderWith(files: Readonly<Record<string, string>>): string {
  count += 1;
  const folder = join(parent, String(count));
  mkdirSync(join(folder, 'jobs'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'jobs', name), text);
  return folder;
}

const jobsIn = (folder: string): URL => pathToFileURL(join(folder, 'jobs'));

/** A job file that writes to `done.txt` beside its folder. */
const writer = `
  import { appendFileSync } from 'node:fs';
  import { defineJob, local } from 'signalbox';
  export const write = defineJob({
    name: 'write',
    run: async (text, ms) => {
      if (text === 'bad') throw new Error('cannot write ' + text);
      appendFileSync('done.txt', 'begin ' + text + '\\n');
      await local.sleep(ms);
      appendFileSync('done.txt', 'end ' + text + '\\n');
    },
  });
  // What a program leaves open must not keep the worker.
  setInterval(() => {}, 1000);
`;

/** A worker in a process of its own, and what it has said. */
function startWorker(folder: string, ...args: readonly string[]) {
  const main = join(root, 'src', 'cli', 'main.ts');
  const child = spawn(
    process.execPath,
    ['--conditions', 'signalbox-source', '--import', tsx, main, 'work', '--jobs', './jobs', ...args],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.add(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    err += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, out, err }));
  const says = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const match = pattern.exec(out);
      if (match !== null) return match[1] ?? match[0];
      const more = await Promise.race([once(child.stdout, 'data'), ended]);
      if (!Array.isArray(more)) throw new Error(`It ended and never said ${pattern}: ${out}${err}`);
    }
  };
  return { child, ended, says };
}

/** Waits for a file of a worker to hold a text. */
async function fileSays(file: string, text: string): Promise<void> {
  while (!existsSync(file) || !readFileSync(file, 'utf8').includes(text))
    await new Promise((resolve) => setImmediate(resolve));
}

/** Puts jobs of the writer in a store, before a worker has it. */
async function putBefore(folder: string, ...jobs: readonly (readonly [text: string, ms: number])[]) {
  const write = defineJob({ name: 'write', run: (_text: string, _ms: number) => {} });
  const store = jsonStore(join(folder, 'data', 'jobs'));
  const box = await createSignalbox({ store, jobs: [write], queues: ['', 'mail'] });
  for (const [text, ms] of jobs) await box.queue(text.startsWith('mail') ? 'mail' : '').put(write(text, ms));
  await box.stop();
}

describe('discoverJobs', () => {
  it('returns the definitions and the schedules that job files export, in order of file name, and imports no other file', async () => {
    const define = (name: string) => `defineJob({ name: '${name}', run: () => null })`;
    const from = "import { defineJob, schedule } from 'signalbox';";
    const folder = folderWith({
      'b.job.mjs': `${from} export const two = ${define('two')}; export const also = two; export const text = 'no';`,
      'a.job.js': `${from} export default ${define('one')}; export const limits = { a: 1 };`,
      'c.job.ts': `${from} export const three = ${define('three')} as unknown;
        export const often = schedule('reports', 'often', { every: '1m' }, three as never);`,
      'plain.js': "throw new Error('imported');",
      'a.job.d.ts': "throw new Error('imported');",
      'a.job.cjs': "throw new Error('imported');",
      'a.job.js.map': '{}',
    });

    const found = await discoverJobs(jobsIn(folder));

    expect(found.jobs.map(({ definition }) => definition.name)).toEqual(['one', 'two', 'three']);
    expect(found.schedules.map(({ scheduleName }) => scheduleName)).toEqual(['often']);
    const box = await createSignalbox({ store: memoryStore(), ...found, queues: ['reports'] });
    await box.start();
    expect((await box.queue('reports').schedules.list()).map(({ name }) => name)).toEqual(['often']);
    await box.stop();
  });

  it('names both files of a name that is defined twice', async () => {
    const twice =
      "import { defineJob } from 'signalbox'; export const a = defineJob({ name: 'a', run: () => null });";
    const folder = folderWith({ 'x.job.js': twice, 'y.job.js': twice });

    const error = await discoverJobs(jobsIn(folder)).catch((refusal) => refusal);

    expect(error).toMatchObject({ code: 'DUPLICATE_DEFINITION' });
    expect(error.message).toContain(
      `named "a": in ${join(folder, 'jobs', 'x.job.js')}, and in ${join(folder, 'jobs', 'y.job.js')}`,
    );
  });

  it('names both files of a schedule that is defined twice', async () => {
    const twice = `import { defineJob, schedule } from 'signalbox';
      export default schedule('', 'a', { every: '1m' }, defineJob({ name: 'a', run: () => null }));`;
    const folder = folderWith({ 'x.job.js': twice, 'y.job.js': twice });

    const error = await discoverJobs(jobsIn(folder)).catch((refusal) => refusal);

    expect(error).toMatchObject({ code: 'DUPLICATE_DEFINITION', details: { what: 'schedule', name: '/a' } });
  });

  it('names a file that throws, with its error as the cause', async () => {
    const folder = folderWith({ 'x.job.js': "throw new RangeError('no such table.');" });

    const error = await discoverJobs(jobsIn(folder)).catch((refusal) => refusal);

    expect(error).toMatchObject({ code: 'JOB_FILE', cause: { name: 'RangeError' } });
    expect(error.message).toContain(
      `${join(folder, 'jobs', 'x.job.js')} to be importable, got RangeError: no such table. Correct the file`,
    );
  });

  it('refuses what is no folder', async () => {
    for (const wrong of ['./jobs', new URL('https://example.org/jobs/'), jobsIn(join(parent, 'none'))])
      await expect(discoverJobs(wrong as URL)).rejects.toThrow(/^Expected `folder` to be /);
  });
});

describe('signalbox work', { timeout: 60_000 }, () => {
  it('sets the schedules of the folder, on queues that it makes, and puts what they say', async () => {
    const folder = folderWith({
      'write.job.js': `${writer}
        import { schedule } from 'signalbox';
        export const often = schedule('clock', 'often', { every: '1s' }, write('tick', 0));`,
    });
    const worker = startWorker(folder, '--store', 'data/jobs');
    await fileSays(join(folder, 'done.txt'), 'end tick');

    worker.child.kill('SIGTERM');

    expect(await worker.ended).toMatchObject({ code: 0 });
  });

  it('runs the jobs of a folder; SIGTERM ends it orderly, whatever the code keeps open', async () => {
    const folder = folderWith({ 'write 100%.job.js': writer });
    await putBefore(folder, ['a', 0], ['b', 500]);
    const worker = startWorker(folder, '--store', 'data/jobs');
    await worker.says(/^Runs write\. Stop with Ctrl\+C\.\n/);
    await fileSays(join(folder, 'done.txt'), 'begin b');

    worker.child.kill('SIGTERM');

    expect(await worker.ended).toMatchObject({ code: 0, signal: null, err: '' });
    // What ran had its time to end.
    expect(readFileSync(join(folder, 'done.txt'), 'utf8')).toContain('end b');
    const store = await readStore(join(folder, 'data', 'jobs'));
    const jobs = await store.list('job', '');
    expect(jobs.map(({ state, ending }) => [state, ending])).toEqual([
      ['completed', 'succeeded'],
      ['completed', 'succeeded'],
    ]);
  });

  it('hands back what does not end in time, and prints the address of its inspector', async () => {
    const folder = folderWith({ 'write.job.js': writer });
    await putBefore(folder, ['bad', 0], ['long', 3_600_000]);
    const worker = startWorker(folder, '--store', 'data/jobs', '--grace', '0s', '--inspect', '--json');
    const url = await worker.says(/"inspector":"(http:[^"]+)"/);
    await fileSays(join(folder, 'done.txt'), 'begin long');

    const page = await fetch(url);
    worker.child.kill('SIGTERM');

    const { code, err } = await worker.ended;
    expect([page.status, code]).toEqual([200, 0]);
    // What fails is said, with the place.
    expect(err).toMatch(/ERROR .*cannot write bad[\s\S]*write\.job\.js:\d+/);
    const [, job] = await (await readStore(join(folder, 'data', 'jobs'))).list('job', '');
    expect(job).toMatchObject({ state: 'pending', outcome: null });
  });

  it('works on one queue when it gets its name', async () => {
    const folder = folderWith({ 'write.job.js': writer });
    await putBefore(folder, ['other', 0], ['mail 1', 0], ['mail 2', 0]);
    const worker = startWorker(folder, '--store', 'data/jobs', '--queue', 'mail', '--size', '1');
    await fileSays(join(folder, 'done.txt'), 'end mail 2');

    worker.child.kill('SIGINT');

    expect((await worker.ended).code).toBe(0);
    expect(readFileSync(join(folder, 'done.txt'), 'utf8')).toBe(
      'begin mail 1\nend mail 1\nbegin mail 2\nend mail 2\n',
    );
  });

  it('ends with 1 when its store fails', async () => {
    const folder = folderWith({ 'write.job.js': writer });
    await putBefore(folder, ['a', 1000]);
    const worker = startWorker(folder, '--store', 'data/jobs');
    await fileSays(join(folder, 'done.txt'), 'begin a');

    rmSync(join(folder, 'data'), { recursive: true });

    const { code, out, err } = await worker.ended;
    expect([code, out.endsWith('The store failed: see above.\n')]).toEqual([1, true]);
    expect(err).toContain('the store failed');
  });

  it('ends with 1 and names the file when a job file throws, also when another one keeps the process', async () => {
    const folder = folderWith({ 'a.job.js': writer, 'b.job.js': "throw new Error('no database');" });

    const { code, out, err } = await startWorker(folder, '--store', 'data/jobs').ended;

    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('JOB_FILE: Expected job file');
    expect(err).toContain('b.job.js to be importable, got Error: no database');
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('ends with 2 when the call is wrong, before a store is made', async () => {
    const folder = folderWith({ 'notes.txt': '' });
    const jobs = join(folder, 'jobs');
    const store = join(folder, 'store');
    const wrong = [
      ['work'],
      ['work', '--jobs', jobs, '--store', store],
      ['work', '--jobs', join(folder, 'none'), '--store', store],
      ['work', '--jobs', jobs, '--store', ''],
      ['work', '--jobs', jobs, '--store', store, '--size', 'many'],
      ['work', '--jobs', jobs, '--store', store, '--grace', 'long'],
      ['work', '--jobs', jobs, '--store', store, '--schema', 'x'],
    ];

    for (const args of wrong) expect([args, (await run(...args)).code]).toEqual([args, 2]);
    expect(existsSync(store)).toBe(false);
  });
});
