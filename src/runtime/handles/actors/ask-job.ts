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

/** One for each machine: jobs are made with the definition that a box knows. */
const definitions = new WeakMap<object, AskDefinition>();

/** The definition of the jobs that ask actors of a machine: `<name>.ask`. */
export function askDefinitionOf(machine: MachineLike): AskDefinition {
  const key = machine.prepared.given;
  const known = definitions.get(key);
  if (known !== undefined) return known;
  const made = makeDefinition({
    name: `${machine.name}.ask`,
    run: async (id: string, event: Json) => {
      const run = currentRun.getStore();
      if (run === undefined) throw new SignalboxError('NO_CURRENT_JOB', { call: 'ask' });
      const at = { work: run.unit.handles, id, machine };
      return plainSnapshot(thawed(at, await ask(at, event)) as never) as never;
    },
  }) as AskDefinition;
  definitions.set(key, made);
  return made;
}

/** A job that asks an actor. */
export function askJobOf({ id, machine }: ActorAt, event: EventObject): Job<unknown> {
  if (machine === null) throw new SignalboxError('UNKNOWN_MACHINE', { name: id, known: [] });
  return askDefinitionOf(machine)(id, event as never);
}
