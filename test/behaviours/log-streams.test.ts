import { createSignalbox, type Logger, type LogLevel } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { expect, it, vi } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { representationOf, startDispatchers } from './dispatchers.ts';
import { forEachStore, makeBox } from './stores.ts';

forEachStore('Log streams', (makeStore) => {
  it('[D-57] significant entries go to signalbox.events and those of each poll and job to signalbox.trace, at their levels', async () => {
    const { hold, done, fail, open } = makeControlledJobs();
    const testBox = await makeBox({ store: makeStore(), jobs: [hold, done, fail] });
    const { box, reactor, entries } = testBox;
    const levelsOf = (text: RegExp) => {
      const found = entries.filter(({ message }) => text.test(message));
      return [...new Set(found.map(({ stream, level }) => `${stream} ${level}`))];
    };

    const [a] = await startDispatchers(testBox, ['a']);
    const parent = done('parent');
    await parent.addCallback(fail.partial('callback fails'));
    await box.queue().put(parent);
    await box.queue().put(fail('job fails'));
    const held = await box.queue().put(hold('one'));
    await reactor.advance('6s');
    await (await representationOf(testBox, 'a')).deactivate();
    await reactor.advance('6s');
    open('one');
    await reactor.advance('6s');
    await a?.deactivate();

    expect((await held.refresh()).status).toBe('COMPLETED');
    expect(levelsOf(/queue '' added/)).toEqual(['signalbox.events INFO']);
    expect(levelsOf(/activate dispatcher|deactivated dispatcher a/)).toEqual(['signalbox.events INFO']);
    expect(levelsOf(/^fail .* failed in .* Error: job fails/)).toEqual(['signalbox.events ERROR']);
    expect(levelsOf(/^fail .* failed in .* Error: callback fails/)).toEqual(['signalbox.events CRITICAL']);
    expect(levelsOf(/is reactivated/)).toEqual(['signalbox.events CRITICAL']);
    expect(levelsOf(/^poll /)).toEqual(['signalbox.trace DEBUG']);
    expect(levelsOf(/^starting callback/)).toEqual(['signalbox.trace DEBUG']);
    expect(levelsOf(/^starting in thread|^completed in thread/)).toEqual(['signalbox.trace DEBUG']);
    expect(levelsOf(/succeeded with result/)).toEqual(['signalbox.trace DEBUG']);
    expect(levelsOf(/interruption 1/)).toEqual(['signalbox.trace DEBUG']);
    expect(levelsOf(/ succeeded (on attempt 2 )?in \d+ ms$/)).toEqual(['signalbox.trace INFO']);
    expect([...new Set(entries.map(({ stream }) => stream))].sort()).toEqual([
      'signalbox.events',
      'signalbox.trace',
    ]);
  });

  it('[D-57] a logger is asked which levels it wants, and without one only CRITICAL entries reach standard error', async () => {
    const { done, fail } = makeControlledJobs();
    const written: LogLevel[] = [];
    const keep =
      (level: LogLevel): Logger['info'] =>
      () => {
        written.push(level);
      };
    const logger: Logger = {
      debug: keep('DEBUG'),
      info: keep('INFO'),
      warn: keep('WARNING'),
      error: keep('ERROR'),
      fatal: keep('CRITICAL'),
      isLevelEnabled: (level) => level === 'error',
    };
    const standardError = vi.spyOn(console, 'error').mockImplementation(() => {});
    try {
      for (const options of [{ logger }, {}]) {
        const reactor = new VirtualReactor();
        const box = await createSignalbox({ store: makeStore(), jobs: [done, fail], reactor, ...options });
        reactor.attach(box);
        await reactor.until(box.start());
        const parent = done('parent');
        await parent.addCallback(fail.partial('callback fails'));
        await box.queue().put(parent);
        await box.queue().put(fail('job fails'));
        await reactor.advance('1s');
        await box.stop();
      }

      expect(written).toEqual(['ERROR']);
      expect(standardError.mock.calls).toEqual([
        [expect.stringMatching(/^signalbox\.events CRITICAL .*callback fails\n +at /)],
      ]);
    } finally {
      standardError.mockRestore();
    }
  });
});
