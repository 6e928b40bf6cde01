import type { JobContext } from '../../../machines/job.context.ts';
import { jobMachine } from '../../../machines/job.machine.ts';
import { type GraphModel, graphModel } from './graph-model.ts';
import { jobCalls } from './job-calls.ts';
import { jobEvents } from './job-events.ts';

/**
 * The life of a job for `xstate/graph`: the chart that jobs of a box go by, with samples of its events, and how each of them comes
 * about. `explore` walks jobs through real boxes; this is for those who make paths of their own. Lives: `job`, `callback`, and
 * `branch`, a callback of which a proxy chooses one.
 *
 * @example
 * ```ts
 * import { jobModel } from 'signalbox/testing';
 * import { getShortestPaths } from 'xstate/graph';
 *
 * const paths = getShortestPaths(jobModel.machine, jobModel.walk({ by: 'row' }));
 * const late = paths.find(({ state }) => state.matches({ active: 'timingOut' }));
 * for (const { event } of late?.steps.slice(1) ?? []) console.log(`${event.type}: ${jobModel.calls[event.type]?.how}`);
 * // => job.start: the agent that has it calls its code; of a callback: its job has its outcome
 * // => job.timeout: time passes beyond its timeout, its heartbeat or its deadline while its code runs
 * ```
 */
export const jobModel: GraphModel<typeof jobMachine, 'job' | 'callback' | 'branch'> = graphModel({
  machine: jobMachine,
  events: jobEvents,
  calls: jobCalls,
  lives: {
    job: { name: 'job' },
    callback: { name: 'callback', parent: { job: 'parent' } },
    branch: { name: 'branch', parent: { proxy: 'proxy' } },
  },
  // Guards read where a job is, and what it waits for.
  seen: ({ parent, waitingOn }: JobContext) => [
    parent === null ? null : Object.keys(parent).join('+'),
    waitingOn,
  ],
});
