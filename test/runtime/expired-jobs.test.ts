import { defineJob, local, memoryStore, SignalboxError } from 'signalbox';
import { expect, test } from 'vitest';
import { Faults, faultyStore } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

const plain = defineJob({ name: 'plain', run: () => 'done' });

test('a job past its deadline is failed when the disk has room again', async () => {
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

test('a callback of an expired job that the stop of its process interrupted is called again', async () => {
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
