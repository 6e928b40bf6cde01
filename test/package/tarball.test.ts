import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Packed, pack, root } from './built.ts';

const limitMs = 60_000;

describe('The tarball', { timeout: limitMs }, () => {
  let files: Packed['files'] = [];
  const paths = (): readonly string[] => files.map(({ path }) => path);

  beforeAll(() => {
    ({ files } = pack('--dry-run'));
  }, limitMs);

  it('holds the target of every link of its pages', () => {
    const pages = paths().filter((path) => path.endsWith('.md'));

    const dead = pages.flatMap((page) =>
      linksOf(readFileSync(join(root, page), 'utf8'))
        .filter((link) => !isPacked(join(dirname(page), link), paths()))
        .map((link) => `${page}: ${link}`),
    );

    expect(pages).toContain('docs/guide.md');
    expect(dead).toEqual([]);
  });

  it('holds nothing twice: code as JavaScript, and types beside it', () => {
    const code = paths().filter(
      (path) => /\.[cm]?[jt]sx?$/.test(path) && !/^(examples|dist\/ui)\//.test(path),
    );
    const modules = code.filter((path) => path.endsWith('.js'));
    const types = code.filter((path) => path.endsWith('.d.ts'));

    expect(modules).toContain('dist/src/index.js');
    expect(types).toContain('dist/src/index.d.ts');
    expect([...code].sort()).toEqual([...modules, ...types].sort());
    for (const path of types) expect(modules).toContain(path.replace(/\.d\.ts$/, '.js'));
    expect(paths().filter((path) => path.endsWith('.map'))).toEqual([]);
  });

  it('holds the types of all that a program can import, and none of the inside', () => {
    const types = paths().filter((path) => path.endsWith('.d.ts'));
    const named = types.flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)['"]/g)].map(
        (match) => join(dirname(path), (match[1] ?? '').replace(/\.[jt]s$/, '.d.ts')),
      ),
    );

    expect(named.filter((path) => !types.includes(path))).toEqual([]);
    expect(types).not.toContain('dist/src/store/postgres/sql/functions.d.ts');
  });

  it('holds the pages of the inspector, compressed, in less than 250 KB', () => {
    const pages = files.filter(({ path }) => path.startsWith('dist/ui/'));
    const names = pages.map(({ path }) => path);

    expect(names.filter((path) => !path.endsWith('.br'))).toEqual(['dist/ui/index.html']);
    expect(names.length).toBeGreaterThan(10);
    expect(pages.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(250_000);
  });

  it('holds no pictures: they are looked at where the repository is', () => {
    expect(paths().filter((path) => /\.(?:png|jpe?g|webp)$/.test(path))).toEqual([]);
  });

  it('unpacks to less than 3.9 MB', () => {
    const size = files.reduce((sum, file) => sum + file.size, 0);

    expect(size).toBeLessThan(3_900_000);
  });
});

/** The files and folders that a page links to. */
function linksOf(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^https?:/.test(link))
    .map((link) => link.replace(/#.*$/, ''))
    .filter((link) => link !== '');
}

function isPacked(target: string, paths: readonly string[]): boolean {
  return paths.some((path) => path === target || path.startsWith(`${target.replace(/\/$/, '')}/`));
}
