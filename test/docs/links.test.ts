import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { read, root } from './examples.ts';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...['docs', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];

it('every link between pages leads to a file and a heading that exist', () => {
  const broken = pages.flatMap((page) =>
    linksOf(read(page))
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => `${page}: ${link}`),
  );

  expect(broken).toEqual([]);
});

it('every picture in docs/pictures is shown, light and dark', () => {
  const shown = ['README.md', 'docs/inspector.md'].flatMap((page) =>
    linksOf(read(page)).map((link) => join(dirname(page), link)),
  );

  const taken = readdirSync(join(root, 'docs', 'pictures')).map((name) => `docs/pictures/${name}`);

  expect(taken.filter((path) => !shown.includes(path))).toEqual([]);
  expect(taken.length).toBeGreaterThan(0);
});

it('every file that docs/architecture.md names exists', () => {
  const named = [...read('docs/architecture.md').matchAll(/`((?:src|machines|test)\/[\w./-]+)`/g)];

  const missing = named.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)));

  expect(missing).toEqual([]);
});

function linksOf(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)|\b(?:src|srcset)="([^"]+)"/g)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((link) => !/^https?:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, target))) return false;
  if (anchor === undefined || statSync(join(root, target)).isDirectory()) return true;
  return headingsOf(read(target)).includes(anchor);
}

/** Anchors as GitHub makes them. */
function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
