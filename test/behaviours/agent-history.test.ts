import { memoryStore } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { describe, expect, it } from 'vitest';
import { makeControlledJobs, namesOf } from './controlled-jobs.ts';
import { agentOf, representationOf, startDispatchers } from './dispatchers.ts';
import { forEachStore, makeBox, newDirectory, type TestBox, type TestBoxOptions } from './stores.ts';

async function makeTestBox(store: TestBoxOptions['store']) {
  const controlled = makeControlledJobs();
  const testBox = await makeBox({ store, jobs: [controlled.hold, controlled.done], queues: [''] });
  const queue = testBox.box.queue();
  /** Runs jobs of these names, one an hour. */
  const runHourly = async (...names: string[]): Promise<Date[]> => {
    const instants: Date[] = [];
    for (const name of names) {
      await testBox.reactor.advance('1h');
      await queue.put(controlled.done(name));
      await testBox.reactor.runUntilIdle();
      instants.push(new Date(testBox.reactor.now()));
    }
    return instants;
  };
  return { ...controlled, testBox, reactor: testBox.reactor, queue, runHourly };
}

/** Days pass here: with the usual figures that would be tens of thousands of polls. */
async function pingDaily(testBox: TestBox): Promise<void> {
  const representation = await representationOf(testBox, 'a');
  await representation.setPingIntervals({ pingInterval: '1d', pingDeathInterval: '20d' });
}

const slow = { pollInterval: '30s' };

forEachStore('The completed history of an agent', (makeStore) => {
  it('[A-13] a completed job leaves the list of its agent for the history, and still belongs to the agent', async () => {
    const { testBox, queue, hold, open, reactor } = await makeTestBox(makeStore());
    await startDispatchers(testBox, ['a']);
    const job = await queue.put(hold('one'));
    await reactor.advance('3s');
    expect((await job.refresh()).callbacksEnd).toBeNull();

    open('one');
    await reactor.runUntilIdle();

    const main = await agentOf(testBox, 'a');
    expect([namesOf(await main.jobs()), namesOf(await main.completed())]).toEqual([[], ['one']]);
    await job.refresh();
    expect(job.record.parent).toEqual({ queue: '', dispatcher: 'a', agent: 'main' });
    expect(job.callbacksEnd).toEqual(new Date(reactor.now()));
  });

  it('[A-15] the history is asked by instants: newest first within a range, the newest before, the oldest after', async () => {
    const { testBox, runHourly } = await makeTestBox(makeStore());
    await startDispatchers(testBox, ['a'], { pollInterval: '1h' });
    await pingDaily(testBox);
    const [first, second, third, fourth] = (await runHourly('1', '2', '3', '4')) as [Date, Date, Date, Date];
    const main = await agentOf(testBox, 'a');
    const just = (instant: Date, ms: number) => new Date(instant.getTime() + ms);

    expect(namesOf(await main.completed({ since: second, until: third }))).toEqual(['3', '2']);
    expect(namesOf(await main.completed({ since: just(second, 1), until: just(fourth, -1) }))).toEqual(['3']);
    expect(namesOf(await main.completed({ since: just(fourth, 1) }))).toEqual([]);
    expect((await main.newestCompleted(just(third, -1)))?.args).toEqual(['2']);
    expect((await main.newestCompleted())?.args).toEqual(['4']);
    expect((await main.oldestCompleted(just(first, 1)))?.args).toEqual(['2']);
    expect((await main.oldestCompleted())?.args).toEqual(['1']);
    expect(await main.newestCompleted(just(first, -1))).toBeNull();
    await expect(main.completed({ since: '2030-01-01T00:00:00' })).rejects.toMatchObject({
      code: 'INVALID_INSTANT',
    });
  });
});

describe.each([
  ['memory', (maxAge?: number) => memoryStore(maxAge === undefined ? {} : { completedMaxAgeMs: maxAge })],
  [
    'json',
    (maxAge?: number) => jsonStore(newDirectory(), maxAge === undefined ? {} : { completedMaxAge: maxAge }),
  ],
] as const)('The retention of an agent history, %s store', (_kind, makeStore) => {
  it('[A-14] a history goes from new to old, later ones of one instant first, and forgets a job after seven to eight days', async () => {
    const { testBox, queue, runHourly, done, reactor } = await makeTestBox(makeStore());
    await startDispatchers(testBox, ['a'], { pollInterval: '6h' });
    await pingDaily(testBox);
    await runHourly('old');
    await testBox.box.transaction(async (tx) => {
      for (const name of ['tie 1', 'tie 2']) await tx.queue().put(done(name));
    });
    await reactor.runUntilIdle();
    const namesNow = async () => namesOf(await (await agentOf(testBox, 'a')).completed());
    expect(await namesNow()).toEqual(['tie 2', 'tie 1', 'old']);

    await reactor.advance(7 * 24 * 3_600_000 - 60_000);
    await queue.put(done('young'));
    await reactor.runUntilIdle();
    expect(await namesNow()).toEqual(['young', 'tie 2', 'tie 1', 'old']);

    await reactor.advance('1d');
    expect(await namesNow()).toEqual(['young']);
  });

  it('[A-16] the retention is a setting, and a job that a waiting job refers to outlives it', async () => {
    const { testBox, queue, done, reactor } = await makeTestBox(makeStore(3_600_000));
    await startDispatchers(testBox, ['a'], slow);
    const [gone, kept] = [await queue.put(done('gone')), await queue.put(done('kept'))];
    await reactor.runUntilIdle();
    await queue.put(done('later'), { beginAfter: '1d' });
    const later = await queue.at(0);
    await later.setArgs(['later', kept]);

    await reactor.advance('2h');

    await expect(gone.refresh()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect((await kept.refresh()).status).toBe('COMPLETED');
    expect(namesOf(await (await agentOf(testBox, 'a')).completed())).toEqual(['kept']);
  });
});
