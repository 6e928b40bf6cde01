import { jobMachine } from 'signalbox/machines';
import { compileChart } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { reachOfJobs } from '../../src/testing/explore/reach.ts';

it('Each row of the chart of jobs has one line that says how it is reached', () => {
  const rows = compileChart(jobMachine)
    .edges()
    .map(({ from, event, to }) => `${from} ${event} ${to}`);

  expect(Object.keys(reachOfJobs).sort()).toEqual([...new Set(rows)].sort());
});
