import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openJsonLog } from '../../../src/store/json/log/open-json-log.ts';
import { nodeFilePort, readFully } from '../../../src/store/json/ports/file-port.ts';
import { createInlineSyncPort } from '../../../src/store/json/ports/sync-port.ts';
import { createSnapshotContainer, loadSnapshot } from '../../../src/store/json/snapshot/snapshot.ts';
import { type Source, slices } from '../../../src/store/json/snapshot/snapshot-data.ts';
import { asStored, type ReadSnapshot } from '../../../src/store/json/snapshot/snapshot-format.ts';
import { ofEachKind } from '../../../src/store/kinds.ts';
import type { State, StoredRecord } from '../../../src/store/log.ts';
import { closedStore, copied, logOptions, newPath, openStore, refusal } from './open-store.ts';

type Fate = 'kept' | 'replaced' | 'dropped';

const fates = fc.array(
  fc.record({
    fate: fc.constantFrom<Fate>('kept', 'kept', 'kept', 'replaced', 'dropped'),
    length: fc.oneof({ weight: 9, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.nat(150_000) }),
  }),
  { maxLength: 60 },
);

it('Records that are copied from the previous snapshot give the same bytes as written ones', async () => {
  await fc.assert(
    fc.asyncProperty(fates, fc.nat(5), fc.boolean(), async (plan, added, isTurned) => {
      const before = await snapshotOf(plan.map(({ length }, index) => record(index, length)));
      const left = before.state.records.job.flatMap((each, index) => changed(each, plan[index]?.fate));
      const jobs = [...left, ...Array.from({ length: added }, (_, index) => record(1_000 + index, 9))];
      const state = stateOf(isTurned ? jobs.toReversed() : jobs);
      const { source, close } = sourceOf(before);

      expect(bytesOf(state, source).equals(bytesOf(state, null))).toBe(true);
      close();
    }),
    { numRuns: 100 },
  );
});

it('Records that are the same are not written again, in their order or in another', async () => {
  const before = await snapshotOf(Array.from({ length: 3_000 }, (_, index) => record(index, 100)));
  const { job } = before.state.records;
  const copies = (jobs: readonly StoredRecord[]): number => {
    const { source, close } = sourceOf(before);
    let bytes = 0;
    const counted: Source = {
      ...source,
      copy(into, position) {
        bytes += into.length;
        source.copy(into, position);
      },
    };
    bytesOf(stateOf(jobs), counted);
    close();
    return Math.round((100 * bytes) / bytesOf(stateOf(job), null).length);
  };
  const changedOnce = job.map((each, index) => (index === 1_500 ? { ...each, n: 1 } : each));

  expect([job, changedOnce, job.slice(1_000), job.toReversed(), []].map(copies)).toEqual([
    100, 100, 67, 99, 0,
  ]);
});

it('A store that was not closed gets a snapshot with the records of the previous one and of the later lines', async () => {
  const dir = newPath();
  await closedStore(dir, ['a', 'b']);
  await closedStore(dir, []);
  const store = await openStore(dir);
  store.put('b', { size: 2 });
  store.put('c');
  const killed = copied(dir);

  const again = await openStore(killed);

  const text = fs.readFileSync(join(killed, 'snapshot.json'), 'utf8');
  expect(JSON.parse(text).data.job).toEqual([...again.records.values()]);
  expect([again.recovered.clean, [...again.records.keys()]]).toEqual([false, ['job/a', 'job/b', 'job/c']]);
});

it('A snapshot that gets shorter while it is copied ends the opening, and stays', async () => {
  const dir = newPath();
  await closedStore(dir, ['a', 'b']);
  await openStore(dir);
  const killed = copied(dir);
  const { recovered, start } = await openJsonLog(logOptions(killed));
  const { records } = recovered.snapshot ?? expect.fail('no snapshot');
  fs.truncateSync(join(killed, 'snapshot.json'), 300);

  const error = await refusal(start({ seq: recovered.seq, records }));

  expect([error.code, error.message]).toEqual([
    'STORE_IO',
    expect.stringContaining('snapshot.json is shorter than it was'),
  ]);
  expect(fs.statSync(join(killed, 'snapshot.json')).size).toBe(300);
});

function record(index: number, length: number): StoredRecord {
  return { id: `job-${index}`, text: 'é'.repeat(length) };
}

function changed(each: StoredRecord, fate: Fate | undefined): StoredRecord[] {
  if (fate === 'dropped') return [];
  return [fate === 'replaced' ? { ...each, text: 'other' } : each];
}

function stateOf(job: readonly StoredRecord[]): State {
  const none = ofEachKind(() => []);
  return { seq: 1, records: { ...none, queue: [{ id: 'q' }], job } };
}

/** The snapshot of these jobs, as it was written and read. */
async function snapshotOf(jobs: readonly StoredRecord[]): Promise<ReadSnapshot & { readonly dir: string }> {
  const dir = newPath();
  fs.mkdirSync(dir, { mode: 0o700 });
  const files = nodeFilePort;
  const ports = { dir, files, syncs: createInlineSyncPort(files), defer: async () => {}, newId: () => 'new' };
  const state = stateOf(jobs);
  await createSnapshotContainer(ports).write(
    { store: 'store', generation: 1, state },
    { keepPrevious: true, before: null },
  );
  const found = await loadSnapshot(files, dir, 'snapshot.json', asStored);
  return { ...(found ?? expect.fail('no snapshot')), dir };
}

function sourceOf(snapshot: ReadSnapshot & { readonly dir: string }): { source: Source; close: () => void } {
  const fd = fs.openSync(join(snapshot.dir, snapshot.file), 'r');
  const copy = (into: Uint8Array, position: number): void => {
    readFully(nodeFilePort, fd, into, 0, into.length, position);
  };
  return { source: { snapshot, copy }, close: () => fs.closeSync(fd) };
}

function bytesOf(state: State, source: Source | null): Buffer {
  return Buffer.concat(Array.from(slices(state, source), (slice) => Buffer.from(slice)));
}
