import { Dispatcher, defineJob, memoryStore } from 'signalbox';
import { expect, test } from 'vitest';
import { interceptedStore } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

const plain = defineJob({ name: 'plain', run: () => 'done' });

test('a dispatcher that pings between the check of its death and the declaration stays activated', async () => {
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

test('a dispatcher that a sibling declares dead during its activation is activated in the same poll', async () => {
  let retire: (() => Promise<void>) | null = null;
  let looks = 0;
  const store = interceptedStore(memoryStore(), (call, [kind, id]) => {
    const isLook = call === 'get' && kind === 'representation' && id === '/b';
    if (!isLook || retire === null) return null;
    looks += 1;
    // It finds itself registered, reads its record, and is about to deactivate what is dead.
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
