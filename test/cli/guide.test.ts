import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
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

function argumentsOf(line: string, dir: string, url: string, schema: string): readonly string[] {
  return line
    .replace('npx signalbox ', '')
    .replace(/data\/\w+/, dir)
    .replace('postgres://app@db/app', url)
    .replace('--schema signalbox', `--schema ${schema}`)
    .split(' ');
}

describe('The guide', () => {
  it('moves a store to PostgreSQL with its own commands', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    const box = await createSignalbox({ store: jsonStore(dir), jobs: [note], queues: ['a'] });
    await box.queue('a').putAll([note('1'), note('2')]);
    await box.stop();
    const commands = commandsUnder('Moving to PostgreSQL').map((line) => argumentsOf(line, dir, url, schema));

    expect(commands.map(([name]) => name)).toEqual(['verify', 'promote', 'verify']);
    for (const command of commands) {
      const { code, out, err } = await run(...command);
      expect([command, code, code === 0 ? out !== '' : err]).toEqual([command, 0, true]);
    }
    const { json } = await run('verify', '--to', url, '--schema', schema, '--json');
    expect(json).toMatchObject({ ok: true, counts: { jobs: { PENDING: 2 } } });
  });

  it('copies jobs to a directory with its own commands', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    const uuid = '00000000-0000-4000-8000-000000000001';
    const store = postgresStore({ connectionString: url, schema });
    const box = await createSignalbox({ store, uuid, jobs: [note], queues: ['mail'] });
    await box.queue('mail').putAll([note('1'), note('2')]);
    await box.stop();

    for (const line of commandsUnder('Copying some jobs')) {
      const { code, err } = await run(...argumentsOf(line, dir, url, schema));
      expect([line, code, err]).toEqual([line, 0, '']);
    }

    const { json } = await run('verify', '--from', dir, '--json');
    expect(json).toMatchObject({ ok: true, counts: { jobs: { PENDING: 2 } } });
  });
});
