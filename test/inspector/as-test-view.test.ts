import { createSignalbox, defineJob, type HistoryEntry, memoryStore, type Signalbox } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asTestView } from '../../src/inspector/views/as-test/as-test-view.ts';

const charge = defineJob({
  name: 'charge',
  redact: ['0.card'],
  run: (given: { card: string }) => given.card.length,
});
let box: Signalbox;
let id = '';

beforeAll(async () => {
  box = await createSignalbox({ store: memoryStore(), jobs: [charge] });
  await box.start();
  const job = await box.queue().put(charge({ card: '4111-1111' }));
  await job.result();
  id = job.id ?? '';
});
afterAll(() => box.stop());

const get = async (
  path: string,
): Promise<{ status: number; body: { data?: { lines: string[]; file: string } } }> => {
  const { fetch } = createInspector(box);
  const answer = await fetch(new Request(`http://127.0.0.1/api/v1/${path}`));
  return { status: answer.status, body: (await answer.json()) as never };
};

it('The history of a job is answered as a test file, without what its definition hides', async () => {
  const { status, body } = await get(`jobs/${id}/test`);

  const text = body.data?.lines.join('\n') ?? '';
  expect([status, body.data?.file]).toEqual([200, `charge-${id}.test.ts`]);
  expect(text).toContain("args: [{ card: '[redacted]' }]");
  expect(text).not.toContain('4111');
});

it('Of a definition that the store does not know nothing is shown', async () => {
  const reader = {
    get: (async (kind: string, of: string) =>
      kind === 'store' ? undefined : box.store.get(kind as 'job', of)) as typeof box.store.get,
    history: box.store.history.bind(box.store),
  };

  const view = await asTestView(reader, 'job', id);

  expect(view?.lines.join('\n')).toContain("args: ['[redacted]']");
});

it('It is that of the moment which is looked at', async () => {
  const now = await get(`jobs/${id}/test`);
  let first = 0;
  for await (const entry of box.store.history('job', id)) first = entry.seq;
  const then = await get(`jobs/${id}/test?at=${first}`);

  expect(now.body.data?.lines.join('\n')).toContain("toBe('succeeded')");
  expect(then.body.data?.lines.join('\n')).toContain('toBe(null)');
});

it.each(['jobs/none/test', 'durable/none/test'])('There is no %s', async (path) => {
  expect((await get(path)).status).toBe(404);
});

it('A history that is too long for a test is refused', async () => {
  const entries: HistoryEntry[] = [];
  for await (const entry of box.store.history('job', id)) entries.push(entry);
  const [one] = entries;
  const reader = {
    get: box.store.get.bind(box.store),
    async *history() {
      for (let count = 0; count < 10_001; count += 1) yield one as NonNullable<typeof one>;
    },
  };

  await expect(asTestView(reader, 'job', id)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});
