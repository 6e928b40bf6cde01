import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { editedFiles } from '../mutants/mutant.ts';
import { usage, wantedOf } from './arguments.ts';
import { campaign } from './campaign.ts';
import { judge } from './json-checker.ts';
import { mutants } from './mutants.ts';
import { withoutSync } from './power-cuts.ts';
import { violationsOf } from './run-checker.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('a process that is killed at chosen calls and at random times', () => {
  it('loses no acknowledged job, runs none beyond its policy, and completes each once', async () => {
    const run = await campaign({
      root,
      kills: 4,
      seed: 7,
      ways: ['time', 'call'],
      finishMs: 15_000,
      progress: () => {},
    });

    const verdict = await judge(run);

    expect(violationsOf(run, verdict)).toEqual([]);
    expect(verdict.totals.acknowledged).toBeGreaterThan(0);
    run.remove();
  });
});

describe('the mutants of the torture', () => {
  it.each([...mutants, withoutSync].map((mutant) => [mutant.name, mutant] as const))(
    '%s fits the code',
    (_name, mutant) => {
      expect(editedFiles(mutant).size).toBeGreaterThan(0);
    },
  );
});

describe('the arguments of the torture', () => {
  it('are 50 kills, unless other parts are named', () => {
    expect(wantedOf([])).toMatchObject({ kills: 50, powerCuts: 0, mutants: false });
    expect(wantedOf(['--power-cuts', '3', '--json'])).toMatchObject({ kills: 0, powerCuts: 3, json: true });
    expect(wantedOf(['--store', 'postgres'])).toMatchObject({ store: 'postgres', seconds: 45, kills: 0 });
    expect(wantedOf(['--kills', '5', '--mutants'])).toMatchObject({ kills: 5, mutants: true });
  });

  it.each([
    [['--store', 'postgres', '--seconds', '5', '--kills', '3'], 'for the json store'],
    [['--store', 'paper'], 'Expected --store json or postgres, got paper.'],
    [['--kills', 'many'], 'Expected kills to be a whole number, got many.'],
    [['--seconds', '5'], 'for --store postgres'],
    [['--kill', '5'], '--kill'],
  ])('%j are refused', (args, reason) => {
    expect(wantedOf(args)).toContain(reason);
    expect(usage).toContain('--kills N');
  });
});
