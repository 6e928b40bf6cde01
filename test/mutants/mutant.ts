import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One safeguard taken out of the code: a test of that safeguard counts only if it fails on the mutant. */
export interface Mutant {
  /** Short, with hyphens, as the commands print it. */
  readonly name: string;
  /** What is missing in it, in words. */
  readonly without: string;
  readonly edits: readonly Edit[];
}

/** A piece of one file, which is there exactly once, and its replacement. */
export interface Edit {
  /** From the root of the project. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A copy of the sources in a directory of its own. `signalbox`, imported from a file in it, is the copy. */
export interface MutatedTree {
  readonly root: string;
  remove(): void;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const copied = [
  'src',
  'machines',
  'test',
  'package.json',
  'package-lock.json',
  '.npmrc',
  'tsconfig.json',
  'vitest.config.ts',
];

/**
 * Copies the sources to a temporary directory and takes one safeguard out of them.
 *
 * @throws Error when a piece to replace is not in its file exactly once: the mutant no longer fits the code.
 */
export function createMutatedTree(mutant: Mutant): MutatedTree {
  const edited = editedFiles(mutant);
  const tree = mkdtempSync(join(tmpdir(), `signalbox-mutant-${mutant.name}-`));
  for (const name of copied) cpSync(join(root, name), join(tree, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  for (const [file, text] of edited) writeFileSync(join(tree, file), text);
  return { root: tree, remove: () => rmSync(tree, { recursive: true, force: true }) };
}

/** The text of each file that the mutant changes. Nothing is written. */
export function editedFiles(mutant: Mutant): ReadonlyMap<string, string> {
  const edited = new Map<string, string>();
  for (const { file, find, replace } of mutant.edits) {
    const path = join(root, file);
    if (!existsSync(path)) throw misfit(mutant, file, 'the file to be there, found none');
    const text = edited.get(file) ?? readFileSync(path, 'utf8');
    const times = text.split(find).length - 1;
    if (times !== 1) throw misfit(mutant, file, `to find once, found ${times} times: ${find}`);
    edited.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return edited;
}

function misfit({ name }: Mutant, file: string, what: string): Error {
  return new Error(`Mutant ${name}, ${file}: expected ${what}\nCorrect the mutant: it follows the code.`);
}
