import { describe, expect, it } from 'vitest';
import {
  type Failure,
  type JobContext,
  type JobEvent,
  type JobInput,
  jobMachine,
} from '../../machines/job.machine.ts';
import { compileChart } from '../../src/model/chart/compile.ts';
import { expectSameSteps } from '../model/chart/equality.ts';

const failure: Failure = { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} };

const events: readonly JobEvent[] = [
  { type: 'job.put', queue: 'q', at: 10, beginAfter: 10, assigner: 'p1' },
  { type: 'job.put', queue: 'q', at: 10, beginAfter: 99, assigner: null },
  { type: 'job.pull', system: null },
  { type: 'job.pull', system: 's1' },
  { type: 'job.claim', queue: 'q', dispatcher: 'd', agent: 'a', epoch: 2, quotas: [] },
  { type: 'job.claim', queue: 'q', dispatcher: 'd', agent: 'a', epoch: 2, quotas: ['disk'] },
  { type: 'job.unassign', queue: 'q' },
  { type: 'job.start', at: 20 },
  { type: 'job.retry' },
  { type: 'job.wait', on: 'j2' },
  { type: 'job.finish', at: 30, outcome: { ok: true, value: 1 }, retryData: null, awaited: null },
  { type: 'job.finish', at: 30, outcome: { ok: false, failure }, retryData: { tries: 1 }, awaited: 'j2' },
  { type: 'job.reschedule', at: 30, queue: 'q', beginAfter: null, retryData: null },
  { type: 'job.reschedule', at: 30, queue: 'q', beginAfter: 60, retryData: { tries: 2 } },
  { type: 'job.interrupt', system: 's2' },
  { type: 'job.abort', at: 40, failure, retryData: null },
  { type: 'job.fail', at: 40, failure, expired: true },
  { type: 'job.fail', at: 40, failure, expired: false },
  { type: 'callback.reset', retryData: null },
  { type: 'callback.move', to: 'j9' },
  { type: 'job.complete', at: 50, unstarted: 1 },
  { type: 'job.complete', at: 50, unstarted: 0 },
  { type: 'job.file', at: 60 },
  { type: 'callable.set', name: 'other' },
  { type: 'args.set', args: [1] },
  { type: 'args.append', args: [2] },
  { type: 'beginAfter.set', beginAfter: 70 },
  { type: 'beginBy.set', beginBy: null },
  { type: 'quotaNames.set', quotaNames: ['disk'], unknown: 0 },
  { type: 'quotaNames.set', quotaNames: ['gone'], unknown: 1 },
  { type: 'failureLogLevel.set', failureLogLevel: 'error' },
  { type: 'retryPolicy.set', retryPolicy: 'never' },
];

// Counters never end and settings steer nothing; everything a guard or an assign looks at is here.
const steering = ({ parent, order, assigner, quotas, waitingOn, outcome, ending }: JobContext) => [
  parent && Object.keys(parent),
  order?.[0],
  assigner,
  quotas.length,
  waitingOn,
  outcome?.ok,
  ending,
];

const jobs: Record<string, { readonly input: JobInput; readonly reaches: number }> = {
  'a job': { input: { name: 'index' }, reaches: 7 },
  'a callback, which is never put in a queue': { input: { name: 'then', parent: { job: 'j1' } }, reaches: 5 },
  'a branch of a proxy': { input: { name: 'then', parent: { proxy: 'x1' } }, reaches: 5 },
};

describe('the compiled job chart', () => {
  it('has a sample of every event it knows', () => {
    const samples = [...new Set(events.map(({ type }) => type))].sort();

    expect(samples).toEqual(compileChart(jobMachine).events);
  });

  it.each(Object.entries(jobs))(
    'takes the same steps as machine.transition for %s',
    (_name, { input, reaches }) => {
      const walked = expectSameSteps(jobMachine, {
        input,
        events,
        cellOf: steering,
        limit: 10_000,
        sequences: 300,
        length: 60,
      });

      expect(walked.cells).toBeLessThan(10_000);
      expect(walked.states).toHaveLength(reaches);
    },
  );
});
