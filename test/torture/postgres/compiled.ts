import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMutatedTree, type Mutant } from '../../mutants/mutant.ts';

/** The programs of this folder as JavaScript, with the sources that they run: a process of them starts in no time. */
export interface Compiled {
  /** `signalbox`, imported from a file in it, is what was compiled. */
  readonly root: string;
  remove(): void;
}

const programs = 'test/torture/postgres/*worker.ts';

/** The path of a program in what was compiled. */
export function compiledProgram(name: string): string {
  return join('dist', 'test', 'torture', 'postgres', `${name}.js`);
}

/** Compiles the sources below a root: those of the project, or a mutated copy. */
export function compiled(root: string): Compiled {
  const tree = mkdtempSync(join(tmpdir(), 'signalbox-compiled-'));
  copyFileSync(join(root, 'package.json'), join(tree, 'package.json'));
  // The link of a mutated copy ends with it.
  symlinkSync(realpathSync(join(root, 'node_modules')), join(tree, 'node_modules'));
  const compilerOptions = {
    rootDir: root,
    outDir: join(tree, 'dist'),
    noEmit: false,
    // A mutant may leave code unused.
    noCheck: true,
    rewriteRelativeImportExtensions: true,
  };
  const include = ['src', 'machines', programs].map((part) => join(root, part));
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include };
  writeFileSync(join(tree, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const said = spawnSync(process.execPath, [tsc, '-p', tree], { encoding: 'utf8' }).stdout;
  const remove = (): void => rmSync(tree, { recursive: true, force: true });
  if (!existsSync(join(tree, compiledProgram('worker')))) {
    remove();
    throw new Error(`The sources in ${root} could not be compiled:\n${said}`);
  }
  return { root: tree, remove };
}

/** The sources without one safeguard, compiled. */
export function compiledMutant(mutant: Mutant): Compiled {
  const tree = createMutatedTree(mutant);
  try {
    return compiled(tree.root);
  } finally {
    tree.remove();
  }
}
