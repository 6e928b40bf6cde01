import type { SnapshotFrom } from 'xstate';
import { SignalboxError } from '../../errors.ts';
import type { DurableLogic, MachineDefinition } from '../../index.ts';
import { familyOf } from '../../model/durable/family.ts';
import type { PreparedMachine } from '../../model/durable/machine.ts';
import { snapshotOf } from '../../model/durable/thaw.ts';
import { invalid } from '../check-options.ts';
import type { Way } from '../explore/explore.ts';
import { JobStandIn } from '../simulate/oracle/events.ts';
import { checkPathOptions, Script } from './check-paths.ts';
import type { PathWorld } from './life/path-life.ts';
import { PathWays } from './life/path-ways.ts';
import { choosePaths, type Path } from './model/choose.ts';
import { coverageOf, type MachineCoverage } from './model/coverage.ts';
import type { JobOutcome } from './model/outcomes.ts';
import { retraced } from './model/retrace.ts';
import type { Tree } from './model/tree.ts';
import { walk } from './model/walk.ts';
import type { MachinePathsOptions } from './path-options.ts';

/** The paths of a machine: each way is a test of its own. */
export class MachinePaths implements Iterable<Way> {
  readonly #ways: readonly Way[];
  readonly #machine: PreparedMachine;
  readonly #paths: readonly Path[];

  constructor(ways: readonly Way[], machine: PreparedMachine, paths: readonly Path[]) {
    this.#ways = ways;
    this.#machine = machine;
    this.#paths = paths;
  }

  /** How many ways there are. */
  get length(): number {
    return this.#ways.length;
  }

  [Symbol.iterator](): Iterator<Way> {
    return this.#ways[Symbol.iterator]();
  }

  /**
   * The transitions of the machine, or of a machine that is its child, which the paths take and which they miss.
   *
   * @throws SignalboxError `UNKNOWN_MACHINE`.
   */
  coverage(name = this.#machine.name): MachineCoverage {
    const family = familyOf([this.#machine]);
    const machine = family.get(name);
    if (machine === undefined)
      throw new SignalboxError('UNKNOWN_MACHINE', { name, known: [...family.keys()] });
    return coverageOf(
      machine,
      this.#paths.flat().flatMap(({ grown }) => grown.moved),
    );
  }
}

/**
 * Takes a durable machine along its paths, through the real engine in virtual time. What can happen in each state is: an event
 * that was given, the end of a job that is its child, and that time passes until the next timer. Machines that are children go their own
 * ways. After each step the actor must be as its pure machine gives it: state, context, timers and children. With `perturb` each commit
 * of each path is struck once by each perturbation, in a way of its own, which must come to the same. Where a perturbation may change
 * what comes first, such as a timer that is due before a killed process is back, the comparison ends there, and the audit of
 * the journal goes on.
 *
 * @example
 * ```ts
 * import { defineJob, defineMachine, fromJob } from 'signalbox';
 * import { machinePaths } from 'signalbox/testing';
 * import { setup } from 'xstate';
 *
 * const charge = defineJob({ name: 'charge', run: async (cents: number) => `receipt for ${cents}` });
 * const order = defineMachine(
 *   setup({
 *     types: { events: {} as { type: 'order.approve' } },
 *     actors: { charge: fromJob(charge) },
 *   }).createMachine({
 *     id: 'order',
 *     version: '1',
 *     initial: 'approval',
 *     states: {
 *       approval: { on: { 'order.approve': { target: 'paying' } }, after: { 86_400_000: { target: 'expired' } } },
 *       paying: {
 *         invoke: { id: 'charge', src: 'charge', input: [4200], onDone: { target: 'paid' }, onError: { target: 'declined' } },
 *       },
 *       paid: { type: 'final' },
 *       declined: { type: 'final' },
 *       expired: { type: 'final' },
 *     },
 *   }),
 * );
 *
 * const paths = await machinePaths(order, {
 *   events: [{ type: 'order.approve' }],
 *   jobs: { charge: [{ output: 'r-1' }, { error: new Error('declined') }] },
 *   invariant: ({ snapshot, jobs }) => {
 *     if (snapshot.matches('paid') && jobs.charge.length !== 1) throw new Error('charged twice');
 *   },
 * });
 * for (const { name, run } of paths) {
 *   await run(); // or: test(name, run)
 *   console.log(name);
 * }
 * // => approve → charge done
 * // => time passes
 * // => approve → charge failed
 * console.log(paths.coverage().missed); // => []
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`: also for an event that no machine here knows, a child without outcomes, more states
 *   than `limit`, and paths that all miss `until`.
 */
export async function machinePaths<L extends DurableLogic>(
  machine: MachineDefinition<L>,
  given: MachinePathsOptions<L>,
): Promise<MachinePaths> {
  const { prepared, settings } = checkedMachine(machine);
  checkPathOptions(prepared, given as MachinePathsOptions<DurableLogic>);
  const { inputs = [given.input], events = [], jobs = {}, perturb = [], limit = 1000 } = given;
  const key = '1';
  const root = { id: `${prepared.name}/${key}`, machine: prepared, onError: settings.onError };
  const { paths: mode = 'transitions', until, stateKey, invariant } = given;
  const script = new Script(jobs as Readonly<Record<string, readonly JobOutcome[]>>);
  script.check(prepared);
  const look = (tree: Tree): SnapshotFrom<L> =>
    snapshotOf(
      prepared,
      tree.actors.get(root.id)?.record as never,
      (id) => new JobStandIn(id),
    ) as SnapshotFrom<L>;
  const now = Date.UTC(2030, 0, 1);
  const graph = walk({
    root,
    inputs,
    events: events as readonly { readonly type: string }[],
    outcomesOf: ({ src, name }) => script.of(src, name) ?? [],
    isEnd: (tree) => until?.(look(tree)) ?? false,
    fold: (tree) => (stateKey === undefined ? null : stateKey(look(tree))),
    limit,
    now,
  });
  const chosen = choosePaths(graph, mode, { endsOnly: until !== undefined, limit });
  if (chosen.length === 0)
    throw invalid(
      'until',
      'true in a state that can be reached',
      `false in all ${graph.nodes.length} states`,
    );
  const paths = chosen.map((path) => retraced(root, path, now));
  const world: PathWorld = {
    definition: machine as unknown as MachineDefinition<DurableLogic>,
    root,
    key,
    putOutcome: (name) => script.of(name, null)?.[0],
    invariant: (invariant as PathWorld['invariant'] | undefined) ?? null,
    jobNames: script.names(prepared),
  };
  const makes = new PathWays(world, perturb);
  const ways: Way[] = [];
  for (const path of paths) ways.push(...(await makes.of(path)));
  return new MachinePaths(ways, prepared, paths);
}

function checkedMachine<Machine>(machine: Machine): Machine {
  if ((Object(machine) as { readonly prepared?: unknown }).prepared !== undefined) return machine;
  throw invalid('machine', 'what defineMachine returns', String(machine));
}
