import { agent, memoryStore, type Signalbox } from 'signalbox';
import { expect, it } from 'vitest';
import { type AnyActorRef, fromCallback } from 'xstate';
import { hostOf } from '../../src/runtime/dispatchers/dispatcher-host.ts';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { representationOf, startDispatchers } from '../behaviours/dispatchers.ts';
import { makeBox } from '../behaviours/stores.ts';

/** The children that a box's supervisor has, as a child of its own sees them. */
function childrenOf(box: Signalbox): () => string[] {
  const child = hostOf(box).spawn(
    'witness',
    fromCallback(() => {}),
    undefined,
  );
  const parent = child._parent as AnyActorRef;
  return () => Object.keys(parent.getSnapshot().children);
}

it('agents that were removed, or whose dispatcher was deactivated, are no longer children of the box', async () => {
  const testBox = await makeBox({ store: memoryStore(), queues: [''] });
  const { box, reactor } = testBox;
  const [dispatcher] = await startDispatchers(testBox, ['a']);
  const children = childrenOf(box);
  const { agents } = await representationOf(testBox, 'a');
  const before = children().length;

  for (let count = 0; count < 5; count += 1) {
    await agents.set('other', agent({ size: 2 }));
    await reactor.advance('5s');
    expect(children()).toHaveLength(before + 1);
    await agents.remove('other');
    await reactor.advance('5s');
  }
  const removed = children();
  const deactivated = dispatcher?.deactivate();
  await reactor.runUntilIdle();
  await deactivated;

  expect(removed).toHaveLength(before);
  expect(children()).toHaveLength(before - 1);
});

it('an agent whose dispatcher was deactivated stays a child until its worker is done', async () => {
  const { hold, open } = makeControlledJobs();
  const testBox = await makeBox({ store: memoryStore(), jobs: [hold], queues: [''] });
  const { box, reactor } = testBox;
  const [dispatcher] = await startDispatchers(testBox, ['a']);
  const children = childrenOf(box);
  const before = children().length;
  await box.queue().put(hold('job'));
  await reactor.runUntilIdle();

  const deactivated = dispatcher?.deactivate();
  await reactor.runUntilIdle();
  await deactivated;
  const atWork = children();
  open('job');
  await reactor.runUntilIdle();

  expect(atWork).toHaveLength(before);
  expect(children()).toHaveLength(before - 1);
});
