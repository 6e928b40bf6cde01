import { assign, not, setup } from 'xstate';
import {
  countRetry,
  countStart,
  enterAgent,
  fileInHistory,
  handToSystemJob,
  joinQueue,
  keepAbort,
  keepFailure,
  keepOutcome,
  leaveQueue,
  nameQuotas,
  rejoinQueue,
  returnToQueue,
} from './job.changes.ts';
import { type JobContext, type JobInput, newJobContext } from './job.context.ts';
import type { EventOf, JobEvent } from './job.events.ts';

/**
 * The life of one job, as pure data. A job outlives its process, so the chart must not depend on one: no `after`, no
 * `invoke`, no clock. A status changes only through this chart.
 *
 * ```text
 *            put                claim                start
 *   ┌─────┐ ─────▶ ┌─────────┐ ─────▶ ┌──────────┐ ─────▶ ┌───────────────────────┐
 *   │ new │ ◀───── │ pending │ ◀───── │ assigned │        │ active                │
 *   └──┬──┘  pull  └─┬──┬────┘ unassign └───┬────┘        │  running ──wait──▶ waiting
 *      │             │  ▲                   │             └──┬──────────────────┬─┘
 *      │ start       │  └──── reschedule ─────────────────────┘                  │ finish · abort
 *      └─────────────┼──────────────────────┼───────────────▶ (active)          ▼
 *        fail        │ fail                 │ fail             ┌───────────┐ complete ┌───────────┐
 *      ──────────────┴──────────────────────┴────────────────▶ │ callbacks │ ───────▶ │ completed │
 *                                                              └───────────┘          └───────────┘
 * ```
 */
export const jobMachine = setup({
  types: { input: {} as JobInput, context: {} as JobContext, events: {} as JobEvent },
  guards: {
    isCallback: ({ context }) =>
      context.parent !== null && ('job' in context.parent || 'proxy' in context.parent),
    standsInQueue: ({ context }) =>
      context.parent !== null && 'queue' in context.parent && !('agent' in context.parent),
    isAwaited: ({ context, event }) => (event as EventOf<'job.finish'>).awaited === context.waitingOn,
    everyCallbackStarted: ({ event }) => (event as EventOf<'job.complete'>).unstarted === 0,
    quotasExist: ({ event }) => (event as EventOf<'quotaNames.set'>).unknown === 0,
  },
  actions: {
    joinQueue: assign(({ context, event }) => joinQueue(context, event as EventOf<'job.put'>)),
    leaveQueue: assign(({ context, event }) => leaveQueue(context, event as EventOf<'job.pull'>)),
    enterAgent: assign(({ context, event }) => enterAgent(context, event as EventOf<'job.claim'>)),
    returnToQueue: assign(({ context, event }) => returnToQueue(context, event as EventOf<'job.unassign'>)),
    countStart: assign(({ context, event }) => countStart(context, event as EventOf<'job.start'>)),
    countRetry: assign(({ context, event }) => countRetry(context, event as EventOf<'job.retry'>)),
    await: assign(({ event }) => ({ waitingOn: (event as EventOf<'job.wait'>).on })),
    keepOutcome: assign(({ context, event }) => keepOutcome(context, event as EventOf<'job.finish'>)),
    keepAbort: assign(({ context, event }) => keepAbort(context, event as EventOf<'job.abort'>)),
    keepFailure: assign(({ context, event }) => keepFailure(context, event as EventOf<'job.fail'>)),
    rejoinQueue: assign(({ context, event }) => rejoinQueue(context, event as EventOf<'job.reschedule'>)),
    handToSystemJob: assign(({ context, event }) =>
      handToSystemJob(context, event as EventOf<'job.interrupt'>),
    ),
    // Raises the claim, the fence: code of the interrupted attempt that still runs cannot write any more.
    startOver: assign(({ context, event }) => ({
      claim: context.claim + 1,
      activeStart: null,
      waitingOn: null,
      retryData: (event as EventOf<'callback.reset'>).retryData,
    })),
    moveToJob: assign(({ event }) => ({
      parent: { job: (event as EventOf<'callback.move'>).to },
      order: ['callback', 0] as const,
    })),
    fileInHistory: assign(({ context, event }) => fileInHistory(context, event as EventOf<'job.complete'>)),
    setCallable: assign(({ event }) => ({ name: (event as EventOf<'callable.set'>).name })),
    setArgs: assign(({ event }) => ({ args: (event as EventOf<'args.set'>).args })),
    appendArgs: assign(({ context, event }) => ({
      args: [...context.args, ...(event as EventOf<'args.append'>).args],
    })),
    setBeginAfter: assign(({ event }) => ({ beginAfter: (event as EventOf<'beginAfter.set'>).beginAfter })),
    setBeginBy: assign(({ event }) => ({ beginBy: (event as EventOf<'beginBy.set'>).beginBy })),
    nameQuotas: assign(({ context, event }) => nameQuotas(context, event as EventOf<'quotaNames.set'>)),
    setFailureLogLevel: assign(({ event }) => ({
      failureLogLevel: (event as EventOf<'failureLogLevel.set'>).failureLogLevel,
    })),
    setRetryPolicy: assign(({ event }) => ({
      retryPolicy: (event as EventOf<'retryPolicy.set'>).retryPolicy,
    })),
    // Effects: src/runtime carries each of them out once the commit is as durable as that effect needs.
    offerWork: () => {},
    callHandler: () => {},
    announceOutcome: () => {},
    offerQuotas: () => {},
    freeSlot: () => {},
  },
}).createMachine({
  id: 'job',
  version: '1',
  context: ({ input }) => newJobContext(input),
  initial: 'new',
  on: {
    'failureLogLevel.set': { actions: 'setFailureLogLevel' },
    'retryPolicy.set': { actions: 'setRetryPolicy' },
  },
  states: {
    new: {
      on: {
        'job.put': { target: 'pending', guard: not('isCallback'), actions: 'joinQueue' },
        'job.start': { target: 'active', actions: 'countStart' },
        'job.fail': { target: 'callbacks', actions: 'keepFailure' },
        'callable.set': { actions: 'setCallable' },
        'args.set': { actions: 'setArgs' },
        'args.append': { actions: 'appendArgs' },
        'beginAfter.set': { actions: 'setBeginAfter' },
        'beginBy.set': { actions: 'setBeginBy' },
        'quotaNames.set': { actions: 'nameQuotas' },
        'callback.move': { guard: 'isCallback', actions: 'moveToJob' },
      },
    },
    pending: {
      entry: 'offerWork',
      on: {
        'job.pull': { target: 'new', actions: ['leaveQueue', 'offerQuotas'] },
        'job.claim': { target: 'assigned', actions: 'enterAgent' },
        'job.fail': { target: 'callbacks', actions: 'keepFailure' },
        // The changed job may pass a filter or a quota that it did not pass before.
        'args.set': { actions: ['setArgs', 'offerWork'] },
        'args.append': { actions: ['appendArgs', 'offerWork'] },
        'beginBy.set': { actions: ['setBeginBy', 'offerWork'] },
        'quotaNames.set': { guard: 'quotasExist', actions: ['nameQuotas', 'offerWork'] },
      },
    },
    assigned: {
      on: {
        'job.start': { target: 'active', actions: 'countStart' },
        'job.unassign': { target: 'pending', actions: 'returnToQueue' },
        'job.fail': { target: 'callbacks', actions: 'keepFailure' },
        'args.set': { actions: 'setArgs' },
        'args.append': { actions: 'appendArgs' },
      },
    },
    active: {
      initial: 'running',
      on: {
        'args.append': { actions: 'appendArgs' },
        'job.reschedule': { target: 'pending', guard: not('isCallback'), actions: 'rejoinQueue' },
        'job.abort': { target: 'callbacks', actions: 'keepAbort' },
        'job.interrupt': { guard: not('isCallback'), actions: 'handToSystemJob' },
        'callback.reset': { target: 'new', guard: 'isCallback', actions: 'startOver' },
      },
      states: {
        running: {
          entry: 'callHandler',
          on: {
            'job.retry': { actions: 'countRetry' },
            'job.wait': { target: 'waiting', actions: 'await' },
            'job.finish': { target: '#job.callbacks', guard: 'isAwaited', actions: 'keepOutcome' },
          },
        },
        waiting: {
          on: {
            'job.finish': { target: '#job.callbacks', guard: 'isAwaited', actions: 'keepOutcome' },
          },
        },
      },
    },
    callbacks: {
      entry: ['announceOutcome', 'offerQuotas'],
      on: {
        'job.complete': { target: 'completed', guard: 'everyCallbackStarted', actions: 'fileInHistory' },
        'job.interrupt': { guard: not('isCallback'), actions: 'handToSystemJob' },
        'job.claim': { guard: 'standsInQueue', actions: 'enterAgent' },
      },
    },
    completed: {
      entry: 'freeSlot',
      on: {
        'job.claim': { guard: 'standsInQueue', actions: 'enterAgent' },
        'job.file': { actions: ['fileInHistory', 'freeSlot'] },
      },
    },
  },
});
