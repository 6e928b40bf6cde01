import { durationMs, type JobDefinition, type MachineDefinition } from '../../index.ts';
import { invalid } from '../check-options.ts';
import { external, knows } from '../models/machine-model.ts';
import type { SimulatedScenario } from '../simulate/cluster/scenario.ts';
import type { BoxCommand } from './command.ts';

/** The definitions of a scenario, by name. */
export interface Cast {
  readonly jobs: ReadonlyMap<string, JobDefinition<readonly unknown[]>>;
  readonly machines: ReadonlyMap<string, MachineDefinition>;
}

export function castOf({ jobs = [], machines = [] }: Pick<SimulatedScenario, 'jobs' | 'machines'>): Cast {
  const definitions = jobs as unknown as readonly JobDefinition<readonly unknown[]>[];
  return {
    jobs: new Map(definitions.map((job) => [job.definition.name, job])),
    machines: new Map(machines.map((machine) => [machine.name, machine as MachineDefinition])),
  };
}

/** Refuses what a scenario cannot do, before anything is done. @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`. */
export function checkCommand(command: BoxCommand, { jobs, machines }: Cast): void {
  switch (command?.do) {
    case 'put':
      if (!jobs.has(command.job))
        throw invalid('commands', `puts of jobs of the scenario: ${list(jobs)}`, command.job);
      if (!Array.isArray(command.args))
        throw invalid('commands', `a list of arguments for "${command.job}"`, String(command.args));
      if (command.after !== undefined) durationMs(command.after, 'after');
      break;
    case 'send':
    case 'ask':
      checkLetter(command, machines);
      break;
    case 'advance':
      durationMs(command.by, 'advance');
      break;
    case 'pull':
    case 'cancel':
      if (Number.isInteger(command.job) && command.job > 0) break;
      throw invalid(`commands.${command.do}`, 'a whole number from 1 up', String(command.job));
    case 'kill':
    case 'power cut':
      if (command.at === null) break;
      checkEvent(command.do, command.at);
      break;
    case 'lose an answer':
      checkEvent(command.do, command.at);
      break;
    case 'fail the next call':
      break;
    default:
      throw invalid('commands', 'commands as `boxCommands` makes them', JSON.stringify(command));
  }
}

function checkLetter(
  { actor, event }: Extract<BoxCommand, { do: 'send' | 'ask' }>,
  machines: Cast['machines'],
): void {
  const type: unknown = event?.type;
  if (typeof type !== 'string') throw invalid('commands', 'events with a type', String(event));
  const [name] = partsOf(String(actor));
  const machine = machines.get(name);
  if (machine === undefined)
    throw invalid('commands', `events for machines of the scenario: ${list(machines)}`, actor);
  const { engine } = machine.prepared;
  if (engine !== null && !knows(engine.machine, type))
    throw invalid('commands', `events of machine "${name}": ${external(engine.machine)}`, type);
}

function checkEvent(what: string, event: unknown): void {
  if (typeof event !== 'string')
    throw invalid(`commands.${what}`, 'at an event, such as `job.finish`', String(event));
}

/** The name of the machine of an actor, and its key. */
export function partsOf(actor: string): readonly [name: string, key: string] {
  const at = actor.indexOf('/');
  return [actor.slice(0, at), actor.slice(at + 1)];
}

function list(named: ReadonlyMap<string, unknown>): string {
  return named.size === 0 ? 'none' : [...named.keys()].join(', ');
}
