import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, install, root } from '../.ci/prepare.mjs';

const options = { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } };
const suites = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.ts') && name !== 'main.ts')
  .map((name) => name.slice(0, -'.ts'.length));
const list = `Suites: ${suites.join(', ') || 'none yet'}`;

const { suite, values, problem } = readArguments();
if (problem !== undefined) {
  console.error(`${problem}\n${list}`);
  process.exitCode = 1;
} else if (suite === undefined) {
  console.log(`npm run bench -- SUITE [--json] [--quick]\n${list}`);
} else {
  measure();
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const unknown = positionals.find((name) => !suites.includes(name)) ?? positionals[1];
    const problem = unknown && `Expected one suite of those below, got ${positionals.join(' ')}.`;
    return { suite: positionals[0], values, problem };
  } catch (error) {
    return { problem: error.message };
  }
}

// The built package is measured: tsx gives every inner function a name as it runs, which costs time users do not pay.
function measure() {
  install();
  build();
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(root, 'bench', 'main.ts'), suite, JSON.stringify(values)],
    { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_ENV: 'production' } },
  );
  process.exitCode = status ?? 1;
}
