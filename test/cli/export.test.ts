import * as fs from 'node:fs';
import { createSignalbox, defineJob, type Job, NodeReactor, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { newPath } from '../store/json/open-store.ts';
import { newSchema, removeSchemas } from '../store/postgres/schemas.ts';
import { serverUrl } from '../store/postgres/server.ts';
import { run } from './run.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

const ask = defineJob({ name: 'ask', run: (_other: Job<string>) => null });

afterAll(removeSchemas);

/** A clock that is thirty days behind. */
class LateReactor extends NodeReactor {
  override now(): number {
    return super.now() - 30 * 24 * 60 * 60 * 1000;
  }
}

async function withJobs(store: Store): Promise<void> {
  const uuid = '00000000-0000-4000-8000-000000000001';
  const box = await createSignalbox({ store, uuid, jobs: [note], queues: ['a'] });
  await box.queue('a').putAll([note('1'), note('2'), note('3')]);
  await box.stop();
}

describe('signalbox export', () => {
  it('copies jobs of a directory and reports how many records it wrote', async () => {
    const [dir, first, second] = [newPath(), newPath(), newPath()];
    await withJobs(jsonStore(dir));
    const args = ['export', '--from', dir, '--queue', 'a', '--limit', '2', '--to'];

    const forMachines = await run(...args, first, '--json');
    const forPeople = await run(...args, second);

    expect(forMachines).toMatchObject({
      code: 0,
      json: {
        ok: true,
        queue: 'a',
        jobs: 2,
        records: { queue: 1, quota: 0, job: 2, proxy: 0, annotation: 0 },
        unreadable: 0,
        to: first,
      },
    });
    expect([forPeople.code, forPeople.out]).toEqual([
      0,
      `Copied 2 waiting jobs of queue "a" from ${dir} to ${second}. The source was only read.\nRecords, with what these jobs refer to: 1 queue, 0 quota, 2 job, 0 proxy, 0 annotation.\n`,
    ]);
    for (const copy of [first, second]) {
      const { json } = await run('verify', '--from', copy, '--json');
      expect(json).toMatchObject({ ok: true, clean: true, counts: { jobs: { PENDING: 2 } } });
    }
    expect((await run('verify', '--from', dir, '--json')).json).toMatchObject({
      counts: { jobs: { PENDING: 3 } },
    });
  });

  it('copies jobs of a database', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    await withJobs(postgresStore({ connectionString: url, schema }));

    const { code, out } = await run(
      ...['export', '--from', url, '--schema', schema, '--queue', 'a', '--limit', '9', '--to', dir],
    );

    expect([code, out]).toEqual([
      0,
      expect.stringMatching(`Copied 3 waiting jobs of queue "a" from schema ${schema} of `),
    ]);
    expect((await run('verify', '--from', dir, '--json')).json).toMatchObject({
      ok: true,
      counts: { jobs: { PENDING: 3 } },
    });
  });

  it('keeps jobs that its jobs name, however old they are', async () => {
    const [dir, to] = [newPath(), newPath()];
    const box = await createSignalbox({
      store: jsonStore(dir),
      reactor: new LateReactor(),
      jobs: [note, ask],
      queues: ['a'],
    });
    await box.start({ pollInterval: '50ms' });
    const old = await box.queue().put(note('old'));
    await old.result();
    await box.queue('a').put(ask(old), { beginAfter: '1d' });
    await box.stop();

    const { json } = await run('export', '--from', dir, '--queue', 'a', '--limit', '1', '--to', to, '--json');

    expect(json).toMatchObject({ ok: true, jobs: 1, records: { job: 2 } });
    expect((await run('verify', '--from', to, '--json')).json).toMatchObject({
      counts: { jobs: { PENDING: 1, COMPLETED: 1 } },
    });
  });

  it('exits with 1 and writes nothing when the store or the queue is missing', async () => {
    const [dir, to, schema, url] = [newPath(), newPath(), newSchema(), await serverUrl()];
    const args = ['--queue', 'b', '--limit', '1', '--to', to, '--json'];

    const withoutStore = await run('export', '--from', dir, ...args);
    const withoutSchema = await run('export', '--from', url, '--schema', schema, ...args);
    await withJobs(jsonStore(dir));
    const withoutQueue = await run('export', '--from', dir, ...args);

    expect(withoutStore).toMatchObject({ code: 1, json: { error: { code: 'STORE_MISSING' } } });
    expect(withoutSchema).toMatchObject({ code: 1, json: { error: { code: 'STORE_MISSING' } } });
    expect(withoutQueue).toMatchObject({
      code: 1,
      json: { error: { code: 'QUEUE_NOT_FOUND', message: expect.stringContaining('found "a"') } },
    });
    expect(fs.existsSync(to)).toBe(false);
  });

  it('exits with 2 when the target is not empty', async () => {
    const dir = newPath();
    await withJobs(jsonStore(dir));

    const { code, json } = await run(
      ...['export', '--from', dir, '--queue', 'a', '--limit', '1', '--to', dir, '--json'],
    );

    expect([code, json]).toMatchObject([2, { error: { code: 'INVALID_OPTION' } }]);
  });

  it.each([
    ['no --from', { from: undefined }, "required option '--from <directory or url>' not specified"],
    ['an empty --from', { from: '' }, '`--from` to name a directory or a database'],
    ['a --from that is no URL', { from: 'postgres://h:port/d' }, '`--from` to be a URL'],
    ['no --queue', { queue: undefined }, "required option '--queue <name>' not specified"],
    ['no --limit', { limit: undefined }, "required option '--limit <number>' not specified"],
    ['a --limit of 0', { limit: '0' }, '`--limit` to be a whole number from 1 up, got "0"'],
    ['a --limit below 0', { limit: '-1' }, '`--limit` to be a whole number from 1 up, got "-1"'],
    ['a --limit with a fraction', { limit: '1.5' }, 'got "1.5"'],
    ['a --limit that is too large', { limit: '9007199254740993' }, 'got "9007199254740993"'],
    ['a --limit that is no number', { limit: 'all' }, 'got "all"'],
    ['an empty --limit', { limit: '' }, 'got ""'],
    ['no --to', { to: undefined }, "required option '--to <directory>' not specified"],
    ['an empty --to', { to: '' }, '`--to` to name a directory, got an empty text'],
    ['a URL as --to', { to: 'postgres://h/d' }, '`--to` to name a directory, got the URL'],
    ['a --schema of a directory', { schema: 's' }, '`--schema` to be given with a database'],
    [
      'a --schema that is no name',
      { from: 'postgres://h/d', schema: '1; --' },
      '`schema` to be a letter or _',
    ],
    ['an unknown option', { slice: '1' }, "unknown option '--slice'"],
  ])('exits with 2 on %s', async (_what, changes, message) => {
    const options: Readonly<Record<string, string | undefined>> = {
      from: 'a',
      queue: 'a',
      limit: '1',
      to: 'b',
      ...changes,
    };
    const args = Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );

    const { code, err } = await run('export', ...args);

    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
