import { describe, expect, it } from 'vitest';
import { holderOf, ifHeldBy, ifUnchanged } from '../../../src/runtime/commits/preconditions.ts';
import { afterEvents, jobIn, place } from '../made-jobs.ts';

describe('the holder of a job', () => {
  const again = { type: 'job.claim', ...place, epoch: 7, quotas: [] } as const;

  it.each([
    ['that is new has neither epoch nor claim', jobIn('new'), 0, 0],
    ['that waits has neither epoch nor claim', jobIn('pending'), 0, 0],
    ['that is claimed has the epoch and the first claim', jobIn('assigned'), 1, 1],
    ['that runs is the one that claimed it', jobIn('active.running'), 1, 1],
    [
      'that went back to its queue has a claim that no process has',
      afterEvents(jobIn('assigned'), [{ type: 'job.unassign', queue: 'q' }]),
      1,
      2,
    ],
    [
      'that is claimed again has the new epoch and the next claim',
      afterEvents(jobIn('assigned'), [{ type: 'job.unassign', queue: 'q' }, again]),
      7,
      3,
    ],
    [
      'that is interrupted has a claim that its worker does not have',
      afterEvents(jobIn('active.running'), [{ type: 'job.interrupt', system: 's1' }]),
      1,
      2,
    ],
  ])('%s', (_fact, job, epoch, claim) => {
    expect(holderOf(job)).toEqual({ id: 'j1', epoch, claim });
    expect(ifHeldBy(holderOf(job))).toEqual({ check: 'holder', id: 'j1', epoch, claim });
  });

  it('is all that the precondition takes of a job', () => {
    expect(ifHeldBy(jobIn('active.running', { rev: 9 }))).toEqual({
      check: 'holder',
      id: 'j1',
      epoch: 1,
      claim: 1,
    });
  });
});

describe('the precondition of a read record', () => {
  it.each([
    ['is about a job when no kind is given', ifUnchanged(jobIn('pending', { rev: 4 })), 'job', 'j1', 4],
    ['names rev 0 for a job that was not there', ifUnchanged({ id: 'j9', rev: 0 }), 'job', 'j9', 0],
    ['names the given kind', ifUnchanged({ id: 'q/disk', rev: 2 }, 'quota'), 'quota', 'q/disk', 2],
  ])('%s', (_fact, precondition, kind, id, rev) => {
    expect(precondition).toEqual({ check: 'rev', kind, id, rev });
  });
});
