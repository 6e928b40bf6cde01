import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tree = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
const peers = join('bench', 'peers');

// The repository, with stand-ins for peers. Two have addons that are not built yet: one can be, the other cannot.
beforeAll(() => {
  for (const name of ['.ci', 'bench', 'src', 'machines', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(tree, name), {
      recursive: true,
      filter: (path) => basename(path) !== 'node_modules',
    });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  write(join(peers, 'package-lock.json'), '{ "packages": {} }');
  const withAddon = `module.exports = class { constructor() { require('./built.js'); } };`;
  standIn('better-sqlite3', withAddon, 'node build.js');
  standIn('better-sqlite3-12', withAddon, 'exit 1');
  standIn('plainjob', '');
  standIn('fastq', 'exports.promise = (push) => ({ push, pause() {}, resume() {} });');
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

test('an addon that is missing is built, once, though npm runs no scripts', () => {
  const [first, second] = [prepare(), prepare()];

  expect(first).toMatchObject({
    status: 0,
    said: expect.stringContaining('Building better-sqlite3, better'),
  });
  expect(second).toMatchObject({ status: 0, said: expect.stringContaining('Building better-sqlite3-12,') });
}, 60_000);

test('a peer that cannot be measured is null with the repair, and the others are measured', () => {
  const { stdout, said } = run(
    ['--import', 'tsx', 'bench/main.ts', 'latency', '{"json":true,"jobs":2,"rounds":1}'],
    {
      NODE_OPTIONS: '--conditions=signalbox-source',
      PATH: '',
    },
  );
  const figures = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);

  expect(figures).toMatchObject({
    putToStartP50Ms: expect.any(Number),
    peers: { plainjob: null, bullmq: null, fastq: { putToStartP50Ms: expect.any(Number) } },
    leftOut: {
      plainjob: expect.stringContaining(
        'npm rebuild better-sqlite3-12 --ignore-scripts=false in bench/peers',
      ),
      bullmq: expect.stringContaining('apt-get install redis-server'),
      liteque: expect.stringContaining('npm ci in bench/peers'),
    },
  });
  expect(said).toContain('plainjob is left out (null). Expected better-sqlite3-12 to load');
}, 60_000);

function standIn(name: string, source: string, install?: string): void {
  const files = {
    'package.json': JSON.stringify({ name, version: '1.0.0', scripts: { install } }),
    'index.js': source,
    'build.js': `require('node:fs').writeFileSync('built.js', '');`,
  };
  for (const [file, text] of Object.entries(files)) write(join(peers, 'node_modules', name, file), text);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}

function prepare() {
  const program = `import { preparePeers, withAddon } from './bench/peers/prepare.mjs'; await preparePeers(withAddon);`;
  return run(['--input-type=module', '--eval', program], { npm_config_ignore_scripts: 'true' });
}

function run(args: readonly string[], variables: NodeJS.ProcessEnv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: tree,
    encoding: 'utf8',
    env: { ...process.env, ...variables },
  });
  return { status, stdout, said: stderr };
}
