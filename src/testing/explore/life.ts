import type { HistoryEntry } from '../../index.ts';
import { chartsOf } from '../../reading/coverage/charts.ts';
import type { CoverageChart } from '../../reading/coverage/compare/coverage-chart.ts';
import type { Definition } from '../../runtime/definitions/definition.ts';
import type { SimulationReport } from '../simulate/cluster/report.ts';
import { checkScenario } from '../simulate/cluster/scenario.ts';
import { Simulation, type SimulationPlan } from '../simulate/simulation.ts';
import { type Point, pointsOf } from './points.ts';
import { type Strike, StrikingNemesis } from './strike.ts';

/** How lives are made: all that a simulation needs but what goes wrong. */
export type LifePlan = Omit<
  SimulationPlan,
  'makeNemesis' | 'isOneLife' | 'endsActs' | 'faults' | 'dispatchers'
>;

/** A life, as it was. */
export interface Life {
  readonly report: SimulationReport;
  readonly entries: readonly HistoryEntry[];
  readonly points: readonly Point[];
  /** The charts of the machines of its program. */
  readonly charts: readonly CoverageChart[];
  /** Whether everything that was to be done to it was done. */
  readonly isStruck: boolean;
  /** Whether its store loses what is not synced when the power fails. */
  readonly canLose: boolean;
}

/** Lives a life once, in virtual time on a new store, and does to it what is to be done. */
export async function live(plan: LifePlan, strikes: readonly Strike[]): Promise<Life> {
  const entries: HistoryEntry[] = [];
  let nemesis: StrikingNemesis | null = null;
  let limited: ReadonlySet<string> = new Set();
  let charts: readonly CoverageChart[] = [];
  const simulation = new Simulation(1, {
    ...plan,
    scenario: (run) => {
      const scenario = checkScenario(plan.scenario(run));
      limited = withHeartbeat(scenario.jobs ?? []);
      charts = chartsOf(scenario.machines ?? []);
      return scenario;
    },
    dispatchers: 1,
    faults: false,
    isOneLife: true,
    endsActs: strikes.length === 0,
    makeNemesis: (deps) => {
      nemesis = new StrikingNemesis(deps, strikes);
      return nemesis;
    },
    onSynced: (synced) => {
      entries.push(...synced);
      plan.onSynced?.(synced);
    },
  });
  const report = await simulation.run();
  const { made, struck } = nemesis as unknown as StrikingNemesis;
  return {
    report,
    entries,
    charts,
    points: pointsOf(made, entries, limited),
    isStruck: struck === strikes.length,
    canLose: simulation.canLose,
  };
}

function withHeartbeat(jobs: readonly object[]): ReadonlySet<string> {
  const definitions = jobs.map((job) => (job as { readonly definition: Definition }).definition);
  return new Set(definitions.filter(({ heartbeat }) => heartbeat !== null).map(({ name }) => name));
}
