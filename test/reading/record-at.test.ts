import { defineJob, type HistoryEntry, memoryStore, type OpenStore, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { recordAt } from '../../src/reading/record-at.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const flaky = defineJob({
  name: 'flaky',
  retry: { maxAttempts: 3, delay: '1m' },
  run: () => {
    throw new Error('not yet');
  },
});

/** A store with what a test has in its hands of it: the opening that a box works with. */
function seen(store: Store): { readonly store: Store; open(): OpenStore } {
  let open: OpenStore;
  return {
    store: {
      name: store.name,
      open: async (ports) => {
        open = await store.open(ports);
        return open;
      },
    },
    open: () => open,
  };
}

/** A box, and the records of a job as they were, by the seq of their entries. */
async function lifeOf(made: Store) {
  const { store, open } = seen(made);
  const { box, reactor } = await makeBox({ store, jobs: [flaky] });
  await box.start();
  const job = await box.queue().put(flaky(), { beginAfter: { after: '1m' } });
  const id = job.id ?? '';
  const records = [await open().get('job', id)];
  for (let minute = 0; minute < 5; minute += 1) {
    await job.setAnnotation('minute', minute);
    await reactor.advance('1m');
    await open().settled();
    records.push(await open().get('job', id));
  }
  return { id, records, reader: open() };
}

forEachStore('The record of a moment', (makeStore) => {
  it('is the record as it was then, entry for entry', async () => {
    const { id, records, reader } = await lifeOf(makeStore());
    const history: HistoryEntry[] = [];
    for await (const entry of reader.history('job', id)) history.push(entry);
    const first = history.at(-1)?.seq ?? 0;

    for (const record of records)
      expect(await recordAt(reader, 'job', id, record?.lastSeq ?? 0)).toEqual({ record, unknown: [] });
    expect(new Set(records.map((record) => record?.attempts)).size).toBeGreaterThan(2);
    expect(await recordAt(reader, 'job', id, first - 1)).toBeUndefined();
    for (const { seq, to } of history)
      expect((await recordAt(reader, 'job', id, seq))?.record).toMatchObject({ lastSeq: seq, state: to });
  });

  it('is found of a record that is gone, by one of its entries', async () => {
    const { id, reader } = await lifeOf(makeStore());
    const name = `${id}/minute`;
    const last = await reader.get('annotation', name);
    const gone = { kind: 'annotation', id: name, event: 'annotation.removed', gone: true } as const;
    await reader.commit({ by: 'test', changes: [{ ...gone, from: null, to: null, patch: null }], expect: [] })
      .synced;
    const { seq } = await reader.position();

    expect(await recordAt(reader, 'annotation', name, last?.lastSeq ?? 0)).toEqual({
      record: last,
      unknown: [],
    });
    expect(await recordAt(reader, 'annotation', name, seq)).toBeUndefined();
  });
});

it('Keys that were last set before history begins are unknown, and all else is as it was', async () => {
  const { id, records, reader } = await lifeOf(memoryStore({ historyMaxLines: 10 }));
  const before = records[1];

  const found = await recordAt(reader, 'job', id, before?.lastSeq ?? 0);

  expect(reader.oldestSeq()).toBeGreaterThan(before?.lastSeq ?? 0);
  expect(found?.unknown).toContain('attempts');
  expect(found?.unknown).not.toContain('name');
  expect(found?.record).toMatchObject({ id, name: 'flaky', createdSeq: before?.createdSeq });
  const known = Object.entries(found?.record ?? {}).filter(([key]) => !found?.unknown.includes(key));
  expect(before).toMatchObject(Object.fromEntries(known));
});
