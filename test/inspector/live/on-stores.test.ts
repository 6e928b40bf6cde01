import { defineJob, type Signalbox } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { expect, it } from 'vitest';
import type { JobView } from '../../../src/inspector/protocol/job.ts';
import type { JobsPage } from '../../../src/inspector/protocol/jobs.ts';
import { forEachStore, makeNodeBox } from '../../behaviours/stores.ts';
import { Stream } from './hub-stage.ts';

const canary = 'canary-4111-1111';
const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });
const charge = defineJob({
  name: 'charge',
  redact: ['0.card', 'failure'],
  retry: { maxAttempts: 1 },
  run: ({ card }: { readonly card: string }): void => {
    throw new Error(`refused ${card}`);
  },
});

/** Opens a stream as a page of the same origin does. */
async function watch(box: Signalbox, topics: readonly string[], before?: Stream): Promise<Stream> {
  const body = JSON.stringify({ topics, since: before?.positions });
  const answer = await createInspector(box).fetch(
    new Request('http://127.0.0.1/api/v1/stream', {
      method: 'POST',
      body,
      headers: {
        origin: 'http://127.0.0.1',
        'content-type': 'application/json',
        'content-length': String(body.length),
        'x-signalbox': '1',
      },
    }),
  );
  const stream = new Stream(answer.body as ReadableStream<Uint8Array>, before);
  void stream.flow();
  return stream;
}

forEachStore('A stream of the inspector', (makeStore) => {
  const waiting = 'jobs?list=waiting';
  const open = (store = makeStore()) => makeNodeBox({ store, jobs: [send, charge], queues: ['mail'] });

  it('has all that was written, in the order of claims, also by many at once', async () => {
    const { box } = await open();
    const stream = await watch(box, [waiting, 'jobs/j7']);

    await Promise.all(
      Array.from({ length: 20 }, (_, at) => box.queue('mail').put(send('ada'), { id: `j${at}` })),
    );

    const rows = () => (stream.data.get(waiting) as JobsPage | undefined)?.rows.map(({ id }) => id) ?? [];
    const order = (await box.store.waiting('mail')).map(({ id }) => id);
    await expect.poll(rows, { timeout: 15_000 }).toEqual(order);
    await expect
      .poll(() => (stream.data.get('jobs/j7') as JobView | undefined)?.state, { timeout: 15_000 })
      .toBe('pending');
    const seqs = stream.frames.flatMap((frame) => (frame.is === 'delta' ? [frame.seq] : []));
    expect(seqs.every(([from, to]) => from <= to)).toBe(true);
    await stream.close();
  });

  it('of a store that is opened again is resynchronised, with no row twice', async () => {
    const store = makeStore();
    const first = await open(store);
    await first.box.queue('mail').put(send('ada'), { id: 'j1' });
    const before = await watch(first.box, [waiting]);
    await expect.poll(() => before.data.has(waiting), { timeout: 15_000 }).toBe(true);
    await first.stop();
    await expect.poll(() => before.isEnded).toBe(true);

    const second = await open(store);
    const after = await watch(second.box, [waiting], before);

    await expect.poll(() => after.kinds(waiting), { timeout: 15_000 }).toEqual(['snapshot']);
    const rows = (after.data.get(waiting) as JobsPage).rows.map(({ id }) => id);
    expect(rows).toEqual((await second.box.store.waiting('mail')).map(({ id }) => id));
    expect(before.frames.at(-1)).toEqual({ is: 'bye', why: 'stopped' });
    await after.close();
  });

  it('hides in every frame what a definition hides', async () => {
    const { box } = await open();
    await box.queue('mail').put(charge({ card: canary }), { id: 'c1' });
    const lists = ['waiting', 'held', 'failed', 'ended'].map((list) => `jobs?list=${list}`);
    const stream = await watch(box, ['overview', 'actors', 'jobs/c1', 'jobs/c1/history', ...lists]);
    await expect.poll(() => stream.data.size, { timeout: 15_000 }).toBeGreaterThanOrEqual(8);

    await box.start();

    await expect
      .poll(() => (stream.data.get('jobs/c1') as JobView).state, { timeout: 15_000 })
      .toBe('completed');
    expect(JSON.stringify(stream.frames)).not.toContain(canary);
    expect(stream.kinds('jobs/c1')).toContain('delta');
    await stream.close();
  });
});
