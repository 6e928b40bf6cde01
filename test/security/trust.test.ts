import { expect, it } from 'vitest';
import { read } from '../docs/examples.ts';

const page = read('docs/security.md').replaceAll(/\s+/g, ' ');

it('[S17] the documentation says that checksums are against accidents, not attackers', () => {
  expect(page).toContain('Checksums are against accidents, not attackers.');
  expect(page).toContain('Anyone who can write the files can write matching checksums.');
});

it('[S19] the documentation says that job code is not isolated, and where other code belongs', () => {
  expect(page).toContain('Job code is not isolated.');
  expect(page).toContain('a process of its own that a job starts, limits and kills');
});
