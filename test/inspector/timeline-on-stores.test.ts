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

  it('has the name of a job of which another page has the put', async () => {
    const { box } = await makeNodeBox({ store: makeStore(), jobs: [charge], queues: ['bank'] });
    await box.queue('bank').put(charge(false), { id: 'j1' });
    await box.queue('bank').pull(0);

    const page = await journalView(box.store, { ...newest, limit: 1 });

    expect(page.lines).toMatchObject([{ id: 'j1', event: 'job.pull', name: 'charge' }]);
  });
});
