import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, describe, expect, it } from 'vitest';
import { read } from '../docs/examples.ts';
import { newPath } from '../store/json/open-store.ts';
import { newSchema, removeSchemas } from '../store/postgres/schemas.ts';
import { serverUrl } from '../store/postgres/server.ts';
import { run } from './run.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

afterAll(removeSchemas);

/** The commands of the shell blocks under a heading of the guide. */
function commandsUnder(heading: string): readonly string[] {
  const section =
    read('docs/guide.md')
      .split(`\n### ${heading}\n`)[1]
      ?.split(/\n##+ /)[0] ?? '';
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line.startsWith('npx signalbox ')),
  );
}

describe('The guide', () => {
  it('moves a store to PostgreSQL with the commands that stand there', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    const box = await createSignalbox({ store: jsonStore(dir), jobs: [note], queues: ['a'] });
    await box.queue('a').putAll([note('1'), note('2')]);
    await box.stop();
    const commands = commandsUnder('Moving to PostgreSQL').map((line) =>
      line
        .replace('npx signalbox ', '')
        .replace('data/jobs', dir)
        .replace('postgres://app@db/app', url)
        .replace('--schema signalbox', `--schema ${schema}`)
        .split(' '),
    );

    expect(commands.map(([name]) => name)).toEqual(['verify', 'promote', 'verify']);
    for (const command of commands) {
      const { code, out, err } = await run(...command);
      expect([command, code, code === 0 ? out !== '' : err]).toEqual([command, 0, true]);
    }
    const { json } = await run('verify', '--to', url, '--schema', schema, '--json');
    expect(json).toMatchObject({ ok: true, counts: { jobs: { PENDING: 2 } } });
  });
});
