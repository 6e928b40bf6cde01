import { readFileSync, writeFileSync } from 'node:fs';
import { machinesPage } from './machines-page.ts';

const page = new URL('machines.md', import.meta.url);
const sourceOf = (name: string): string =>
  readFileSync(new URL(`../machines/${name}.machine.ts`, import.meta.url), 'utf8');

writeFileSync(page, `${machinesPage(sourceOf)}\n`);
console.log('docs/machines.md written.');
