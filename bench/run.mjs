import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, install, root } from '../.ci/prepare.mjs';
import { preparePeers, withAddon } from './peers/prepare.mjs';

const options = {
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  jobs: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
};
const suites = readdirSync(join(root, 'bench'))
  .filter((name) => name.endsWith('.ts') && name !== 'main.ts')
  .map((name) => name.slice(0, -'.ts'.length));
const besidePeers = ['embedded', 'latency', 'postgres'];
const usage = `npm run bench -- SUITE [--json] [--quick] [--write] [--jobs N] [--rounds N] [--seconds N]
--write writes the figures into docs/performance.md. --seconds makes the suite postgres run that much longer at the end.
Suites: ${suites.join(', ')}`;

const { suite, values, problem } = readArguments();
if (problem !== undefined) {
  console.error(`${problem}\n${usage}`);
  process.exitCode = 1;
} else if (suite === undefined) {
  console.log(usage);
} else {
  await measure();
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const unknown = positionals.find((name) => !suites.includes(name)) ?? positionals[1];
    const problem =
      (unknown && `Expected one of the suites below, got ${positionals.join(' ')}.`) ??
      (values.seconds !== undefined && positionals[0] !== 'postgres'
        ? `Expected --seconds with the suite postgres, got it with ${positionals[0] ?? 'none'}.`
        : undefined);
    return { suite: positionals[0], values: withCounts(values), problem };
  } catch (error) {
    return { problem: error.message };
  }
}

function withCounts(values) {
  const counts = ['jobs', 'rounds', 'seconds'].filter((name) => values[name] !== undefined);
  const odd = counts.find((name) => !/^[1-9]\d{0,8}$/.test(values[name]));
  if (odd !== undefined)
    throw new Error(`Expected --${odd} to be a whole number from 1 up, got ${values[odd]}.`);
  return { ...values, ...Object.fromEntries(counts.map((name) => [name, Number(values[name])])) };
}

// Measures the built package: tsx names every inner function at run time, which costs time that users do not spend.
async function measure() {
  install();
  if (besidePeers.includes(suite)) await preparePeers(suite === 'postgres' ? [] : withAddon);
  build();
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(root, 'bench', 'main.ts'), suite, JSON.stringify(values)],
    { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_ENV: 'production' } },
  );
  process.exitCode = status ?? 1;
}
