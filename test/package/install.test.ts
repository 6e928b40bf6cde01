import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplesIn } from '../docs/examples.ts';
import { pack, root, run } from './built.ts';

const limitMs = 60_000;

// As a user has it: a clean folder, the tarball, and nothing of this repository but its tools.
describe('In a clean folder that installs the tarball', { timeout: limitMs }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-install-'));

  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return name;
  };

  beforeAll(() => {
    const { filename } = pack('--pack-destination', folder);
    write('package.json', JSON.stringify({ name: 'service', private: true, type: 'module' }));
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, filename)], folder);
  }, 2 * limitMs);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('the first program of the README compiles, and prints what it promises', () => {
    const [example] = examplesIn('README.md', readFileSync(join(root, 'README.md'), 'utf8'));
    const file = write('first.ts', example?.code ?? '');
    const types = join(root, 'node_modules', '@types');
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;

    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', '--typeRoots', types];
    const complaints = run(process.execPath, [tsc, ...options, file], folder);
    const printed = run(process.execPath, ['--import', tsx, file], folder);

    expect([complaints, printed]).toEqual(['', `${example?.promised.join('\n')}\n`]);
  });

  it('a CommonJS program requires it', () => {
    const file = write(
      'old.cjs',
      `const { createSignalbox, defineJob } = require('signalbox');
       const { jsonStore } = require('signalbox/json');
       const { VirtualReactor } = require('signalbox/testing');
       const { jobMachine } = require('signalbox/machines');
       const multiply = defineJob({ name: 'multiply', run: (a, b) => a * b });
       createSignalbox({ store: jsonStore('data/old'), jobs: [multiply] }).then(async (box) => {
         await box.start();
         const job = await box.queue().put(multiply(14, 3));
         console.log(await job.result(), typeof VirtualReactor, jobMachine.id);
         await box.stop();
       });`,
    );

    expect(run(process.execPath, [file], folder)).toBe('42 function job\n');
  });

  it.each([
    ['npx', 'npx', ['--no-install', 'signalbox'], null],
    ['its path', join(folder, 'node_modules', '.bin', 'signalbox'), [], 0],
  ] as const)(
    'a worker of one job file, started by %s, runs its job and ends at SIGTERM',
    async (_how, program, first, code) => {
      mkdirSync(join(folder, 'jobs'), { recursive: true });
      write(
        'jobs/note.job.js',
        `import { defineJob, local } from 'signalbox';
       export const note = defineJob({
         name: 'note',
         run: (text) => console.log('noted ' + text, local.getAgentName()),
       });`,
      );
      const put = write(
        'put.js',
        `import { createSignalbox, discoverJobs } from 'signalbox';
       import { jsonStore } from 'signalbox/json';
       const { jobs: [note] } = await discoverJobs(new URL('./jobs/', import.meta.url));
       const box = await createSignalbox({ store: jsonStore('data/jobs'), jobs: [note], queues: [''] });
       await box.queue().put(note('once'));
       await box.stop();`,
      );
      run(process.execPath, [put], folder);
      const args = [...first, 'work', '--jobs', './jobs', '--store', 'data/jobs', '--inspect'];
      const worker = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      worker.stdout.on('data', (text) => {
        said += text;
      });
      // All that writes to its output has ended.
      const ended = once(worker, 'close');
      while (!/noted once main/.test(said) || !/^Inspector: http:\S+\n/m.test(said))
        await Promise.race([once(worker.stdout, 'data'), ended.then(() => Promise.reject(new Error(said)))]);

      worker.kill('SIGTERM');

      const [exit] = await ended;
      expect(said).toMatch(/\nStopped\.\n$/);
      if (code !== null) expect(exit).toBe(code);
    },
  );
  it('an agent calls the jobs of a module in worker threads', () => {
    write(
      'jobs.js',
      `import { isMainThread } from 'node:worker_threads';
       import { defineJob, local } from 'signalbox';
       export const multiply = defineJob({ name: 'multiply', run: (a, b) => [a * b, isMainThread, local.getAgentName()] });`,
    );
    const file = write(
      'threads.js',
      `import { agent, createSignalbox, memoryStore } from 'signalbox';
       const threadModule = new URL('./jobs.js', import.meta.url);
       const jobs = await import(threadModule);
       const box = await createSignalbox({ store: memoryStore(), jobs: Object.values(jobs), threadModule });
       await box.start({ agent: agent({ executor: 'thread' }) });
       console.log(JSON.stringify(await (await box.queue().put(jobs.multiply(14, 3))).result()));
       await box.stop();`,
    );

    expect(run(process.execPath, [file], folder)).toBe('[42,false,"main"]\n');
  });

  it('the command says its version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

    expect(run('npx', ['--no-install', 'signalbox', '--version'], folder)).toBe(`${version}\n`);
  });
});
