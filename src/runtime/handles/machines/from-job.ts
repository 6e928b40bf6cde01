import type { PromiseActorLogic } from 'xstate';
import { SignalboxError, shown } from '../../../errors.ts';
import { checkKnown } from '../../../model/checks/check-options.ts';
import { checkQueueName } from '../../../model/checks/names.ts';
import { jobSource, promiseSource } from '../../../model/durable/sources.ts';
import { changedSettings } from '../../jobs/job-settings.ts';
import type { PutOptions } from '../../jobs/put-batch.ts';
import type { JobDefinition } from '../job.ts';

/** How the job of a child, or one that an action puts, is put. */
export interface ChildJobOptions extends Omit<PutOptions, 'unique' | 'id' | 'client'> {
  /** The queue it waits in. Default: the `queue` of the machine. */
  readonly queue?: string;
}

const childJobOptions = [
  'queue',
  'beginAfter',
  'beginBy',
  'timeout',
  'deadline',
  'failureLogLevel',
  'priority',
  'retryPolicy',
  'quotaNames',
  'keys',
  'tags',
] as const satisfies readonly (keyof ChildJobOptions)[];

/** Refuses options that a put would refuse. @throws SignalboxError `INVALID_…`. */
export function checkedChildOptions(options: ChildJobOptions): ChildJobOptions {
  checkKnown(options, childJobOptions);
  const { queue, ...settings } = options;
  if (queue !== undefined) checkQueueName(queue);
  changedSettings({}, settings);
  return Object.freeze({ ...options });
}

/** Refuses what is no definition of a job. @throws SignalboxError `ANONYMOUS_FUNCTION`. */
export function checkedDefinition<Definition>(job: Definition): Definition {
  const { definition } = Object(job) as { readonly definition?: { readonly name?: unknown } };
  if (typeof definition?.name === 'string') return job;
  throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(job) });
}

/**
 * A job as a child of a machine: `invoke` or `spawnChild` puts it in the commit of the step, and its outcome is the event of `onDone` or
 * `onError`. Its input is the list of its arguments. Its id is the same in every attempt.
 *
 * @example
 * ```ts
 * import { defineJob, defineMachine, fromJob } from 'signalbox';
 * import { setup } from 'xstate';
 *
 * const charge = defineJob({ name: 'charge', run: async (order: string, cents: number) => `${order}: ${cents}` });
 * export const order = defineMachine(
 *   setup({
 *     types: { input: {} as { id: string }, context: {} as { id: string } },
 *     actors: { charge: fromJob(charge, { queue: 'payments', beginBy: '10m' }) },
 *   }).createMachine({
 *     id: 'order',
 *     version: '1',
 *     context: ({ input }) => input,
 *     initial: 'paying',
 *     states: {
 *       paying: {
 *         invoke: { id: 'charge', src: 'charge', input: ({ context }) => [context.id, 4200], onDone: { target: 'paid' } },
 *       },
 *       paid: { type: 'final' },
 *     },
 *   }),
 * );
 * console.log(order.name); // => order
 * ```
 *
 * @throws SignalboxError `ANONYMOUS_FUNCTION`, `INVALID_OPTION`, `INVALID_DURATION`.
 */
export function fromJob<Args extends readonly unknown[], Result>(
  job: JobDefinition<Args, Result>,
  options: ChildJobOptions = {},
): PromiseActorLogic<Result, Args> {
  return jobSource(checkedDefinition(job), checkedChildOptions(options)) as unknown as PromiseActorLogic<
    Result,
    Args
  >;
}

/**
 * Code that gives a promise, as a child of a machine. It runs as a job of the machine: it survives its process, is tried again by its
 * retry policy, and its outcome is the event of `onDone` or `onError`.
 *
 * @example
 * ```ts
 * import { defineMachine, fromPromise } from 'signalbox';
 * import { setup } from 'xstate';
 *
 * export const greeting = defineMachine(
 *   setup({
 *     actors: { greet: fromPromise(async ({ input }: { input: string }) => `hello ${input}`, { timeout: '5s' }) },
 *   }).createMachine({
 *     id: 'greeting',
 *     version: '1',
 *     initial: 'asking',
 *     states: {
 *       asking: { invoke: { id: 'greet', src: 'greet', input: 'Ada', onDone: { target: 'greeted' } } },
 *       greeted: { type: 'final' },
 *     },
 *   }),
 * );
 * console.log(greeting.name); // => greeting
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`.
 */
export function fromPromise<Output, Input = unknown>(
  run: (given: { readonly input: Input }) => PromiseLike<Output>,
  options: ChildJobOptions = {},
): PromiseActorLogic<Output, Input> {
  if (typeof run !== 'function')
    throw new SignalboxError('INVALID_OPTION', { option: 'run', expected: 'a function', actual: shown(run) });
  return promiseSource(run as never, checkedChildOptions(options)) as unknown as PromiseActorLogic<
    Output,
    Input
  >;
}
