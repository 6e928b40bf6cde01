import { describe, expect, it } from 'vitest';
import { BadStatusError } from '../../../src/errors.ts';
import {
  commonRetryPolicy,
  NeverRetry,
  RetryCommonForever,
  RetryCommonFourTimes,
} from '../../../src/model/jobs/common-retry.ts';
import type { RetryPolicy } from '../../../src/model/jobs/retry.ts';
import { afterStep, type Transition } from '../../../src/model/jobs/step.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import { systemNames } from '../../../src/model/records/system-names.ts';
import { type ClaimInput, claimChanges } from '../../../src/runtime/agents/claim-changes.ts';
import { afterEvents, jobIn, place } from '../made-jobs.ts';

const ordinary = commonRetryPolicy({
  name: 'ordinary',
  maxConflicts: 1,
  maxInterruptions: 1,
  retriesOtherCommitErrors: false,
});

function inputWith(policyOf: (job: JobRecord) => RetryPolicy | undefined): ClaimInput {
  return { ...place, epoch: 3, assigner: 'p2', newId: () => 's1', policyOf };
}

function byName(policy: RetryPolicy | undefined): (job: JobRecord) => RetryPolicy | undefined {
  return ({ name }) => (name === systemNames.fail ? RetryCommonForever : policy);
}

const pending = jobIn('pending');
const putBack = afterEvents(jobIn('active.running', { quotas: ['q/disk'] }), [
  { type: 'job.reschedule', at: 25, queue: 'q', beginAfter: null, retryData: null, failed: null },
]);
/** A job that failed while it waited in its queue: it is only filed. */
const failedInQueue = afterEvents(pending, [
  {
    type: 'job.fail',
    at: 15,
    failure: { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} },
    expired: false,
  },
]);
const completedInQueue = afterEvents(failedInQueue, [{ type: 'job.complete', at: 16, unstarted: 0 }]);

describe('a claimed job', () => {
  it.each<[starts: string, policy: string, RetryPolicy | undefined]>([
    ['starts in the same commit', 'is ordinary', ordinary],
    ['starts in the same commit', 'is that of jobs', RetryCommonFourTimes],
    ['starts in the same commit', 'says that a start is written', { ...ordinary, start: 'written' }],
    ['starts in the same commit', 'allows a second run', { ...ordinary, startsOnce: false }],
    ['only becomes ASSIGNED', 'is not known in this process', undefined],
    ['only becomes ASSIGNED', 'forbids a second run', { ...ordinary, startsOnce: true }],
    ['only becomes ASSIGNED', 'is NeverRetry', NeverRetry],
    ['only becomes ASSIGNED', 'says that a start is synced', { ...ordinary, start: 'synced' }],
    [
      'only becomes ASSIGNED',
      'allows a second run, with a synced start',
      { ...ordinary, startsOnce: false, start: 'synced' },
    ],
    [
      'only becomes ASSIGNED',
      'forbids a second run, with a written start',
      { ...ordinary, startsOnce: true, start: 'written' },
    ],
  ])('%s when its policy %s', (starts, _which, policy) => {
    const isStarted = starts === 'starts in the same commit';

    const { changes, start, freesQuotas } = claimChanges(
      inputWith(() => policy),
      { job: pending, quotas: [], expired: false },
      70,
    );

    expect(changes.map(({ event }) => event)).toEqual(isStarted ? ['job.claim', 'job.start'] : ['job.claim']);
    expect(changes.at(-1)?.to).toBe(isStarted ? 'active.running' : 'assigned');
    expect(start).toEqual(isStarted ? changes[1] : null);
    expect(freesQuotas).toBe(false);
  });

  it('is in the agent and in the quotas, and starts at the time of the store', () => {
    const { changes } = claimChanges(
      inputWith(() => ordinary),
      { job: pending, quotas: ['q/disk'], expired: false },
      70,
    );
    const [claim, start] = changes as Transition[];
    const claimed = afterStep(pending, claim as Transition);

    expect(claimed).toMatchObject({ parent: place, epoch: 3, claim: 1, quotas: ['q/disk'] });
    expect(start?.patch).toMatchObject({ activeStart: 70, attempts: 1 });
    expect(start?.job).toEqual(claimed);
    expect(start?.effects.map(({ type }) => type)).toEqual(['callHandler']);
  });

  it.each<[fact: string, job: JobRecord, quotas: readonly string[], after: readonly string[]]>([
    ['that names no quota enters no quota', pending, [], []],
    ['enters the quotas that exist', pending, ['q/disk', 'q/net'], ['q/disk', 'q/net']],
    ['keeps the slots that it holds', putBack, ['q/disk'], ['q/disk']],
    ['leaves a quota that exists no more', putBack, [], []],
    ['that has its outcome enters no quota', failedInQueue, ['q/disk'], []],
    ['that is completed enters no quota', completedInQueue, ['q/disk'], []],
  ])('%s', (_fact, job, quotas, after) => {
    const { changes } = claimChanges(
      inputWith(() => ordinary),
      { job, quotas, expired: false },
      70,
    );
    const [claim] = changes as Transition[];

    expect(afterStep(job, claim as Transition).quotas).toEqual(after);
  });

  it.each([
    ['callbacks', failedInQueue],
    ['completed', completedInQueue],
  ])('does not start when it failed in its queue, in state %s', (state, job) => {
    const claim = claimChanges(
      inputWith(() => ordinary),
      { job, quotas: [], expired: false },
      70,
    );

    expect(claim.changes).toMatchObject([{ id: 'j1', event: 'job.claim', from: state, to: state }]);
    expect(claim).toMatchObject({ start: null, freesQuotas: false });
  });

  it.each(['new', 'assigned', 'active.running', 'active.waiting', 'callbacks', 'completed'] as const)(
    'is refused in state %s outside its queue',
    (state) => {
      const candidate = { job: jobIn(state), quotas: [], expired: false };

      expect(() =>
        claimChanges(
          inputWith(() => ordinary),
          candidate,
          70,
        ),
      ).toThrow(BadStatusError);
    },
  );
});

describe('the claim of an expired job', () => {
  it.each<[fact: string, job: JobRecord, frees: boolean]>([
    ['frees no quota when it holds no slot', pending, false],
    ['frees no quota when it names one without a slot', jobIn('pending', { quotaNames: ['disk'] }), false],
    ['frees its quotas at once', putBack, true],
  ])('%s', (_fact, job, frees) => {
    const { changes, freesQuotas } = claimChanges(
      inputWith(byName(ordinary)),
      {
        job,
        quotas: ['q/disk'],
        expired: true,
      },
      70,
    );

    expect(freesQuotas).toBe(frees);
    expect(afterStep(job, changes[0] as Transition)).toMatchObject({
      state: 'new',
      parent: { system: 's1' },
      quotas: [],
    });
  });

  it.each<[which: string, RetryPolicy | undefined]>([
    ['is ordinary', ordinary],
    ['is not known in this process', undefined],
    ['forbids a second run', NeverRetry],
  ])('starts its wrapper when the policy of the job %s', (_which, policy) => {
    const { changes, start } = claimChanges(
      inputWith(byName(policy)),
      {
        job: pending,
        quotas: ['q/disk'],
        expired: true,
      },
      70,
    );

    expect(changes).toMatchObject([
      { id: 'j1', event: 'job.pull', from: 'pending', to: 'new' },
      { id: 's1', event: 'job.put', from: 'new', to: 'pending' },
      { id: 's1', event: 'job.claim', from: 'pending', to: 'assigned' },
      { id: 's1', event: 'job.start', from: 'assigned', to: 'active.running' },
    ]);
    expect(start).toEqual(changes[3]);
  });

  it('takes no quota slot for its wrapper', () => {
    const { start } = claimChanges(
      inputWith(byName(ordinary)),
      {
        job: putBack,
        quotas: ['q/disk'],
        expired: true,
      },
      70,
    );

    expect(start?.job).toMatchObject({ parent: place, epoch: 3, claim: 1, quotas: [] });
    expect(start?.job?.args).toEqual([{ $job: 'j1' }]);
  });

  it.each([
    ['callbacks', failedInQueue],
    ['completed', completedInQueue],
  ])('is refused when it failed in its queue, in state %s', (_state, job) => {
    const candidate = { job, quotas: [], expired: true };

    expect(() => claimChanges(inputWith(byName(ordinary)), candidate, 70)).toThrow(BadStatusError);
  });
});
