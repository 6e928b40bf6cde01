import { type Duration, durationMs } from '../../index.ts';
import type { SimulatedRun, SimulatedScenario } from '../simulate/cluster/scenario.ts';
import type { SimulateOptions } from '../simulate/simulate.ts';
import { simulatedJsonStore } from '../simulate/world/simulated-json-store.ts';
import { type LifePlan, live } from './life.ts';
import { type PerturbationName, perturbationNames } from './perturbations.ts';
import { plansOf } from './ways.ts';

export interface ExploreOptions
  extends Pick<SimulateOptions, 'store' | 'pollInterval' | 'pingInterval' | 'deathInterval'> {
  readonly scenario: (run: SimulatedRun) => SimulatedScenario;
  readonly depth?: 1 | 2;
  readonly perturb?: readonly PerturbationName[];
  readonly within?: Duration;
  readonly limit?: number;
}

export interface Way {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export async function explore(options: ExploreOptions): Promise<readonly Way[]> {
  const plan = lifePlanOf(options);
  const base = await live(plan, []);
  const wanted = options.perturb ?? perturbationNames;
  const plans = plansOf(base.points, wanted, base.canLose);
  return [{ name: 'undisturbed', strikes: [] }, ...plans].map(({ name, strikes }) => ({
    name,
    run: async () => {
      const life = await live(plan, strikes);
      if (life.report.violations.length > 0)
        throw new Error(life.report.violations.join('\n') + life.report.trace.join('\n'));
    },
  }));
}

export function lifePlanOf(options: ExploreOptions): LifePlan {
  const { pollInterval = '8s', pingInterval = '8s', deathInterval = '25s', within = '1h' } = options;
  return {
    scenario: options.scenario,
    intervals: { pollInterval, pingInterval, deathInterval },
    makeStore: options.store ?? simulatedJsonStore,
    safetyMs: durationMs(within, 'within'),
    livenessMs: durationMs(within, 'within'),
    deathMs: durationMs(deathInterval, 'deathInterval'),
    pollMs: durationMs(pollInterval, 'pollInterval'),
    warn: (message) => console.warn(message),
  };
}
