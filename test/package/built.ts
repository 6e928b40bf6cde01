import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A file of the tarball. */
export interface PackedFile {
  readonly path: string;
  readonly size: number;
}

/** A tarball as npm describes it. */
export interface Packed {
  readonly filename: string;
  readonly files: readonly PackedFile[];
}

/** Builds dist when it is older than its sources, then runs `npm pack` with more arguments. */
export function pack(...args: readonly string[]): Packed {
  const build = 'const { build } = await import(process.argv[1]); build();';
  const prepare = new URL('../../.ci/prepare.mjs', import.meta.url).href;
  execFileSync(process.execPath, ['--input-type=module', '-e', build, prepare], { stdio: 'ignore' });
  const answer = JSON.parse(run('npm', ['pack', '--json', ...args], root)) as readonly Packed[];
  // npm 10 answers with a list, npm 11 with an object.
  const [packed] = Object.values(answer);
  if (packed === undefined) throw new Error('npm pack made nothing.');
  return packed;
}

/** Runs a program and returns what it printed. An error holds what it said. */
export function run(program: string, args: readonly string[], cwd: string): string {
  // npm tells the commands that it runs its own settings: here it is called as a user would.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
