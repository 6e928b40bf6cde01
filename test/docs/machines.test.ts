import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { machinesPage } from '../../docs/machines-page.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const sourceOf = (name: string): string => read(`machines/${name}.machine.ts`);

describe('docs/machines.md', () => {
  it('is what the charts give; `npm run docs` writes it again', () => {
    const page = machinesPage(sourceOf);

    expect(read('docs/machines.md')).toBe(`${page}\n`);
  });

  it('has a picture and a table for each of the five charts', () => {
    const page = read('docs/machines.md');

    for (const name of ['job', 'agent', 'representation', 'dispatcher', 'supervisor']) {
      expect(page).toMatch(
        new RegExp(`## ${name}\\n[^#]*\`\`\`mermaid\\nstateDiagram-v2\\n[^#]*\\| state +\\| event`),
      );
    }
  });
});
