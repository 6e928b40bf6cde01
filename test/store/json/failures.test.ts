import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SignalboxError } from '../../../src/errors.ts';
import { createFaultyFiles, createHeldSyncs } from './faulty-files.ts';
import { copied, newPath, openStore, refusal } from './open-store.ts';

function thrown(action: () => unknown): SignalboxError {
  try {
    action();
  } catch (error) {
    return error as SignalboxError;
  }
  throw new Error('nothing was thrown');
}

describe('a full disk', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EFBIG'])(
    'refuses the batch (%s), keeps what was written before, and the log works on',
    async (errno) => {
      const dir = newPath();
      const files = createFaultyFiles();
      const store = await openStore(dir, { files });
      store.put('kept');
      store.append('refused-1', {});
      store.append('refused-2', {});
      let calls = 0;
      files.fault = (call) => {
        if (call !== 'write') return null;
        calls += 1;
        return calls === 1 ? 50 : errno;
      };

      const error = thrown(() => store.log.write());

      expect(error).toMatchObject({ code: 'STORE_FULL', details: { path: dir } });
      expect(fs.readFileSync(join(dir, 'journal-00000001.jsonl'), 'utf8')).not.toContain('refused');
      files.fault = () => null;
      store.seq = 1;
      store.put('later');
      await store.log.sync();
      await store.log.close();
      expect([...(await openStore(dir)).records.keys()]).toEqual(['job/kept', 'job/later']);
    },
  );

  it('is also one that takes nothing without an error', async () => {
    const files = createFaultyFiles();
    const store = await openStore(newPath(), { files });
    store.append('a', {});
    files.fault = (call) => (call === 'write' ? 0 : null);

    expect(thrown(() => store.log.write()).code).toBe('STORE_FULL');
  });

  it('syncs the shortened file, so that a refused commit cannot come back after a power cut', async () => {
    const files = createFaultyFiles();
    const store = await openStore(newPath(), { files });
    store.append('a', {});
    const calls: string[] = [];
    files.fault = (call) => {
      calls.push(call);
      return call === 'write'
        ? calls.filter((each) => each === 'write').length === 1
          ? 10
          : 'ENOSPC'
        : null;
    };

    thrown(() => store.log.write());

    expect(calls.slice(-2)).toEqual(['truncate', 'datasync']);
  });

  it('that cannot even shorten the file ends the log, outcome unknown', async () => {
    const files = createFaultyFiles();
    const store = await openStore(newPath(), { files });
    store.append('a', {});
    let writes = 0;
    files.fault = (call) => {
      if (call === 'truncate') return 'EIO';
      writes += call === 'write' ? 1 : 0;
      return call === 'write' ? (writes === 1 ? 10 : 'ENOSPC') : null;
    };

    const error = thrown(() => store.log.write());

    expect(error).toMatchObject({ code: 'STORE_IO', details: { call: 'truncate', outcome: 'unknown' } });
    files.fault = () => null;
    expect(thrown(() => store.append('b', {}))).toBe(error);
    expect(thrown(() => store.log.write())).toBe(error);
  });

  it('at a checkpoint leaves the commits going, and the next attempt waits until there is more to save', async () => {
    const dir = newPath();
    const files = createFaultyFiles();
    const store = await openStore(dir, { files, checkpointMinBytes: 100 });
    store.put('a');
    files.fault = (call, path) => (call === 'open' && String(path).endsWith('.tmp') ? 'ENOSPC' : null);

    const error = await refusal(store.log.checkpoint(store.state()));

    expect([error.code, store.log.wantsCheckpoint()]).toEqual(['STORE_FULL', false]);
    files.fault = () => null;
    store.put('b');
    await store.log.sync();
    expect((await openStore(copied(dir))).records.size).toBe(2);
  });

  it('before a checkpoint leaves it out, and says so', async () => {
    const store = await openStore(newPath(), { files: { ...createFaultyFiles(), freeBytes: () => 10 } });
    store.put('a');

    await store.log.checkpoint(store.state());

    expect(store.reports).toEqual([
      expect.stringMatching(/checkpoint of .* was left out: 10 bytes are free/),
    ]);
  });
});

describe('a write that fails in another way', () => {
  it('ends the log, outcome unknown', async () => {
    const files = createFaultyFiles();
    const store = await openStore(newPath(), { files });
    store.append('a', {});
    files.fault = (call) => (call === 'write' ? 'EIO' : null);

    const error = thrown(() => store.log.write());

    expect(error).toMatchObject({ code: 'STORE_IO', details: { call: 'write', outcome: 'unknown' } });
    files.fault = () => null;
    expect(await refusal(store.log.sync())).toBe(error);
  });
});

describe('a failed sync', () => {
  it('ends the log: every later call has an unknown outcome', async () => {
    const dir = newPath();
    const syncs = createHeldSyncs();
    const opening = openStore(dir, { syncs });
    syncs.pass();
    const store = await opening;
    await store.log.close();
    const held = createHeldSyncs();
    const second = openStore(dir, { syncs: held });
    const next = await letGoUntil(held, second);
    next.put('a');
    const first = refusal(next.log.sync());
    next.put('b');
    const following = refusal(next.log.sync());
    held.letGo('EIO');

    const error = await first;

    expect(error).toMatchObject({ code: 'STORE_IO', details: { call: 'fdatasync', outcome: 'unknown' } });
    expect(await following).toBe(error);
    expect(await refusal(next.log.sync())).toBe(error);
    expect(thrown(() => next.append('c', {}))).toBe(error);
    expect(await refusal(next.log.checkpoint(next.state()))).toBe(error);
    await next.log.close();
    expect(fs.existsSync(join(dir, 'clean.json'))).toBe(false);
  });

  it('in a checkpoint ends the log too, and wakes the callers that wait to write', async () => {
    const held = createHeldSyncs();
    const store = await letGoUntil(held, openStore(newPath(), { syncs: held }));
    store.put('a');
    let woken = 0;
    store.log.onWritable = () => {
      woken += 1;
    };
    const checkpoint = refusal(store.log.checkpoint(store.state()));
    store.append('b', {});
    expect(store.log.write()).toBe(false);
    held.letGo('EIO');

    const error = await checkpoint;

    expect([error.code, woken]).toEqual(['STORE_IO', 1]);
    expect(thrown(() => store.log.write())).toBe(error);
  });
});

/** Lets syncs end until a promise is fulfilled. */
async function letGoUntil<Value>(
  held: ReturnType<typeof createHeldSyncs>,
  promise: Promise<Value>,
): Promise<Value> {
  let isDone = false;
  const done = promise.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    held.letGo();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}

describe('another writer in the same directory', () => {
  it('is noticed before the next sync, and nothing more is acknowledged', async () => {
    const dir = newPath();
    const unlocked = { acquire: async () => ({ release: () => {} }) };
    const first = await openStore(dir, { lock: unlocked });
    first.put('a');
    const second = await openStore(dir, { lock: unlocked });
    first.put('b');

    const error = await refusal(first.log.sync());

    expect([error.code, error.message]).toEqual([
      'STORE_FENCED',
      expect.stringContaining('journal-00000002.jsonl'),
    ]);
    expect(thrown(() => first.log.write())).toBe(error);
    expect(second.seq).toBe(1);
  });

  it('or a person who removes the directory is noticed too', async () => {
    const dir = newPath();
    const store = await openStore(dir);
    store.put('a');
    fs.rmSync(dir, { recursive: true });

    const error = await refusal(store.log.sync());

    expect([error.code, error.message]).toEqual([
      'STORE_FENCED',
      expect.stringContaining('removed or replaced'),
    ]);
  });
});

describe('an opening on a full disk', () => {
  it('after a clean close continues from the present snapshot', async () => {
    const dir = newPath();
    const before = await openStore(dir);
    before.put('a');
    await before.log.close();
    const files = createFaultyFiles();
    files.fault = (call, path) =>
      call === 'open' && String(path).includes('snapshot.json.') ? 'ENOSPC' : null;

    const store = await openStore(dir, { files });
    store.put('b');
    await store.log.sync();

    expect(store.reports).toEqual([expect.stringContaining('No snapshot was written at the opening')]);
    expect((await openStore(copied(dir))).records.size).toBe(2);
  });

  it('is refused when the snapshot is damaged, since the previous one must not become the only one', async () => {
    const source = newPath();
    for (const id of ['a', 'b']) {
      const before = await openStore(source);
      before.put(id);
      await before.log.close();
    }
    const dir = copied(source);
    fs.writeFileSync(join(dir, 'snapshot.json'), 'damaged');
    const files = createFaultyFiles();
    files.fault = (call, path) =>
      call === 'open' && String(path).includes('snapshot.json.') ? 'ENOSPC' : null;

    expect((await refusal(openStore(dir, { files }))).code).toBe('STORE_FULL');
    expect((await openStore(dir)).records.size).toBe(2);
  });

  it('after a crash is refused, since the fresh snapshot is what makes it safe', async () => {
    const source = newPath();
    const before = await openStore(source);
    before.put('a');
    const dir = copied(source);
    const files = createFaultyFiles();
    files.fault = (call, path) =>
      call === 'open' && String(path).includes('snapshot.json.') ? 'ENOSPC' : null;

    expect((await refusal(openStore(dir, { files }))).code).toBe('STORE_FULL');
    expect((await openStore(dir)).records.size).toBe(1);
  });
});
