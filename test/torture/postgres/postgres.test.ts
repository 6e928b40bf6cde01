import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { editedFiles } from '../../mutants/mutant.ts';
import { serverUrl } from '../../store/postgres/server.ts';
import { violationsOf } from '../run-checker.ts';
import { campaign } from './campaign.ts';
import { mutants } from './mutants.ts';
import { judge } from './postgres-checker.ts';
import { mostAtOnce } from './runs.ts';
import { wrongTicks } from './ticks.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('processes that share a database under faults', () => {
  it('lose no job, complete each once, respect the quota, and complete every job', {
    timeout: 60_000,
  }, async () => {
    // Other tests use this server at the same time: it is not crashed.
    const server = { url: await serverUrl(), crash: null, remove: () => {} };
    const progress = (): void => {};
    const run = await campaign({
      server,
      root,
      seconds: 3,
      seed: 7,
      processes: 2,
      finishMs: 60_000,
      progress,
    });

    const verdict = await judge(run);
    await run.remove();

    expect(violationsOf(run, verdict)).toEqual([]);
    expect(verdict.totals.acknowledged).toBeGreaterThan(0);
    expect(run.faults.cuts).toBeGreaterThan(0);
  });
});

describe('the mutants of the torture on a database', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s fits the code', (_name, mutant) => {
    expect(editedFiles(mutant).size).toBeGreaterThan(0);
  });
});

describe('runs of jobs in a quota', () => {
  const run = { id: 'a', worker: 'w', claimedAt: 0, from: 1, to: 5 };

  it('count while they last', () => {
    const two = [run, { ...run, id: 'b', from: 4, to: 6 }];
    expect(mostAtOnce(two, new Map(), new Map()).count).toBe(2);
    expect(mostAtOnce([run, { ...run, id: 'b', from: 5, to: 6 }], new Map(), new Map()).count).toBe(1);
  });

  it('count no longer than their process lives and their dispatcher is not declared dead', () => {
    const two = [run, { ...run, id: 'b', worker: 'v', from: 4 }];
    expect(mostAtOnce(two, new Map([['w', 3]]), new Map()).count).toBe(1);
    expect(mostAtOnce(two, new Map(), new Map([['w', [2]]])).count).toBe(1);
    expect(
      mostAtOnce([{ ...run, claimedAt: 3 }, two[1] as typeof run], new Map(), new Map([['w', [2]]])).count,
    ).toBe(2);
  });
});

describe('ticks of a schedule', () => {
  const times = { from: 100, everyMs: 10, lastTick: 130 };
  const jobs = [110, 120, 130].map((tick) => ({ id: `job-${tick}`, tick }));

  it('have one job each', () => {
    expect(wrongTicks(times, jobs)).toEqual({ missed: [], doubled: [] });
    expect(wrongTicks(times, jobs.slice(1)).missed).toEqual(['tick 110 has no job']);
    expect(wrongTicks(times, [...jobs, { id: 'other', tick: 120 }]).doubled).toEqual([
      'tick 120 has job-120 and other',
    ]);
  });
});
