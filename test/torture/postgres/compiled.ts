import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The programs of this folder as JavaScript, with the sources that they run: a process of them starts in no time. */
export interface Compiled {
  /** `signalbox`, imported from a file in it, is what was compiled. */
  readonly root: string;
  remove(): void;
}

const programs = 'test/torture/postgres/*worker.ts';

/** Where a program stands in what was compiled. */
export function compiledProgram(name: string): string {
  return join('dist', 'test', 'torture', 'postgres', `${name}.js`);
}

/** Compiles the sources below a root: those of the project, or a mutated copy. */
export function compiled(root: string): Compiled {
  const tree = mkdtempSync(join(tmpdir(), 'signalbox-compiled-'));
  const options = {
    rootDir: root,
    outDir: join(tree, 'dist'),
    noEmit: false,
    // A mutant may leave a variable without use: that is for others to judge.
    noCheck: true,
    rewriteRelativeImportExtensions: true,
  };
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: options,
    include: ['src', 'machines', programs].map((part) => join(root, part)),
  };
  writeFileSync(join(tree, 'tsconfig.json'), JSON.stringify(config));
  copyFileSync(join(root, 'package.json'), join(tree, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', tree], { encoding: 'utf8' });
  const remove = (): void => rmSync(tree, { recursive: true, force: true });
  if (!existsSync(join(tree, compiledProgram('worker')))) {
    remove();
    throw new Error(`The sources in ${root} could not be compiled:\n${stdout}`);
  }
  return { root: tree, remove };
}
