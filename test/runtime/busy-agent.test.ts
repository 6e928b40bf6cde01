import { agent, createSignalbox, type Logger, memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { internals } from '../../src/runtime/box/internals.ts';
import { interceptedStore } from '../behaviours/faulty-store.ts';

const none = (): void => {};
const silent: Logger = { debug: none, info: none, warn: none, error: none, fatal: none };

it('a poll ends though its agent claims again and again', async () => {
  let offer = (): void => {};
  // While a claim is made, there is something to claim again.
  const store = interceptedStore(memoryStore(), (call) =>
    call === 'claim' ? new Promise<void>((resolve) => setImmediate(resolve)).then(() => offer()) : null,
  );
  const box = await createSignalbox({ store, jobs: [], logger: silent });
  offer = () => internals(box).committer.offerWork('');

  const dispatcher = await box.start({ agent: agent({ size: 1 }) });
  const [queue] = Object.values(dispatcher.getPollInfo().queues);
  offer = () => {};
  await box.stop();

  expect(queue?.main?.size).toBe(1);
});
