import { expect, it } from 'vitest';
import type { JobEvent } from '../../machines/job.events.ts';
import { attemptsOf, type JobEntry } from '../../src/model/jobs/attempts.ts';
import { afterStep, newJobRecord, stepJob } from '../../src/model/jobs/step.ts';
import { failedAt25, failed as failedOutcome, succeeded } from '../runtime/made-jobs.ts';

type At = readonly [at: number, event: JobEvent];

/** The entries of a job that is put, or of a callback that is not: each event stepped by the chart. */
function entriesOf(events: readonly At[], isCallback = false): JobEntry[] {
  let job = newJobRecord('j1', { name: 'work', parent: isCallback ? { job: 'j0' } : null });
  return events.map(([at, event]) => {
    const step = stepJob(job, event);
    job = afterStep(job, step);
    return { event: event.type, at, patch: step.patch };
  });
}

const put: At = [10, { type: 'job.put', queue: 'q', at: 10, beginAfter: 10, assigner: 'p1' }];
const claim: At = [18, { type: 'job.claim', queue: 'q', dispatcher: 'd', agent: 'a', epoch: 1, quotas: [] }];
const start: At = [20, { type: 'job.start', at: 20 }];
const retry: At = [30, { type: 'job.retry', failed: failedAt25 }];
const interrupt: At = [40, { type: 'job.interrupt', system: 's1' }];
const finish = (outcome = succeeded, awaited: string | null = null): At => [
  50,
  { type: 'job.finish', at: 50, outcome, retryData: null, awaited },
];
const putBack = (failed: typeof failedAt25 | null): At => [
  45,
  { type: 'job.reschedule', at: 45, queue: 'q', beginAfter: 60, retryData: null, failed },
];
const abort: At = [46, { type: 'job.abort', at: 46, failure: failedAt25.failure, retryData: null }];
const again: readonly At[] = [
  [60, claim[1]],
  [61, { type: 'job.start', at: 61 }],
];

it.each<[string, readonly At[], readonly unknown[]]>([
  ['a job that waits', [put, claim], []],
  ['a job that runs', [put, claim, start], [[1, 20, null, null, null]]],
  ['a success', [put, claim, start, finish()], [[1, 20, 50, 'succeeded', null]]],
  ['a failure', [put, claim, start, finish(failedOutcome)], [[1, 20, 50, 'failed', 'no']]],
  [
    'a retry at once',
    [put, claim, start, retry, finish()],
    [
      [1, 20, 25, 'failed', 'no'],
      [2, 30, 50, 'succeeded', null],
    ],
  ],
  [
    'a put-back',
    [put, claim, start, putBack(failedAt25), ...again],
    [
      [1, 20, 25, 'failed', 'no'],
      [2, 61, null, null, null],
    ],
  ],
  [
    'an interruption, which ends the attempt when it was noticed',
    [put, claim, start, interrupt, putBack(null), ...again],
    [
      [1, 20, 40, 'interrupted', null],
      [2, 61, null, null, null],
    ],
  ],
  ['an abort', [put, claim, start, interrupt, abort], [[1, 20, 40, 'interrupted', null]]],
  [
    'a failure and then an interruption',
    [put, claim, start, retry, interrupt, putBack(null)],
    [
      [1, 20, 25, 'failed', 'no'],
      [2, 30, 40, 'interrupted', null],
    ],
  ],
  [
    'a wait for another job',
    [put, claim, start, [30, { type: 'job.wait', on: 'j2' }], finish(succeeded, 'j2')],
    [[1, 20, 50, 'succeeded', null]],
  ],
  ['an expiry', [put, [20, { type: 'job.fail', at: 20, failure: failedAt25.failure, expired: true }]], []],
])('the attempts of %s are read from its entries', (_what, events, expected) => {
  const attempts = attemptsOf(entriesOf(events));

  expect(
    attempts.map(({ attempt, startedAt, endedAt, ending, failure }) => [
      attempt,
      startedAt.getTime(),
      endedAt?.getTime() ?? null,
      ending,
      failure?.message ?? null,
    ]),
  ).toEqual(expected);
  for (const { startedAt, endedAt, ms } of attempts)
    expect(ms).toBe(endedAt === null ? null : endedAt.getTime() - startedAt.getTime());
});

it('the attempts of an interrupted callback end when it is reset', () => {
  const reset: At = [40, { type: 'callback.reset', retryData: null }];
  const attempts = attemptsOf(entriesOf([start, reset, [50, { type: 'job.start', at: 50 }]], true));

  expect(attempts).toMatchObject([
    { attempt: 1, ms: 20, ending: 'interrupted' },
    { attempt: 2, ms: null, ending: null },
  ]);
});

it('an attempt whose start is no longer kept is left out', () => {
  const entries = entriesOf([put, claim, start, retry, finish()]);

  expect(attemptsOf(entries.slice(3))).toMatchObject([{ attempt: 2, ending: 'succeeded' }]);
  expect(attemptsOf(entries.slice(4))).toEqual([]);
});
