import fc from 'fast-check';
import { type Duration, durationMs } from '../../index.ts';
import { checkObject, checkOptions, invalid } from '../check-options.ts';
import { type BoxCommand, type CommandEvent, lineOf } from './command.ts';

/** Values to choose from: a list, or an arbitrary of fast-check. */
export type Samples<Value> = readonly Value[] | fc.Arbitrary<Value>;

/** What stories are made of. */
export interface BoxCommandsOptions {
  /** The jobs that are put, by name, with lists of arguments. */
  readonly jobs?: { readonly [name: string]: Samples<readonly unknown[]> };
  /** The machines whose actors get events, by name, with the keys of the actors. */
  readonly machines?: { readonly [name: string]: readonly string[] };
  /** The events that they get, by name of the machine. */
  readonly events?: { readonly [machine: string]: Samples<CommandEvent> };
  /** How much time may pass at once, or until a job may begin, the shortest first. Default 1 s, 1 min and 10 min. */
  readonly advance?: readonly Duration[];
  /** The most commands of a story. Default 12. */
  readonly maxCommands?: number;
}

/**
 * Random stories for `runCommands`: jobs are put, pulled and cancelled, actors get events and questions, time passes, processes are
 * killed, the power fails, answers get lost, and code throws. No command depends on what was drawn before it, so that fast-check
 * shortens a story that fails to the few commands that it takes. Each command prints as one line.
 *
 * @example
 * ```ts
 * import fc from 'fast-check';
 * import { boxCommands } from 'signalbox/testing/fast-check';
 *
 * const stories = boxCommands({
 *   jobs: { pay: [['17'], ['18']], refund: fc.tuple(fc.nat()) },
 *   machines: { order: ['17', '18'] },
 *   events: { order: [{ type: 'approve', by: 'Ada' }, { type: 'reject' }] },
 * });
 * const [commands = []] = fc.sample(stories, { seed: 3, numRuns: 1 });
 * console.log(commands.slice(0, 3).map(String));
 * // => [ 'send order/18 approve {"by":"Ada"}', 'put pay("17")', 'lose an answer at the next approve' ]
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`.
 */
export function boxCommands(options: BoxCommandsOptions): fc.Arbitrary<readonly BoxCommand[]> {
  checkOptions(options, ['jobs', 'machines', 'events', 'advance', 'maxCommands']);
  const { jobs = {}, machines = {}, events = {}, maxCommands = 12 } = options;
  const times = timesOf(options);
  if (!Number.isInteger(maxCommands) || maxCommands < 1)
    throw invalid('maxCommands', 'a whole number from 1 up', String(maxCommands));
  checkObject(jobs, 'jobs');
  checkObject(machines, 'machines');
  checkObject(events, 'events');
  if (Object.keys(jobs).length + Object.keys(machines).length === 0)
    throw invalid('jobs', 'jobs by name, unless `machines` has some', 'none');
  for (const machine of Object.keys(events))
    if (machines[machine] === undefined)
      throw invalid(`events.${machine}`, `absent: \`machines\` has no "${machine}"`, 'events');
  const kinds = [
    ...Object.entries(jobs).map(([job, args]) => puts(job, args, times)),
    ...Object.entries(machines).map(([machine, keys]) => letters(machine, keys, events[machine])),
    { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), by: times }) },
    ...(Object.keys(jobs).length === 0 ? [] : jobKinds),
    ...faults(momentsOf(options)),
  ];
  return fc.array(fc.oneof(...kinds).map(printed), { maxLength: maxCommands, size: 'max' });
}

type Kind = fc.MaybeWeightedArbitrary<BoxCommand>;

function puts(job: string, args: Samples<readonly unknown[]>, times: fc.Arbitrary<Duration>): Kind {
  const atOnce = { weight: 3, arbitrary: fc.constant(null) };
  const after = fc.oneof({ withCrossShrink: true }, atOnce, times);
  const arbitrary = fc
    .tuple(oneOf(`jobs.${job}`, args), after)
    .map(([args, after]) => ({ do: 'put' as const, job, args, ...(after === null ? {} : { after }) }));
  return { weight: 4, arbitrary };
}

function letters(machine: string, keys: readonly string[], events: Samples<CommandEvent> | undefined): Kind {
  const actors = oneOf(`machines.${machine}`, keys).map((key) => `${machine}/${key}`);
  return {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('send' as const, 'send' as const, 'ask' as const),
      actor: actors,
      event: oneOf(`events.${machine}`, events ?? []),
    }),
  };
}

function timesOf({ advance = ['1s', '1m', '10m'] }: BoxCommandsOptions): fc.Arbitrary<Duration> {
  const times = oneOf('advance', advance);
  for (const duration of advance) durationMs(duration, 'advance');
  return times;
}

const jobKinds: readonly Kind[] = [
  fc.record({ do: fc.constantFrom('pull' as const, 'cancel' as const), job: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('fail the next call' as const) }),
];

/** Events at whose commits something goes wrong. Each is where it is whatever is done before: so stories can be shortened. */
function momentsOf({ jobs = {}, machines = {}, events = {} }: BoxCommandsOptions): readonly string[] {
  const listed = Object.values(events).flatMap((samples) =>
    Array.isArray(samples) ? (samples as readonly CommandEvent[]).map(({ type }) => type) : [],
  );
  // Machines put jobs, too. What code has done and no commit tells is what breaks most: stories shrink towards it.
  const ofJobs = ['job.finish', 'job.claim', ...(Object.keys(jobs).length === 0 ? [] : ['job.put'])];
  const ofActors = Object.keys(machines).length === 0 ? [] : ['signalbox.start', ...listed];
  return [...new Set([...ofJobs, ...ofActors])];
}

function faults(moments: readonly string[]): readonly Kind[] {
  return [
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('kill' as const, 'power cut' as const),
        at: fc.constantFrom(...moments, null),
      }),
    },
    // A claim is not known as one before it is made.
    fc.record({
      do: fc.constant('lose an answer' as const),
      at: fc.constantFrom(...moments.filter((moment) => moment !== 'job.claim')),
    }),
  ];
}

function oneOf<Value>(option: string, samples: Samples<Value>): fc.Arbitrary<Value> {
  if (!Array.isArray(samples)) {
    if (typeof (samples as Partial<fc.Arbitrary<Value>>)?.generate === 'function')
      return samples as fc.Arbitrary<Value>;
    throw invalid(option, 'a list, or an arbitrary of fast-check', String(samples));
  }
  if (samples.length === 0) throw invalid(option, 'a list with something in it', 'an empty one');
  return fc.constantFrom(...(samples as readonly Value[]));
}

/** fast-check prints what has a `toString` of its own by it. */
function printed(command: BoxCommand): BoxCommand {
  return Object.defineProperty({ ...command }, 'toString', { value: () => lineOf(command) });
}
