import { createSignalbox, Dispatcher, decorateStore, defineJob, memoryStore, type Store } from 'signalbox';
import { createTestBox, VirtualReactor } from 'signalbox/testing';
import { expect, it } from 'vitest';

/** A memory store that counts how often it is asked for something. */
function countedStore(): { store: Store; asked: () => number } {
  const inner = memoryStore();
  let asked = 0;
  const count = <Value>(call: () => Promise<Value>): Promise<Value> => {
    asked += 1;
    return call();
  };
  return {
    store: {
      name: inner.name,
      open: async (ports) => decorateStore(await inner.open(ports), { read: count }),
    },
    asked: () => asked,
  };
}

it('a test box in virtual time polls as often as production, so an hour is a thousand calls', async () => {
  const remind = defineJob({ name: 'remind', run: () => 'reminded' });
  const reactor = new VirtualReactor();
  const { store, asked } = countedStore();
  const { box, dispatcher, tearDown } = await createTestBox({ reactor, store, jobs: [remind] });
  const production = await createSignalbox({ store: memoryStore(), jobs: [] });
  const job = await box.queue().put(remind(), { beginAfter: '62m' });
  const before = asked();

  const calls = await reactor.advance('63m');

  expect([(await job.refresh()).status, await job.result()]).toEqual(['COMPLETED', 'reminded']);
  expect(dispatcher.pollInterval).toBe(new Dispatcher(production).pollInterval);
  // One call for each poll of 5 s, and one for the job.
  expect(calls).toBe((63 * 60) / 5 + 1);
  expect((asked() - before) / calls).toBeLessThan(15);
  await tearDown();
  await production.stop();
});

it('a test box in virtual time is ready without that any time passes', async () => {
  const now = Date.UTC(2030, 5, 1);
  const reactor = new VirtualReactor({ now });

  const { dispatcher, tearDown } = await createTestBox({ reactor });

  expect(reactor.now()).toBe(now);
  expect([dispatcher.getStatusInfo().status, dispatcher.polls.length]).toEqual(['RUNNING', 1]);
  await tearDown();
});

it('test boxes in one reactor end apart: the last one stops it', async () => {
  const reactor = new VirtualReactor();
  const [one, other] = [await createTestBox({ reactor }), await createTestBox({ reactor })];
  const third = await createTestBox({ reactor });

  await one.tearDown();
  await third.crash();

  expect([reactor.running, other.dispatcher.getStatusInfo().status]).toEqual([true, 'RUNNING']);
  await other.tearDown();
  expect(reactor.running).toBe(false);
});
