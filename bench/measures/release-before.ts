import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The last commits before a feature. */
const commits = {
  /** Before jobs had priorities, time limits, keys and rates. */
  limits: 'db32464',
  /** Before there were actors. */
  actors: 'a727184',
} as const;

/**
 * Builds the package as it was before a feature, in a folder of its own. Returns the folder of its measures; null where the history
 * of the repository is not there.
 */
export function releaseBefore(place: string, feature: keyof typeof commits): URL | null {
  const before = commits[feature];
  const folder = join(place, 'before');
  mkdirSync(folder);
  const archive = join(place, 'before.tar');
  const isThere =
    run('git', ['archive', '--output', archive, before]) && run('tar', ['-xf', archive, '-C', folder]);
  if (!isThere) {
    console.error(
      `The release before is left out (null). Fetch the history of the repository: ${before} is not in it.`,
    );
    return null;
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--outDir', 'dist', '--removeComments', '--declaration', 'false'];
  if (!run(process.execPath, [tsc, '-p', 'src', ...options], folder))
    throw new Error(`Expected ${before} to compile in ${folder}, got the errors above.`);
  return pathToFileURL(join(folder, 'bench', 'measures', '/'));
}

function run(command: string, args: readonly string[], cwd = root): boolean {
  return spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
