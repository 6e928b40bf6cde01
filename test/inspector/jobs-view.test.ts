import { defineJob, NeverRetry } from 'signalbox';
import { expect, it } from 'vitest';
import { jobsView } from '../../src/inspector/views/jobs/jobs-view.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const work = defineJob({ name: 'work', run: (value: unknown) => value as string });
const stuck = defineJob({ name: 'stuck', run: () => new Promise<void>(() => {}) });
const refused = defineJob({
  name: 'mail.send',
  retry: NeverRetry,
  redact: ['0.card'],
  run: ({ card }: { card: string }): string => {
    throw Object.assign(new Error(`connect ECONNRESET for ${card}`), { code: 'ECONNRESET' });
  },
});
const jobs = [work, stuck, refused];

forEachStore('A page of jobs', (makeStore, kind) => {
  it('has a line for each job, with where its time went and why it failed', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();
    const { id } = await box.queue().put(refused({ card: 'canary-4711' }), { beginAfter: '10s' });
    await reactor.advance('20s');

    const page = await jobsView(box.store, { list: 'failed', limit: 50 });

    expect(page.rows).toEqual([
      expect.objectContaining({
        id,
        name: 'mail.send',
        status: 'COMPLETED',
        ending: 'failed',
        queue: '',
        agent: 'main',
        attempts: 1,
        why: 'connect ECONNRESET for [redacted]',
      }),
    ]);
    expect(page.rows[0]?.life[0]).toEqual({ is: 'held', ms: 10_000 });
    expect(page.rows[0]?.totalMs).toBeGreaterThanOrEqual(10_000);
    expect(JSON.stringify(page)).not.toContain('canary');
  });

  it('has the counts of all lists and the names of all queues', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs, queues: ['idle'] });
    await box.start();
    await box.queue().put(stuck());
    await box.queue().put(work(1));
    await box.queue().put(work(2), { beginAfter: '1h' });
    await reactor.advance('1s');

    const { counts, queues, rows } = await jobsView(box.store, { list: 'waiting', limit: 50 });

    expect(queues).toEqual(['', 'idle']);
    expect(rows.map(({ why, status }) => [status, why])).toEqual([
      ['PENDING', 'begins in 59 minutes 59 seconds'],
    ]);
    expect(counts).toEqual({
      waiting: { n: 1, more: false },
      held: { n: 1, more: false },
      failed: { n: 0, more: false },
      ended: { n: 1, more: false },
      unplaced: { n: 0, more: false },
      quarantined: { n: 0, more: false },
    });
  });

  it('is limited by a filter as a person writes it', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs, queues: ['mail'] });
    await box.queue('mail').putAll([work(1), stuck(), work(2)]);

    const page = await jobsView(box.store, {
      list: 'waiting',
      limit: 50,
      text: 'task:w* tries:0 colour:red',
    });

    expect(page.rows.map(({ name }) => name)).toEqual(['work', 'work']);
    // The lanes of a database know the definitions of their jobs.
    expect([page.unknown, page.looked]).toEqual([['colour:red'], kind === 'postgres' ? 2 : 3]);
  });

  it('says how long what is held has run', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();
    await box.queue().put(stuck());
    await reactor.advance('7s');

    const { rows } = await jobsView(box.store, { list: 'held', limit: 50, queue: '' });

    expect(rows[0]?.runMs).toBeGreaterThanOrEqual(6900);
    expect(rows[0]?.life.at(-1)?.is).toBe('running');
  });

  it('says of each waiting job what blocks it', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs, queues: ['', 'mail'] });
    await box.queue('mail').put(work(1));
    await box.queue().put(work(2), { beginAfter: '1h' });

    const { rows } = await jobsView(box.store, { list: 'waiting', limit: 50, known: box.known });

    expect(rows.map(({ queue, why }) => [queue, why])).toEqual([
      ['', 'begins in 1 hour'],
      ['mail', 'no dispatcher at work'],
    ]);
  });

  it('finds no error by a secret that only earlier arguments say is one', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: null });
    const job = await box.queue().put(refused({ card: 'canary-4711' }), { beginAfter: '10s' });
    await job.setArgs([{ card: 'other' }] as never);
    await box.queue().put(refused({ card: 'x' }), { beginAfter: '20s' });
    await reactor.runUntilIdle();
    await job.fail(new Error('declined canary-4711'));
    await reactor.advance('1m');
    const found = (text: string) => jobsView(box.store, { list: 'failed', limit: 1, text });

    const [guessed, wrong] = [await found('error:canary-4711'), await found('error:canary-4712')];
    const excluded = await found('-error:canary-4711');

    expect(guessed.rows).toEqual([]);
    expect([guessed.looked, guessed.next, guessed.isCut]).toEqual([wrong.looked, wrong.next, wrong.isCut]);
    expect(excluded.rows.map(({ id }) => id)).toEqual([job.id]);
  });
});
