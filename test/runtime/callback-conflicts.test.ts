import { defineJob, memoryStore } from 'signalbox';
import { expect, test } from 'vitest';
import { conflict, Faults, faultyStore } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

const plain = defineJob({ name: 'plain', run: () => 'done' });

test('a conflict other than the expected one does not let a callback begin before its job', async () => {
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
