import { join } from 'node:path';
import { memoryStore, type Store } from 'signalbox';
import { jsonStore, type SyncPort } from 'signalbox/json';
import { expect, test } from 'vitest';
import { nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { startDispatchers } from '../behaviours/dispatchers.ts';
import { decorated } from '../behaviours/faulty-store.ts';
import { makeBox, newDirectory } from '../behaviours/stores.ts';

async function makeRunning(store: Store) {
  const { hold, open } = makeControlledJobs();
  const testBox = await makeBox({ store, jobs: [hold], queues: [''] });
  await startDispatchers(testBox, ['a']);
  const job = await testBox.box.queue().put(hold('one'));
  await testBox.reactor.runUntilIdle();
  return { ...testBox, job: await job.refresh(), open: () => open('one') };
}

test('an observer that has been unsubscribed is not notified, though the job is being read for it', async () => {
  const { job, reactor } = await makeRunning(memoryStore());
  const ref = job.actorRef();
  const told: string[] = [];
  ref.subscribe(() => {
    told.push('first');
    second.unsubscribe();
  });
  const second = ref.subscribe(() => told.push('second'));

  await job.setAnnotation('note', 1);
  await reactor.runUntilIdle();

  expect(told).toEqual(['first']);
});

test('an observer sees what is synced, and not what is only written', async () => {
  const held: (() => void)[] = [];
  let isShut = false;
  const syncs = (): SyncPort => ({
    async datasync(fd) {
      if (isShut) await new Promise<void>((resolve) => held.push(resolve));
      nodeFilePort.datasync(fd);
    },
    close() {},
  });
  const store = jsonStore(join(newDirectory(), 'store'), { files: nodeFilePort, syncs });
  const { job, open, box } = await makeRunning(store);
  const statuses: unknown[] = [];
  job.actorRef().subscribe(({ value }) => statuses.push(value));
  isShut = true;
  const set = job.setAnnotation('note', 1);
  await expect.poll(() => held.length).toBe(1);
  open();
  await expect.poll(async () => (await box.store.get('job', job.id ?? ''))?.state).toBe('completed');

  held.splice(0).forEach((letGo) => letGo());
  await set;
  await expect.poll(() => held.length).toBe(1);
  const before = [...statuses];
  isShut = false;
  held.splice(0).forEach((letGo) => letGo());
  await box.store.settled();

  expect(before).toEqual([]);
  await expect.poll(() => statuses.at(-1)).toBe('completed');
});

test('an observer gets no older record than its last, in any order in which a store answers', async () => {
  const answers: (() => void)[] = [];
  let isSlow = false;
  const store = decorated(memoryStore(), () => ({
    async read(call, name) {
      const found = await call();
      if (name === 'get' && isSlow) await new Promise<void>((resolve) => answers.push(resolve));
      return found;
    },
  }));
  const { job, open, reactor } = await makeRunning(store);
  const values: unknown[] = [];
  const ref = job.actorRef();
  ref.subscribe(({ value }) => values.push(value));
  isSlow = true;
  await job.setAnnotation('note', 1);
  await expect.poll(() => answers.length).toBe(1);
  open();
  await expect.poll(() => answers.length).toBe(2);
  isSlow = false;

  answers[1]?.();
  await reactor.runUntilIdle();
  answers[0]?.();
  await reactor.runUntilIdle();

  expect(values).toEqual(['completed', 'completed']);
  expect(ref.getSnapshot().value).toBe('completed');
});
