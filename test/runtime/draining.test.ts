import { agent, defineJob, memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from '../behaviours/barrier.ts';
import { interceptedStore } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

it('a poll that is overtaken by a stop while it reads the jobs of its agent claims nothing more', async () => {
  const reading = new Barrier<void>();
  let holds = false;
  const store = interceptedStore(memoryStore(), (call) => (holds && call === 'held' ? reading.wait() : null));
  const running = new Barrier();
  const wait = defineJob({ name: 'wait', run: () => running.wait() });
  const next = defineJob({ name: 'next', run: () => running.wait() });
  const { box, reactor } = await makeBox({ store, jobs: [wait, next], queues: [''] });
  await box.start({ agent: agent({ size: 1 }) });
  await box.queue().put(wait);
  await box.queue().put(next);
  holds = true;
  await reactor.advance('5s');

  const stopping = box.stop({ grace: '3s' });
  await reactor.runUntilIdle();
  holds = false;
  reading.release();
  await reactor.runUntilIdle();
  running.release('done');
  await reactor.until(stopping);

  expect(running.calls).toBe(1);
});
