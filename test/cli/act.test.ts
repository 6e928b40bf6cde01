import { createSignalbox, defineJob, NodeReactor, type Signalbox, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { newPath } from '../store/json/open-store.ts';
import { connected, newSchema, removeSchemas } from '../store/postgres/schemas.ts';
import { serverUrl } from '../store/postgres/server.ts';
import { run } from './run.ts';

const uuid = '00000000-0000-4000-8000-000000000001';
const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });

afterAll(removeSchemas);

/** A store that no process has open, with one job that waits; and how commands name it. */
interface Place {
  readonly store: Store;
  readonly args: readonly string[];
}

const places: readonly (readonly [string, () => Promise<Place>])[] = [
  [
    'a directory',
    async () => {
      const dir = newPath();
      return { store: jsonStore(dir), args: ['--store', dir] };
    },
  ],
  [
    'a database',
    async () => {
      const [connectionString, schema] = [await serverUrl(), newSchema()];
      const store = postgresStore({ connectionString, schema });
      return { store, args: ['--store', connectionString, '--schema', schema] };
    },
  ],
];

/** A clock that is thirty days behind. */
class LateReactor extends NodeReactor {
  override now(): number {
    return super.now() - 30 * 24 * 60 * 60 * 1000;
  }
}

async function within<Result>(
  store: Store,
  work: (box: Signalbox) => Promise<Result>,
  reactor = new NodeReactor(),
): Promise<Result> {
  const box = await createSignalbox({ store, uuid, jobs: [send], queues: ['mail'], reactor });
  try {
    return await work(box);
  } finally {
    await box.stop();
  }
}

const put = (store: Store) => within(store, (box) => box.queue('mail').put(send('ann'), { id: 'j1' }));

async function auditOf(box: Signalbox): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const { event, patch } of box.store.history('store', 'store'))
    if (event === 'operator.acted') found.push(patch?.lastAction);
  return found;
}

describe.each(places)('signalbox, on %s that no process has open,', (_, placeIn) => {
  it('cancels a job, and notes who did it and why', async () => {
    const { store, args } = await placeIn();
    await put(store);

    const { code, out } = await run('cancel', 'j1', '--reason', 'wrong month', '--user', 'Ada', ...args);

    expect([code, out]).toEqual([0, 'Job j1 is cancelled.\n']);
    await within(store, async (box) => {
      const job = await box.job('j1').refresh();
      expect([job.ending, job.record.stop]).toMatchObject([
        'cancelled',
        { by: 'Ada', reason: 'wrong month' },
      ]);
      expect(await auditOf(box)).toMatchObject([{ action: 'cancel', target: 'j1', user: 'Ada' }]);
    });
  });

  it('says with exit code 1 that a job had ended before, and that there is none of that id', async () => {
    const { store, args } = await placeIn();
    await put(store);
    await run('cancel', 'j1', ...args);

    const again = await run('cancel', 'j1', ...args, '--json');
    const none = await run('cancel', 'j2', ...args, '--json');

    expect([again.code, again.json]).toEqual([1, { id: 'j1', result: 'ended' }]);
    expect([none.code, none.json]).toMatchObject([1, { error: { code: 'JOB_NOT_FOUND' } }]);
  });

  it('counts what it would do to many jobs, and does it with --yes, noted once', async () => {
    const { store, args } = await placeIn();
    await within(store, (box) => box.queue('mail').putAll(['ann', 'bob', 'cid'].map((to) => send(to))));
    const what = ['bulk', 'cancel', '--job', 'mail.*', '--args', '0=bob', ...args] as const;

    const counted = await run(...what);
    const dry = await run(...what, '--dry-run', '--json');
    const { code, out, err } = await run(...what, '--yes', '--reason', 'moved away', '--user', 'Ada');
    const again = await run('bulk', 'retry', '--ending', 'cancelled', '--yes', ...args, '--json');

    expect([counted.code, counted.out]).toEqual([
      0,
      'Would cancel: 1 found, 1 done, 0 skipped, 0 failed.\nNothing was changed: add --yes to do it.\n',
    ]);
    expect(dry.json).toMatchObject({ action: 'cancel', dryRun: true, matched: 1, done: 1 });
    expect([code, out, err]).toEqual([
      0,
      'Done cancel: 1 found, 1 done, 0 skipped, 0 failed.\n',
      'Would cancel: 1 found, 1 done, 0 skipped, 0 failed.\n',
    ]);
    expect(again.json).toMatchObject({ action: 'retry', dryRun: false, matched: 1, done: 1 });
    await within(store, async (box) => {
      const found: unknown[] = [];
      for await (const { status, args: given, record } of box.jobs({ job: 'mail.*' }))
        found.push([status, given[0], record.stop?.by ?? null, record.stop?.reason ?? null]);
      expect(found).toHaveLength(4);
      expect(found).toContainEqual(['COMPLETED', 'bob', 'Ada', 'moved away']);
      expect(found.filter((each) => (each as string[])[0] === 'PENDING')).toHaveLength(3);
      expect(await auditOf(box)).toMatchObject([
        { action: 'bulk', target: 'retry' },
        { action: 'bulk', target: 'cancel', user: 'Ada', reason: 'moved away' },
      ]);
    });
  });

  it('says what is wrong with a call about many jobs, with exit code 2', async () => {
    const { store, args } = await placeIn();
    await put(store);

    const none = await run('bulk', 'cancel', '--yes', ...args, '--json');
    const unknown = await run('bulk', 'stop', ...args);
    const all = await run('bulk', 'setPriority', '--priority', 'high', '--yes', ...args);

    expect([none.code, none.json]).toMatchObject([2, { error: { code: 'INVALID_FILTER' } }]);
    expect([unknown.code, unknown.err]).toEqual([
      2,
      'Expected cancel, retry, remove, setPriority, got stop.\n',
    ]);
    expect([all.code, all.out]).toEqual([0, 'Done setPriority: 1 found, 1 done, 0 skipped, 0 failed.\n']);
  });

  it('tries a job again that has ended, without its definition, and notes who did it', async () => {
    const { store, args } = await placeIn();
    await put(store);
    const early = await run('retry', 'j1', ...args, '--json');
    await run('cancel', 'j1', ...args);

    const { code, out } = await run('retry', 'j1', '--user', 'Ada', ...args);

    expect([early.code, early.json]).toMatchObject([1, { error: { code: 'BAD_STATUS' } }]);
    const id = /^Job j1 is tried again as job (\S+)\.\n$/.exec(out)?.[1] ?? '';
    expect([code, id]).toEqual([0, expect.stringMatching(/^[\w-]+$/)]);
    await within(store, async (box) => {
      const again = await box.job(id).refresh();
      expect([again.status, again.args, again.record.origin]).toEqual([
        'PENDING',
        ['ann'],
        { retryOf: 'j1' },
      ]);
      const old = await box.job('j1').refresh();
      expect(old.annotations).toEqual({ 'signalbox.retriedAs': id });
      expect(await auditOf(box)).toMatchObject([
        { action: 'retry', target: 'j1', user: 'Ada' },
        { action: 'cancel' },
      ]);
    });
  });

  it('pauses a queue until a time, and resumes it', async () => {
    const { store, args } = await placeIn();
    await put(store);

    const paused = await run('pause', 'mail', '--until', '1h', '--reason', 'it moves', ...args);

    expect([paused.code, paused.out]).toEqual([0, "Paused queue 'mail', until 1h.\n"]);
    await within(store, async (box) => {
      expect(await box.queue('mail').pauses()).toMatchObject([{ job: null, reason: 'it moves' }]);
      expect((await box.explain('j1')).verdict.code).toBe('paused');
    });
    expect((await run('resume', 'mail', ...args)).out).toBe("Resumed queue 'mail'.\n");
    const again = await run('resume', 'mail', ...args, '--json');
    expect([again.code, again.json]).toMatchObject([1, { queue: 'mail', result: 'notPaused' }]);
  });

  it('pauses definitions, and one agent', async () => {
    const { store, args } = await placeIn();
    await within(store, (box) => box.start());

    const ofJobs = await run('pause', 'mail', '--job', 'mail.*', ...args, '--json');
    const ofAgent = await run('pause', 'mail', '--agent', `${uuid}/main`, ...args);
    const other = await run('pause', 'mail', '--agent', `${uuid}/other`, ...args, '--json');

    expect([ofJobs.code, ofJobs.json]).toMatchObject([0, { job: 'mail.*', result: 'paused' }]);
    expect(ofAgent.out).toBe(`Paused agent ${uuid}/main of queue 'mail'.\n`);
    expect([other.code, other.json]).toMatchObject([1, { error: { code: 'AGENT_NOT_FOUND' } }]);
    expect((await run('resume', 'mail', '--job', 'mail.*', ...args)).out).toBe(
      "Resumed mail.* in queue 'mail'.\n",
    );
    expect((await run('resume', 'mail', '--agent', `${uuid}/main`, ...args)).code).toBe(0);
  });
});

describe('signalbox, that acts,', () => {
  it('refuses a directory that a process has open with exit code 3, and says where to act', async () => {
    const dir = newPath();
    await within(jsonStore(dir), async (box) => {
      await box.queue('mail').put(send('ann'), { id: 'j1' });

      const { code, err } = await run('cancel', 'j1', '--store', dir);

      expect(code).toBe(3);
      expect(err).toMatch(
        /is held by .*Act in its inspector, or in the program: box\.operate\(\{ user \}\)\.\n$/,
      );
      expect((await box.job('j1').refresh()).status).toBe('PENDING');
    });
  });

  it('pauses one key of a limit', async () => {
    const dir = newPath();
    const rate = { limit: 1, per: '1s' } as const;
    await within(jsonStore(dir), (box) => box.queue('mail').quotas.create('api', { rate, keyed: true }));

    const paused = await run('pause', 'mail', '--key', 'api/42', '--store', dir);
    const resumed = await run('resume', 'mail', '--key', 'api/42', '--store', dir);
    const none = await run('resume', 'mail', '--key', 'none/42', '--store', dir, '--json');

    expect([paused.out, resumed.out]).toEqual([
      "Paused api/42 of queue 'mail'.\n",
      "Resumed api/42 of queue 'mail'.\n",
    ]);
    expect([none.code, none.json]).toMatchObject([1, { error: { code: 'QUOTA_NOT_FOUND' } }]);
  });

  it('drops nothing for its age', async () => {
    const dir = newPath();
    const store = jsonStore(dir, { checkpointMinBytes: 1 });
    const cancelled = async (box: Signalbox) => {
      await box.queue('mail').put(send('ann'), { id: 'j1' });
      await box.job('j1').cancel();
    };
    await within(store, cancelled, new LateReactor());

    const { code } = await run('pause', 'mail', '--store', dir);

    expect(code).toBe(0);
    expect((await run('job', 'j1', '--store', dir)).out).toContain('it was cancelled');
  });

  it('makes no store where there is none', async () => {
    const [dir, schema] = [newPath(), newSchema()];

    const inDirectory = await run('cancel', 'j1', '--store', dir, '--json');
    const inDatabase = await run(
      ...['cancel', 'j1', '--store', await serverUrl(), '--schema', schema, '--json'],
    );

    expect([inDirectory.json, inDatabase.json]).toMatchObject([
      { error: { code: 'STORE_MISSING' } },
      { error: { code: 'STORE_MISSING' } },
    ]);
    const admin = await connected();
    const { rowCount } = await admin.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
    await admin.end();
    expect(rowCount).toBe(0);
  });

  it.each([
    [['cancel']],
    [['cancel', 'j1', '--store', '']],
    [['cancel', 'j1', '--store', 'x', '--schema', 'y']],
    [['pause', 'mail', '--agent', 'main']],
    [['resume', 'mail', '--key', 'api/42', '--job', 'mail.*']],
    [['pause', 'mail', '--agent', `${uuid}/main`, '--job', 'mail.*']],
  ])('answers the call %j with exit code 2', async (args) => {
    expect((await run(...args)).code).toBe(2);
  });
});
