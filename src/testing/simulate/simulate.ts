import { type Duration, durationMs, memoryStore, SignalboxError, type Store } from '../../index.ts';
import { checkOptions, invalid } from '../check-options.ts';
import { RandomNemesis } from './cluster/nemesis.ts';
import type { SimulationReport } from './cluster/report.ts';
import type { SimulatedRun, SimulatedScenario } from './cluster/scenario.ts';
import { Simulation, type SimulationPlan } from './simulation.ts';
import { checkedFaults, type SimulationFaults } from './world/faults.ts';
import type { SimulatedHost } from './world/host.ts';

/** The options of a simulation. */
export interface SimulateOptions {
  /** Makes the scenario of one seed. Called for each seed, so that jobs and checks start with fresh state. */
  readonly scenario: (run: SimulatedRun) => SimulatedScenario;
  /** The first seed. Default 1. */
  readonly seed?: number;
  /** The number of seeds, from `seed` on. The first with a violation ends the simulation. Default 1. */
  readonly seeds?: number;
  /** Makes the store of one seed. Default: a memory store. It must take time, files and randomness through its ports. */
  readonly store?: (host: SimulatedHost) => Store;
  /** The number of processes, each with one dispatcher. Default 3. */
  readonly dispatchers?: number;
  /** The faults; those that are not given are as in `allFaults`. False: no faults. */
  readonly faults?: Partial<SimulationFaults> | false;
  /** Simulated time with faults. Default 1 minute. */
  readonly safety?: Duration;
  /** Simulated time without faults, after which every job must have ended. Default 1 hour. */
  readonly liveness?: Duration;
  /** Default 8 s. */
  readonly pollInterval?: Duration;
  /** Default 8 s. */
  readonly pingInterval?: Duration;
  /** Default 25 s. */
  readonly deathInterval?: Duration;
  /** The command that runs one seed again, for the error. Default: how to call `simulate`. */
  readonly replay?: (seed: number) => string;
  /** Called once for each definition whose code uses a real timer. Default: `console.warn`. */
  readonly onWarning?: (message: string) => void;
}

/** Thrown when a seed broke an invariant. `report` has its trace; the message says how to run it again. */
export class SimulationError extends SignalboxError<'SIMULATION_FAILED'> {
  override readonly name = 'SimulationError';
  declare readonly report: SimulationReport;

  constructor(report: SimulationReport, replay: string) {
    const { seed, violations, hash } = report;
    super('SIMULATION_FAILED', { seed, violations: violations.map(firstLine), hash, replay });
    // Not enumerable: a printed error must not contain the whole trace.
    Object.defineProperty(this, 'report', { value: report, enumerable: false });
  }
}

/**
 * Runs your jobs under faults that a seed decides: several processes with the real runtime code on one store,
 * whose answers are late, fail or get lost, while processes stop, are killed or have wrong clocks, and all of
 * them crash at once. Then the faults end, and every job must end. Every entry of the journal is audited. The
 * same seed gives the same run, so a failure can be examined again and again.
 *
 * Of durable actors each step is made anew from the journal, and compared: a machine whose steps depend on more than context and
 * event breaks that.
 *
 * Jobs must depend only on their arguments and on simulated time: use `local.sleep`, `local.now` and `local.random`, and
 * take no time, randomness, file or socket from elsewhere; code that uses a real timer is reported. The simulation calls
 * code twice as a real crash does; `check` can examine the effects.
 *
 * The method is that of FoundationDB and of TigerBeetle's VOPR: https://apple.github.io/foundationdb/testing.html.
 *
 * @example
 * ```ts
 * import { defineJob } from 'signalbox';
 * import { simulate } from 'signalbox/testing';
 *
 * const report = await simulate({
 *   seed: 8,
 *   scenario: () => {
 *     const paid = new Set<string>();
 *     const pay = defineJob({ name: 'pay', run: (order: string) => void paid.add(order) });
 *     return { jobs: [pay], acts: 10, act: ({ put, number }) => put(() => pay(`order ${number}`)) };
 *   },
 * });
 * console.log(report.violations, report.jobs.every((job) => job.ending === 'succeeded')); // => [] true
 * ```
 *
 * @example
 * ```ts
 * import { defineMachine } from 'signalbox';
 * import { simulate } from 'signalbox/testing';
 * import { fromTransition } from 'xstate';
 *
 * const total = defineMachine(
 *   fromTransition((sum: number, event: { type: 'add'; by: number }) => sum + event.by, 0),
 *   { name: 'total' },
 * );
 * const report = await simulate({
 *   seed: 8,
 *   scenario: () => ({
 *     machines: [total],
 *     prepare: (box) => box.actor(total, 'shop').start(),
 *     acts: 10,
 *     act: ({ send, number }) => send(total, 'shop', { type: 'add', by: number }),
 *   }),
 * });
 * console.log(report.violations, report.actors.map(({ id }) => id)); // => [] [ 'total/shop' ]
 * ```
 *
 * @returns the report of the last seed.
 * @throws SimulationError at the first seed with a violation: the seed, the violations, and how to run it again.
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  checkOptions(options, simulateOptions);
  const { seed = 1, seeds = 1, replay = (failed) => `simulate({ …, seed: ${failed} })` } = options;
  counted(seed, 'seed', 0);
  counted(seeds, 'seeds', 1);
  const plan = planOf(options);
  for (let at = seed; ; at += 1) {
    const report = await new Simulation(at, plan).run();
    if (report.violations.length > 0) throw new SimulationError(report, replay(at));
    if (at === seed + seeds - 1) return report;
  }
}

const simulateOptions = [
  'scenario',
  'seed',
  'seeds',
  'store',
  'dispatchers',
  'faults',
  'safety',
  'liveness',
  'pollInterval',
  'pingInterval',
  'deathInterval',
  'replay',
  'onWarning',
] as const satisfies readonly (keyof SimulateOptions)[];

/** Returns the checked settings of a run. */
function planOf(options: SimulateOptions): SimulationPlan {
  if (typeof options?.scenario !== 'function')
    throw invalid('scenario', 'a function', String(options?.scenario));
  const { pollInterval = '8s', pingInterval = '8s', deathInterval = '25s', safety = '1m' } = options;
  const { onWarning = (message) => console.warn(message) } = options;
  if (typeof onWarning !== 'function') throw invalid('onWarning', 'a function', String(onWarning));
  return {
    scenario: options.scenario,
    intervals: { pollInterval, pingInterval, deathInterval },
    dispatchers: counted(options.dispatchers ?? 3, 'dispatchers', 1),
    makeStore: options.store ?? (() => memoryStore()),
    faults: checkedFaults(options.faults ?? {}),
    makeNemesis: (deps, faults) => new RandomNemesis(deps, faults),
    isOneLife: false,
    safetyMs: durationMs(safety, 'safety'),
    livenessMs: durationMs(options.liveness ?? '1h', 'liveness'),
    deathMs: durationMs(deathInterval, 'deathInterval'),
    pollMs: durationMs(pollInterval, 'pollInterval'),
    warn: once(onWarning),
  };
}

function counted(value: number, option: string, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw invalid(option, `a whole number from ${least} up`, String(value));
}

/** Passes each message on once: runs repeat it. */
export function once(report: (message: string) => void): (message: string) => void {
  const reported = new Set<string>();
  return (message) => {
    if (reported.has(message)) return;
    reported.add(message);
    report(message);
  };
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
