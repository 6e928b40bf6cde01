// npm run crashpoints [-- --json] [--quick] [--size N] [--seed N] [--keep DIR]: what a crash may leave of a json store.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, root } from '../../.ci/prepare.mjs';

install();
const { status } = spawnSync(
  process.execPath,
  [
    '--import',
    'tsx',
    '--conditions',
    'signalbox-source',
    join(root, 'test', 'crashpoints', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
