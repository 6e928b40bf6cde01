import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A change of one file of an example. What it finds must stand there once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A copy of the modules of an example, below the root of this repository, so that `signalbox` means this package. */
export function copyOfExample(name: string, files: readonly string[], edits: readonly Edit[] = []) {
  const folder = mkdtempSync(join(root, `.copy-of-${name}-`));
  for (const file of files) cpSync(join(root, 'examples', name, file), join(folder, file));
  for (const { file, find, replace } of edits) {
    const text = readFileSync(join(folder, file), 'utf8');
    if (text.split(find).length !== 2)
      throw new Error(
        `Expected once in ${file} of example ${name}: ${find}. Correct the edit: it follows the example.`,
      );
    writeFileSync(join(folder, file), text.replace(find, replace));
  }
  return {
    folder,
    load: (file: string) => import(pathToFileURL(join(folder, file)).href),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
