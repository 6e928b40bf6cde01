import { type Dispatcher, defineJob, local, memoryStore } from 'signalbox';
import { expect, test } from 'vitest';
import { decorated, disconnect, interceptedStore } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

const plain = defineJob({ name: 'plain', run: () => 'done' });

/** Fails the next `state.left` calls of one kind. */
function breaking(call: string, isMeant: (args: readonly unknown[]) => boolean = () => true) {
  const state = { left: 0 };
  const store = interceptedStore(memoryStore(), (name, args) => {
    if (name !== call || state.left === 0 || !isMeant(args)) return null;
    state.left -= 1;
    return disconnect();
  });
  return { state, store };
}

test('a claimed job begins though its claim does not say whether it has annotations, and the store fails to read it', async () => {
  const { state, store: inner } = breaking('annotated');
  const store = decorated(inner, (open) => ({
    async claim(request) {
      const { annotated: _unsaid, ...claimed } = await open.claim(request);
      return claimed;
    },
  }));
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
  '%s that is reassigned while its worker reads is called by the new holder alone',
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

test('agents that a poll could not read stay as they were', async () => {
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

test('a dispatcher whose activation failed halfway recognizes its representation as its own', async () => {
  const { state, store } = breaking('get', ([kind]) => kind === 'representation');
  const { box, reactor, logged } = await makeBox({ store, jobs: [plain] });
  // The activation is committed then, and read once more.
  const unlisten = box.listen(({ name }) => {
    if (name !== 'dispatcherActivated') return;
    state.left = 1;
    unlisten();
  });

  await box.start();
  const job = await box.queue().put(plain());
  await reactor.advance('5s');

  expect([state.left, logged('ERROR'), (await job.refresh()).status]).toEqual([0, [], 'COMPLETED']);
});
