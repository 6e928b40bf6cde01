import * as fs from 'node:fs';
import { join } from 'node:path';
import { createSignalbox, defineJob, SignalboxError } from 'signalbox';
import { jsonStore, readStore } from 'signalbox/json';
import { describe, expect, it } from 'vitest';
import { explainJob } from '../../src/reading/explain.ts';
import { type FilePort, nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { copied, newPath, patchFile } from '../store/json/open-store.ts';
import { openByHand } from '../store/open-by-hand.ts';
import { busyWorker, bytesOf, killedInTheMiddle } from './killed-store.ts';
import { pictureOf } from './picture.ts';
import { RandomProgram } from './random-journal.ts';

describe('A json store that is read', () => {
  it('shows what a killed process left, from a read-only copy of which not a byte or an instant changes', async () => {
    const original = newPath();
    const { waiting, holder } = await killedInTheMiddle(original);
    const dir = copied(original);
    for (const name of fs.readdirSync(dir)) fs.chmodSync(join(dir, name), 0o400);
    fs.chmodSync(dir, 0o500);
    const before = bytesOf(dir);

    const past = await readStore(dir);
    const explanation = await explainJob(past, waiting, null);
    const picture = await pictureOf(past);
    for (const seq of [past.from, past.to - 1, past.from + 1, past.to]) await past.moveTo(seq);

    expect(explanation?.verdict).toEqual({
      code: 'quota:mail/smtp',
      text: "quota 'smtp' is full: 1 of 1",
      remedy: 'Wait until a holder ends, or enlarge it: queue.quotas.set.',
    });
    expect(await past.quotaHolders('mail/smtp')).toEqual([holder]);
    expect(await pictureOf(past)).toEqual(picture);
    expect(past.from).toBeGreaterThan(0);
    expect(bytesOf(dir)).toEqual(before);
    fs.chmodSync(dir, 0o700);
  }, 60_000);

  it('is the store that an opening would find, at every moment of its history', async () => {
    const dir = newPath();
    await killedInTheMiddle(dir);
    const past = await readStore(dir);
    const { seq } = past;
    const opened = await openByHand(jsonStore(copied(dir)));

    // The opening itself is one entry: it raises the epoch.
    expect({ ...(await pictureOf(past)), store: [] }).toEqual({ ...(await pictureOf(opened)), store: [] });
    for (const each of [past.from, seq - 1, past.from + 5, seq]) {
      await past.moveTo(each);
      expect((await past.position()).seq).toBe(each);
      const first = (await past.waiting('mail'))[0];
      expect(first === undefined || first.lastSeq <= each).toBe(true);
    }
    expect((await opened.position()).seq).toBe(seq + 1);
    await opened.close();
  }, 60_000);

  it('is read beside the process that writes it, which begins and drops files all the time', async () => {
    const dir = newPath();
    const { waiting, child } = await busyWorker(dir);
    const seqs: number[] = [];
    const cuts: unknown[] = [];

    while (new Set(seqs).size < 10) {
      const past = await readStore(dir);
      expect((await past.get('job', waiting))?.state).toBe('pending');
      seqs.push(past.seq);
      await past.moveTo(past.seq - 1);
      // What was dropped since then is refused by name; all else works.
      await past.moveTo(past.from).catch((error: unknown) => cuts.push(error));
    }

    expect(child.exitCode).toBeNull();
    expect(seqs).toEqual([...seqs].sort((one, other) => one - other));
    for (const cut of cuts) expect(cut).toMatchObject({ code: 'HISTORY_CUT' });
  }, 60_000);

  it('is read again when its process replaces the snapshot and drops files meanwhile', async () => {
    const dir = newPath();
    const clock = { now: 5 };
    const store = await openByHand(
      jsonStore(dir, { checkpointMinBytes: 2000, historyMaxBytes: 0 }),
      () => clock.now,
    );
    const program = new RandomProgram(store, clock);
    for (let count = 0; count < 5; count += 1) await program.make([0, count, 1]);
    const earlier = copied(dir);
    for (let count = 0; count < 60; count += 1) await program.make([0, count, 1]);
    const later = copied(dir);
    const { seq } = await store.position();
    await store.close();
    let opens = 0;
    const files: FilePort = {
      ...nodeFilePort,
      open(path, mode) {
        if (path.endsWith('snapshot.json')) opens += 1;
        if (path.endsWith('snapshot.json') && opens === 1) {
          for (const name of fs.readdirSync(earlier)) fs.rmSync(join(earlier, name));
          fs.cpSync(later, earlier, { recursive: true });
        }
        return nodeFilePort.open(path, mode);
      },
    };

    const past = await readStore(earlier, { files });

    expect(past.seq).toBe(seq);
    expect(opens).toBeGreaterThan(1);
  });

  it('reaches a moment from an earlier state when the snapshot before it is damaged', async () => {
    const dir = newPath();
    const clock = { now: 5 };
    const store = await openByHand(jsonStore(dir, { checkpointMinBytes: 2000 }), () => clock.now);
    const program = new RandomProgram(store, clock);
    for (let count = 0; count < 60; count += 1) await program.make([0, count, 1]);
    await store.close();
    const whole = await readStore(dir);
    const snapshots = fs.readdirSync(dir).filter((name) => /^snapshot-\d+\.json$/.test(name));
    const damaged = snapshots.at(-3) ?? '';
    patchFile(join(dir, damaged), 400, Buffer.from('X'));
    const past = await readStore(dir);
    const seq = Number(/"seq":(\d+)/.exec(fs.readFileSync(join(dir, damaged), 'utf8'))?.[1]) + 1;

    await past.moveTo(seq);
    await whole.moveTo(seq);

    expect(snapshots.length).toBeGreaterThan(3);
    expect(await pictureOf(past)).toEqual(await pictureOf(whole));
  });

  it('takes a line that is still being written as the end, also when the rest of it comes meanwhile', async () => {
    const dir = newPath();
    const clock = { now: 5 };
    const store = await openByHand(jsonStore(dir), () => clock.now);
    const program = new RandomProgram(store, clock);
    for (let count = 0; count < 6; count += 1) await program.make([0, count, 1]);
    const { seq } = await store.position();
    const dirNow = copied(dir);
    const journal = join(dirNow, fs.readdirSync(dirNow).findLast((name) => name.startsWith('journal')) ?? '');
    const whole = fs.readFileSync(journal);
    const cutAt = whole.length - 20;
    fs.truncateSync(journal, cutAt);
    const files = {
      ...nodeFilePort,
      // The last bytes come when the others were read.
      read: (...args: Parameters<typeof nodeFilePort.read>) => {
        const count = nodeFilePort.read(...args);
        if (nodeFilePort.fstat(args[0]).size === cutAt) fs.writeFileSync(journal, whole);
        return count;
      },
    };

    const past = await readStore(dirNow, { files });

    expect(fs.statSync(journal).size).toBe(whole.length);
    expect(past.seq).toBeLessThan(seq);
    expect((await readStore(dirNow)).seq).toBe(seq);
    await store.close();
  });

  it.runIf(process.geteuid?.() === 0)('is read although another user owns it', async () => {
    const dir = newPath();
    const box = await createSignalbox({ store: jsonStore(dir), jobs: [] });
    await box.stop();
    for (const path of [dir, ...fs.readdirSync(dir).map((name) => join(dir, name))])
      fs.chownSync(path, 65534, 65534);

    expect((await readStore(dir)).seq).toBeGreaterThan(0);
  });
});

describe('A json store that cannot be read', () => {
  async function refusalOf(dir: string): Promise<SignalboxError> {
    const error = await readStore(dir).catch((thrown: unknown) => thrown);
    if (error instanceof SignalboxError) return error;
    throw new Error(`refused with ${String(error)}`);
  }

  async function closedStore(): Promise<string> {
    const dir = newPath();
    const say = defineJob({ name: 'say', run: () => 1 });
    const box = await createSignalbox({ store: jsonStore(dir), jobs: [say], queues: [''] });
    await box.queue().put(say());
    await box.stop();
    return dir;
  }

  it('is refused where there is none, and nothing is made', async () => {
    const dir = newPath();

    const { code, message } = await refusalOf(dir);
    expect(code).toBe('STORE_MISSING');
    expect(message).toContain('Check the path');
    expect(fs.existsSync(dir)).toBe(false);

    fs.mkdirSync(dir);
    expect((await refusalOf(dir)).code).toBe('STORE_MISSING');
    fs.writeFileSync(join(dir, 'letter.txt'), 'dear');
    expect((await refusalOf(dir)).code).toBe('STORE_NOT_A_STORE');
    expect((await refusalOf(join(dir, 'letter.txt'))).code).toBe('STORE_NOT_A_STORE');
    expect(fs.readdirSync(dir)).toEqual(['letter.txt']);
  });

  it('is refused when newer code wrote it', async () => {
    const dir = await closedStore();
    const path = join(dir, 'clean.json');
    fs.writeFileSync(path, fs.readFileSync(path, 'utf8').replace('"v":1', '"v":9'));

    const { code, message } = await refusalOf(dir);
    expect([code, message]).toEqual(['STORE_VERSION', expect.stringContaining('use a newer Signalbox')]);
  });

  it('is refused when it is damaged, by file and byte', async () => {
    const dir = await closedStore();
    const journal = fs.readdirSync(dir).findLast((name) => name.startsWith('journal')) ?? '';
    patchFile(join(dir, journal), 300, Buffer.from('X'));

    const { code, message } = await refusalOf(dir);
    expect(code).toBe('STORE_CORRUPT');
    expect(message).toContain(journal);
    expect(message).toContain('Restore a backup');
  });

  it('is read without its snapshot when the one before it replaces it, and says so', async () => {
    const dir = await closedStore();
    await (await createSignalbox({ store: jsonStore(dir), jobs: [] })).stop();
    const reports: string[] = [];
    patchFile(join(dir, 'snapshot.json'), 300, Buffer.from('X'));
    fs.rmSync(join(dir, 'clean.json'));

    const past = await readStore(dir, { report: (message) => reports.push(message) });

    expect(await past.waitingCount('')).toBe(1);
    expect(reports).toEqual([expect.stringContaining('snapshot.json is not as it was written')]);
  });
});
