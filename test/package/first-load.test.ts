import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { pack, root, run } from './built.ts';

const limitMs = 60_000;

describe('What is built', { timeout: limitMs }, () => {
  beforeAll(() => void pack('--dry-run'), limitMs);

  it('loads nothing of the inspector with the rest of the package', () => {
    expect(loadedWithoutInspector('src/index.js', 'src/testing/index.js', 'src/store/json/index.js')).toBe(
      'all',
    );
    expect(loadedWithoutInspector('src/inspector/index.js')).toMatch(/^refused: .*hono/);
  });

  it('gives a page in at most 8 requests and 60 KB', () => {
    const folder = join(root, 'dist', 'ui');
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    const loaded = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, name = '']) => name);
    const sizes = ['index.html', ...loaded].map((name) => gzipSync(builtPage(folder, name)).length);

    expect(loaded.length).toBeLessThanOrEqual(7);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
  });

  it('names no place outside of itself in the pages', () => {
    const folder = join(root, 'dist', 'ui');
    const assets = readdirSync(join(folder, 'assets')).map((name) => `assets/${name.replace(/\.br$/, '')}`);
    const named = ['index.html', ...assets].flatMap(
      (name) =>
        builtPage(folder, name)
          .toString('utf8')
          .match(/https?:\/\/[\w./-]+/g) ?? [],
    );

    // Names of formats, which nothing opens.
    expect(named.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
  });
});

/** A file of the pages as a browser gets it. */
function builtPage(folder: string, name: string): Buffer {
  if (name === 'index.html') return readFileSync(join(folder, name));
  return brotliDecompressSync(readFileSync(join(folder, `${name}.br`)));
}

/** Imports built files in a process of their own, where the packages of the inspector cannot be loaded. */
function loadedWithoutInspector(...files: readonly string[]): string {
  const refuse = `export async function load(url, context, next) {
    if (/node_modules.(@?hono|@?preact)|dist.ui/.test(url)) throw new Error('refused: ' + url);
    return next(url, context);
  }`;
  const program = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(refuse)}));
    try {
      for (const file of ${JSON.stringify(files.map((file) => join(root, 'dist', file)))}) await import(file);
      console.log('all');
    } catch (error) {
      console.log(error.message);
    }`;
  return run(process.execPath, ['--input-type=module', '-e', program], root).trim();
}
