import { describe, expect, it } from 'vitest';
import { BadStatusError } from '../../../src/errors.ts';
import { afterStep, newJobRecord, stepJob, type Transition } from '../../../src/model/jobs/step.ts';
import { ifHeldBy } from '../../../src/runtime/commits/preconditions.ts';
import { type OutcomeInput, outcomeCommit } from '../../../src/runtime/execution/outcome-commit.ts';
import { placedIn } from '../../../src/runtime/jobs/job-drafts.ts';
import type { Change } from '../../../src/store/store.ts';
import { failed, jobIn, runningCallback, succeeded } from '../made-jobs.ts';

const job = jobIn('active.running');
const held = ifHeldBy(job);
const noUnstarted = { check: 'noUnstartedCallback', id: 'j1' };
const placed = placedIn('q', newJobRecord('j5', { name: 'work' }), { at: 25, assigner: 'p1' });
const annotated: Change = {
  kind: 'annotation',
  id: 'j1/note',
  event: 'annotation.set',
  from: null,
  to: null,
  patch: { value: 1 },
};

function inputWith(parts: Partial<OutcomeInput>): OutcomeInput {
  return {
    job,
    outcome: succeeded,
    at: 50,
    retryData: null,
    awaited: null,
    staged: [],
    progress: [],
    preconditions: [held],
    mayComplete: true,
    ...parts,
  };
}

describe('the commit of an outcome', () => {
  it.each<[fact: string, parts: Partial<OutcomeInput>, events: readonly string[]]>([
    ['completes a job without callbacks', {}, ['job.finish', 'job.complete']],
    ['completes a job that failed', { outcome: failed }, ['job.finish', 'job.complete']],
    ['completes a callback', { job: runningCallback('j0') }, ['job.finish', 'job.complete']],
    ['does not complete a job that may not complete', { mayComplete: false }, ['job.finish']],
    [
      'completes a job with its last progress',
      { progress: [annotated] },
      ['annotation.set', 'job.finish', 'job.complete'],
    ],
    ['does not complete a job that put another one', { staged: [placed] }, ['job.put', 'job.finish']],
    ['does not complete a job that has annotated', { staged: [annotated] }, ['annotation.set', 'job.finish']],
    [
      'does not complete a failed job that put another one and may not complete',
      { outcome: failed, staged: [placed, annotated], mayComplete: false },
      ['job.put', 'annotation.set', 'job.finish'],
    ],
  ])('%s', (_fact, parts, events) => {
    const commit = outcomeCommit(inputWith(parts));

    expect(commit.changes.map(({ event }) => event)).toEqual(events);
    expect(commit.completes).toBe(events.includes('job.complete'));
    expect(commit.outcome).toBe(parts.outcome ?? succeeded);
    expect(commit.finished.state).toBe('callbacks');
  });

  it.each<[fact: string, parts: Partial<OutcomeInput>, expected: readonly unknown[]]>([
    ['also names that no callback is unstarted when it completes', {}, [held, noUnstarted]],
    ['names only that when it relies on nothing else', { preconditions: [] }, [noUnstarted]],
    ['names the given preconditions alone when it may not complete', { mayComplete: false }, [held]],
    ['names the given preconditions alone when something is staged', { staged: [placed] }, [held]],
    ['names nothing when it relies on nothing', { mayComplete: false, preconditions: [] }, []],
  ])('%s', (_fact, parts, expected) => {
    expect(outcomeCommit(inputWith(parts)).expect).toEqual(expected);
  });

  it.each([
    ['a value', { outcome: succeeded }, { outcome: succeeded, ending: 'succeeded', activeEnd: 50 }],
    ['a failure', { outcome: failed }, { outcome: failed, ending: 'failed', activeEnd: 50 }],
    [
      'the retry data of the attempt',
      { retryData: { interruptions: 1 } },
      { retryData: { interruptions: 1 }, ending: 'succeeded' },
    ],
    ['freed quotas', { job: jobIn('active.running', { quotas: ['q/disk'] }) }, { quotas: [] }],
    [
      'the end of a wait',
      { job: jobIn('active.waiting'), awaited: 'j2' },
      { waitingOn: null, ending: 'succeeded' },
    ],
  ])('leaves the job with %s', (_what, parts, expected) => {
    const { finished, changes } = outcomeCommit(inputWith(parts));

    expect(finished).toMatchObject(expected);
    expect(changes[0]?.patch).toMatchObject(expected);
  });

  it.each([
    ['files a job that an agent holds', job, { callbacksEnd: 50 }],
    ['files no callback', runningCallback('j0'), { callbacksEnd: null }],
  ])('%s', (_fact, of, expected) => {
    const { finished, changes } = outcomeCommit(inputWith({ job: of }));
    const completed = afterStep(finished, changes[1] as Transition);

    expect(completed).toMatchObject({ state: 'completed', ending: 'succeeded', ...expected });
  });

  it.each([
    ['its code returned', jobIn('active.running'), null],
    ['it waited for that job', jobIn('active.waiting'), 'j2'],
  ])('is made when %s', (_why, of, awaited) => {
    expect(outcomeCommit(inputWith({ job: of, awaited })).completes).toBe(true);
  });

  it.each([
    ['its code returns while the job waits', jobIn('active.waiting'), null],
    ['another job than the awaited one ends', jobIn('active.waiting'), 'j3'],
    ['a job ends that the running job does not await', jobIn('active.running'), 'j2'],
    ['the job has not started', jobIn('assigned'), null],
    ['the job has an outcome', jobIn('callbacks'), null],
  ])('is refused when %s', (_why, of, awaited) => {
    expect(() => outcomeCommit(inputWith({ job: of, awaited }))).toThrow(BadStatusError);
  });

  it('is computed from the job that it leaves unchanged', () => {
    const [finish, complete] = outcomeCommit(inputWith({})).changes as Transition[];

    expect(finish).toEqual(
      stepJob(job, { type: 'job.finish', at: 50, outcome: succeeded, retryData: null, awaited: null }),
    );
    expect(complete).toMatchObject({ id: 'j1', from: 'callbacks', to: 'completed' });
    expect(job).toEqual(jobIn('active.running'));
  });
});
