// npm run simulate -- [--seeds N] [--store memory|json] …: the runtime under faults, with everything left to chance
// decided by seeds. `--help` lists what there is.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, root } from '../../.ci/prepare.mjs';

install();
const main = join(root, 'test', 'simulate', 'main.ts');
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--conditions', 'signalbox-source', main, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
