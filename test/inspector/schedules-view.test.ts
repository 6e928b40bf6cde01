import { defineJob } from 'signalbox';
import { expect, it } from 'vitest';
import { jobView } from '../../src/inspector/views/job/job-view.ts';
import { schedulesView, scheduleView } from '../../src/inspector/views/schedules/schedules-view.ts';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const start = Date.UTC(2030, 0, 1);
const minute = 60_000;

forEachStore('A view of schedules', (makeStore) => {
  it('shows the next ticks of each, and what each of the last ticks of one became', async () => {
    const { hold, open } = makeControlledJobs();
    const fail = defineJob({
      name: 'fails',
      run: () => Promise.reject(new Error('no')),
      retry: { maxAttempts: 1 },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [hold, fail], queues: ['q'] });
    await box.start();
    const { schedules } = box.queue('q');
    await schedules.set('a', { every: '10m', jitter: '0ms' }, hold('x'));
    await schedules.set('b', { cron: '5 0 * * *', tz: 'Asia/Kolkata', maxRuns: 3 }, fail);
    await reactor.advance('25m');
    open('x');
    await reactor.advance('10m');
    await schedules.pause('b', { reason: 'closed' });

    const list = await schedulesView(box.store, null);
    const view = await scheduleView(box.store, 'q/a');

    expect(
      list.schedules.map(({ name, when, state, job, next }) => [name, when, state, job, next.length]),
    ).toEqual([
      ['a', 'every 10 minutes', 'active', 'hold', 10],
      ['b', '5 0 * * * in Asia/Kolkata, 3 times', 'paused', 'fails', 3],
    ]);
    expect(list.schedules[1]?.paused).toMatchObject({ by: box.uuid, reason: 'closed' });
    expect(view?.next[0]).toBe(start + 40 * minute);
    expect(view?.last.map(({ tick, became, ending }) => [(tick - start) / minute, became, ending])).toEqual([
      [30, 'job', 'succeeded'],
      [20, 'overlap', null],
      [10, 'job', 'succeeded'],
    ]);
    const job = await jobView(box.store, view?.last[0]?.job ?? '');
    expect(job?.origin).toMatchObject({ schedule: 'q/a', tags: [] });
    expect((await schedulesView(box.store, 'other')).schedules).toEqual([]);
    expect(await scheduleView(box.store, 'q/none')).toBe(undefined);
  });
});
