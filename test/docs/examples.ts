import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A piece of TypeScript in the documentation. */
export interface Example {
  /** The place of its first line: `README.md:12`. */
  readonly place: string;
  readonly code: string;
  /** Whether it is run besides being compiled. */
  readonly runs: boolean;
  /** What its `// =>` comments promise, in order. `…` matches anything. */
  readonly promised: readonly string[];
}

const alwaysRun = ['README.md', 'docs/guide.md'];

/** Every example of the documentation: `ts` blocks of the pages and of the doc comments of what is published. */
export function allExamples(): readonly Example[] {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const sources = ['src', 'machines'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  return [
    ...['README.md', ...pages.map((name) => `docs/${name}`)].flatMap((file) => examplesIn(file, read(file))),
    ...sources.flatMap((file) => examplesIn(file, commentsOf(read(file)))),
  ];
}

/** The examples of one page. Blocks in another language and text outside blocks are not examples. */
export function examplesIn(file: string, text: string): readonly Example[] {
  const examples: Example[] = [];
  for (const found of text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const code = found[1] ?? '';
    const line = text.slice(0, found.index).split('\n').length + 1;
    const promised = [...code.matchAll(/\/\/ => (.*)$/gm)].map((match) => match[1] ?? '');
    const runs = alwaysRun.includes(file) || promised.length > 0;
    examples.push({ place: `${file}:${line}`, code, runs, promised });
  }
  return examples;
}

/** The text with everything removed but the content of its doc comments; lines keep their numbers. */
function commentsOf(source: string): string {
  let isInside = false;
  return source
    .split('\n')
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) isInside = true;
      const text = isInside ? line.replace(/^\s*\* ?/, '') : '';
      if (line.includes('*/')) isInside = false;
      return text;
    })
    .join('\n');
}

/** A file of the repository. */
export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}
