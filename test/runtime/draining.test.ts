import { agent, defineJob, memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { interceptedStore } from '../behaviours/faulty-store.ts';
import { Gate } from '../behaviours/gate.ts';
import { makeBox } from '../behaviours/stores.ts';

it('a stop that overtakes a poll while it reads what its agent holds has it claim nothing more', async () => {
  const reading = new Gate<void>();
  let holds = false;
  const store = interceptedStore(memoryStore(), (call) => (holds && call === 'held' ? reading.pass() : null));
  const running = new Gate();
  const wait = defineJob({ name: 'wait', run: () => running.pass() });
  const next = defineJob({ name: 'next', run: () => running.pass() });
  const { box, reactor } = await makeBox({ store, jobs: [wait, next], queues: [''] });
  await box.start({ agent: agent({ size: 1 }) });
  await box.queue().put(wait);
  await box.queue().put(next);
  holds = true;
  await reactor.advance('5s');

  const stopping = box.stop({ grace: '3s' });
  await reactor.runUntilIdle();
  holds = false;
  reading.open();
  await reactor.runUntilIdle();
  running.open('done');
  await reactor.until(stopping);

  expect(running.calls).toBe(1);
});
