import { createSignalbox, Dispatcher, defineJob, memoryStore } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { makeBox } from '../behaviours/stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

it('a stop ends though a trigger before shutdown throws, and the other triggers are made', async () => {
  const { box, reactor, logged } = await makeBox({ store: memoryStore() });
  const made: string[] = [];
  reactor.addSystemEventTrigger('before', 'shutdown', () => {
    throw new Error('no shutdown');
  });
  reactor.addSystemEventTrigger('before', 'shutdown', () => void made.push('other'));
  await box.start();

  await reactor.until(box.stop());

  expect([box.state, reactor.running, made]).toEqual(['stopped', false, ['other']]);
  expect(logged('ERROR')).toEqual([expect.stringContaining('no shutdown')]);
});

it('a reactor that two boxes share is stopped with the last of them', async () => {
  const reactor = new VirtualReactor();
  const [one, other] = await Promise.all(
    [1, 2].map(() => createSignalbox({ store: memoryStore(), reactor, jobs: [note] })),
  );
  for (const box of [one, other]) if (box !== undefined) reactor.attach(box);
  await one?.start();
  const dispatcher = await other?.start();

  await one?.stop();
  await reactor.advance('4s');
  const job = await other?.queue().put(note('x'));

  expect(await job?.result()).toBe('x');
  expect([reactor.running, dispatcher?.getStatusInfo().status]).toEqual([true, 'RUNNING']);
  await other?.stop();
  expect(reactor.running).toBe(false);
});

it('a dispatcher that is stopped already is no obstacle to the shutdown of its reactor', async () => {
  const { box, reactor } = await makeBox({ store: memoryStore() });
  await box.start();
  const second = new Dispatcher(box, { uuid: 'z' });
  second.activate();
  await second.nextPoll();

  await reactor.until(Promise.all([reactor.stop(), second.deactivate(), box.stop()]));

  expect([box.state, reactor.running, second.activated]).toEqual(['stopped', false, null]);
});
