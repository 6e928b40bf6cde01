import { describe, expect, it } from 'vitest';
import type { JobState } from '../../../machines/job.context.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import {
  type DueInner,
  dueInner,
  isInnerFinished,
  nextJoinStep,
} from '../../../src/runtime/builtin-jobs/next-join-step.ts';
import { jobIn } from '../made-jobs.ts';

const inner = ['a', 'b', 'c'];

describe('the inner jobs that may have to be put', () => {
  it.each<[kind: 'serial' | 'parallel', finished: number, put: number, due: string]>([
    ['serial', 0, 0, 'a'],
    ['serial', 1, 0, 'b'],
    ['serial', 2, 0, 'c'],
    ['serial', 3, 0, ''],
    ['serial', 4, 0, ''],
    // Only parallel jobs count what is put.
    ['serial', 1, 3, 'b'],
    ['parallel', 0, 0, 'abc'],
    ['parallel', 1, 0, 'bc'],
    ['parallel', 0, 2, 'c'],
    ['parallel', 2, 1, 'c'],
    ['parallel', 1, 2, 'c'],
    ['parallel', 0, 3, ''],
    ['parallel', 3, 0, ''],
    ['parallel', 3, 3, ''],
  ])('of %s jobs with %d finished and %d put are "%s"', (kind, finished, put, due) => {
    expect(dueInner(inner, kind === 'parallel', { finished, put }).join('')).toBe(due);
  });

  it('are each job once when a job stands there twice', () => {
    expect(dueInner(['a', 'b', 'a', 'b'], true, { finished: 0, put: 0 })).toEqual(['a', 'b']);
    expect(dueInner(['a', 'a'], false, { finished: 0, put: 0 })).toEqual(['a']);
  });

  it.each([false, true])('are an empty list without inner jobs, parallel: %s', (isParallel) => {
    expect(dueInner([], isParallel, { finished: 0, put: 0 })).toEqual([]);
  });
});

describe('an inner job', () => {
  const unstarted = jobIn('new', { id: 'step' });

  it.each<[fact: string, job: JobRecord | undefined, step: JobRecord | undefined, expected: boolean]>([
    ['that is not in the store is finished', undefined, undefined, true],
    ['that is completed is finished', jobIn('completed'), undefined, true],
    ['that is completed before its internal callback is finished', jobIn('completed'), unstarted, true],
    ['with an outcome is not finished without its internal callback', jobIn('callbacks'), undefined, false],
    [
      'with an outcome is not finished before its internal callback starts',
      jobIn('callbacks'),
      unstarted,
      false,
    ],
    ['is finished once its internal callback runs', jobIn('callbacks'), jobIn('active.running'), true],
    ['is finished while its internal callback waits', jobIn('callbacks'), jobIn('active.waiting'), true],
    ['is finished once its internal callback is completed', jobIn('callbacks'), jobIn('completed'), true],
    ['that is new is not finished', jobIn('new'), undefined, false],
    ['that waits in its queue is not finished', jobIn('pending'), unstarted, false],
    ['that is assigned is not finished', jobIn('assigned'), unstarted, false],
    ['that runs is not finished', jobIn('active.running'), unstarted, false],
    [
      'without an outcome is not finished although its internal callback is completed',
      jobIn('active.waiting'),
      jobIn('completed'),
      false,
    ],
  ])('%s', (_fact, job, step, expected) => {
    expect(isInnerFinished(job, step)).toBe(expected);
  });
});

/** An inner job as it is stored. */
function due(id: string, state: JobState | 'missing', isLinked: boolean): DueInner {
  return { id, job: state === 'missing' ? undefined : jobIn(state, { id }), isLinked };
}

const withPostprocess = { inner, hasPostprocess: true };

describe('a joined job', () => {
  it.each<[fact: string, finished: number, due: readonly DueInner[], linked: string]>([
    ['puts the next inner job', 0, [due('a', 'new', false)], 'a'],
    ['puts the one after the finished ones', 2, [due('c', 'new', false)], 'c'],
    ['puts a new job although it has its internal callback', 0, [due('a', 'new', true)], 'a'],
    ['links a job that the program put', 0, [due('a', 'pending', false)], 'a'],
    ['links a job that runs without its internal callback', 1, [due('b', 'active.running', false)], 'b'],
    ['links a job in CALLBACKS without its internal callback', 1, [due('b', 'callbacks', false)], 'b'],
    [
      'puts all parallel jobs together',
      0,
      [due('a', 'new', false), due('b', 'new', false), due('c', 'new', false)],
      'abc',
    ],
    [
      'leaves linked parallel jobs out',
      0,
      [due('a', 'pending', true), due('b', 'new', false), due('c', 'active.running', true)],
      'b',
    ],
    [
      'leaves out a parallel job that is completed or missing after the awaited one',
      0,
      [due('a', 'new', false), due('b', 'completed', false), due('c', 'missing', false)],
      'a',
    ],
    [
      'puts parallel jobs although the awaited one is put already',
      0,
      [due('b', 'new', false), due('c', 'completed', true)],
      'b',
    ],
  ])('%s', (_fact, finished, jobs, linked) => {
    const step = nextJoinStep(withPostprocess, finished, jobs);

    expect(step.type).toBe('link');
    expect(step.type === 'link' && step.jobs.map(({ id }) => id).join('')).toBe(linked);
  });

  it.each<[fact: string, finished: number, due: readonly DueInner[]]>([
    ['completed', 0, [due('a', 'completed', true)]],
    ['completed without its internal callback', 1, [due('b', 'completed', false)]],
    ['missing', 2, [due('c', 'missing', false)]],
    [
      'completed, with parallel jobs to put after it',
      0,
      [due('a', 'completed', true), due('b', 'new', false)],
    ],
    ['missing, with parallel jobs to put before it', 1, [due('a', 'new', false), due('b', 'missing', false)]],
  ])('reads again when the awaited job is %s', (_fact, finished, jobs) => {
    expect(nextJoinStep(withPostprocess, finished, jobs)).toEqual({ type: 'readAgain' });
  });

  it.each<
    [
      fact: string,
      main: Parameters<typeof nextJoinStep>[0],
      finished: number,
      due: readonly DueInner[],
      type: string,
    ]
  >([
    ['waits for an inner job that is linked', withPostprocess, 0, [due('a', 'pending', true)], 'wait'],
    ['waits for an inner job in CALLBACKS', withPostprocess, 2, [due('c', 'callbacks', true)], 'wait'],
    ['waits for parallel jobs that are all put', withPostprocess, 0, [], 'wait'],
    ['waits for the last parallel job', withPostprocess, 2, [], 'wait'],
    [
      'waits for the awaited job when later parallel ones are completed or missing',
      withPostprocess,
      0,
      [due('a', 'active.running', true), due('b', 'completed', true), due('c', 'missing', false)],
      'wait',
    ],
    ['puts its postprocess when all inner jobs are finished', withPostprocess, 3, [], 'postprocess'],
    ['puts its postprocess when more are finished than it had', withPostprocess, 4, [], 'postprocess'],
    [
      'puts its postprocess when it has no inner jobs',
      { inner: [], hasPostprocess: true },
      0,
      [],
      'postprocess',
    ],
    ['has nothing to put without a postprocess', { inner, hasPostprocess: false }, 3, [], 'wait'],
    [
      'has nothing to put without inner jobs and postprocess',
      { inner: [], hasPostprocess: false },
      0,
      [],
      'wait',
    ],
    [
      'puts no postprocess before a linked job is finished',
      { inner: ['a'], hasPostprocess: true },
      0,
      [due('a', 'active.waiting', true)],
      'wait',
    ],
  ])('%s', (_fact, main, finished, jobs, type) => {
    expect(nextJoinStep(main, finished, jobs)).toEqual({ type });
  });

  it('links a missing callback before it puts the postprocess', () => {
    const step = nextJoinStep({ inner: ['a'], hasPostprocess: true }, 1, [due('b', 'pending', false)]);

    expect(step.type).toBe('link');
  });
});
