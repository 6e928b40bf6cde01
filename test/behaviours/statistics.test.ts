import { agent, type Dispatcher, Failure } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { representationOf, startDispatchers } from './dispatchers.ts';
import { forEachStore, makeBox } from './stores.ts';

forEachStore('The statistics of a dispatcher', (makeStore) => {
  /**
   * Sixteen seconds of work, with polls after 0, 5, 10 and 15 s. In queue '': quick 1–1, long 1–12, older from 1 on,
   * failed 6–6, failed late 6–9, late from 11 on; in queue 'other', with agent `side`: elsewhere 6–7.
   */
  async function makeDay(options: { readonly jobsSize?: number } = {}) {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({
      store: makeStore(),
      jobs: [controlled.hold, controlled.done, controlled.fail],
      queues: ['', 'other'],
    });
    const { box, reactor } = testBox;
    const start = reactor.now();
    const agents = {
      main: agent({ size: 10, filter: { notJobs: ['none'] } }),
      side: agent({ size: 10, filter: { args: { '0': 'elsewhere' } } }),
    };
    const [a] = (await startDispatchers(testBox, ['a'], { ...options, agents })) as [Dispatcher];
    await (await box.queue('other').dispatchers.get('a')).agents.remove('main');
    await reactor.advance('1s');
    const quick = await box.queue().put(controlled.done('quick'));
    const long = await box.queue().put(controlled.hold('long'));
    const older = await box.queue().put(controlled.hold('older'));
    await reactor.advance('5s');
    const failed = await box.queue().put(controlled.fail('no'));
    const failedLate = await box.queue().put(controlled.hold('failed late'));
    const elsewhere = await box.queue('other').put(controlled.hold('elsewhere'));
    await reactor.advance('1s');
    controlled.open('elsewhere');
    await reactor.advance('2s');
    controlled.open('failed late', Failure.from(new Error('no')));
    await reactor.advance('2s');
    const late = await box.queue().put(controlled.hold('late'));
    await reactor.advance('1s');
    controlled.open('long');
    await reactor.advance('4s');
    const after = (seconds: number) => new Date(start + seconds * 1000);
    return { a, after, jobs: { quick, long, older, failed, failedLate, elsewhere, late } };
  }

  it('[D-52] statistics are of the polls in a range, of one queue or agent if wanted', async () => {
    const { a, after } = await makeDay();

    const started = (range: Parameters<Dispatcher['getStatistics']>[0]) => a.getStatistics(range).started;

    expect(started({})).toBe(7);
    expect([started({ queue: '' }), started({ queue: 'other' }), started({ queue: 'none' })]).toEqual([
      6, 1, 0,
    ]);
    expect([started({ agent: 'main' }), started({ agent: 'side' })]).toEqual([6, 1]);
    expect([started({ at: after(5) }), started({ before: after(5) })]).toEqual([6, 3]);
    expect([started({ since: after(5) }), started({ since: after(5), before: after(10) })]).toEqual([4, 3]);
    expect(() => started({ at: after(5), before: after(5) })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }) as Error,
    );
  });

  it('[D-53] they count jobs started, and of those examined the successful, the failed, and those whose record is gone', async () => {
    const whole = await makeDay();
    const cut = await makeDay({ jobsSize: 5 });

    const counts = { started: 7, successful: 3, failed: 2 };
    expect(whole.a.getStatistics()).toMatchObject({ ...counts, unknown: 0 });
    // The records of quick and long are gone.
    expect(cut.a.getStatistics()).toMatchObject({ ...counts, successful: 1, unknown: 2 });
  });

  it('[D-53] a job that was taken over meanwhile counts by its present state', async () => {
    const controlled = makeControlledJobs();
    const testBox = await makeBox({ store: makeStore(), jobs: [controlled.hold], queues: [''] });
    const { box, reactor } = testBox;
    const [a] = (await startDispatchers(testBox, ['a'])) as [Dispatcher];
    const job = await box.queue().put(controlled.hold('one'), { retryPolicy: 'NeverRetry' });
    await reactor.advance('1s');
    await (await representationOf(testBox, 'a')).deactivate();
    await reactor.advance('6s');
    controlled.open('one');
    await reactor.advance('1s');

    const id = job.id ?? '';

    expect((await job.refresh()).ending).toBe('aborted');
    expect(a.getJobInfo(id)).toMatchObject({ reassigned: true, failed: true });
    expect(a.getJobInfo(id).result).toContain('AbortedError');
    // The system job that aborted it is the one that succeeded.
    expect(a.getStatistics()).toMatchObject({ started: 2, successful: 1, failed: 1 });
  });

  it('[D-54] jobs that ran already when the range opens are examined, but not counted as started', async () => {
    const { a, after } = await makeDay();

    const statistics = a.getStatistics({ since: after(10), queue: '' });

    // late began in the range; long and older were held by the oldest poll.
    expect(statistics).toMatchObject({ started: 1, successful: 1, failed: 0, unknown: 0 });
    expect(a.getStatistics({ since: after(15) })).toMatchObject({ started: 0, successful: 0 });
    expect(a.getStatistics({ since: after(15) }).longestActive).not.toBeNull();
  });

  it('[D-55] they name the shortest and longest of the successful, failed and active jobs; the first examined wins a tie', async () => {
    const { a, jobs, after } = await makeDay();

    expect(a.getStatistics()).toMatchObject({
      shortestSuccessful: jobs.quick.names,
      longestSuccessful: jobs.long.names,
      shortestFailed: jobs.failed.names,
      longestFailed: jobs.failedLate.names,
      shortestActive: jobs.late.names,
      longestActive: jobs.older.names,
    });
    const [other] = [a.getStatistics({ queue: 'other' })];
    expect([other.shortestSuccessful, other.longestSuccessful]).toEqual([
      jobs.elsewhere.names,
      jobs.elsewhere.names,
    ]);
    expect([other.shortestFailed, other.longestActive]).toEqual([null, null]);
    // Both have run for the same time: the one of the newer poll, looked at first, is named.
    const info = a.jobs.get(jobs.late.id ?? '');
    if (info !== undefined) info.started = after(1);
    expect(a.getStatistics()).toMatchObject({
      shortestActive: jobs.late.names,
      longestActive: jobs.late.names,
    });
  });

  it('[D-56] their start is the instant of the newest poll examined, and their end that of the oldest', async () => {
    const { a, after } = await makeDay();

    expect(a.getStatistics()).toMatchObject({ statisticsStart: after(15), statisticsEnd: after(0) });
    const range = { before: after(15), since: after(3) };
    expect(a.getStatistics(range)).toMatchObject({ statisticsStart: after(10), statisticsEnd: after(5) });
    expect(a.getStatistics({ before: after(0) })).toMatchObject({
      statisticsStart: null,
      statisticsEnd: null,
    });
  });
});
