import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import {
  agent,
  type Codec,
  createSignalbox,
  defineJob,
  installAgent,
  type Job,
  type Signalbox,
  type Store,
} from 'signalbox';
import { jsonStore, verifyStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import type { JobRecord } from '../../../src/model/records/records.ts';
import { readDatabase } from '../../../src/store/promotion/export-source.ts';
import { type Exported, exportStore } from '../../../src/store/promotion/export-store.ts';
import type { Change } from '../../../src/store/store.ts';
import { copied, newPath, refusal } from '../json/open-store.ts';
import { madeJob } from '../made-records.ts';
import { connected, newSchema, removeSchemas } from '../postgres/schemas.ts';
import { serverUrl } from '../postgres/server.ts';
import { ports, promoted } from './promoting.ts';

const noted: string[] = [];
const note = defineJob({
  name: 'note',
  run: (text: string) => {
    noted.push(text);
    return text;
  },
});
const ask = defineJob({
  name: 'ask',
  run: async (other: Job<unknown>) => {
    noted.push(`asked ${await other.result()}`);
  },
});
const gates: (() => void)[] = [];
const long = defineJob({ name: 'long', run: () => new Promise<void>((open) => void gates.push(open)) });

afterAll(removeSchemas);

function openBox(store: Store, codec?: Codec): Promise<Signalbox> {
  return createSignalbox({
    store,
    uuid: '00000000-0000-4000-8000-000000000003',
    jobs: [note, ask, long],
    queues: ['', 'other', 'served'],
    ...(codec === undefined ? {} : { codec }),
  });
}

/** A store that jobs are copied from. */
interface Source {
  readonly store: () => Store;
  readonly from: Parameters<typeof exportStore>[0]['from'];
  /** Everything that is stored, byte by byte or row by row. */
  readonly contents: () => Promise<unknown>;
}

function bytesIn(dir: string): Readonly<Record<string, string>> {
  const names = fs.readdirSync(dir);
  return Object.fromEntries(names.map((name) => [name, fs.readFileSync(join(dir, name), 'base64')]));
}

async function rowsIn(schema: string): Promise<unknown> {
  const client = await connected();
  const { rows } = await client.query(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 ORDER BY tablename`,
    [schema],
  );
  const found: unknown[] = [(await client.query(`SELECT last_value, is_called FROM ${schema}.commits`)).rows];
  for (const { name } of rows)
    found.push([name, (await client.query(`SELECT r::text FROM ${schema}."${name}" r ORDER BY 1`)).rows]);
  await client.end();
  return found;
}

const sources: readonly (readonly [string, () => Promise<Source>])[] = [
  [
    'a directory',
    async () => {
      const directory = newPath();
      return {
        store: () => jsonStore(directory),
        from: { directory },
        contents: async () => bytesIn(directory),
      };
    },
  ],
  [
    'a database',
    async () => {
      const from = { connectionString: await serverUrl(), schema: newSchema() };
      return { store: () => postgresStore(from), from, contents: () => rowsIn(from.schema) };
    },
  ],
];

/** A store with what a box did in it, closed. */
async function filled(
  make: () => Promise<Source>,
  fill: (box: Signalbox) => Promise<unknown>,
): Promise<Source> {
  const source = await make();
  const box = await openBox(source.store());
  await fill(box);
  await box.stop();
  return source;
}

function exported({ from }: Pick<Source, 'from'>, to: string, limit = 100, queue = ''): Promise<Exported> {
  return exportStore({ from, queue, limit, to, storeIn: (dir) => jsonStore(dir), ports });
}

/** What a box on a copy shows before it runs any job. */
async function shownBy<Result>(dir: string, show: (box: Signalbox) => Promise<Result>): Promise<Result> {
  const box = await openBox(jsonStore(dir));
  const result = await show(box);
  await box.stop();
  return result;
}

/** Starts a dispatcher that takes the jobs of the queue 'served' alone. */
async function serve(box: Signalbox): Promise<void> {
  installAgent(box, { name: 'main', settings: agent(), queues: ['served'] });
  await box.start({ pollInterval: '50ms', agent: null });
}

async function idsIn(box: Signalbox, queue = ''): Promise<readonly unknown[]> {
  return (await box.queue(queue).jobs()).map(({ id }) => id);
}

describe.each(sources)('An export from %s', { timeout: 60_000 }, (_name, make) => {
  it('holds the first waiting jobs of the queue, in the order in which they are offered', async () => {
    let offered: readonly unknown[] = [];
    const source = await filled(make, async (box) => {
      const queue = box.queue();
      await queue.put(note('late'), { beginAfter: '1h' });
      await queue.putAll(['0', '1', '2'].map((text) => note(text)));
      await queue.put(note('soon'), { beginAfter: Date.now() - 3_600_000 });
      await queue.put(note('latest'), { beginAfter: '2h' });
      await box.queue('other').put(note('elsewhere'));
      offered = await idsIn(box);
    });
    const [some, all] = [newPath(), newPath()];

    const few = await exported(source, some, 2);
    await exported(source, all);

    expect(few).toMatchObject({ directory: some, jobs: 2, records: { queue: 1, job: 2 } });
    expect(await shownBy(some, idsIn)).toEqual(offered.slice(0, 2));
    expect(await shownBy(all, idsIn)).toEqual(offered);
    expect(offered).toHaveLength(6);
  });

  it('does not change a byte of the source', async () => {
    const source = await filled(make, async (box) => {
      const job = await box.queue().put(note('1'));
      await job.addCallback(note.partial('2'));
      await job.setAnnotation('colour', 'red');
    });
    const before = await source.contents();

    await exported(source, newPath());

    expect(await source.contents()).toEqual(before);
  });

  it('has an identity of its own and holds no dispatcher, agent or claim', async () => {
    const source = await filled(make, async (box) => {
      await box.queue().put(note('1'));
      await serve(box);
    });
    const dir = newPath();

    await exported(source, dir);

    const { storeId, damage, clean, counts } = await verifyStore(dir);
    expect([clean, damage, counts.jobs.PENDING]).toEqual([true, [], 1]);
    if ('directory' in source.from)
      expect(storeId).not.toBe((await verifyStore(source.from.directory)).storeId);
    const open = await jsonStore(dir).open(ports);
    expect([await open.list('representation', ''), await open.list('agent', '')]).toEqual([[], []]);
    expect(await open.list('job', '')).toMatchObject([{ epoch: 0, claim: 0, parent: { queue: '' } }]);
    await open.close();
  });

  it('holds arguments, settings, annotations, and the quotas that the jobs name', async () => {
    let id = '';
    const source = await filled(make, async (box) => {
      const queue = box.queue();
      await queue.quotas.create('disk', { size: 2 });
      await queue.quotas.create('unused', { size: 3 });
      const options = { quotaNames: ['disk'], beginBy: '2h', retryPolicy: 'NeverRetry' } as const;
      const job = await queue.put(note('text'), options);
      await job.setAnnotation('colour', { of: 'text' });
      id = String(job.id);
    });
    const dir = newPath();

    const { records } = await exported(source, dir);

    expect(records).toEqual({ queue: 1, quota: 1, job: 1, proxy: 0, annotation: 1 });
    await shownBy(dir, async (box) => {
      const job = await box.job(id).refresh();
      expect(job.record).toMatchObject({
        args: ['text'],
        quotaNames: ['disk'],
        beginBy: 7_200_000,
        retryPolicy: 'NeverRetry',
      });
      expect(job.annotations).toEqual({ colour: { of: 'text' } });
      expect(await box.queue().quotas.get('disk')).toMatchObject({ size: 2 });
    });
  });

  it('holds callbacks, proxies and branches, and a box on it runs them in their order', async () => {
    const source = await filled(make, async (box) => {
      const job = await box.queue().put(note('job'));
      const first = await job.addCallback(note.partial('first'));
      const proxy = await job.addCallbacks({ success: note.partial('good'), failure: note.partial('bad') });
      await proxy.addCallback(note.partial('below the proxy'));
      await job.addCallback(note.partial('last'));
      await first.addCallback(note.partial('below the first'));
      await box.queue().put(note('next'));
    });
    const dir = newPath();

    const { jobs, records } = await exported(source, dir);

    expect([jobs, records]).toMatchObject([2, { job: 8, proxy: 1 }]);
    noted.length = 0;
    const box = await openBox(jsonStore(dir));
    const all = await box.queue().jobs();
    await box.start({ pollInterval: '50ms', agent: agent({ size: 1 }) });
    for (const job of all) await job.waitFor('COMPLETED');
    await box.stop();
    const texts = ['job', 'first', 'below the first', 'good', 'below the proxy', 'last', 'next'];
    expect(noted.map((text) => text.split(',')[0])).toEqual(texts);
  });

  it('holds the jobs that arguments name, with their queue and their outcome, and what those name', async () => {
    const source = await filled(make, async (box) => {
      await serve(box);
      const done = await box.queue('served').put(note('done'));
      await done.waitFor('COMPLETED');
      const inner = await box.queue('other').put(ask(done));
      await box.queue().put(ask(inner));
      await box.queue('other').put(note('not named'));
    });
    const dir = newPath();

    const { jobs, records } = await exported(source, dir);

    expect([jobs, records]).toMatchObject([1, { queue: 2, job: 3 }]);
    const open = await jsonStore(dir).open(ports);
    const found = await open.list('job', '');
    expect(found.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'ask pending',
      'ask pending',
      'note completed',
    ]);
    expect(found.find(({ name }) => name === 'note')?.outcome).toEqual({ ok: true, value: 'done' });
    expect(await open.waiting('other')).toHaveLength(1);
    await open.close();
  });

  it('holds the parent of a callback that an argument names', async () => {
    const source = await filled(make, async (box) => {
      const parent = await box.queue('other').put(note('parent'));
      const callback = await parent.addCallback(note.partial('callback'));
      await box.queue().put(ask(callback));
    });
    const dir = newPath();

    await exported(source, dir);

    const open = await jsonStore(dir).open(ports);
    const [parent] = await open.waiting('other');
    expect(parent?.args).toEqual(['parent']);
    expect(await open.callbacks(String(parent?.id))).toHaveLength(1);
    await open.close();
  });

  it('copies a named job that an agent of the source holds as waiting', async () => {
    const source = await make();
    const box = await openBox(source.store());
    await serve(box);
    const running = await box.queue('served').put(long());
    await running.waitFor('ACTIVE');
    await box.queue().put(ask(running));
    const from = 'directory' in source.from ? { directory: copied(source.from.directory) } : source.from;
    const dir = newPath();

    await exported({ from }, dir);

    for (const open of gates.splice(0)) open();
    await box.stop();
    const open = await jsonStore(dir).open(ports);
    expect(await open.waiting('served')).toMatchObject([
      { name: 'long', state: 'pending', parent: { queue: 'served' }, activeStart: null, attempts: 1 },
    ]);
    await open.close();
  });

  it('refuses an unknown queue and names the known ones', async () => {
    const source = await filled(make, async () => {});
    const dir = newPath();

    const error = await refusal(exported(source, dir, 1, 'mail'));

    expect([error.code, error.details]).toEqual([
      'QUEUE_NOT_FOUND',
      { name: 'mail', known: ['', 'other', 'served'] },
    ]);
    expect(fs.existsSync(dir)).toBe(false);
  });
});

describe('The jobs of an export that a waiting job names', { timeout: 60_000 }, () => {
  /** The jobs of a copy, by id, of a store with these records and a waiting job that names some of them. */
  async function copiedBy(
    changes: readonly Change[],
    named: readonly string[],
  ): Promise<ReadonlyMap<string, JobRecord>> {
    const [directory, dir] = [newPath(), newPath()];
    const source = await jsonStore(directory).open(ports);
    const queue = {
      kind: 'queue',
      id: '',
      event: 'made',
      from: null,
      to: null,
      patch: { createdAt: 0 },
    } as const;
    const first = madeJob('first', 'pending', { queue: '' }, [named.map((id) => ({ $job: id }))]);
    const placed = { ...first, patch: { ...first.patch, line: 'now' } };
    await source.commit({ by: 'test', changes: [queue, placed, ...changes], expect: [] }).synced;
    await source.close();
    await exported({ from: { directory } }, dir, 1);
    const open = await jsonStore(dir).open(ports);
    const jobs = await open.list('job', '');
    await open.close();
    return new Map(jobs.map((job) => [job.id, job]));
  }

  const agentPlace = { queue: 'q', dispatcher: 'd', agent: 'a' };

  it.each([
    ['an assigned job waits', 'assigned', agentPlace, 'pending', { queue: 'q' }],
    ['a running job waits', 'active.running', agentPlace, 'pending', { queue: 'q' }],
    ['a running callback starts over', 'active.running', { job: 'first' }, 'new', { job: 'first' }],
    ['a job at its callbacks leaves its agent', 'callbacks', agentPlace, 'callbacks', null],
    ['a completed job leaves its agent', 'completed', agentPlace, 'completed', null],
    ['a new job stays new', 'new', null, 'new', null],
  ])('%s', async (_what, state, parent, copiedState, copiedParent) => {
    const jobs = await copiedBy([madeJob('named', state, parent)], ['named']);

    expect(jobs.get('named')).toMatchObject({ state: copiedState, parent: copiedParent });
  });

  it('an interrupted job keeps the system job that decides about it', async () => {
    const jobs = await copiedBy(
      [
        madeJob('interrupted', 'active.running', { system: 'decides' }),
        madeJob('decides', 'pending', { queue: '' }, [{ $job: 'interrupted' }]),
      ],
      ['interrupted'],
    );

    expect([...jobs.keys()].sort()).toEqual(['decides', 'first', 'interrupted']);
    expect(jobs.get('interrupted')).toMatchObject({ state: 'active.running', parent: { system: 'decides' } });
  });

  it('may name each other, or a job that does not exist', async () => {
    const jobs = await copiedBy(
      [
        madeJob('one', 'new', null, [{ $job: 'other' }]),
        madeJob('other', 'new', null, [{ deep: [{ $job: 'one' }, { $job: 'gone' }] }]),
      ],
      ['one', 'gone'],
    );

    expect([...jobs.keys()].sort()).toEqual(['first', 'one', 'other']);
  });
});

describe('The target of an export', { timeout: 60_000 }, () => {
  const [, make] = sources[0] as (typeof sources)[number];
  const withJob = (): Promise<Source> => filled(make, (box) => box.queue().put(note('1')));

  it('may be an empty directory, and gets its parents', async () => {
    const source = await withJob();
    const [empty, deep] = [newPath(), join(newPath(), 'a', 'b')];
    fs.mkdirSync(empty);

    await exported(source, empty);
    await exported(source, deep);

    for (const dir of [empty, deep]) {
      expect((await verifyStore(dir)).counts.jobs.PENDING).toBe(1);
      expect(fs.readdirSync(dirname(dir))).toHaveLength(1);
    }
  });

  it('is refused when it is a directory with files, a file, or the source', async () => {
    const source = await withJob();
    const [full, file] = [newPath(), newPath()];
    fs.mkdirSync(full);
    fs.writeFileSync(join(full, 'mine'), '');
    fs.writeFileSync(file, '');

    const errors = await Promise.all([full, file].map((path) => refusal(exported(source, path))));
    const own = await refusal(exported(source, (source.from as { directory: string }).directory));

    expect(errors.map(({ message }) => message)).toEqual([
      `Expected \`to\` to be a directory that is empty or does not exist, got ${full} with 1 files in it. Name another directory; nothing was written.`,
      `Expected \`to\` to be a directory that is empty or does not exist, got ${file}, which is not a directory. Name another directory; nothing was written.`,
    ]);
    expect(own.code).toBe('INVALID_OPTION');
    expect(fs.readdirSync(full)).toEqual(['mine']);
  });

  it('stays as it is when another process fills it before the copy is complete', async () => {
    const source = await withJob();
    const dir = newPath();
    const racing = {
      ...ports,
      newId() {
        fs.mkdirSync(dir, { recursive: true });
        fs.writeFileSync(join(dir, 'mine'), '');
        return ports.newId();
      },
    };

    const error = await refusal(
      exportStore({
        from: source.from,
        queue: '',
        limit: 1,
        to: dir,
        storeIn: (path) => jsonStore(path),
        ports: racing,
      }),
    );

    expect(error.code).toBe('STORE_IO');
    expect([fs.readdirSync(dirname(dir)), fs.readdirSync(dir)]).toEqual([['store'], ['mine']]);
  });
});

describe('A directory that jobs are exported from', { timeout: 60_000 }, () => {
  it('is refused while a process has it open', async () => {
    const directory = newPath();
    const box = await openBox(jsonStore(directory));

    const error = await refusal(exported({ from: { directory } }, newPath()));

    await box.stop();
    expect(error.code).toBe('STORE_LOCKED');
  });

  it('may be a backup, which has no lock file and gets none', async () => {
    const [directory, backup, dir] = [newPath(), newPath(), newPath()];
    const store = jsonStore(directory);
    const box = await openBox(store);
    await box.queue().put(note('1'));
    await store.backup(backup);
    await box.stop();
    const before = bytesIn(backup);

    expect(await exported({ from: { directory: backup } }, dir)).toMatchObject({ jobs: 1 });

    expect(Object.keys(before)).not.toContain('lock');
    expect(bytesIn(backup)).toEqual(before);
  });

  it('is refused after a promotion: its jobs are in the database', async () => {
    const directory = newPath();
    const box = await openBox(jsonStore(directory));
    await box.stop();
    await promoted(directory, newSchema());

    const error = await refusal(exported({ from: { directory } }, newPath()));

    expect(error.code).toBe('STORE_PROMOTED');
  });

  it('keeps encoded values encoded: only a box with the same codec opens the copy', async () => {
    const codec: Codec = {
      encode: (value) => Buffer.from(JSON.stringify(value)).toString('base64'),
      decode: (text) => JSON.parse(Buffer.from(String(text), 'base64').toString()),
    };
    const [directory, dir] = [newPath(), newPath()];
    const box = await openBox(jsonStore(directory), codec);
    const inner = await box.queue('other').put(note('inner'));
    const job = await box.queue().put(ask(inner));
    await job.setAnnotation('note', 'canary');
    await box.stop();

    const { records } = await exported({ from: { directory } }, dir);

    expect(records).toMatchObject({ job: 2, annotation: 1 });
    expect(Buffer.from(Object.values(bytesIn(dir)).join(''), 'base64').includes('canary')).toBe(false);
    expect((await refusal(openBox(jsonStore(dir)))).code).toBe('CODEC_MISMATCH');
    const copy = await openBox(jsonStore(dir), codec);
    expect((await copy.job(String(job.id)).refresh()).annotations).toEqual({ note: 'canary' });
    await copy.stop();
  });
});

describe('A database that jobs are exported from', { timeout: 60_000 }, () => {
  it('is read at one moment while other processes write to it', async () => {
    const from = { connectionString: await serverUrl(), schema: newSchema() };
    const box = await openBox(postgresStore(from));
    await box.queue().put(note('before'));

    const [first, second] = await readDatabase(from.connectionString, from.schema, async (source) => {
      const earlier = await source.waiting('');
      await box.queue().put(note('meanwhile'));
      return [earlier, await source.waiting('')];
    });

    expect(await box.queue().length()).toBe(2);
    await box.stop();
    expect(first).toHaveLength(1);
    expect(second).toEqual(first);
  });

  it('is refused when it has no store, or one of a time before the first release', async () => {
    const from = { connectionString: await serverUrl(), schema: newSchema() };
    const missing = await refusal(exported({ from }, newPath()));
    const client = await connected();
    await client.query(
      `CREATE SCHEMA ${from.schema}; CREATE TABLE ${from.schema}.migration (number integer PRIMARY KEY);
       INSERT INTO ${from.schema}.migration VALUES (1), (2), (3)`,
    );
    await client.end();

    const old = await refusal(exported({ from }, newPath()));

    expect([missing.code, old.code]).toEqual(['STORE_MISSING', 'STORE_VERSION']);
  });
});

it('a copy holds the keyed quotas of its jobs, with their rates', async () => {
  const source = await filled(sources[0]?.[1] as (typeof sources)[number][1], async (box) => {
    const rate = { limit: 5, per: '1m' };
    await box.queue().quotas.create('tenant', { size: 2, rate, keyed: true });
    await box.queue().put(note('text'), { keys: { tenant: '42' } });
  });
  const dir = newPath();

  const { records } = await exported(source, dir);

  expect(records).toMatchObject({ quota: 1, job: 1 });
  await shownBy(dir, async (box) => {
    const [job] = await box.queue().jobs();
    expect(job?.record.keys).toEqual(['tenant/42']);
    const quota = { size: 2, keyed: true, rate: { limit: 5, per: 60_000, burst: 1 } };
    expect(await box.queue().quotas.get('tenant', '42')).toMatchObject(quota);
  });
});
