import { memoryStore, type OpenStore, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from '../behaviours/dispatchers.ts';
import { makeBox } from '../behaviours/stores.ts';

/** A store that lets a test act between the answer to a look at what an agent holds, and what follows from it. */
function storeThatIsLookedAt(afterLook: () => Promise<unknown>): Store {
  const inner = memoryStore();
  return {
    name: inner.name,
    async open(ports) {
      const store = await inner.open(ports);
      const looks: Partial<OpenStore> = {
        held: async (...args) => {
          const held = await store.held(...args);
          await afterLook();
          return held;
        },
        heldCount: async (...args) => {
          const count = await store.heldCount(...args);
          await afterLook();
          return count;
        },
      };
      return new Proxy(store, {
        get(target, key) {
          if (key in looks) return Reflect.get(looks, key);
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
        set: (target, key, value) => Reflect.set(target, key, value, target),
      });
    },
  };
}

it('an agent that claims a job while it is being removed stays', async () => {
  const { hold, started } = makeControlledJobs();
  let act = async (): Promise<unknown> => null;
  const testBox = await makeBox({ store: storeThatIsLookedAt(() => act()), jobs: [hold], queues: [''] });
  await startDispatchers(testBox, ['a']);
  const { agents } = await representationOf(testBox, 'a');
  act = async () => {
    act = async () => null;
    await testBox.box.queue().put(hold('job'));
    await testBox.reactor.runUntilIdle();
  };

  await expect(agents.remove('main')).rejects.toMatchObject({ code: 'AGENT_NOT_EMPTY' });

  expect(started).toEqual(['job']);
  expect(await (await agentOf(testBox, 'a')).length()).toBe(1);
});
