import { expect, it } from 'vitest';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { startDispatchers } from '../behaviours/dispatchers.ts';
import { Faults, faultyStore } from '../behaviours/faulty-store.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

forEachStore('A dispatcher that is activated again', (makeStore) => {
  it.each(['a sibling has taken its jobs over', 'it looks first'])(
    'aborts the code that it still runs, although it could not be deactivated: %s',
    async (which) => {
      const { hold, signals } = makeControlledJobs();
      const faults = new Faults();
      const testBox = await makeBox({ store: faultyStore(makeStore(), faults), jobs: [hold], queues: [''] });
      const { box, reactor } = testBox;
      const [first] = await startDispatchers(testBox, ['first']);
      await box.queue().put(hold('job'));
      await reactor.runUntilIdle();
      faults.refuseNext('representation.deactivate', new Error('the store has an error of its own'));
      const deactivated = first?.deactivate();
      await reactor.runUntilIdle();
      await deactivated;
      const before = signals.map(({ aborted }) => aborted);

      if (which.startsWith('a sibling')) await startDispatchers(testBox, ['second']);
      await reactor.advance('70s');
      first?.activate();
      await reactor.runUntilIdle();

      expect([before, signals[0]?.aborted]).toEqual([[false], true]);
    },
  );
});
