import { describe, expect, it } from 'vitest';
import type { JobContext, JobInput } from '../../machines/job.context.ts';
import { jobMachine } from '../../machines/job.machine.ts';
import { compileChart } from '../../src/model/chart/compile.ts';
import { jobEvents } from '../../src/testing/models/job-events.ts';
import { expectSameSteps } from '../model/chart/equality.ts';

// Leaves out counters, which grow without end, and settings, which decide nothing. Guards and assigns read only
// the rest.
const steering = ({ parent, line, assigner, quotas, waitingOn, stop, outcome, ending }: JobContext) => [
  parent && Object.keys(parent),
  line,
  assigner,
  quotas.length,
  waitingOn,
  stop?.cause,
  outcome?.ok,
  ending,
];

const jobs: Record<string, { readonly input: JobInput; readonly reaches: number }> = {
  'a job': { input: { name: 'index' }, reaches: 9 },
  'a callback, which is never put in a queue': { input: { name: 'then', parent: { job: 'j1' } }, reaches: 7 },
  'a branch of a proxy': { input: { name: 'then', parent: { proxy: 'x1' } }, reaches: 7 },
};

describe('the compiled job chart', () => {
  it('has a sample of every event it knows', () => {
    const samples = [...new Set(jobEvents.map(({ type }) => type))].sort();

    expect(samples).toEqual(compileChart(jobMachine).events);
  });

  it.each(Object.entries(jobs))(
    'takes the same steps as machine.transition for %s',
    (_name, { input, reaches }) => {
      const walked = expectSameSteps(jobMachine, {
        input,
        events: jobEvents,
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
