import type { MachineLike } from '../../definitions/machines.ts';
import type { Registry } from '../../definitions/registry.ts';
import { makeDefinition } from '../define-job.ts';
import type { JobDefinition } from '../job.ts';
import { askDefinitionOf } from './ask-job.ts';

type AnyDefinition = JobDefinition<readonly [unknown], unknown>;

/** By machine and source: a machine that is the child of two others is prepared twice. */
const promiseJobs = new WeakMap<object, Map<string, AnyDefinition>>();

/** The definition that stands for the code of a `fromPromise`: `<machine>.<source>`. */
export function promiseJobOf(machine: MachineLike, src: string): AnyDefinition {
  const source = machine.prepared.sources.get(src);
  if (source?.kind !== 'promise') throw new Error(`${src} of machine ${machine.name} is no promise`);
  const ofMachine = promiseJobs.get(machine.prepared.given) ?? new Map<string, AnyDefinition>();
  promiseJobs.set(machine.prepared.given, ofMachine);
  const known = ofMachine.get(src);
  if (known !== undefined) return known;
  const run = (input: unknown): PromiseLike<unknown> => source.run({ input: input as never });
  const made = makeDefinition({ name: `${machine.name}.${src}`, run: run as never }) as AnyDefinition;
  ofMachine.set(src, made);
  return made;
}

/**
 * Makes a machine known, with those of its children, and the jobs that come with them.
 * @throws SignalboxError `DUPLICATE_DEFINITION`, `INVALID_OPTION`.
 */
export function registerMachine(registry: Registry, definition: MachineLike): void {
  registry.machines.add(definition);
  for (const name of registry.machines.names()) {
    const machine = registry.machines.mustKnow(name);
    registry.add(askDefinitionOf(machine) as never);
    for (const [src, source] of machine.prepared.sources)
      if (source.kind === 'promise') registry.add(promiseJobOf(machine, src) as never);
  }
}
