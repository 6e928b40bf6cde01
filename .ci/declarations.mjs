import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const relativeImport = /(?:from|import\()\s*['"](\.[^'"]+)['"]/g;

/** Removes the declarations that no entry point leads to: those of the inside, which no program can import. */
export function keepReachable(folder, entries) {
  const reached = new Set();
  const open = entries.map((entry) => join(folder, entry));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file) || !existsSync(file)) continue;
    reached.add(file);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(relativeImport))
      open.push(normalize(join(dirname(file), target.replace(/\.[jt]s$/, '.d.ts'))));
  }
  for (const entry of readdirSync(folder, { recursive: true })) {
    const file = join(folder, entry);
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
}
