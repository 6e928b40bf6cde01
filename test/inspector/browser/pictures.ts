import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stage } from './open.ts';
import { pictureOf } from './take-picture.ts';

/*
 * Takes a picture of every page of the inspector, in both themes and three widths, from a store with a story:
 * npm run pictures -- FOLDER
 */
const folder = process.argv[2] ?? join('.signalbox', 'pictures');
mkdirSync(folder, { recursive: true });
const open = await stage();
const { failed, held, running, refused, waiting, succeeded } = open.seeded.ids;

const pages: readonly (readonly [name: string, hash: string, keys?: readonly string[]])[] = [
  ['overview', '#/overview'],
  ['jobs-waiting', '#/jobs?list=waiting'],
  ['jobs-held', '#/jobs?list=held'],
  ['jobs-failed', '#/jobs?list=failed'],
  ['jobs-empty', '#/jobs?list=quarantined'],
  ['job-failed', `#/jobs/${failed}`],
  ['job-past', `#/jobs/${failed}`, ['ArrowLeft', 'ArrowLeft', 'd']],
  ['job-held', `#/jobs/${held}`],
  ['job-refused', `#/jobs/${refused}`],
  ['job-running', `#/jobs/${running}`],
  ['job-waiting', `#/jobs/${waiting}`],
  ['job-succeeded', `#/jobs/${succeeded}`],
  ['job-callbacks', `#/jobs/${failed}?tab=callbacks`],
  ['job-sequence', `#/jobs/${failed}?tab=sequence`],
  ['job-none', '#/jobs/none'],
  ['go-to', '#/overview', ['Control+k']],
  ['keys', '#/overview', ['?']],
];

for (const theme of ['light', 'dark'] as const)
  for (const width of [390, 900, 1440])
    for (const [name, hash, keys] of pages)
      writeFileSync(
        join(folder, `${name}-${width}-${theme}.png`),
        await pictureOf(open, { theme, width }, hash, keys),
      );
await open.close();
console.log(folder);
