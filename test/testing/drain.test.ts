import { createSignalbox, defineJob, detached, local, memoryStore, TimeoutError } from 'signalbox';
import { drain, putInline, VirtualReactor } from 'signalbox/testing';
import { expect, test } from 'vitest';

const square = defineJob({ name: 'square', run: (n: number) => n * n });
const fail = defineJob({
  name: 'fail',
  run: () => {
    throw new Error('no');
  },
});
const two = defineJob({
  name: 'two',
  run: async (n: number) => {
    await local.getQueue().put(square(n));
    await local.getQueue().put(square(n + 1));
  },
});
const handOn = defineJob({ name: 'handOn', run: async (n: number) => local.getQueue().put(square(n)) });
const promised = defineJob({
  name: 'promised',
  run: () => {
    const reactor = local.getReactor();
    return detached(new Promise<string>((resolve) => void reactor.callLater(1000, () => resolve('kept'))));
  },
});

async function openBox() {
  const reactor = new VirtualReactor();
  const jobs = [square, fail, two, handOn, promised];
  const box = await createSignalbox({ store: memoryStore(), reactor, jobs, queues: ['', 'other'] });
  reactor.attach(box);
  return { box, reactor };
}

test('draining performs what is due, and what that puts, in order', async () => {
  const { box } = await openBox();
  const job = await box.queue().put(two(3));
  const failing = await box.queue().put(fail());
  const later = await box.queue().put(square(9), { beginAfter: '1h' });

  const called = await drain(box);

  expect(called.map(({ name, args }) => [name, ...args])).toEqual([
    ['two', 3],
    ['fail'],
    ['square', 3],
    ['square', 4],
  ]);
  expect([(await job.refresh()).status, (await failing.refresh()).ending]).toEqual(['COMPLETED', 'failed']);
  expect((await later.refresh()).status).toBe('PENDING');
  await box.stop();
});

test('draining waits for jobs and promises that jobs wait for', async () => {
  const { box, reactor } = await openBox();
  reactor.run();
  const outer = await box.queue().put(handOn(5));
  const promise = await box.queue().put(promised());

  await reactor.until(drain(box));

  expect([await outer.result(), await promise.result()]).toEqual([25, 'kept']);
  await box.stop();
});

test('draining an empty queue calls nothing, and another queue is left alone', async () => {
  const { box } = await openBox();
  const job = await box.queue('other').put(square(2));

  expect(await drain(box)).toEqual([]);
  expect((await job.refresh()).status).toBe('PENDING');
  expect((await drain(box, { queue: 'other' })).map(({ id }) => id)).toEqual([job.id]);
  await box.stop();
});

test('draining reports what it waits for when that does not end', async () => {
  const { box, reactor } = await openBox();
  reactor.run();
  await box.queue().put(promised());

  const draining = reactor.until(drain(box, { timeout: '500ms' }));

  await expect(draining).rejects.toThrow(TimeoutError);
  await expect(draining).rejects.toThrow("queue '' to be drained, with 1 jobs called");
  await box.stop();
});

test('a job that is put inline is over when the put resolves, unless it is to begin later', async () => {
  const { box } = await openBox();

  const job = await putInline(box, square(4));
  const failed = await putInline(box, fail);
  const later = await putInline(box, square(4), { beginAfter: '1h', queue: 'other' });

  expect(job.outcome).toEqual({ ok: true, value: 16 });
  expect([failed.status, failed.ending]).toEqual(['COMPLETED', 'failed']);
  expect(later.status).toBe('PENDING');
  await box.stop();
});
