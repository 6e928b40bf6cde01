import { expect, it } from 'vitest';
import { copyJob } from '../../src/model/jobs/copy-job.ts';
import { newJobRecord } from '../../src/model/jobs/step.ts';

it('copies every key of a job, as decision 10 promises', () => {
  const job = newJobRecord('j1', { name: 'index', args: ['a.txt'] });

  const copy = copyJob(job);

  expect(copy).toStrictEqual({ ...job });
  expect(copy).not.toBe(job);
});
