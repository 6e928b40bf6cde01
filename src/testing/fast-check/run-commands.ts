import { type Duration, durationMs, type HistoryEntry, SignalboxError } from '../../index.ts';
import { checkObject, checkOptions, invalid } from '../check-options.ts';
import { lifePlanOf } from '../explore/explore.ts';
import { StrikingNemesis } from '../explore/strike.ts';
import type { NemesisDeps } from '../simulate/cluster/nemesis.ts';
import type { SimulationReport } from '../simulate/cluster/report.ts';
import type { SimulatedRun } from '../simulate/cluster/scenario.ts';
import { Oracle } from '../simulate/oracle/oracle.ts';
import type { SimulateOptions } from '../simulate/simulate.ts';
import { Simulation } from '../simulate/simulation.ts';
import { castOf, checkCommand } from './cast.ts';
import { type BoxCommand, lineOf } from './command.ts';
import { Reference } from './reference.ts';
import { type Stage, Story, type StoryScenario } from './story.ts';

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
 * import { defineJob } from 'signalbox';
 * import { boxCommands, runCommands } from 'signalbox/testing/fast-check';
 *
 * const scenario = () => {
 *   const charged: string[] = [];
 *   const pay = defineJob({ name: 'pay', run: (order: string) => void charged.push(order) }); // knows no charge that it has made
 *   return {
 *     jobs: [pay],
 *     invariant: () => {
 *       if (new Set(charged).size < charged.length) throw new Error('charged twice');
 *     },
 *   };
 * };
 * const stories = boxCommands({ jobs: { pay: [['17']] } });
 * const result = await fc.check(fc.asyncProperty(stories, (commands) => runCommands(scenario, commands)), { seed: 1 });
 * console.log(result.counterexample?.[0].map(String));
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
  const entries: HistoryEntry[] = [];
  const parts: { story?: Story; stage?: Stage; reference?: Reference } = {};
  const plan = lifePlanOf({
    ...options,
    scenario: (run) => {
      const made = scenario(run);
      checkObject(made, 'scenario');
      const cast = castOf(made);
      for (const command of commands) checkCommand(command, cast);
      parts.reference = new Reference(new Oracle(made.machines ?? []));
      const story = new Story(commands, made, cast, () => parts.stage as Stage);
      return {
        ...made,
        act: (client) => story.tell(client),
        check: async (box) => {
          await story.compare(box);
          await made.check?.(box);
        },
      };
    },
  });
  const simulation = new Simulation(1, {
    ...plan,
    safetyMs: plan.safetyMs + commands.reduce((sum, command) => sum + lengthOf(command), 0),
    dispatchers: 1,
    faults: false,
    isOneLife: true,
    makeNemesis: (deps: NemesisDeps) => {
      const nemesis = new StrikingNemesis(deps, []);
      parts.stage = { ...deps, nemesis, reference: parts.reference as Reference };
      return nemesis;
    },
    onSynced: (synced) => {
      entries.push(...synced);
      for (const entry of synced) parts.reference?.follow(entry);
    },
  });
  const { violations, ...report } = await simulation.run();
  const differences = parts.reference?.differences ?? [];
  const story = { ...report, commands, entries, violations: [...new Set([...differences, ...violations])] };
  if (story.violations.length > 0) throw new StoryError(story);
  return story;
}

function lengthOf(command: BoxCommand): number {
  return command.do === 'advance' ? durationMs(command.by, 'advance') : 0;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
