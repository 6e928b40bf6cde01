import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignalbox, defineJob, type Signalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run, runUntil } from './run.ts';

const pin = 'canary-4711';
const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });
const charge = defineJob({
  name: 'charge',
  redact: ['0'],
  retry: { maxAttempts: 1 },
  run: (card: string): void => {
    throw new Error(`refused ${card}`);
  },
});

let folder: string;
let box: Signalbox;
let reactor: VirtualReactor;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-tail-'));
  reactor = new VirtualReactor();
  box = await open();
});
afterEach(async () => {
  await reactor.until(box.stop());
  rmSync(folder, { recursive: true });
});

async function open(): Promise<Signalbox> {
  const store = jsonStore(join(folder, 'store'));
  const opened = await createSignalbox({ store, jobs: [send, charge], queues: ['mail', 'bank'], reactor });
  reactor.attach(opened);
  return opened;
}

const tail = (stopped: (printed: () => string) => Promise<void>, ...args: readonly string[]) =>
  runUntil(stopped, 'tail', '--store', join(folder, 'store'), ...args);

/** Resolves when something was printed. */
async function has(printed: () => string, text: string): Promise<void> {
  await expect.poll(printed, { timeout: 10_000 }).toContain(text);
}

describe('signalbox tail', () => {
  it('prints what a process at work does, as it does it, beside its lock', async () => {
    const { code, out } = await tail(async (printed) => {
      await has(printed, 'queue.created');
      await box.queue('mail').put(send('ada@example.org'), { id: 'j1' });
      await has(printed, 'job.put');
      await reactor.until(box.start());
      await reactor.advance('1s');
      await has(printed, 'completed');
    });

    expect(code).toBe(0);
    expect(out.split('\n').filter((line) => line.includes('mail.send j1'))).toEqual([
      expect.stringMatching(
        /^\d{4}-\d\d-\d\dT[\d:.]+Z +\d+ {2}job\.put +mail\.send j1 +new > pending +into queue 'mail'$/,
      ),
      expect.stringMatching(/job\.claim +mail\.send j1 +pending > assigned +agent main$/),
      expect.stringMatching(/job\.start +mail\.send j1 +assigned > active\.running/),
      expect.stringMatching(/job\.finish +mail\.send j1 +active\.running > callbacks/),
      expect.stringMatching(/job\.complete +mail\.send j1 +callbacks > completed/),
    ]);
  });

  it('goes on when the process is replaced, and misses and repeats nothing', async () => {
    const { out } = await tail(
      async (printed) => {
        await box.queue('mail').put(send('ada@example.org'), { id: 'j1' });
        await has(printed, 'j1');
        await reactor.until(box.stop());
        reactor = new VirtualReactor();
        box = await open();
        await box.queue('mail').put(send('bo@example.org'), { id: 'j2' });
        await has(printed, 'j2');
      },
      '--json',
      '--lines',
      '1000',
    );

    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number });
    const seqs = lines.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, at) => (seqs[0] ?? 0) + at));
    expect(seqs.at(-1)).toBe((await box.store.position()).seq);
  });

  it('begins with the newest entries of a store that is at rest', async () => {
    await box.queue('mail').put(send('ada@example.org'), { id: 'j1' });
    const { seq } = await box.store.position();

    const { out } = await tail(() => Promise.resolve(), '--lines', '2', '--json');

    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([
      { seq: seq - 1 },
      { seq, event: 'job.put', job: 'j1', name: 'mail.send', queue: 'mail', note: "into queue 'mail'" },
    ]);
  });

  it('prints what a filter lets through', async () => {
    await box.queue('mail').put(send('ada@example.org'), { id: 'j1' });
    await box.queue('bank').put(charge('1'), { id: 'c1' });
    const seen = async (...args: readonly string[]) => {
      const { out } = await tail(() => Promise.resolve(), ...args, '--json');
      return out === ''
        ? []
        : out
            .trimEnd()
            .split('\n')
            .map((line) => (JSON.parse(line) as { id: string }).id);
    };

    expect(await seen('--task', 'mail.*')).toEqual(['j1']);
    expect(await seen('--job', 'c1')).toEqual(['c1']);
    expect(await seen('--queue', 'bank')).toEqual(['bank', 'c1']);
    expect(await seen('--event', 'queue.*')).toEqual(['mail', 'bank']);
    expect(await seen('--event', 'job.put', '--queue', 'mail')).toEqual(['j1']);
    expect(await seen('--task', 'mail')).toEqual([]);
    expect(await seen('--event', 'job.put', '--lines', '0')).toEqual([]);
  });

  it('shows nothing that a definition redacts', async () => {
    await box.queue('bank').put(charge(pin), { id: 'c1' });
    await reactor.until(box.start());
    await reactor.advance('1s');
    const texts = [
      await tail(() => Promise.resolve(), '--lines', '1000'),
      await tail(() => Promise.resolve(), '--lines', '1000', '--json'),
    ].map(({ out }) => out);

    expect(texts[0]).toContain('refused [redacted]');
    expect(texts.join()).not.toContain(pin);
  });

  it('refuses a number of lines that is none, and a directory without a store', async () => {
    expect(await run('tail', '--lines', '-1')).toMatchObject({ code: 2 });
    expect(await run('tail', '--store', join(folder, 'nowhere'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('STORE_MISSING'),
    });
  });

  it('ends on SIGINT', async () => {
    const main = join(import.meta.dirname, '../../src/cli/main.ts');
    const args = ['--import', 'tsx', '--conditions', 'signalbox-source', main, 'tail'];
    const child = spawn(process.execPath, [...args, '--store', join(folder, 'store')]);
    await once(child.stdout, 'data');

    child.kill('SIGINT');

    expect(await once(child, 'close')).toEqual([0, null]);
  });
});
