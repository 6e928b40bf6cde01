import type { DurableLogic } from '../../index.ts';
import { familyOf } from '../../model/durable/family.ts';
import { describes } from '../../model/durable/look.ts';
import type { PreparedMachine } from '../../model/durable/machine.ts';
import { checkObject, checkOptions, invalid } from '../check-options.ts';
import { checkPerturbations } from '../explore/perturbations.ts';
import type { PathsMode } from './model/choose.ts';
import { type JobOutcome, type Scripted, scripted } from './model/outcomes.ts';
import type { MachinePathsOptions } from './path-options.ts';

const options = [
  'input',
  'inputs',
  'events',
  'jobs',
  'perturb',
  'invariant',
  'paths',
  'until',
  'limit',
  'stateKey',
] as const satisfies readonly (keyof MachinePathsOptions<DurableLogic>)[];

const modes: readonly PathsMode[] = ['transitions', 'shortest', 'simple'];

/** Refuses options that cannot be meant. @throws SignalboxError `INVALID_OPTION`. */
export function checkPathOptions(machine: PreparedMachine, given: MachinePathsOptions<DurableLogic>): void {
  checkOptions(given, options);
  const { inputs, events = [], jobs = {}, perturb = [], limit = 1, paths = 'transitions' } = given;
  if (inputs !== undefined && (!Array.isArray(inputs) || inputs.length === 0))
    throw invalid('inputs', 'a list of one input or more', String(inputs));
  const { input } = given as { readonly input?: unknown };
  if (inputs !== undefined && input !== undefined)
    throw invalid('input', 'absent, since `inputs` is given', String(input));
  if (!Number.isInteger(limit) || limit < 1)
    throw invalid('limit', 'a whole number from 1 up', String(limit));
  if (!modes.includes(paths)) throw invalid('paths', `one of ${modes.join(', ')}`, String(paths));
  for (const option of ['invariant', 'until', 'stateKey'] as const)
    if (given[option] !== undefined && typeof given[option] !== 'function')
      throw invalid(option, 'a function', String(given[option]));
  checkPerturbations(perturb);
  if (!Array.isArray(events)) throw invalid('events', 'a list of events', String(events));
  for (const event of events as readonly { readonly type: string }[]) checkEvent(machine, event);
  checkObject(jobs, 'jobs');
}

function checkEvent(machine: PreparedMachine, event: { readonly type: string }): void {
  const type: unknown = event?.type;
  if (typeof type !== 'string') throw invalid('events', 'events with a type', String(event));
  if (/^(xstate|signalbox)\./.test(type))
    throw invalid('events', 'events of the program: timers and outcomes come by themselves', type);
  const known = [...familyOf([machine]).values()].flatMap(({ engine }) =>
    engine === null
      ? ['*']
      : [...engine.nodes.values()].flatMap(({ transitions }) => [...transitions.keys()]),
  );
  const own = [...new Set(known)].filter((each) => !each.startsWith('xstate.')).sort();
  if (!own.some((descriptor) => describes(descriptor, type)))
    throw invalid('events', `events that "${machine.name}" or its children know (${own.join(', ')})`, type);
}

/** The outcomes that jobs may have. */
export class Script {
  readonly #outcomes: ReadonlyMap<string, readonly Scripted[]>;

  /** @throws SignalboxError `INVALID_OPTION`. */
  constructor(jobs: Readonly<Record<string, readonly JobOutcome[] | undefined>>) {
    const entries = Object.entries(jobs).filter(([, outcomes]) => outcomes !== undefined);
    this.#outcomes = new Map(entries.map(([name, outcomes]) => [name, scriptedAll(name, outcomes)]));
  }

  /** By the name of the actor logic, or else by that of its job. */
  of(src: string, name: string | null): readonly Scripted[] | undefined {
    return this.#outcomes.get(src) ?? (name === null ? undefined : this.#outcomes.get(name));
  }

  /** Refuses a machine with a child whose outcomes are not given. @throws SignalboxError `INVALID_OPTION`. */
  check(machine: PreparedMachine): void {
    const children = jobsOf(machine);
    const missing = children.filter(({ src, name }) => this.of(src, name) === undefined);
    if (missing.length === 0) return;
    const names = missing.map(({ src }) => src).join(', ');
    throw invalid(
      'jobs',
      `outcomes for every child that is a job, such as { ${missing[0]?.src}: [{ output: … }, { error: … }] }, or [] for one that does not end`,
      `none for ${names}`,
    );
  }

  /** All names under which jobs may be listed. */
  names(machine: PreparedMachine): readonly string[] {
    const children = jobsOf(machine).flatMap(({ src, name }) => (name === null ? [src] : [src, name]));
    return [...new Set([...children, ...this.#outcomes.keys()])];
  }
}

function scriptedAll(name: string, outcomes: unknown): readonly Scripted[] {
  const what = `a list of { output } and { error }`;
  if (!Array.isArray(outcomes)) throw invalid(`jobs.${name}`, what, String(outcomes));
  return outcomes.map((each: unknown) => {
    const keys = Object.keys(Object(each));
    if (keys.length !== 1 || (keys[0] !== 'output' && keys[0] !== 'error'))
      throw invalid(`jobs.${name}`, what, keys.length === 0 ? String(each) : `{ ${keys.join(', ')} }`);
    return scripted(each as JobOutcome);
  });
}

function jobsOf(machine: PreparedMachine): readonly { readonly src: string; readonly name: string | null }[] {
  return [...familyOf([machine]).values()].flatMap(({ sources }) =>
    [...sources].flatMap(([src, source]) => {
      if (source.kind === 'machine') return [];
      return [{ src, name: source.kind === 'job' ? source.job.definition.name : null }];
    }),
  );
}
