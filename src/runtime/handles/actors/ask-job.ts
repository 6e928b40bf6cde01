import type { EventObject } from 'xstate';
import type { Json } from '../../../../machines/json.ts';
import { SignalboxError } from '../../../errors.ts';
import type { MachineLike } from '../../definitions/machines.ts';
import { currentRun } from '../../execution/run.ts';
import { makeDefinition } from '../define-job.ts';
import type { Job, JobDefinition } from '../job.ts';
import { type ActorAt, ask, thawed } from './actor-commands.ts';
import { plainSnapshot } from './plain-snapshot.ts';

type AskDefinition = JobDefinition<readonly [id: string, event: Json], unknown>;

/** One for each machine and name: jobs are made with the definition that a box knows. */
const definitions = new WeakMap<object, Map<string, AskDefinition>>();

/** The definition of the jobs that ask actors of a machine: `<name>.ask`. */
export function askDefinitionOf(machine: MachineLike): AskDefinition {
  const named = definitions.get(machine.prepared.given) ?? new Map<string, AskDefinition>();
  definitions.set(machine.prepared.given, named);
  const known = named.get(machine.name);
  if (known !== undefined) return known;
  const made = makeDefinition({
    name: `${machine.name}.ask`,
    redact: machine.settings.redact.flatMap((path) => [
      `1.${path}`,
      `result.context.${path}`,
      `result.output.${path}`,
    ]),
    run: async (id: string, event: Json) => {
      const run = currentRun.getStore();
      if (run === undefined) throw new SignalboxError('NO_CURRENT_JOB', { call: 'ask' });
      const at = { work: run.unit.handles, id, machine };
      return plainSnapshot(thawed(at, await ask(at, event)) as never) as never;
    },
  }) as AskDefinition;
  named.set(machine.name, made);
  return made;
}

/** A job that asks an actor. */
export function askJobOf({ id, machine }: ActorAt, event: EventObject): Job<unknown> {
  if (machine === null) throw new SignalboxError('UNKNOWN_MACHINE', { name: id, known: [] });
  return askDefinitionOf(machine)(id, event as never);
}
