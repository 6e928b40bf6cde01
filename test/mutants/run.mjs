// npm run mutants -- [--only NAME]… [--json]: takes safeguards out, one at a time, and runs the test that must notice.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, root } from '../../.ci/prepare.mjs';

install();
const main = join(root, 'test', 'mutants', 'main.ts');
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--conditions', 'signalbox-source', main, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
