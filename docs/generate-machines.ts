import { readFileSync, writeFileSync } from 'node:fs';
import { machinesPage } from './machines-page.ts';

const page = new URL('machines.md', import.meta.url);
const sourceOf = (name: string): string =>
  readFileSync(new URL(`../machines/${name}.machine.ts`, import.meta.url), 'utf8');

writeFileSync(page, `${machinesPage(sourceOf)}\n`);
console.log('docs/machines.md written.');

// Pictures need the built pages and a browser: they are taken only when it is asked for.
if (process.argv.includes('--pictures')) {
  const script = new URL('../test/inspector/browser/pictures-of-docs.ts', import.meta.url).href;
  await ((await import(script)) as { readonly takePicturesOfDocs: () => Promise<void> }).takePicturesOfDocs();
  console.log('docs/pictures written.');
}
