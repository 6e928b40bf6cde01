import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSignalbox,
  Dispatcher,
  defineJob,
  local,
  memoryStore,
  NeverRetry,
  SignalboxError,
  type Store,
} from 'signalbox';
import { jsonStore, type SyncPort } from 'signalbox/json';
import { expect, test } from 'vitest';
import { nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import {
  conflict,
  decorated,
  disconnect,
  Faults,
  faultyStore,
  has,
  interceptedStore,
} from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

const plain = defineJob({ name: 'plain', run: () => 'done' });

/** Refuses the first call of a kind, once it is told to. */
function breaking(call: string, isMeant: (args: readonly unknown[]) => boolean = () => true) {
  const state = { left: 0 };
  const store = interceptedStore(memoryStore(), (name, args) => {
    if (name !== call || state.left === 0 || !isMeant(args)) return null;
    state.left -= 1;
    return disconnect();
  });
  return { state, store };
}

test('a claimed job begins though the store cannot tell whether it has annotations', async () => {
  const { state, store } = breaking('annotated');
  const seen: unknown[] = [];
  const look = defineJob({ name: 'look', run: () => void seen.push(local.getJob()?.annotations.note) });
  const { box, reactor } = await makeBox({ store, jobs: [look] });
  await box.start();

  state.left = 1;
  const job = await box.queue().put(look().with({ annotations: { note: 'kept' } }));
  await reactor.runUntilIdle();

  expect([state.left, seen, (await job.refresh()).status]).toEqual([0, ['kept'], 'COMPLETED']);
});

test('a callback that was started is called once the store answers again', async () => {
  const { state, store } = breaking('annotations');
  const seen: unknown[] = [];
  const hear = defineJob({ name: 'hear', run: (input: unknown) => void seen.push(input) });
  const { box, reactor } = await makeBox({ store, jobs: [plain, hear] });
  await box.start();

  const job = plain();
  await job.addCallback(hear.partial());
  state.left = 1;
  await box.queue().put(job);
  await reactor.runUntilIdle();
  expect(seen).toEqual([]);
  await reactor.advance('5s');

  expect([seen, (await job.refresh()).status]).toEqual([['done'], 'COMPLETED']);
});

test('a callback that was added to a completed job is called once the store answers again', async () => {
  const { state, store } = breaking('callbacks');
  const seen: unknown[] = [];
  const hear = defineJob({ name: 'hear', run: (input: unknown) => void seen.push(input) });
  const { box, reactor } = await makeBox({ store, jobs: [plain, hear] });
  await box.start();
  const job = await box.queue().put(plain());
  await reactor.runUntilIdle();

  state.left = 1;
  await reactor.until(job.addCallback(hear.partial()));

  expect([state.left, seen]).toEqual([0, ['done']]);
});

test('a conflict about anything else does not let a callback begin before its job', async () => {
  const faults = new Faults();
  const seen: string[] = [];
  const hear = defineJob({ name: 'hear', run: () => void seen.push('called') });
  const { box, reactor } = await makeBox({
    store: faultyStore(memoryStore(), faults),
    jobs: [plain, hear],
    queues: [''],
  });
  const job = await box.queue().put(plain());

  faults.refuseNext('callback.add', conflict());
  await job.addCallback(hear.partial());
  expect(seen).toEqual([]);
  await box.start();
  await reactor.runUntilIdle();

  expect([seen, (await job.refresh()).status]).toEqual([['called'], 'COMPLETED']);
});

test('a job that is too late is failed when the disk has room again', async () => {
  const faults = new Faults();
  const { box, reactor } = await makeBox({
    store: faultyStore(memoryStore(), faults),
    jobs: [plain],
    queues: [''],
  });
  reactor.run();
  const job = await box.queue().put(plain(), { beginBy: '1s' });
  await reactor.advance('2s');

  faults.refuseNext('job.fail', new SignalboxError('STORE_FULL', { path: 'the disk', needed: 1 }));
  await box.start();
  await reactor.advance('10s');

  expect([(await job.refresh()).status, job.ending]).toEqual(['COMPLETED', 'expired']);
});

test('a callback of an expired job that its process cut off is called again', async () => {
  const store = memoryStore();
  const calls: string[] = [];
  const clean = defineJob({
    name: 'clean',
    run: () => {
      calls.push('called');
      const reactor = local.getReactor();
      return calls.length > 1
        ? null
        : new Promise<void>((resolve) => void reactor.callLater(60_000, resolve));
    },
  });
  const first = await makeBox({ store, jobs: [plain, clean], queues: [''] });
  first.reactor.run();
  const job = plain();
  const callback = await job.addCallback(clean());
  await first.box.queue().put(job, { beginBy: '1s' });
  await first.reactor.advance('2s');
  await first.box.start();
  await first.reactor.runUntilIdle();
  expect(calls).toEqual(['called']);
  await first.box.stop();

  const second = await makeBox({ store, jobs: [plain, clean] });
  second.reactor.setNow(first.reactor.now());
  await second.box.start();
  await second.reactor.advance('10s');

  expect(calls).toEqual(['called', 'called']);
  expect((await second.box.job(callback.id ?? '').refresh()).status).toBe('COMPLETED');
  expect((await second.box.job(job.id ?? '').refresh()).status).toBe('COMPLETED');
});

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
  for (const letGo of held.splice(0)) letGo();
  await reactor.runUntilIdle();

  expect([calls, (await job.refresh()).status]).toEqual([['called'], 'COMPLETED']);
});

/** A store that holds back the word that the start of a callback is synced. */
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

test('a dispatcher that gives a sign of life while it is looked at is left alone', async () => {
  let revive: (() => Promise<void>) | null = null;
  const store = interceptedStore(memoryStore(), (call, [kind, id]) => {
    const isLook = call === 'get' && kind === 'representation' && id === '/b';
    if (!isLook || revive === null) return null;
    const alive = revive;
    revive = null;
    return alive();
  });
  const { box, reactor } = await makeBox({ store, jobs: [plain], queues: [''] });
  const [a, b] = ['a', 'b'].map((uuid) => new Dispatcher(box, { uuid })) as [Dispatcher, Dispatcher];
  a.activate();
  b.activate();
  reactor.run();
  await reactor.runUntilIdle();
  b.abandon();
  const representation = await box.queue().dispatchers.get('b');

  // It counts as dead, and right before it is declared dead it pings.
  await representation.setActivated(new Date(reactor.now() - 61_000));
  revive = () => representation.ping();
  await reactor.advance('5s');

  expect(revive).toBeNull();
  expect((await representation.refresh()).activated).not.toBeNull();
});

test('a job that is put for now begins at once, however wrong the clock of its process is', async () => {
  const inner = memoryStore();
  const behind: Store = {
    name: inner.name,
    open: (ports) => inner.open({ ...ports, now: () => ports.now() - 3_600_000 }),
  };
  const { box, reactor } = await makeBox({ store: behind, jobs: [plain] });
  await box.start();

  const job = await box.queue().put(plain());
  const later = await box.queue().put(plain(), { beginAfter: '10s' });
  await reactor.runUntilIdle();
  expect([(await job.refresh()).status, (await later.refresh()).status]).toEqual(['COMPLETED', 'PENDING']);
  await reactor.advance('10s');

  expect((await later.refresh()).status).toBe('COMPLETED');
});

test('agents that a poll could not read are those that they were before', async () => {
  const { state, store } = breaking('list', ([kind]) => kind === 'agent');
  let signal: AbortSignal | null = null;
  const wait = defineJob({
    name: 'wait',
    run: () => {
      signal = local.signal;
      return new Promise<void>((resolve) => void local.getReactor().callLater(600_000, resolve));
    },
  });
  const { box, reactor } = await makeBox({ store, jobs: [wait] });
  await box.start();
  await box.queue().put(wait());
  await reactor.runUntilIdle();

  state.left = 1;
  await reactor.advance('11s');
  const [active] = (box.getDispatcher() as Dispatcher).getActiveJobIds();
  await (await box.queue().dispatchers.get(box.uuid)).deactivate();

  expect(state.left).toBe(0);
  expect(active).toBeDefined();
  expect((signal as AbortSignal | null)?.aborted).toBe(true);
});

test('a dispatcher that a sibling declares dead while it comes back is activated in the same poll', async () => {
  let retire: (() => Promise<void>) | null = null;
  let looks = 0;
  const store = interceptedStore(memoryStore(), (call, [kind, id]) => {
    const isLook = call === 'get' && kind === 'representation' && id === '/b';
    if (!isLook || retire === null) return null;
    looks += 1;
    // It finds itself registered, reads its record, and is about to retire what is dead.
    if (looks < 3) return null;
    const declare = retire;
    retire = null;
    return declare();
  });
  const { box, reactor, logged } = await makeBox({ store, jobs: [plain], queues: [''] });
  const b = new Dispatcher(box, { uuid: 'b' });
  b.activate();
  reactor.run();
  await reactor.runUntilIdle();
  b.abandon();
  await reactor.advance('61s');

  const representation = await box.queue().dispatchers.get('b');
  b.activate();
  retire = () => representation.deactivate();
  await reactor.runUntilIdle();

  expect(retire).toBeNull();
  expect((await representation.refresh()).activated).not.toBeNull();
  expect(logged('CRITICAL')).toEqual([]);
});

test('a dispatcher that was activated takes no other for itself when what followed failed', async () => {
  const { state, store } = breaking('list', ([kind, prefix]) => kind === 'agent' && prefix === '/');
  const { box, reactor, logged } = await makeBox({ store, jobs: [plain] });

  state.left = 1;
  await box.start();
  const job = await box.queue().put(plain());
  await reactor.advance('5s');

  expect([state.left, logged('ERROR'), (await job.refresh()).status]).toEqual([0, [], 'COMPLETED']);
});

test('a callback that was added to a completed job is called though its start met a conflict', async () => {
  const faults = new Faults();
  const { box, reactor } = await makeBox({ store: faultyStore(memoryStore(), faults), jobs: [plain] });
  await box.start();
  const job = await box.queue().put(plain());
  await reactor.runUntilIdle();

  faults.refuseNext('job.start', conflict());
  const callback = await reactor.until(job.addCallback(plain.partial()));
  await reactor.runUntilIdle();

  expect((await callback.refresh()).status).toBe('COMPLETED');
});

test('the callbacks of a job that waited for another are called once the store answers again', async () => {
  const { state, store } = breaking('settled');
  const seen: unknown[] = [];
  const hear = defineJob({ name: 'hear', run: (input: unknown) => void seen.push(input) });
  const outer = defineJob({ name: 'outer', run: () => box.queue().put(plain()) });
  const { box, reactor } = await makeBox({ store, jobs: [plain, hear, outer] });
  await box.start();

  const job = outer();
  await job.addCallback(hear.partial());
  await box.queue().put(job);
  state.left = 1;
  await reactor.runUntilIdle();
  expect([state.left, seen]).toEqual([0, []]);
  await reactor.advance('5s');

  expect([seen, (await job.refresh()).status]).toEqual([['done'], 'COMPLETED']);
});

test.each(['a callback', 'a job with annotations'])(
  '%s that goes to other hands while its worker reads is called by those alone',
  async (which) => {
    const { state, store } = breaking('annotations');
    const calls: string[] = [];
    const counted = defineJob({ name: 'counted', run: () => void calls.push('called') });
    const hear = defineJob({ name: 'hear', run: (_: unknown) => void calls.push('called') });
    const { box, reactor } = await makeBox({ store, jobs: [plain, counted, hear] });
    await box.start();
    const job = which === 'a callback' ? plain() : counted().with({ annotations: { note: 'kept' } });
    if (which === 'a callback') await job.addCallback(hear.partial());

    state.left = 1;
    await box.queue().put(job);
    await reactor.runUntilIdle();
    expect([state.left, calls]).toEqual([0, []]);
    await (await box.queue().dispatchers.get(box.uuid)).deactivate();
    await reactor.advance('30s');

    expect([calls, (await job.refresh()).status]).toEqual([['called'], 'COMPLETED']);
  },
);

test('who takes up the callbacks of a job calls none before its outcome is synced', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-found-'));
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
      for (const letGo of held.splice(0)) letGo();
    },
  };
}
