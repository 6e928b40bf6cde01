import { and, assign, not, setup } from 'xstate';
import {
  askToStop,
  countRetry,
  countStart,
  defer,
  enterAgent,
  fileInHistory,
  handBack,
  handToSystemJob,
  joinQueue,
  keepAbort,
  keepCancel,
  keepCancelled,
  keepExpiry,
  keepFailure,
  keepOutcome,
  leaveQueue,
  nameKeys,
  nameQuotas,
  putOff,
  rejoinQueue,
  returnToQueue,
  startOver,
} from './job.changes.ts';
import { type JobContext, type JobInput, newJobContext } from './job.context.ts';
import type { EventOf, JobEvent } from './job.events.ts';

/** Of the states in which code runs, or waits: how an attempt ends that is made again, or given up. */
const madeAgain = {
  'job.reschedule': { target: '#job.pending', guard: not('isCallback'), actions: 'rejoinQueue' },
  'callback.reset': { target: '#job.new', guard: 'isCallback', actions: 'startOver' },
} as const;
const lost = { 'job.abort': { target: '#job.callbacks', actions: 'keepAbort' } } as const;

/**
 * The life of one job, as pure data. A job outlives its process, so the chart must not depend on one: no `after`, no
 * `invoke`, no clock. A status changes only through this chart.
 *
 * ```text
 *          put               claim               start
 *  ┌─────┐ ────▶ ┌─────────┐ ────▶ ┌──────────┐ ────▶ ┌─ active ─────────────────────────────────────┐
 *  │ new │ ◀──── │ pending │ ◀──── │ assigned │       │ running ─── wait ──▶ waiting                 │
 *  └──┬──┘ pull  └─┬──┬────┘       └────┬─────┘       │    │  │                │ │                   │
 *     │ start      │  ▲   unassign      │             │    │  └─── timeout ────┘ │  cancel           │
 *     └────────────┼──┼─────────────────┼──▶ (active) │    │          ▼          │                   │
 *                  │  │                 │             │    │      timingOut ─────┴──▶ cancelling     │
 *                  │  └─ reschedule · snooze · handBack ───┘          │  cancel           │           │
 *                  │                    │             └───────────────┼───────────────────┼───────────┘
 *   fail · cancel  │ fail · cancel      │ fail · cancel               │ finish · abort    │ cancelled
 *  ────────────────┴────────────────────┴────────────▶ ┌───────────┐ ◀┴───────────────────┘ finish
 *                 finish · cancel · expire (waiting) ─▶ │ callbacks │ ── complete ──▶ completed
 *                                                      └───────────┘
 * ```
 */
export const jobMachine = setup({
  types: { input: {} as JobInput, context: {} as JobContext, events: {} as JobEvent },
  guards: {
    isCallback: ({ context }) =>
      context.parent !== null && ('job' in context.parent || 'proxy' in context.parent),
    standsInQueue: ({ context }) =>
      context.parent !== null && 'queue' in context.parent && !('agent' in context.parent),
    waitsForJob: ({ context }) => context.waitingOn !== null && context.waitingOn !== 'promise',
    hasSucceeded: ({ event }) => (event as EventOf<'job.finish'>).outcome.ok,
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
    startOver: assign(({ context, event }) => startOver(context, event as EventOf<'callback.reset'>)),
    keepCancel: assign(({ context, event }) => keepCancel(context, event as EventOf<'job.cancel'>)),
    keepCancelled: assign(({ context, event }) => keepCancelled(context, event as EventOf<'job.cancelled'>)),
    keepExpiry: assign(({ context, event }) => keepExpiry(context, event as EventOf<'job.expire'>)),
    askToStop: assign(({ context, event }) => askToStop(context, event as EventOf<'job.cancel'>)),
    putOff: assign(({ context, event }) => putOff(context, event as EventOf<'job.snooze'>)),
    handBack: assign(({ context, event }) => handBack(context, event as EventOf<'job.handBack'>)),
    defer: assign(({ context, event }) => defer(context, event as EventOf<'job.defer'>)),
    setPriority: assign(({ event }) => ({ priority: (event as EventOf<'priority.set'>).priority })),
    moveToJob: assign(({ event }) => ({
      parent: { job: (event as EventOf<'callback.move'>).to },
      line: 'callback' as const,
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
    nameKeys: assign(({ context, event }) => nameKeys(context, event as EventOf<'keys.set'>)),
    setTags: assign(({ event }) => ({ tags: (event as EventOf<'tags.set'>).tags })),
    setFailureLogLevel: assign(({ event }) => ({
      failureLogLevel: (event as EventOf<'failureLogLevel.set'>).failureLogLevel,
    })),
    setRetryPolicy: assign(({ event }) => ({
      retryPolicy: (event as EventOf<'retryPolicy.set'>).retryPolicy,
    })),
    // Effects: src/runtime carries each of them out once the commit is as durable as that effect needs.
    offerWork: () => {},
    callHandler: () => {},
    stopHandler: () => {},
    announceOutcome: () => {},
    offerQuotas: () => {},
    freeSlot: () => {},
  },
}).createMachine({
  id: 'job',
  version: '2',
  context: ({ input }) => newJobContext(input),
  initial: 'new',
  on: {
    'tags.set': { actions: 'setTags' },
    'failureLogLevel.set': { actions: 'setFailureLogLevel' },
    'retryPolicy.set': { actions: 'setRetryPolicy' },
  },
  states: {
    new: {
      on: {
        'job.put': { target: 'pending', guard: not('isCallback'), actions: 'joinQueue' },
        'job.start': { target: 'active', actions: 'countStart' },
        'job.fail': { target: 'callbacks', actions: 'keepFailure' },
        'job.cancel': { target: 'callbacks', actions: 'keepCancel' },
        'callable.set': { actions: 'setCallable' },
        'args.set': { actions: 'setArgs' },
        'args.append': { actions: 'appendArgs' },
        'beginAfter.set': { actions: 'setBeginAfter' },
        'beginBy.set': { actions: 'setBeginBy' },
        'priority.set': { actions: 'setPriority' },
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
        'job.cancel': { target: 'callbacks', actions: 'keepCancel' },
        'job.defer': { actions: ['defer', 'offerWork'] },
        'priority.set': { actions: ['setPriority', 'offerWork'] },
        // The changed job may pass a filter or a quota that it did not pass before.
        'args.set': { actions: ['setArgs', 'offerWork'] },
        'args.append': { actions: ['appendArgs', 'offerWork'] },
        'beginBy.set': { actions: ['setBeginBy', 'offerWork'] },
        'quotaNames.set': { guard: 'quotasExist', actions: ['nameQuotas', 'offerWork'] },
        'keys.set': { actions: ['nameKeys', 'offerWork'] },
      },
    },
    assigned: {
      on: {
        'job.start': { target: 'active', actions: 'countStart' },
        'job.unassign': { target: 'pending', actions: 'returnToQueue' },
        'job.fail': { target: 'callbacks', actions: 'keepFailure' },
        'job.cancel': { target: 'callbacks', actions: ['keepCancel', 'freeSlot'] },
        'args.set': { actions: 'setArgs' },
        'args.append': { actions: 'appendArgs' },
      },
    },
    active: {
      initial: 'running',
      on: {
        'args.append': { actions: 'appendArgs' },
        'job.interrupt': { guard: not('isCallback'), actions: 'handToSystemJob' },
      },
      states: {
        running: {
          entry: 'callHandler',
          on: {
            ...madeAgain,
            ...lost,
            'job.retry': { actions: 'countRetry' },
            'job.wait': { target: 'waiting', actions: 'await' },
            'job.finish': { target: '#job.callbacks', guard: 'isAwaited', actions: 'keepOutcome' },
            'job.cancel': { target: 'cancelling', actions: 'askToStop' },
            'job.timeout': { target: 'timingOut', actions: 'askToStop' },
            'job.snooze': { target: '#job.pending', guard: not('isCallback'), actions: 'putOff' },
            'job.handBack': { target: '#job.pending', guard: not('isCallback'), actions: 'handBack' },
          },
        },
        waiting: {
          on: {
            ...madeAgain,
            ...lost,
            'job.finish': { target: '#job.callbacks', guard: 'isAwaited', actions: 'keepOutcome' },
            'job.cancel': [
              { target: '#job.callbacks', guard: 'waitsForJob', actions: ['keepCancel', 'freeSlot'] },
              { target: 'cancelling', actions: 'askToStop' },
            ],
            'job.expire': {
              target: '#job.callbacks',
              guard: 'waitsForJob',
              actions: ['keepExpiry', 'freeSlot'],
            },
            'job.timeout': { target: 'timingOut', guard: not('waitsForJob'), actions: 'askToStop' },
          },
        },
        // What the code still gives counts, until its time is over.
        timingOut: {
          entry: 'stopHandler',
          on: {
            ...madeAgain,
            'job.finish': { target: '#job.callbacks', guard: 'isAwaited', actions: 'keepOutcome' },
            'job.cancel': { target: 'cancelling', actions: 'askToStop' },
          },
        },
        // It is not tried again. A value that its code returns all the same has won the race.
        cancelling: {
          entry: 'stopHandler',
          on: {
            'job.cancelled': { target: '#job.callbacks', actions: 'keepCancelled' },
            'job.finish': {
              target: '#job.callbacks',
              guard: and(['isAwaited', 'hasSucceeded']),
              actions: 'keepOutcome',
            },
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
