// npm run torture [-- --kills N] …: real processes, real kills, real file systems. See arguments.ts for its arguments.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, root } from '../../.ci/prepare.mjs';

install();
const { status } = spawnSync(
  process.execPath,
  [
    '--conditions',
    'signalbox-source',
    '--import',
    'tsx',
    join(root, 'test', 'torture', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
