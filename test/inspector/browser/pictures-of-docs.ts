import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stage } from './open.ts';
import { withPalette } from './palette.ts';
import { pictureOf } from './take-picture.ts';

const folder = fileURLToPath(new URL('../../../docs/pictures', import.meta.url));

/** Takes the pictures of docs/inspector.md: each page, in both themes, from a store with a story that is the same each time. */
export async function takePicturesOfDocs(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const open = await stage();
  const { failed } = open.seeded.ids;
  const pages: readonly (readonly [name: string, hash: string, height?: number])[] = [
    ['overview', '#/overview'],
    ['jobs', '#/jobs?list=failed', 600],
    ['job', `#/jobs/${failed}`],
    ['actors', `#/actors/${encodeURIComponent(`agent:default/${open.seeded.box.uuid}/main`)}`],
    ['queue', '#/queues/default'],
    ['timeline', `#/timeline?view=sequence&q=id:${failed}`],
    ['machines', '#/machines/job?way=active.running%7Cjob.reschedule%7Cnot+isCallback%7Cpending'],
  ];
  for (const [name, hash, height = 960] of pages)
    for (const theme of ['light', 'dark'] as const) {
      const picture = await pictureOf(open, { theme, height, isStill: true }, hash);
      writeFileSync(join(folder, `${name}-${theme}.png`), withPalette(picture));
    }
  await open.close();
}
