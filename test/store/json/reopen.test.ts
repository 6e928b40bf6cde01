import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Line } from '../../../src/store/entry.ts';
import { openJsonLog } from '../../../src/store/json/log/open-json-log.ts';
import { createWorkerSyncPort } from '../../../src/store/json/ports/sync-port.ts';
import { closedStore, copied, lineOf, logOptions, newPath, openStore, refusal } from './open-store.ts';

const journals = (dir: string) => fs.readdirSync(dir).filter((name) => name.startsWith('journal-'));

it('is new in an empty place, and makes the directory', async () => {
  const dir = newPath();

  const { recovered, seq } = await openStore(dir);

  expect({ clean: recovered.clean, snapshot: recovered.snapshot, seq }).toEqual({
    clean: true,
    snapshot: null,
    seq: 0,
  });
  expect(JSON.parse(fs.readFileSync(join(dir, 'snapshot.json'), 'utf8'))).toMatchObject({
    $store: { gen: 1, seq: 0 },
  });
});

it('has everything after a clean close, under the same store id', async () => {
  const dir = newPath();
  const first = await openStore(dir);
  first.put('a', { n: 1 });
  first.put('a', { n: 2 });
  first.put('b/c', { text: 'é' });
  await first.log.close();

  const second = await openStore(dir);

  expect(second.recovered).toMatchObject({ clean: true, storeId: first.recovered.storeId });
  expect([second.records, second.seq, second.reports]).toEqual([first.records, 3, []]);
});

it('has every written line after the process died, and says that it was not closed', async () => {
  const dir = newPath();
  const first = await openStore(dir);
  for (let index = 0; index < 50; index += 1) first.put(`job-${index}`, { index });

  const second = await openStore(copied(dir));

  expect(second.recovered.clean).toBe(false);
  expect([second.records, second.seq]).toEqual([first.records, 50]);
});

it('never appends to a journal that it found', async () => {
  const dir = newPath();
  await closedStore(dir, ['a']);
  const before = fs.readFileSync(join(dir, 'journal-00000001.jsonl'));

  await closedStore(dir, ['b']);

  expect(journals(dir)).toEqual(['journal-00000001.jsonl', 'journal-00000002.jsonl']);
  expect(fs.readFileSync(join(dir, 'journal-00000001.jsonl'))).toEqual(before);
});

it('uses the snapshot again when nothing has changed since', async () => {
  const dir = newPath();
  await closedStore(dir, ['a']);
  await closedStore(dir, []);
  const before = fs.statSync(join(dir, 'snapshot.json')).ino;

  const again = await openStore(dir);

  expect(fs.statSync(join(dir, 'snapshot.json')).ino).toBe(before);
  expect(fs.statSync(join(dir, 'snapshot-00000003.json')).ino).toBe(before);
  expect([...again.records.keys()]).toEqual(['job/a']);
});

it('writes a fresh snapshot when a record was exchanged at the opening', async () => {
  const dir = newPath();
  await closedStore(dir, ['a']);
  await closedStore(dir, []);
  const opened = await openJsonLog(logOptions(dir));
  const { seq, records } = opened.recovered.snapshot ?? expect.fail('no snapshot');

  const log = await opened.start({ seq, records: { ...records, job: [{ id: 'a', v: 2 }] } });
  await log.close();

  expect(fs.readFileSync(join(dir, 'snapshot.json'), 'utf8')).toContain('{"id":"a","v":2}');
});

it('does not let the chain of empty journals grow without end', async () => {
  const dir = newPath();
  await closedStore(dir, ['a']);

  for (let round = 0; round < 40; round += 1) await closedStore(dir, []);

  const { gen } = JSON.parse(fs.readFileSync(join(dir, 'snapshot.json'), 'utf8')).$store;
  expect(journals(dir).length - gen).toBeLessThan(17);
  expect([...(await openStore(dir)).records.keys()]).toEqual(['job/a']);
});

it('changes nothing in the directory before it is started', async () => {
  const dir = newPath();
  await closedStore(dir, ['a', 'b']);
  const before = fs.readdirSync(dir);

  const opened = await openJsonLog(logOptions(dir));
  opened.release();

  expect(fs.readdirSync(dir)).toEqual(before);
  expect((await openStore(dir)).recovered.clean).toBe(true);
});

it('starts only from the state that was recovered', async () => {
  const dir = newPath();
  const opened = await openJsonLog(logOptions(dir));
  const state = { seq: 3, records: (await openStore(newPath())).state().records };

  const error = await refusal(opened.start(state));

  expect([error.code, error.message]).toEqual([
    'INVALID_OPTION',
    expect.stringContaining('the recovered seq 0'),
  ]);
});

it('refuses a line that does not follow the one before', async () => {
  const store = await openStore(newPath());

  expect(() => store.log.append(lineOf(2, 'a', {}))).toThrow(/Expected `line.s` to be 1, got 2/);
});

it('keeps several entries of a line together', async () => {
  const dir = newPath();
  const store = await openStore(dir);
  const entries = ['a', 'b', 'c'].map((id) => ({
    ...(lineOf(1, id, { id }).entries[0] ?? expect.fail()),
    q: 0,
  }));
  store.log.append({ ...lineOf(1, 'a', null), entries });
  store.log.append(lineOf(4, 'd', null));
  store.log.write();

  const again = await openStore(copied(dir));

  expect([again.seq, [...again.records.keys()]]).toEqual([4, ['job/a', 'job/b', 'job/c', 'job/d']]);
});

it('reads back what it wrote in many batches, whatever numbers they have in common', async () => {
  const dir = newPath();
  const store = await openStore(dir);
  const written: Line[] = [];
  const instants = [
    5, 1_796_092_255_214, 1_796_092_255_214, 999_999_999, 1_796_092_255_215, 1_796_092_255_214,
  ];
  for (const [batch, at] of [...instants, ...instants].entries()) {
    for (const id of ['a', 'b', `${batch}`]) {
      const patch = {
        at,
        list: [at, batch, at],
        other: instants[batch % 6] ?? 0,
        text: `${id}`.repeat(batch),
      };
      const line = { ...lineOf(written.length + 1, id, patch), at };
      store.log.append(line);
      written.push(line);
    }
    store.log.write();
  }
  const replayed: Line[] = [];

  const into = { load: () => {}, replay: (line: Line) => void replayed.push(line) };
  await openStore(copied(dir), { into });

  expect(replayed).toEqual(written);
});

it('answers every call after close with STORE_CLOSED, and close again with the same', async () => {
  const { log } = await openStore(newPath());
  await log.close();

  expect(() => log.append(lineOf(1, 'a', {}))).toThrow(/to be open for append/);
  expect(() => log.write()).toThrow(/to be open for write/);
  expect((await refusal(log.sync())).code).toBe('STORE_CLOSED');
  await log.close();
});

it('writes and syncs what was only appended when it is closed', async () => {
  const dir = newPath();
  const store = await openStore(dir);
  store.append('a', { n: 1 });
  await store.log.close();

  expect([...(await openStore(dir)).records.keys()]).toEqual(['job/a']);
});

it('syncs through a worker thread', async () => {
  const dir = newPath();
  const store = await openStore(dir, { syncs: createWorkerSyncPort() });
  store.put('a');
  const first = store.log.sync();
  store.put('b');
  await Promise.all([first, store.log.sync(), store.log.sync()]);

  expect(await store.log.find(2)).toMatchObject({ s: 2 });
  await store.log.close();
  expect((await openStore(dir)).seq).toBe(2);
});
