import { existsSync } from 'node:fs';
import { createSignalbox, defineJob, NodeReactor, type Store } from 'signalbox';
import { jsonStore, type RecordCounts } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { newPath } from '../store/json/open-store.ts';
import { connected, newSchema, removeSchemas } from '../store/postgres/schemas.ts';
import { serverUrl } from '../store/postgres/server.ts';
import { run } from './run.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

afterAll(removeSchemas);

async function withJobs(store: Store): Promise<void> {
  const box = await createSignalbox({
    store,
    uuid: '00000000-0000-4000-8000-000000000001',
    jobs: [note],
    queues: ['a'],
  });
  await box.queue('a').putAll([note('1'), note('2'), note('3')]);
  await box.stop();
}

/** A clock that goes, thirty days behind. */
class LateReactor extends NodeReactor {
  override now(): number {
    return super.now() - 30 * 24 * 60 * 60 * 1000;
  }
}

/** One job that is done with, by the clock of a reactor. */
async function withDoneJob(store: Store, reactor: NodeReactor): Promise<void> {
  const uuid = '00000000-0000-4000-8000-000000000001';
  const box = await createSignalbox({ store, reactor, uuid, jobs: [note], queues: ['b'] });
  await box.start({ pollInterval: '50ms' });
  const job = await box.queue('b').put(note('old'));
  await job.result();
  await box.stop();
}

describe('signalbox promote', () => {
  it('moves a directory to a schema, and says what it compared', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    await withJobs(jsonStore(dir));

    const first = await run('promote', '--from', dir, '--to', url, '--schema', schema, '--json');
    const second = await run('promote', '--from', dir, '--to', url, '--schema', schema);
    const opened = await run('promote', '--from', dir, '--to', url, '--schema', newSchema(), '--json');

    expect(first).toMatchObject({
      code: 0,
      json: { ok: true, wasDone: false, records: { job: 3, queue: 1 } },
    });
    expect(first.json.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect([second.code, second.out]).toEqual([0, expect.stringContaining('Nothing was changed.')]);
    expect(opened).toMatchObject({ code: 1, json: { error: { code: 'PROMOTION_ELSEWHERE' } } });
  });

  it('moves a slice of a queue to a directory', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    await withJobs(postgresStore({ connectionString: url, schema }));
    const args = ['promote', '--from', url, '--schema', schema, '--to', dir, '--queue', 'a', '--limit', '2'];

    const first = await run(...args, '--json');
    const second = await run(...args);

    expect(first).toMatchObject({ code: 0, json: { ok: true, moved: 2, tied: 0, wasDone: false } });
    expect([second.code, second.out]).toEqual([0, expect.stringContaining('was moved before')]);
    expect((await run('verify', '--from', dir, '--json')).json).toMatchObject({
      counts: { jobs: { PENDING: 2 } },
    });
  });

  it('lets nothing go on either side, however old it is, when it moves a slice', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    await withDoneJob(jsonStore(dir), new LateReactor());
    await withDoneJob(postgresStore({ connectionString: url, schema }), new NodeReactor());
    await withJobs(postgresStore({ connectionString: url, schema }));
    const client = await connected();
    for (const table of ['line', 'done'])
      await client.query(
        `CREATE TABLE ${schema}.${table}_20200101 PARTITION OF ${schema}.${table}
         FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
         UPDATE ${schema}.${table} SET day = '2020-01-01'`,
      );
    const count = `SELECT (SELECT count(*) FROM ${schema}.line WHERE day = '2020-01-01')::int AS lines,
       (SELECT count(*) FROM ${schema}.done)::int AS done`;
    const before = (await client.query(count)).rows;
    const { counts } = (await run('verify', '--from', dir, '--json')).json as { counts: RecordCounts };

    await run('promote', '--from', url, '--schema', schema, '--to', dir, '--queue', 'a', '--limit', '1');

    const after = (await client.query(count)).rows;
    await client.end();
    expect([before[0].lines, before[0].done, counts.jobs.COMPLETED].every((each) => each > 0)).toBe(true);
    expect(after).toEqual(before);
    expect((await run('verify', '--from', dir, '--json')).json).toMatchObject({
      counts: { jobs: { ...counts.jobs, PENDING: 1 } },
    });
  });

  it('makes no schema when jobs are to leave one that is not there, and no directory for a queue that is not', async () => {
    const [dir, schema, url] = [newPath(), newSchema(), await serverUrl()];
    const args = ['promote', '--from', url, '--to', dir, '--limit', '1', '--json', '--schema'];

    const withoutSchema = await run(...args, schema, '--queue', 'a');
    const found = await run('verify', '--to', url, '--schema', schema, '--json');
    await withJobs(postgresStore({ connectionString: url, schema }));
    const withoutQueue = await run(...args, schema, '--queue', 'b');

    expect(withoutSchema).toMatchObject({ code: 1, json: { error: { code: 'STORE_MISSING' } } });
    expect(found).toMatchObject({ code: 1, json: { error: { code: 'STORE_MISSING' } } });
    expect(withoutQueue).toMatchObject({ code: 1, json: { error: { code: 'QUEUE_NOT_FOUND' } } });
    expect(existsSync(dir)).toBe(false);
  });

  it('exits with 2 when it is told of two stores of a kind, or of a slice without its size', async () => {
    const url = 'postgres://h/d';
    for (const args of [
      ['--from', 'a', '--to', 'b'],
      ['--from', url, '--to', url],
      ['--from', url, '--to', 'b'],
      ['--from', url, '--to', 'b', '--queue', 'a', '--limit', '0'],
      ['--from', url, '--to', 'b', '--queue', 'a', '--limit', '1', '--slice', '/'],
      ['--from', 'a', '--to', url, '--limit', '1'],
    ]) {
      expect([args, (await run('promote', ...args)).code]).toEqual([args, 2]);
    }
  });
});
