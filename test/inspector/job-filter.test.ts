import { describe, expect, it } from 'vitest';
import { jobFilter } from '../../src/inspector/views/jobs/job-filter.ts';
import { newJobRecord } from '../../src/model/jobs/step.ts';
import type { JobRecord } from '../../src/model/records/records.ts';
import { Shown } from '../../src/reading/shown.ts';

const shown = new Shown({ 'mail.send': ['0.card'] });
const failure = {
  name: 'Error',
  message: 'ECONNRESET for canary-4711',
  stack: '',
  code: 'ECONNRESET',
  cause: null,
  extra: {},
};
const job: JobRecord = {
  ...newJobRecord('XFw7', { name: 'mail.send', args: [{ card: 'canary-4711' }], parent: { queue: 'mail' } }),
  state: 'completed',
  attempts: 3,
  tags: ['urgent'],
  keys: ['tenant/42'],
  activeStart: 1000,
  activeEnd: 7000,
  ending: 'failed',
  outcome: { ok: false, failure },
};

describe('A filter of jobs', () => {
  it.each([
    ['error:econn'],
    ['tries:>2'],
    ['tries:3'],
    ['run:>5s run:<10s'],
    ['ending:failed'],
    ['-task:report.*'],
    ['-queue:other'],
    ['XFw7'],
    ['MAIL'],
    ['tag:urgent -tag:late'],
    ['key:tenant/42 key:tenant'],
    ['reset'],
  ])('%s finds it', (text) => {
    const { matches, unknown } = jobFilter(text, shown, 9000);

    expect([matches?.(job), unknown]).toEqual([true, []]);
  });

  it.each([
    ['error:other'],
    ['tries:>3'],
    ['run:<5s'],
    ['-task:mail.*'],
    ['-queue:mail'],
    ['ending:expired'],
    ['tag:late'],
    ['key:tenant/4'],
    ['nothing'],
    ['error:canary'],
    ['canary'],
  ])('%s does not', (text) => {
    expect(jobFilter(text, shown, 9000).matches?.(job)).toBe(false);
  });

  it('leaves to the store what it knows by its indexes', () => {
    expect(jobFilter('task:mail.* queue:mail', shown, 0)).toEqual({
      holds: expect.any(Function),
      names: ['mail.*'],
      queue: 'mail',
      unknown: [],
    });
  });

  it('says which words it does not understand', () => {
    expect(jobFilter('run:>soon colour:red tries:>many constructor:x', shown, 0).unknown).toEqual([
      'run:>soon',
      'colour:red',
      'tries:>many',
      'constructor:x',
    ]);
  });
});
