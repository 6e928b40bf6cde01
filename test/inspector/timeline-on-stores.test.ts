import { defineJob } from 'signalbox';
import { expect, it } from 'vitest';
import { entryView } from '../../src/inspector/views/timeline/entry-view.ts';
import { journalView } from '../../src/inspector/views/timeline/journal-view.ts';
import { lanesView } from '../../src/inspector/views/timeline/lanes-view.ts';
import { sequenceView } from '../../src/inspector/views/timeline/sequence-view.ts';
import { forEachStore, makeNodeBox } from '../behaviours/stores.ts';

const charge = defineJob({
  name: 'charge',
  retry: { maxAttempts: 1 },
  run: (fails: boolean): string => {
    if (fails) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    return 'charged';
  },
});
const newest = { from: null, before: null, limit: 100, text: 'kind:job' };

forEachStore('A timeline of the inspector', (makeStore) => {
  it('has the journal in both directions, with what each entry changed, and the way of a job', async () => {
    const { box } = await makeNodeBox({ store: makeStore(), jobs: [charge], queues: ['bank'] });
    const job = await box.queue('bank').put(charge(true), { id: 'j1' });
    const { seq: put } = await box.store.position();
    await box.start();
    await expect(job.result()).rejects.toThrow('reset');
    await box.store.settled();

    const page = await journalView(box.store, newest);
    const back = await journalView(box.store, { ...newest, limit: 2, before: page.lines[1]?.seq ?? 0 });
    const on = await journalView(box.store, { ...newest, from: 1 });
    const finish = page.lines.find(({ event }) => event === 'job.finish');
    const entry = await entryView(box.store, finish?.seq ?? 0);
    const sequence = await sequenceView(box.store, 'j1', { isFolded: true, withNeighbours: true });
    const lanes = await lanesView(box.store, { from: null, to: null, length: null, text: 'task:charge' });

    const events = ['job.put', 'job.claim', 'job.start', 'job.finish', 'job.complete'];
    expect(on.lines.map(({ event }) => event)).toEqual(events);
    expect(page.lines.map(({ event }) => event)).toEqual(events.toReversed());
    expect(page.lines.map(({ name }) => name)).toEqual(events.map(() => 'charge'));
    expect([page.lines[0]?.ending, finish?.note]).toEqual(['failed', 'ECONNRESET']);
    expect(back.lines.map(({ seq }) => seq)).toEqual(page.lines.slice(2, 4).map(({ seq }) => seq));
    expect(on.lines[0]?.seq).toBe(put);
    expect(entry.changes.map(({ key }) => key)).toContain('outcome');
    expect(entry.commit.map(({ event }) => event)).toContain('job.finish');
    expect(sequence?.rows.map((row) => (row.is === 'fold' ? '~' : row.text))).toContain('ECONNRESET');
    expect(lanes.jobs).toMatchObject([{ id: 'j1', name: 'charge', ending: 'failed' }]);
  });

  it('counts entries and not numbers: pages and lanes hold as many as they are asked for', async () => {
    const { box } = await makeNodeBox({ store: makeStore(), jobs: [charge], queues: ['bank'] });
    const queue = box.queue('bank');
    for (let index = 0; index < 300; index += 1) await queue.put(charge(true), { id: `j${index}` });
    await queue.putAll(Array.from({ length: 150 }, () => charge(false)));
    await box.store.settled();

    const first = await journalView(box.store, { ...newest, limit: 200 });
    const second = await journalView(box.store, { ...newest, limit: 200, before: first.next });
    const few = await lanesView(box.store, { from: null, to: null, length: 160, text: '' });
    const earlier = await lanesView(box.store, { from: null, to: few.from - 1, length: 160, text: '' });
    const later = await lanesView(box.store, { from: earlier.to + 1, to: null, length: 100, text: '' });

    const ids = [...first.lines, ...second.lines].map(({ id }) => id).slice(150);
    expect(ids).toEqual(Array.from({ length: 250 }, (_, index) => `j${299 - index}`));
    expect([first.looked, first.isCut, second.looked, second.isCut]).toEqual([200, false, 200, false]);
    expect([few.jobs.length, few.jobs[0]?.id]).toEqual([160, 'j290']);
    expect([earlier.jobs.length, earlier.jobs[0]?.id, earlier.jobs.at(-1)?.id]).toEqual([
      160,
      'j130',
      'j289',
    ]);
    expect([later.jobs.length, later.jobs[0]?.id]).toEqual([100, 'j290']);
  });

  it('says how many entries lie around those of a job where the numbers say it', async () => {
    const { box } = await makeNodeBox({ store: makeStore(), jobs: [charge], queues: ['bank'] });
    for (const id of ['j1', 'j2']) await box.queue('bank').put(charge(true), { id });
    await box.queue('bank').pull(0);
    await box.store.settled();

    const sequence = await sequenceView(box.store, 'j1', { isFolded: true, withNeighbours: true });
    const page = await journalView(box.store, newest);

    const isDense = box.store.exclusive;
    expect([sequence?.shown, sequence?.entries]).toEqual([2, isDense ? 3 : null]);
    expect(page.isDense).toBe(isDense);
  });

  it('has the name of a job of which another page has the put', async () => {
    const { box } = await makeNodeBox({ store: makeStore(), jobs: [charge], queues: ['bank'] });
    await box.queue('bank').put(charge(false), { id: 'j1' });
    await box.queue('bank').pull(0);

    const page = await journalView(box.store, { ...newest, limit: 1 });

    expect(page.lines).toMatchObject([{ id: 'j1', event: 'job.pull', name: 'charge' }]);
  });
});
