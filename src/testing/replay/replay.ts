import type { DurableLogic, HistoryEntry, JobDefinition, MachineDefinition } from '../../index.ts';
import { checkObject, invalid } from '../check-options.ts';
import { type ReplayedHistories, replayHistories } from './divergences.ts';
import { type JobStory, type ReplayedJob, replayJob } from './replay-job.ts';
import { type MachineStory, type ReplayedActor, replayMachine } from './replay-machine.ts';

/** Entries of one history, or of many, in any order: `actor.history()`, or `(await readStore('data/shop')).entries(1)`. */
export type Histories = Iterable<HistoryEntry> | AsyncIterable<HistoryEntry>;

/**
 * Leads an actor of a machine, or a job, through a story in virtual time, and says which way it went. A timer fires by itself; what a
 * child gives comes from the story, and nothing that the machine asks for is done. The code of a job is the real one, on a memory store:
 * the story says which of its attempts threw or were cut off. {@link copyAsTest} writes such a story from a production history.
 *
 * @example
 * ```ts
 * import { defineMachine } from 'signalbox';
 * import { replay } from 'signalbox/testing';
 * import { setup } from 'xstate';
 *
 * const order = defineMachine(
 *   setup({ types: { events: {} as { type: 'approve' } } }).createMachine({
 *     id: 'order',
 *     version: '1',
 *     initial: 'approval',
 *     states: { approval: { on: { approve: 'paying' }, after: { 86_400_000: 'expired' } }, paying: {}, expired: { type: 'final' } },
 *   }),
 * );
 * const run = await replay(order, { story: [['+2h', { type: 'approve' }]] });
 * console.log(run.states); // => [ 'approval', 'paying' ]
 * console.log((await replay(order, { story: [], until: '+1d' })).status); // => done
 * ```
 *
 * A job, whose first attempt loses its process:
 *
 * ```ts
 * import { defineJob } from 'signalbox';
 * import { replay } from 'signalbox/testing';
 *
 * let charged = 0;
 * const charge = defineJob({
 *   name: 'charge',
 *   run: () => {
 *     charged += 1;
 *   },
 * });
 * const run = await replay(charge, {
 *   args: [],
 *   story: [['+0s', 'claim'], ['+2s', { kill: true, again: '+2s' }], ['+5s', 'claim'], ['+6s', 'return']],
 * });
 * console.log(run.ending, charged); // => succeeded 2
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`, `INVALID_INSTANT`; StepError when the machine cannot start.
 */
export function replay<L extends DurableLogic>(
  machine: MachineDefinition<L>,
  story: MachineStory<L>,
): Promise<ReplayedActor<L>>;
export function replay<const Args extends readonly unknown[]>(
  job: JobDefinition<Args, unknown>,
  story: JobStory<Args>,
): Promise<ReplayedJob>;
/**
 * Holds histories against this version, and says where it would have gone another way: a dry run of a release over a store or an export.
 * Of an actor each step is made again from what was there before it. A job is led through its story again; its code is called. Histories
 * of other definitions are left out.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { replay } from 'signalbox/testing';
 *
 * const greet = defineJob({ name: 'greet', run: (whom: string) => `hello ${whom}` });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [greet] });
 * await box.start();
 * await (await box.queue().put(greet('Ada'))).result();
 * console.log((await replay(greet, box.entries())).divergences); // => []
 * await box.stop();
 * ```
 */
export function replay(
  definition: Pick<MachineDefinition, 'name' | 'prepared'> | JobDefinition<never, unknown>,
  histories: Histories,
): Promise<ReplayedHistories>;
export async function replay(
  definition: unknown,
  given: MachineStory<DurableLogic> | JobStory<readonly unknown[]> | Histories,
): Promise<unknown> {
  const isMachine = typeof definition === 'object' && definition !== null && 'prepared' in definition;
  const isJob = typeof definition === 'function' && 'definition' in definition;
  if (!isMachine && !isJob)
    throw invalid('definition', 'what defineMachine or defineJob returns', String(definition));
  if (isHistories(given))
    return replayHistories(definition as MachineDefinition | JobDefinition<never, unknown>, given);
  checkObject(given, 'story');
  if (isMachine)
    return replayMachine(definition as unknown as MachineDefinition, given as MachineStory<DurableLogic>);
  return replayJob(definition as unknown as JobDefinition, given as JobStory<readonly unknown[]>);
}

function isHistories(given: object): given is Histories {
  return Object(given) === given && (Symbol.iterator in given || Symbol.asyncIterator in given);
}
