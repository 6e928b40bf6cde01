import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  const include = ['src', 'machines', programs].map((part) => join(root, part));
  const said = compile(root, root, tree, { include });
  const remove = (): void => rmSync(tree, { recursive: true, force: true });
  if (!existsSync(join(tree, compiledProgram('worker')))) {
    remove();
    throw new Error(`The sources in ${root} could not be compiled:\n${said}`);
  }
  return { root: tree, remove };
}

/** A copy of what was compiled, in which some files of the sources are others. */
export function withEdited(base: Compiled, edited: ReadonlyMap<string, string>): Compiled {
  const tree = mkdtempSync(join(tmpdir(), 'signalbox-compiled-'));
  const remove = (): void => rmSync(tree, { recursive: true, force: true });
  for (const name of ['package.json', 'dist'])
    cpSync(join(base.root, name), join(tree, name), { recursive: true });
  symlinkSync(join(base.root, 'node_modules'), join(tree, 'node_modules'));
  const sources = join(tree, 'edited');
  for (const [file, text] of edited) {
    mkdirSync(dirname(join(sources, file)), { recursive: true });
    writeFileSync(join(sources, file), text);
  }
  const files = [...edited.keys()].map((file) => join(sources, file));
  // Without an empty `include`, everything that the project includes would be compiled, too.
  compile(projectRoot, sources, tree, { files, include: [] });
  return { root: tree, remove };
}

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));

function compile(
  root: string,
  sources: string,
  tree: string,
  what: Readonly<Record<string, readonly string[]>>,
): string {
  const compilerOptions = {
    rootDir: sources,
    outDir: join(tree, 'dist'),
    noEmit: false,
    // A mutant may leave code unused, and what it imports is compiled already.
    noCheck: true,
    noResolve: what.files !== undefined,
    rewriteRelativeImportExtensions: true,
  };
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, ...what };
  writeFileSync(join(tree, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  return spawnSync(process.execPath, [tsc, '-p', tree], { encoding: 'utf8' }).stdout;
}
