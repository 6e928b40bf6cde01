import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../src/store/json/journal/frame.ts';
import { closedStore, copied, newPath, openStore, patchFile, refusal } from './open-store.ts';

let dir: string;
let journal: string;
let offsets: number[];
let size: number;

/** Eight lines: three that were synced before the fourth was written, five after that were not. */
beforeEach(async () => {
  const source = newPath();
  const store = await openStore(source);
  offsets = [];
  for (let index = 1; index <= 8; index += 1) {
    offsets.push(fs.statSync(join(source, 'journal-00000001.jsonl')).size);
    store.put(`job-${index}`, { text: 'x'.repeat(700) });
    if (index === 3) await store.log.sync();
  }
  dir = copied(source);
  journal = join(dir, 'journal-00000001.jsonl');
  size = fs.statSync(journal).size;
});

const startOf = (line: number) => offsets[line - 1] ?? expect.fail();
const recoveredJobs = async () => (await openStore(dir)).records.size;

describe('after a crash, at the end of the last journal', () => {
  it('a line cut at any byte is dropped, and the bytes are counted in a report', async () => {
    for (const at of [startOf(8) + 1, startOf(8) + 9, startOf(8) + 300, size - 1]) {
      const target = copied(dir);
      fs.truncateSync(join(target, 'journal-00000001.jsonl'), at);

      const store = await openStore(target);

      expect([store.records.size, store.recovered.clean]).toEqual([7, false]);
      expect(store.reports).toEqual([expect.stringContaining(`${at - startOf(8)} bytes after seq 7`)]);
      expect(fs.statSync(join(target, 'journal-00000001.jsonl')).size).toBe(startOf(8));
    }
  });

  it('a file that has grown without its data is cut there', async () => {
    fs.truncateSync(journal, size + 5_000);

    expect(await recoveredJobs()).toBe(8);
    expect(fs.statSync(journal).size).toBe(size);
  });

  it('a sector that was never written cuts the line it is in', async () => {
    const sector = Math.ceil((startOf(6) + 1) / 512) * 512;
    patchFile(journal, sector, Buffer.alloc(512));

    expect(await recoveredJobs()).toBe(sector < startOf(7) ? 5 : 6);
  });

  it('a journal that died before its header was whole is removed', async () => {
    for (const rest of [Buffer.alloc(0), Buffer.alloc(120), fs.readFileSync(journal).subarray(0, 60)]) {
      const target = copied(dir);
      fs.writeFileSync(join(target, 'journal-00000002.jsonl'), rest);

      const store = await openStore(target);

      expect(store.records.size).toBe(8);
      store.put('more');
      await store.log.close();
      expect((await openStore(target)).records.size).toBe(9);
    }
  });

  it('a first journal that died before its header was whole leaves a new store', async () => {
    const fresh = newPath();
    fs.mkdirSync(fresh, { mode: 0o700 });
    fs.writeFileSync(join(fresh, 'journal-00000001.jsonl'), '0000');
    fs.writeFileSync(join(fresh, 'snapshot.json.abc.tmp'), '{');

    expect((await openStore(fresh)).seq).toBe(0);
    expect(fs.existsSync(join(fresh, 'snapshot.json.abc.tmp'))).toBe(false);
  });
});

describe('damage that no torn write explains is refused, with its place:', () => {
  it('a flipped bit in a whole line', async () => {
    patchFile(journal, startOf(8) + 400, Buffer.from('y'));
    const before = fs.readFileSync(journal);

    const error = await refusal(openStore(dir));

    expect(error).toMatchObject({
      code: 'STORE_CORRUPT',
      details: { file: 'journal-00000001.jsonl', byte: startOf(8), line: 9, lastGood: 7 },
    });
    expect(fs.readFileSync(journal)).toEqual(before);
  });

  it('an unwritten sector before a line that says it was on disk', async () => {
    patchFile(journal, Math.ceil((startOf(2) + 1) / 512) * 512, Buffer.alloc(512));

    const error = await refusal(openStore(dir));

    expect(error).toMatchObject({ code: 'STORE_CORRUPT', details: { lastGood: 1 } });
    expect(error.message).toContain('a later line that says it was on disk');
  });

  it('a line that is missing between two', async () => {
    const bytes = fs.readFileSync(journal);
    fs.writeFileSync(journal, Buffer.concat([bytes.subarray(0, startOf(5)), bytes.subarray(startOf(6))]));

    expect((await refusal(openStore(dir))).message).toContain('seq 6 where 5 follows');
  });

  it('a line that follows another than the one before it', async () => {
    const text = '{"s":9,"d":3,"p":"00000000","at":0,"by":"","mv":"","o":[{"on":"job/x","ev":"e","q":0}]}';
    fs.appendFileSync(journal, encodeFrame(text).bytes);

    expect((await refusal(openStore(dir))).message).toContain('a line after another (00000000)');
  });

  it('a whole line of another shape', async () => {
    fs.appendFileSync(journal, encodeFrame('{"s":9}').bytes);

    expect((await refusal(openStore(dir))).message).toContain('a line without s, d, p or at');
  });

  it('a damaged header before lines', async () => {
    patchFile(journal, 30, Buffer.from('#'));

    expect(await refusal(openStore(dir))).toMatchObject({
      code: 'STORE_CORRUPT',
      details: { byte: 0, line: 1 },
    });
  });

  it('a torn end in a journal that is not the last', async () => {
    const twice = newPath();
    await closedStore(twice, ['a']);
    const store = await openStore(twice);
    store.put('b');
    const target = copied(twice);
    fs.rmSync(join(target, 'snapshot.json'));
    fs.truncateSync(join(target, 'journal-00000001.jsonl'), 150);

    const error = await refusal(openStore(target));

    expect([error.code, (error.cause as Error).message]).toEqual([
      'STORE_CORRUPT',
      expect.stringContaining('journal-00000001.jsonl'),
    ]);
  });

  it('a torn end after a clean close', async () => {
    const target = newPath();
    await closedStore(target, ['a', 'b']);
    const path = join(target, 'journal-00000001.jsonl');
    fs.truncateSync(path, fs.statSync(path).size - 1);

    expect((await refusal(openStore(target))).code).toBe('STORE_CORRUPT');
  });

  it('a whole line that is missing after a clean close', async () => {
    const target = newPath();
    await closedStore(target, ['a', 'b']);
    const path = join(target, 'journal-00000001.jsonl');
    const lines = fs.readFileSync(path, 'utf8').split('\n');
    fs.writeFileSync(path, `${lines.slice(0, -2).join('\n')}\n`);

    expect(await refusal(openStore(target))).toMatchObject({
      code: 'STORE_CORRUPT',
      details: { file: 'clean.json' },
    });
  });
});
