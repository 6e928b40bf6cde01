import { describe, expect, it } from 'vitest';
import { BadStatusError } from '../../../src/errors.ts';
import { afterStep, type Transition } from '../../../src/model/jobs/step.ts';
import { systemNames } from '../../../src/model/records/system-names.ts';
import { handOver, systemJob } from '../../../src/runtime/callbacks/hand-over.ts';
import { jobIn, runningCallback } from '../made-jobs.ts';

const input = { systemId: 's1', queue: 'q', at: 90, assigner: 'p2' };

describe('the hand-over of a job', () => {
  it.each([
    [
      'that runs lets a system job decide about its interruption',
      'active.running',
      systemNames.handleInterrupt,
    ],
    [
      'that waits for another job lets a system job decide about its interruption',
      'active.waiting',
      systemNames.handleInterrupt,
    ],
    ['in CALLBACKS lets a system job resume the callbacks', 'callbacks', systemNames.resumeCallbacks],
  ] as const)('%s', (_fact, state, name) => {
    const job = jobIn(state);

    const [put, interrupt] = handOver(job, input) as readonly Transition[];

    expect(put).toMatchObject({ id: 's1', event: 'job.put', from: 'new', to: 'pending' });
    expect(put?.patch).toEqual({
      name,
      args: [{ $job: 'j1' }],
      failureLogLevel: 'CRITICAL',
      parent: { queue: 'q' },
      line: 'now',
      beginAfter: 90,
      assigner: 'p2',
    });
    expect(interrupt).toMatchObject({ id: 'j1', event: 'job.interrupt', from: state, to: state });
    expect(afterStep(job, interrupt as Transition)).toEqual({
      ...job,
      parent: { system: 's1' },
      line: null,
      claim: job.claim + 1,
    });
  });

  it('makes two changes, the system job first', () => {
    expect(handOver(jobIn('active.running'), input).map(({ id }) => id)).toEqual(['s1', 'j1']);
  });

  it('leaves the quota slots of a job with it', () => {
    const job = jobIn('active.running', { quotas: ['q/disk'] });
    const [, interrupt] = handOver(job, input) as readonly Transition[];

    expect(afterStep(job, interrupt as Transition).quotas).toEqual(['q/disk']);
  });

  it.each([
    ['is new', jobIn('new')],
    ['waits in its queue', jobIn('pending')],
    ['is assigned', jobIn('assigned')],
    ['is completed', jobIn('completed')],
    ['is a callback', runningCallback('j0')],
  ])('is refused for a job that %s', (_what, job) => {
    expect(() => handOver(job, input)).toThrow(BadStatusError);
  });
});

describe('a system job', () => {
  it.each([systemNames.handleInterrupt, systemNames.resumeCallbacks, systemNames.fail])(
    '%s is new, about one job, and logs its failure at CRITICAL',
    (name) => {
      expect(systemJob('s1', name, 'j1')).toMatchObject({
        id: 's1',
        rev: 0,
        state: 'new',
        name,
        args: [{ $job: 'j1' }],
        failureLogLevel: 'CRITICAL',
        retryPolicy: null,
        parent: null,
      });
    },
  );
});
