import { memoryStore, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from '../behaviours/dispatchers.ts';
import { decorated } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

/** A store that lets a test act between the answer to a read of what an agent holds, and what follows from it. */
function storeThatIsLookedAt(afterLook: () => Promise<unknown>): Store {
  return decorated(memoryStore(), () => ({
    async read(call, name) {
      const found = await call();
      if (name === 'held' || name === 'heldCount') await afterLook();
      return found;
    },
  }));
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
