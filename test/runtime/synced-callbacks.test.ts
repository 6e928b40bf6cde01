import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignalbox, defineJob, memoryStore, NeverRetry, type Store } from 'signalbox';
import { jsonStore, type SyncPort } from 'signalbox/json';
import { expect, test } from 'vitest';
import { nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { decorated, has } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

const plain = defineJob({ name: 'plain', run: () => 'done' });

test('a callback that must not run twice is called when its start is synced', async () => {
  let isHeld = true;
  const held: (() => void)[] = [];
  const calls: string[] = [];
  const once = defineJob({ name: 'once', retry: NeverRetry, run: () => void calls.push('called') });
  const { box, reactor } = await makeBox({ store: slowToSync(() => isHeld, held), jobs: [plain, once] });
  await box.start();
  const job = plain();
  const callback = await job.addCallback(once());
  await box.queue().put(job);
  await reactor.runUntilIdle();
  expect([calls, (await callback.refresh()).status]).toEqual([[], 'ACTIVE']);

  isHeld = false;
  for (const release of held.splice(0)) release();
  await reactor.runUntilIdle();

  expect([calls, (await job.refresh()).status]).toEqual([['called'], 'COMPLETED']);
});

/** A store that delays the sync of the start of a callback. */
function slowToSync(isHeld: () => boolean, held: (() => void)[]): Store {
  return decorated(memoryStore(), (store) => ({
    commit(commit) {
      const ticket = store.commit(commit);
      if (!isHeld() || commit.changes[0]?.event !== 'job.start' || !has(commit, 'job.start')) return ticket;
      const synced = ticket.synced.then(() => new Promise<void>((resolve) => held.push(resolve)));
      return { written: ticket.written, synced };
    },
  }));
}

test('callbacks that another process resumes are not called before the outcome of their job is synced', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-synced-'));
  const disk = gatedDisk();
  const calls: string[] = [];
  const [first, second] = [signal(), signal()];
  const ends = defineJob({ name: 'ends', run: () => first.given });
  const hear = defineJob({ name: 'hear', run: () => void calls.push('called') });
  const takeUp = defineJob({
    name: 'takeUp',
    run: async (id: string) => {
      await second.given;
      await box.job(id).handleInterrupt();
    },
  });
  const box = await createSignalbox({
    store: jsonStore(dir, { files: disk.files, syncs: disk.syncs }),
    jobs: [ends, hear, takeUp],
  });
  await box.start();
  const job = ends();
  await job.addCallback(hear());
  await box.queue().put(job);
  const id = job.id ?? '';
  const other = await box.queue().put(takeUp(id));
  await Promise.all([job.waitFor('ACTIVE'), other.waitFor('ACTIVE')]);

  disk.shut();
  first.give();
  while ((await box.store.get('job', id))?.state !== 'callbacks') await new Promise(setImmediate);
  second.give();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  const callsBefore = [...calls];
  disk.open();
  await job.waitFor('COMPLETED');

  expect([callsBefore, calls]).toEqual([[], ['called']]);
  await box.stop();
  rmSync(dir, { recursive: true });
});

function signal(): { readonly given: Promise<void>; give(): void } {
  let give: () => void = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

/** A disk on which no sync ends while it is shut. */
function gatedDisk() {
  const files = nodeFilePort;
  let isShut = false;
  const held: (() => void)[] = [];
  return {
    files,
    syncs: (): SyncPort => ({
      async datasync(fd) {
        if (isShut) await new Promise<void>((resolve) => held.push(resolve));
        files.datasync(fd);
      },
      close() {},
    }),
    shut() {
      isShut = true;
    },
    open() {
      isShut = false;
      for (const release of held.splice(0)) release();
    },
  };
}
