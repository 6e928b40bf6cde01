import { describe, expect, it } from 'vitest';
import { BadStatusError } from '../../../src/errors.ts';
import { afterStep, type Transition } from '../../../src/model/jobs/step.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import { systemNames } from '../../../src/model/records/system-names.ts';
import { expiryWrapper } from '../../../src/runtime/jobs/expired-job.ts';
import { afterEvents, jobIn, place } from '../made-jobs.ts';

const input = { id: 's1', queue: 'q', at: 90, assigner: 'p2' };
const overdue = { beginBy: 5, retryPolicy: 'mine', args: [1] };

/** A job that was put back at once: it waits and keeps its quota slots. */
const putBack = afterEvents(jobIn('active.running', { quotas: ['q/disk', 'q/net'], ...overdue }), [
  { type: 'job.reschedule', at: 25, queue: 'q', beginAfter: null, retryData: null, failed: null },
]);

function changesOf(job: JobRecord): readonly [leave: Transition, put: Transition] {
  return expiryWrapper(job, input).changes as unknown as readonly [Transition, Transition];
}

describe('an expired job', () => {
  it.each([
    ['without quotas leaves its queue for its wrapper', jobIn('pending', overdue), false],
    ['that was put back frees its quotas as it leaves its queue', putBack, true],
  ])('%s', (_fact, job, frees) => {
    const [leave] = changesOf(job);
    const left = afterStep(job, leave);

    expect(leave).toMatchObject({ id: 'j1', event: 'job.pull', from: 'pending', to: 'new' });
    expect(left).toMatchObject({ parent: { system: 's1' }, line: null, quotas: [] });
    expect('quotas' in (leave.patch ?? {})).toBe(frees);
  });

  it('keeps its content, and the process that put it', () => {
    const left = afterStep(putBack, changesOf(putBack)[0]);

    expect(left).toMatchObject({ id: 'j1', name: 'work', ...overdue, assigner: 'p1', attempts: 1 });
  });

  it.each(['new', 'assigned', 'active.running', 'active.waiting', 'callbacks', 'completed'] as const)(
    'in state %s is refused',
    (state) => {
      expect(() => expiryWrapper(jobIn(state), input)).toThrow(BadStatusError);
    },
  );
});

describe('the wrapper of an expired job', () => {
  it.each([
    ['a job without quotas', jobIn('pending', overdue)],
    ['a job that holds quota slots', putBack],
    ['a job that names quotas', jobIn('pending', { ...overdue, quotaNames: ['disk'] })],
  ])('waits in the queue, fails %s, and is in no quota', (_which, job) => {
    const { wrapper, changes } = expiryWrapper(job, input);

    expect(changes).toHaveLength(2);
    expect(wrapper).toMatchObject({
      id: 's1',
      state: 'pending',
      name: systemNames.fail,
      args: [{ $job: 'j1' }],
      parent: { queue: 'q' },
      line: 'now',
      beginAfter: 90,
      beginBy: null,
      retryPolicy: null,
      assigner: 'p2',
      quotaNames: [],
      quotas: [],
    });
  });

  it('is put with its whole content', () => {
    const [, put] = changesOf(putBack);

    expect(put).toMatchObject({ id: 's1', event: 'job.put', from: 'new', to: 'pending' });
    expect(put.patch).toEqual({
      name: systemNames.fail,
      args: [{ $job: 'j1' }],
      parent: { queue: 'q' },
      line: 'now',
      beginAfter: 90,
      assigner: 'p2',
    });
  });

  it('can be claimed in the same commit', () => {
    const { wrapper } = expiryWrapper(putBack, input);
    const claimed = afterEvents(wrapper, [{ type: 'job.claim', ...place, epoch: 3, quotas: [] }]);

    expect(claimed).toMatchObject({ state: 'assigned', parent: place, claim: 1, quotas: [] });
  });
});
