import { type Duration, durationMs, type HistoryEntry, SignalboxError } from '../../index.ts';
import { checkOptions, invalid } from '../check-options.ts';
import { lifePlanOf } from '../explore/explore.ts';
import type { SimulationReport } from '../simulate/cluster/report.ts';
import type { SimulatedRun } from '../simulate/cluster/scenario.ts';
import type { SimulateOptions } from '../simulate/simulate.ts';
import { Simulation } from '../simulate/simulation.ts';
import { type BoxCommand, lineOf } from './command.ts';
import { Story, type StoryScenario } from './story.ts';

/** The options of a story, beside those that it shares with `simulate`. */
export interface RunCommandsOptions
  extends Pick<SimulateOptions, 'store' | 'pollInterval' | 'pingInterval' | 'deathInterval'> {
  /** How long after its last command a story may take until all is done. Default 1 h. */
  readonly within?: Duration;
}

/** How a story went. */
export interface StoryReport extends SimulationReport {
  readonly commands: readonly BoxCommand[];
  /** Every entry of its journal, in order: what `copyAsTest` writes down. */
  readonly entries: readonly HistoryEntry[];
}

/** Thrown when a story does not go as its model says. The message is the story, one line a command, and what differs. */
export class StoryError extends SignalboxError<'STORY_FAILED'> {
  override readonly name = 'StoryError';
  declare readonly report: StoryReport;

  constructor(report: StoryReport) {
    const { commands, violations } = report;
    super('STORY_FAILED', { story: commands.map(lineOf), differences: violations.map(firstLine) });
    // Not enumerable: a printed error must not contain the whole trace.
    Object.defineProperty(this, 'report', { value: report, enumerable: false });
  }
}

/**
 * Tells a story: performs its commands on a box in virtual time, on a store whose power can fail, and lets everything come to its end.
 * Beside it goes a model: pure snapshots of all actors, and the chart of jobs. What calls answer and what is there at the end must be
 * as the model has it; every entry of the journal is audited, as in `simulate`; and `invariant` and `check` of the scenario must hold.
 * The same story always goes the same way.
 *
 * @example
 * ```ts
 * import fc from 'fast-check';
 * import { defineJob, local } from 'signalbox';
 * import { boxCommands, runCommands } from 'signalbox/testing/fast-check';
 *
 * const scenario = () => {
 *   const charges: (string | null | undefined)[] = [];
 *   const pay = defineJob({ name: 'pay', run: (_cents: number) => void charges.push(local.getJob()?.id) });
 *   return {
 *     jobs: [pay],
 *     invariant: () => {
 *       if (new Set(charges).size < charges.length) throw new Error('charged twice');
 *     },
 *   };
 * };
 * const stories = boxCommands({ jobs: { pay: [[4200]] }, advance: ['1s'] });
 * const found = await fc.check(
 *   fc.asyncProperty(stories, async (commands) => void (await runCommands(scenario, commands))),
 *   { seed: 5 },
 * );
 * console.log(found.counterexample?.[0].map(String)); // => [ 'put pay(4200)', 'power cut at the next job.finish' ]
 * ```
 *
 * @returns how it went.
 * @throws StoryError with the story, and what differs; SignalboxError `INVALID_OPTION` for commands that the scenario does not know.
 */
export async function runCommands(
  scenario: (run: SimulatedRun) => StoryScenario,
  commands: readonly BoxCommand[],
  options: RunCommandsOptions = {},
): Promise<StoryReport> {
  checkOptions(options, ['store', 'pollInterval', 'pingInterval', 'deathInterval', 'within']);
  if (typeof scenario !== 'function') throw invalid('scenario', 'a function', String(scenario));
  if (!Array.isArray(commands)) throw invalid('commands', 'a list of commands', String(commands));
  let story: Story | null = null;
  const told = (): Story => story as Story;
  const plan = lifePlanOf({
    within: '1h',
    ...options,
    scenario: (run) => {
      story = new Story(scenario(run), commands);
      return story.scenario;
    },
  });
  const simulation = new Simulation(1, {
    ...plan,
    safetyMs: commands.reduce((sum, command) => sum + lengthOf(command), plan.safetyMs),
    dispatchers: 1,
    faults: false,
    isOneLife: true,
    isBusy: () => told().isTelling,
    makeNemesis: (deps) => told().begin(deps),
    onSynced: (synced) => told().follow(synced),
  });
  const { violations, ...report } = await simulation.run();
  const { differences, entries } = told();
  const all = [...new Set([...differences, ...violations])];
  const ended: StoryReport = { ...report, violations: all, commands, entries };
  if (all.length > 0) throw new StoryError(ended);
  return ended;
}

/** How long a command may take: a client waits half a minute for a process that has died. */
const patienceMs = 60_000;

function lengthOf(command: BoxCommand): number {
  // What is no command is refused when it is read.
  if (typeof command !== 'object' || command === null) return 0;
  if (command.do === 'advance') return patienceMs + durationMs(command.by, 'advance');
  return patienceMs + (command.do === 'put' ? durationMs(command.after ?? 0, 'after') : 0);
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
