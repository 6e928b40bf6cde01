import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverUrl } from '../postgres/server.ts';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Runs one of the workers beside this file, from this tree or a mutated one, on the server of this run.
 * @returns the signal that ended it, or its exit code.
 */
export async function runWorker(
  name: string,
  args: readonly string[],
  tree = root,
): Promise<string | number> {
  const worker = join(tree, 'test', 'store', 'promotion', name);
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions', 'signalbox-source', worker, await serverUrl(), ...args],
    { cwd: tree, stdio: 'ignore' },
  );
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal ?? code ?? -1;
}
