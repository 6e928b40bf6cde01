import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { keepReachable } from './declarations.mjs';
import { indentByTabs } from './indentation.mjs';
import { root } from './prepare.mjs';

const dist = join(root, 'dist');
const fresh = join(root, `.dist-${process.pid}`);
const stale = `${fresh}-stale`;
const startedAt = new Date();

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const results = await Promise.all([
  // What the comments say stands in the declarations: the code is a tenth smaller without them.
  succeeds(tsc, '-p', 'src', '--outDir', fresh, '--removeComments', '--declaration', 'false'),
  succeeds(tsc, '-p', 'src', '--outDir', fresh, '--emitDeclarationOnly'),
  // The pages of the inspector.
  succeeds(join(root, '.ci', 'build-ui.mjs'), join(fresh, 'ui'), join(fresh, 'heat')),
]);

if (results.every((succeeded) => succeeded)) {
  const { exports: doors } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const types = Object.values(doors).flatMap(({ types = null }) => types ?? []);
  keepReachable(
    fresh,
    types.map((path) => path.replace('./dist/', '')),
  );
  for (const folder of ['src', 'machines']) indentByTabs(join(fresh, folder));
  // npm does the same where it installs the package.
  chmodSync(join(fresh, 'src', 'cli', 'main.js'), 0o755);
  // Whoever asks whether dist is current compares with the moment at which the compiler began to read.
  utimesSync(fresh, startedAt, startedAt);
  replace();
} else {
  process.exitCode = 1;
}
rmSync(fresh, { recursive: true, force: true });
rmSync(stale, { recursive: true, force: true });

function succeeds(...command) {
  const child = spawn(process.execPath, command, { cwd: root, stdio: 'inherit' });
  return new Promise((resolve) => child.once('close', (code) => resolve(code === 0)));
}

// Renaming leaves no half-written dist, also when two processes build at once.
function replace() {
  for (let attempt = 1; ; attempt += 1) {
    try {
      renameSync(dist, stale);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    try {
      renameSync(fresh, dist);
      return;
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' || attempt === 5) throw error;
      rmSync(stale, { recursive: true, force: true });
    }
  }
}
