import { describe, expect, it } from 'vitest';
import { SignalboxError } from '../../../src/errors.ts';
import { stepJob } from '../../../src/model/jobs/step.ts';
import { interruptionEvent } from '../../../src/runtime/callbacks/interruption-event.ts';
import { afterEvents, jobIn } from '../made-jobs.ts';

const job = jobIn('active.running');
const data = { interruptions: 1 };
const now = 1000;
const farthest = 8.64e15;

type Answer = Parameters<typeof interruptionEvent>[2]['answer'];

function eventFor(answer: unknown): ReturnType<typeof interruptionEvent> {
  return interruptionEvent(job, 'q', { answer: answer as Answer, data }, now);
}

describe('an interrupted job goes back to its queue', () => {
  it.each<[answer: string, Answer, beginAfter: number | null]>([
    ['at once for true', true, null],
    ['at once for a Date that has passed', new Date(999), null],
    ['at once for a Date that is now', new Date(1000), null],
    ['at the instant of a future Date', new Date(1001), 1001],
    ['at the farthest Date', new Date(farthest), farthest],
    ['at once for a delay of zero', { after: 0 }, null],
    ['at once for a negative delay', { after: -5 }, null],
    ['at once for a delay of no seconds', { after: '0s' }, null],
    ['after some milliseconds', { after: 1 }, 1001],
    ['after a part of a millisecond', { after: 0.5 }, 1000.5],
    ['after a minute', { after: '1m' }, 61_000],
    ['after a duration of two units', { after: '1h30m' }, 5_401_000],
  ])('%s', (_answer, answer, beginAfter) => {
    expect(eventFor(answer)).toEqual({
      type: 'job.reschedule',
      at: now,
      queue: 'q',
      beginAfter,
      retryData: data,
      failed: null,
    });
  });

  it.each<[line: string, Answer, expected: object]>([
    ['first in line', true, { line: 'putBack', beginAfter: 10, quotas: ['q/disk'] }],
    [
      'held until later, without its quota slots',
      { after: 60 },
      { line: 'held', beginAfter: 1060, quotas: [] },
    ],
  ])('%s', (_line, answer, expected) => {
    const holding = jobIn('active.waiting', { quotas: ['q/disk'] });

    expect(afterEvents(holding, [eventFor(answer)])).toMatchObject({
      state: 'pending',
      parent: { queue: 'q' },
      retryData: data,
      waitingOn: null,
      ...expected,
    });
  });
});

describe('an interrupted job is aborted', () => {
  it('for false, with the data of its policy', () => {
    expect(eventFor(false)).toMatchObject({
      type: 'job.abort',
      at: now,
      failure: { name: 'AbortedError', code: 'ABORTED', message: expect.stringContaining('j1') },
      retryData: data,
    });
  });

  it.each(['active.running', 'active.waiting'] as const)('in state %s', (state) => {
    const of = jobIn(state, { quotas: ['q/disk'] });

    expect(afterEvents(of, [eventFor(false)])).toMatchObject({
      state: 'callbacks',
      ending: 'aborted',
      activeEnd: now,
      retryData: data,
      quotas: [],
      waitingOn: null,
    });
  });
});

describe('the answer of a policy is refused', () => {
  it.each([
    ['nothing', undefined, 'INVALID_OPTION'],
    ['null', null, 'INVALID_OPTION'],
    ['a number', 5, 'INVALID_OPTION'],
    ['a text', '1h', 'INVALID_OPTION'],
    ['an object without after', {}, 'INVALID_OPTION'],
    ['an invalid Date', new Date(Number.NaN), 'INVALID_OPTION'],
    ['a delay that is no number', { after: Number.NaN }, 'INVALID_OPTION'],
    ['a delay without end', { after: Number.POSITIVE_INFINITY }, 'INVALID_OPTION'],
    ['a delay that no Date can hold', { after: farthest }, 'INVALID_OPTION'],
    ['a delay in no unit', { after: '90' }, 'INVALID_DURATION'],
  ])('when it is %s', (_what, answer, code) => {
    expect(() => eventFor(answer)).toThrow(expect.objectContaining({ code }));
    expect(() => eventFor(answer)).toThrow(SignalboxError);
  });
});

describe('the event of a decision', () => {
  it.each<[Answer, string]>([
    [true, 'pending'],
    [{ after: 60 }, 'pending'],
    [false, 'callbacks'],
  ])('of %j leads a running job to %s', (answer, state) => {
    expect(stepJob(job, eventFor(answer)).to).toBe(state);
  });
});
