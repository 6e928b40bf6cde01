import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stage, stage } from './open.ts';

const built = fileURLToPath(new URL('../../../dist/ui/', import.meta.url));

let open: Stage;

beforeAll(async () => {
  open = await stage();
});
afterAll(() => open?.close());

it('The address that is printed opens the overview, with at most 8 requests and 60 KB of files', async () => {
  const page = await open.browser.newPage();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));

  await page.goto(open.listening.url);
  await page.waitForSelector('main .readouts');
  const address = page.url();
  await page.close();

  const files = asked
    .filter((path) => !path.startsWith('/api/'))
    .map((path) => path.slice(1) || 'index.html');
  const plain = files.map((name) =>
    name === 'index.html'
      ? readFileSync(join(built, name))
      : brotliDecompressSync(readFileSync(join(built, `${name}.br`))),
  );
  const bytes = plain.reduce((sum, file) => sum + gzipSync(file).length, 0);
  expect(address).toMatch(/\/#\/$/);
  expect(asked.length).toBeLessThanOrEqual(8);
  expect(bytes).toBeLessThanOrEqual(60_000);
});

it('A page that is loaded anew stays where it is, and still has its token', async () => {
  const { page } = await open.open('#/jobs?list=failed');

  await page.reload();
  await page.waitForSelector('.jobs .st-failed');

  expect(new URL(page.url()).hash).toBe('#/jobs?list=failed');
  await page.close();
});
