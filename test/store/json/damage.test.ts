import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SignalboxError } from '../../../src/errors.ts';
import type { Line } from '../../../src/store/entry.ts';
import { type OpenedLog, openJsonLog } from '../../../src/store/json/log/open-json-log.ts';
import { closedStore, copied, logOptions, newPath, openStore, patchFile, refusal } from './open-store.ts';

/** The content of a directory, read without changing it; the code of the error when it is refused. */
async function contentOf(dir: string): Promise<string> {
  try {
    const { lines, recovered, release } = await openedLog(dir);
    release();
    return JSON.stringify([recovered.storeId, recovered.snapshot, lines]);
  } catch (error) {
    if (error instanceof SignalboxError) return error.code;
    throw error;
  }
}

/** A log that is read, with the lines after its snapshot. */
async function openedLog(dir: string): Promise<OpenedLog & { readonly lines: readonly Line[] }> {
  const lines: Line[] = [];
  const into = { load: () => {}, replay: (line: Line) => void lines.push(line) };
  return { ...(await openJsonLog(logOptions(dir, { into }))), lines };
}

/** A store that was opened twice: two generations, two snapshots. */
async function twoGenerations(): Promise<string> {
  const dir = newPath();
  await closedStore(dir, ['a', 'b']);
  await closedStore(dir, ['c', 'd']);
  return dir;
}

describe('after a clean close', () => {
  it.each([
    ['journal-00000002.jsonl', 'STORE_CORRUPT'],
    ['journal-00000001.jsonl', 'intact'],
    ['snapshot.prev.json', 'intact'],
    ['snapshot-00000001.json', 'intact'],
    ['clean.json', 'intact'],
  ])('without %s it is %s', async (name, wanted) => {
    const dir = await twoGenerations();
    const intact = await contentOf(dir);
    fs.rmSync(join(dir, name));

    expect(await contentOf(dir)).toBe(wanted === 'intact' ? intact : wanted);
  });

  it.each(['snapshot.json', 'journal-00000002.jsonl', 'clean.json'])(
    'the %s of another store is refused',
    async (name) => {
      const dir = await twoGenerations();
      const other = await twoGenerations();
      if (name === 'snapshot.json') fs.rmSync(join(dir, 'snapshot.prev.json'));
      fs.rmSync(join(dir, name));
      fs.copyFileSync(join(other, name), join(dir, name));

      expect(await contentOf(dir)).toBe('STORE_CORRUPT');
    },
  );

  it('a marker without a snapshot or a journal is refused', async () => {
    const dir = await twoGenerations();
    for (const name of fs.readdirSync(dir)) if (name !== 'clean.json') fs.rmSync(join(dir, name));

    expect(await contentOf(dir)).toBe('STORE_CORRUPT');
  });
});

describe('a damaged snapshot', () => {
  const damage = (dir: string) => {
    const path = join(dir, 'snapshot.json');
    // cpSync has copied the hard links as files of their own, so only this name is damaged.
    patchFile(path, fs.statSync(path).size - 20, Buffer.from('#'));
  };

  it('is replaced by the previous one and the journals since, with a report', async () => {
    const source = await twoGenerations();
    const dir = copied(source);
    damage(dir);

    const store = await openStore(dir);

    expect([...store.records.keys()]).toEqual(['job/a', 'job/b', 'job/c', 'job/d']);
    expect(store.reports).toEqual([
      expect.stringMatching(/snapshot\.json is not as it was written .* snapshot\.prev\.json/),
    ]);
  });

  it('never becomes the previous snapshot', async () => {
    const dir = copied(await twoGenerations());
    const before = fs.readFileSync(join(dir, 'snapshot.prev.json'));
    damage(dir);

    await openStore(dir);

    expect(fs.readFileSync(join(dir, 'snapshot.prev.json'))).toEqual(before);
  });

  it('is refused when a journal since the one before it is missing', async () => {
    const dir = copied(await twoGenerations());
    damage(dir);
    fs.rmSync(join(dir, 'journal-00000001.jsonl'));

    const error = await refusal(openStore(dir));

    expect(error).toMatchObject({ code: 'STORE_CORRUPT', details: { file: 'snapshot.json' } });
    expect((error.cause as Error).message).toContain('journal-00000001.jsonl');
  });

  it('is replaced by the journals alone when they go back to the beginning', async () => {
    const dir = copied(await twoGenerations());
    fs.rmSync(join(dir, 'snapshot.json'));
    fs.rmSync(join(dir, 'snapshot.prev.json'));

    const store = await openStore(dir);

    expect([store.records.size, store.reports]).toEqual([4, [expect.stringContaining('the journals alone')]]);
  });
});

it('a record in a snapshot keeps a key named __proto__ as data', async () => {
  const dir = newPath();
  const first = await openStore(dir);
  first.put('a', JSON.parse('{"__proto__":{"x":1}}'));
  await first.log.close();

  const opened = await openedLog(dir);
  const [line] = opened.lines;
  const { records } = first.state();
  const job = { id: 'a', ...line?.entries[0]?.patch };
  const log = await opened.start({ seq: 1, records: { ...records, job: [job] } });
  await log.close();

  const again = await openJsonLog(logOptions(dir));
  const [found] = again.recovered.snapshot?.records.job ?? [];
  again.release();
  expect(Object.keys(found ?? {})).toEqual(['id', '__proto__']);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
});
