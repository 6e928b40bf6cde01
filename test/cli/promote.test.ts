import { createSignalbox, defineJob, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, describe, expect, it } from 'vitest';
import { newPath } from '../store/json/open-store.ts';
import { newSchema, removeSchemas } from '../store/postgres/schemas.ts';
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

describe('signalbox promote', () => {
  it('moves a directory to a schema and reports what it compared', async () => {
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

  it('exits with 2 for two stores of the same kind, for swapped stores, and for an option of export', async () => {
    const url = 'postgres://h/d';
    for (const args of [
      ['--from', 'a', '--to', 'b'],
      ['--from', url, '--to', url],
      ['--from', url, '--to', 'b'],
      ['--from', 'a', '--to', url, '--limit', '1'],
    ]) {
      expect([args, (await run('promote', ...args)).code]).toEqual([args, 2]);
    }
  });
});
