import { type Duration, durationMs, SignalboxError } from '../../index.ts';
import { checkOptions, invalid } from '../check-options.ts';
import type { SimulationReport } from '../simulate/cluster/report.ts';
import type { SimulatedRun, SimulatedScenario } from '../simulate/cluster/scenario.ts';
import { once, type SimulateOptions } from '../simulate/simulate.ts';
import { simulatedJsonStore } from '../simulate/world/simulated-json-store.ts';
import { type ChartCoverage, coverageOfJobs, coverageOfMachine, TakenRows } from './chart-coverage.ts';
import { type Life, type LifePlan, live } from './life.ts';
import { checkPerturbations, type PerturbationName, perturbationNames } from './perturbations.ts';
import { joined, type Plan, plansOf } from './ways.ts';

/** The options of `explore`. */
export interface ExploreOptions
  extends Pick<SimulateOptions, 'store' | 'pollInterval' | 'pingInterval' | 'deathInterval' | 'onWarning'> {
  /**
   * Makes the scenario of one way. Called for each way, so that jobs and checks start with fresh state. Its `act` is called once. A way
   * ends with its act and the jobs that are left: for what a schedule puts, let the act sleep until then. An act that waits for a result
   * gets the errors of its job, too.
   */
  readonly scenario: (run: SimulatedRun) => SimulatedScenario;
  /** How many perturbations one way has, one after the other: 1 or 2. Default 1. */
  readonly depth?: 1 | 2;
  /** The perturbations. Default: all. */
  readonly perturb?: readonly PerturbationName[];
  /** How much virtual time a way may take until everything has ended. Default 1 day. */
  readonly within?: Duration;
  /** How many ways there may be. Default 10,000. */
  readonly limit?: number;
}

/** One way that a life can go. */
export interface Way {
  /** What happens where: `commit 3 job.finish of pay · power cut`. */
  readonly name: string;
  /** Goes it, in virtual time on a new store. @throws WayError when it breaks a promise. */
  readonly run: () => Promise<void>;
}

/** The ways of a scenario. */
export interface Ways extends Iterable<Way> {
  readonly length: number;
  /**
   * How much of a chart the ways have taken that were gone until now: of that of jobs, `'job'`, or of a machine of the scenario.
   * @throws SignalboxError `INVALID_OPTION` for another chart.
   */
  coverage(machine: string): ChartCoverage;
}

/** Thrown when a way breaks a promise. `report` has its whole trace. */
export class WayError extends SignalboxError<'WAY_FAILED'> {
  override readonly name = 'WayError';
  declare readonly report: SimulationReport;

  constructor(way: string, report: SimulationReport) {
    const { violations, trace } = report;
    super('WAY_FAILED', { way, violations, trace: excerptOf(trace) });
    // Not enumerable: a printed error has what matters of them in its message.
    Object.defineProperty(this, 'report', { value: report, enumerable: false });
    Object.defineProperty(this, 'details', { enumerable: false });
  }
}

/** The lines of a trace for the message of an error: without pings, from just before the first strike on. */
function excerptOf(trace: readonly string[]): readonly string[] {
  const lines = trace.filter((line) => !/ ping activated /.test(line));
  const struck = lines.findIndex((line) => / is struck: /.test(line));
  const from = Math.max(0, (struck < 0 ? lines.length - mostLines : struck) - linesBefore);
  return lines
    .slice(from, from + mostLines)
    .map((line) => (line.length > 200 ? `${line.slice(0, 200)}…` : line));
}

const linesBefore = 8;
const mostLines = 60;
const undisturbed: Plan = { name: 'undisturbed', strikes: [] };

/**
 * Finds every way that a scenario can go, times every crash. Its life runs once without faults, in virtual time, and its commits are
 * counted. Then there is one way for each commit and each perturbation: the power is cut there, the process is killed or taken
 * for dead, the answer is lost, the store is full or away, time jumps, an operator cancels the job, and so on. Each way is
 * deterministic and a test of its own; after each commit of each way `invariant` is called, and the journal is audited.
 *
 * `lost` needs a store that can lose something in a crash, which the default can.
 *
 * Jobs must depend only on their arguments and on simulated time, as in `simulate`.
 *
 * @example
 * ```ts
 * import { defineJob, local } from 'signalbox';
 * import { explore } from 'signalbox/testing';
 *
 * const ways = await explore({
 *   scenario: () => {
 *     const bank = new Set<string | null | undefined>();
 *     const pay = defineJob({ name: 'pay', run: (order: string) => void bank.add(local.getJob()?.id) });
 *     return {
 *       jobs: [pay],
 *       act: ({ put }) => put(() => pay('17'), { beginBy: '1h' }),
 *       invariant: () => {
 *         if (bank.size > 1) throw new Error('charged twice');
 *       },
 *     };
 *   },
 * });
 * for (const { run } of ways) await run(); // in a test: for (const { name, run } of ways) test(name, run);
 * console.log([...ways][1]?.name, ways.coverage('job').missed); // => commit 1 job.put of pay · power cut []
 * ```
 *
 * @throws WayError when the life breaks a promise without any fault.
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`.
 */
export async function explore(options: ExploreOptions): Promise<Ways> {
  const plan = lifePlanOf(options);
  const { depth = 1, limit = 10_000, perturb = perturbationNames } = options;
  const taken = new TakenRows();
  const go = async ({ name, strikes }: Plan): Promise<Life> => {
    const life = await live(plan, strikes);
    taken.add(life.entries);
    if (life.report.violations.length > 0) throw new WayError(name, life.report);
    return life;
  };
  const base = await go(undisturbed);
  if (base.points.length === 0)
    throw invalid('scenario', 'one whose act makes a commit, or sleeps until one comes', 'none in its life');
  const plans: Plan[] = [undisturbed, ...plansOf(base.points, perturb, base.canLose)];
  mustFit(plans.length, limit);
  if (depth === 2) {
    for (const first of plans.slice(1)) {
      const at = first.strikes[0]?.call ?? 0;
      const { points } = await live(plan, first.strikes);
      const later = points.filter(({ call }) => call > at);
      plans.push(...plansOf(later, perturb, base.canLose).map((second) => joined(first, second)));
      mustFit(plans.length, limit);
    }
  }
  const ways = plans.map((each): Way => ({ name: each.name, run: async () => void (await go(each)) }));
  return {
    length: ways.length,
    [Symbol.iterator]: () => ways[Symbol.iterator](),
    coverage: (machine) => {
      if (machine === 'job') return coverageOfJobs(taken.of(machine), base, depth);
      const chart = base.charts.find((each) => each.machine === machine);
      if (chart !== undefined) return coverageOfMachine(taken.of(machine), chart);
      const known = ['job', ...base.charts.map((each) => each.machine)];
      throw invalid('machine', `one of ${known.join(', ')}`, String(machine));
    },
  };
}

function mustFit(ways: number, limit: number): void {
  if (ways > limit)
    throw invalid(
      'limit',
      `at least as many as there are ways, or fewer ways by fewer perturbations, a shorter act or depth 1`,
      `${limit}, and ${ways} ways or more`,
    );
}

const exploreOptions = [
  'scenario',
  'depth',
  'perturb',
  'within',
  'limit',
  'store',
  'pollInterval',
  'pingInterval',
  'deathInterval',
  'onWarning',
] as const satisfies readonly (keyof ExploreOptions)[];

/** The checked settings of its lives. */
export function lifePlanOf(options: ExploreOptions): LifePlan {
  checkOptions(options, exploreOptions);
  const { scenario, depth = 1, limit = 1, perturb = [], within = '1d' } = options;
  const { pollInterval = '8s', pingInterval = '8s', deathInterval = '25s' } = options;
  const { onWarning = (message: string) => console.warn(message) } = options;
  for (const option of ['store', 'onWarning'] as const)
    if (options[option] !== undefined && typeof options[option] !== 'function')
      throw invalid(option, 'a function', String(options[option]));
  if (typeof scenario !== 'function') throw invalid('scenario', 'a function', String(scenario));
  if (depth !== 1 && depth !== 2) throw invalid('depth', '1 or 2', String(depth));
  if (!Number.isInteger(limit) || limit < 1)
    throw invalid('limit', 'a whole number from 1 up', String(limit));
  checkPerturbations(perturb);
  const withinMs = durationMs(within, 'within');
  return {
    scenario,
    intervals: { pollInterval, pingInterval, deathInterval },
    makeStore: options.store ?? simulatedJsonStore,
    safetyMs: withinMs,
    livenessMs: withinMs,
    deathMs: durationMs(deathInterval, 'deathInterval'),
    pollMs: durationMs(pollInterval, 'pollInterval'),
    warn: once(onWarning),
  };
}
