import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';

/** Indents code by tabs: tsc writes four spaces, which are a tenth of it. The lines of a template literal are its value, and stay. */
export function indentByTabs(folder) {
  for (const entry of readdirSync(folder, { recursive: true })) {
    if (!entry.endsWith('.js')) continue;
    const file = join(folder, entry);
    const text = readFileSync(file, 'utf8');
    const values = [...templatesIn(parseSync(entry, text).program)];
    const indented = text.replaceAll(/^(?: {4})+/gm, (spaces, at) =>
      values.some(({ start, end }) => start < at && at < end) ? spaces : '\t'.repeat(spaces.length / 4),
    );
    writeFileSync(file, indented);
  }
}

/** The texts of template literals. */
function* templatesIn(node) {
  if (node === null || typeof node !== 'object') return;
  if (node.type === 'TemplateElement') yield node;
  for (const part of Object.values(node)) yield* templatesIn(part);
}
