import { assign, not, setup } from 'xstate';
import type { Json } from './json.ts';

/** Where a job stands: the only place where membership is kept. */
export type Place =
  /** waits in a queue */
  | { readonly queue: string }
  /** is held by an agent, or stands in its completed history */
  | { readonly queue: string; readonly dispatcher: string; readonly agent: string }
  /** is a callback of a job */
  | { readonly job: string }
  /** is a branch of a callback proxy */
  | { readonly proxy: string }
  /** is concerned by a system job: interrupted, or expired */
  | { readonly system: string };

/** The place of a job that an agent holds or has filed. */
export type AgentPlace = Extract<Place, { readonly agent: string }>;

/** Whether a place is with an agent. */
export function isAgentPlace(place: Place): place is AgentPlace {
  return 'agent' in place;
}

/**
 * Line in which a job stands, and its place there. The store writes the seq of the entry over a key of 0,
 * so that places follow the order of commits.
 */
export type Order = readonly [line: 'putBack' | 'now' | 'held' | 'claimed' | 'callback', key: number];

/** An error as it is stored: no live reference, readable in every process. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string | null;
  readonly cause: Failure | null;
  /** Further own JSON properties of the error. */
  readonly extra: { readonly [key: string]: Json };
}

/** What came of a job: its value, or why there is none. */
export type Outcome =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly failure: Failure };

/** How a job ended; null while it has not. */
export type Ending = 'succeeded' | 'failed' | 'aborted' | 'expired';

/** Everything a job knows. Plain JSON; `null` where nothing is known yet. Instants are epoch milliseconds. */
export interface JobContext {
  /** Name of its definition. */
  readonly name: string;
  readonly args: readonly Json[];
  readonly quotaNames: readonly string[];
  readonly beginAfter: number | null;
  /** Milliseconds from `beginAfter` within which it must start. */
  readonly beginBy: number | null;
  readonly failureLogLevel: string | null;
  readonly retryPolicy: string | null;
  /** What its retry policy keeps between calls. */
  readonly retryData: { readonly [key: string]: Json } | null;
  readonly parent: Place | null;
  readonly order: Order | null;
  /** UUID of the process that put it first. */
  readonly assigner: string | null;
  /** Opening of the store in which it was claimed last. */
  readonly epoch: number;
  /** Fencing token: grows with every change of holder. */
  readonly claim: number;
  /** Ids (`<queue>/<name>`) of the quotas in which it holds a slot. */
  readonly quotas: readonly string[];
  /** How often its code was called. */
  readonly attempts: number;
  readonly activeStart: number | null;
  readonly activeEnd: number | null;
  /** When its agent filed it in its history. */
  readonly callbacksEnd: number | null;
  /** Id of the job it waits for, or 'promise'. */
  readonly waitingOn: string | null;
  readonly outcome: Outcome | null;
  readonly ending: Ending | null;
}

/** Everything that can happen to a job. Times and ids arrive here, so the chart needs neither clock nor randomness. */
export type JobEvent =
  | {
      readonly type: 'job.put';
      readonly queue: string;
      readonly at: number;
      readonly beginAfter: number;
      readonly assigner: string | null;
    }
  /** `system` names the expiry wrapper when a claim finds the job too late. */
  | { readonly type: 'job.pull'; readonly system: string | null }
  | {
      readonly type: 'job.claim';
      readonly queue: string;
      readonly dispatcher: string;
      readonly agent: string;
      readonly epoch: number;
      /** Ids of the quotas it enters: those of its `quotaNames` that exist. */
      readonly quotas: readonly string[];
    }
  | { readonly type: 'job.unassign'; readonly queue: string }
  | { readonly type: 'job.start'; readonly at: number }
  | { readonly type: 'job.retry' }
  | { readonly type: 'job.wait'; readonly on: string }
  | {
      readonly type: 'job.finish';
      readonly at: number;
      readonly outcome: Outcome;
      readonly retryData: JobContext['retryData'];
      /** What was awaited: must match what the job awaits now; null when its own code returned. */
      readonly awaited: string | null;
    }
  | {
      readonly type: 'job.reschedule';
      readonly at: number;
      readonly queue: string;
      /** A future instant holds the job until then; null puts it at the front. */
      readonly beginAfter: number | null;
      readonly retryData: JobContext['retryData'];
    }
  | { readonly type: 'job.interrupt'; readonly system: string }
  | {
      readonly type: 'job.abort';
      readonly at: number;
      readonly failure: Failure;
      readonly retryData: JobContext['retryData'];
    }
  | { readonly type: 'job.fail'; readonly at: number; readonly failure: Failure; readonly expired: boolean }
  | { readonly type: 'callback.reset'; readonly retryData: JobContext['retryData'] }
  /** The proxy it was added to has chosen: it belongs to the chosen job now. */
  | { readonly type: 'callback.move'; readonly to: string }
  /** `unstarted` counts the callbacks that nobody has begun, as of the commit. */
  | { readonly type: 'job.complete'; readonly at: number; readonly unstarted: number }
  | { readonly type: 'job.file'; readonly at: number }
  | { readonly type: 'callable.set'; readonly name: string }
  | { readonly type: 'args.set'; readonly args: readonly Json[] }
  /** More work for a joined job, which looks at its arguments while it waits. Other jobs took theirs when they started. */
  | { readonly type: 'args.append'; readonly args: readonly Json[] }
  | { readonly type: 'beginAfter.set'; readonly beginAfter: number | null }
  | { readonly type: 'beginBy.set'; readonly beginBy: number | null }
  /** `unknown` counts the names that the job's queue does not have; always 0 for a job in no queue. */
  | { readonly type: 'quotaNames.set'; readonly quotaNames: readonly string[]; readonly unknown: number }
  | { readonly type: 'failureLogLevel.set'; readonly failureLogLevel: string | null }
  | { readonly type: 'retryPolicy.set'; readonly retryPolicy: string | null };

/** A state of the chart as records store it. */
export type JobState =
  | 'new'
  | 'pending'
  | 'assigned'
  | 'active.running'
  | 'active.waiting'
  | 'callbacks'
  | 'completed';

/** What a job must be born with: everything else starts empty. */
export type JobInput = Partial<JobContext> & Pick<JobContext, 'name'>;

/** The context of a job that nothing has happened to. */
export function newJobContext(input: JobInput): JobContext {
  return {
    name: input.name,
    args: input.args ?? [],
    quotaNames: input.quotaNames ?? [],
    beginAfter: input.beginAfter ?? null,
    beginBy: input.beginBy ?? null,
    failureLogLevel: input.failureLogLevel ?? null,
    retryPolicy: input.retryPolicy ?? null,
    retryData: input.retryData ?? null,
    parent: input.parent ?? null,
    order: input.order ?? null,
    assigner: input.assigner ?? null,
    epoch: input.epoch ?? 0,
    claim: input.claim ?? 0,
    quotas: input.quotas ?? [],
    attempts: input.attempts ?? 0,
    activeStart: input.activeStart ?? null,
    activeEnd: input.activeEnd ?? null,
    callbacksEnd: input.callbacksEnd ?? null,
    waitingOn: input.waitingOn ?? null,
    outcome: input.outcome ?? null,
    ending: input.ending ?? null,
  };
}

type EventOf<Type extends JobEvent['type']> = Extract<JobEvent, { type: Type }>;
type Change = Partial<JobContext>;

// Each function returns exactly what changes: this is what the journal keeps as the patch.

function joinQueue(context: JobContext, event: EventOf<'job.put'>): Change {
  return {
    parent: { queue: event.queue },
    order: [event.beginAfter > event.at ? 'held' : 'now', 0],
    beginAfter: event.beginAfter,
    ...(context.assigner === null && event.assigner !== null ? { assigner: event.assigner } : {}),
  };
}

function leaveQueue(context: JobContext, event: EventOf<'job.pull'>): Change {
  return {
    parent: event.system === null ? null : { system: event.system },
    order: null,
    ...(event.system === null ? { assigner: null } : {}),
    ...(context.quotas.length > 0 ? { quotas: [] } : {}),
  };
}

function enterAgent(context: JobContext, event: EventOf<'job.claim'>): Change {
  return {
    parent: { queue: event.queue, dispatcher: event.dispatcher, agent: event.agent },
    order: ['claimed', 0],
    epoch: event.epoch,
    claim: context.claim + 1,
    // One that is done with already is only filed: it takes no slot that nothing would free.
    ...(context.outcome === null && (event.quotas.length > 0 || context.quotas.length > 0)
      ? { quotas: event.quotas }
      : {}),
  };
}

function returnToQueue(context: JobContext, event: EventOf<'job.unassign'>): Change {
  return { parent: { queue: event.queue }, order: ['now', 0], claim: context.claim + 1 };
}

function countStart(context: JobContext, event: EventOf<'job.start'>): Change {
  return { activeStart: event.at, attempts: context.attempts + 1 };
}

function keepOutcome(context: JobContext, event: EventOf<'job.finish'>): Change {
  return {
    outcome: event.outcome,
    ending: event.outcome.ok ? 'succeeded' : 'failed',
    ...ended(context, event.at),
    ...(event.retryData === context.retryData ? {} : { retryData: event.retryData }),
  };
}

function keepAbort(context: JobContext, event: EventOf<'job.abort'>): Change {
  return {
    outcome: { ok: false, failure: event.failure },
    ending: 'aborted',
    retryData: event.retryData,
    ...ended(context, event.at),
  };
}

function keepFailure(context: JobContext, event: EventOf<'job.fail'>): Change {
  return {
    outcome: { ok: false, failure: event.failure },
    ending: event.expired ? 'expired' : 'failed',
    ...ended(context, event.at),
  };
}

/** Quota slots are free from here on: callbacks run outside the quota. */
function ended(context: JobContext, at: number): Change {
  return {
    activeEnd: at,
    ...(context.quotas.length > 0 ? { quotas: [] } : {}),
    ...(context.waitingOn === null ? {} : { waitingOn: null }),
  };
}

/** Put back at once keeps the quota slots, so that nothing of a full quota overtakes; held gives them up. */
function rejoinQueue(context: JobContext, event: EventOf<'job.reschedule'>): Change {
  const held = event.beginAfter !== null && event.beginAfter > event.at;
  return {
    parent: { queue: event.queue },
    order: [held ? 'held' : 'putBack', 0],
    claim: context.claim + 1,
    activeStart: null,
    retryData: event.retryData,
    ...(held ? { beginAfter: event.beginAfter } : {}),
    ...(held && context.quotas.length > 0 ? { quotas: [] } : {}),
    ...(context.waitingOn === null ? {} : { waitingOn: null }),
  };
}

/** The token grows, so the worker that still runs it can write nothing any more. */
function handToSystemJob(context: JobContext, event: EventOf<'job.interrupt'>): Change {
  return { parent: { system: event.system }, order: null, claim: context.claim + 1 };
}

function fileInHistory(context: JobContext, event: EventOf<'job.complete' | 'job.file'>): Change {
  return context.parent !== null && 'agent' in context.parent ? { callbacksEnd: event.at } : {};
}

/**
 * The life of one job, as pure data. A job outlives its process, so nothing here may need one: no `after`, no
 * `invoke`, no clock. It is the only way in which a status changes.
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
    countRetry: assign(({ context }) => ({ attempts: context.attempts + 1 })),
    await: assign(({ event }) => ({ waitingOn: (event as EventOf<'job.wait'>).on })),
    keepOutcome: assign(({ context, event }) => keepOutcome(context, event as EventOf<'job.finish'>)),
    keepAbort: assign(({ context, event }) => keepAbort(context, event as EventOf<'job.abort'>)),
    keepFailure: assign(({ context, event }) => keepFailure(context, event as EventOf<'job.fail'>)),
    rejoinQueue: assign(({ context, event }) => rejoinQueue(context, event as EventOf<'job.reschedule'>)),
    handToSystemJob: assign(({ context, event }) =>
      handToSystemJob(context, event as EventOf<'job.interrupt'>),
    ),
    // The token grows: what still runs of the interrupted attempt can write nothing any more.
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
    setQuotaNames: assign(({ event }) => ({ quotaNames: (event as EventOf<'quotaNames.set'>).quotaNames })),
    setFailureLogLevel: assign(({ event }) => ({
      failureLogLevel: (event as EventOf<'failureLogLevel.set'>).failureLogLevel,
    })),
    setRetryPolicy: assign(({ event }) => ({
      retryPolicy: (event as EventOf<'retryPolicy.set'>).retryPolicy,
    })),
    // Effects: carried out by src/runtime once the commit is as durable as each of them needs.
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
        'quotaNames.set': { actions: 'setQuotaNames' },
        'callback.move': { guard: 'isCallback', actions: 'moveToJob' },
      },
    },
    pending: {
      entry: 'offerWork',
      on: {
        'job.pull': { target: 'new', actions: 'leaveQueue' },
        'job.claim': { target: 'assigned', actions: 'enterAgent' },
        'job.fail': { target: 'callbacks', actions: 'keepFailure' },
        'args.set': { actions: 'setArgs' },
        'args.append': { actions: 'appendArgs' },
        'beginBy.set': { actions: 'setBeginBy' },
        'quotaNames.set': { guard: 'quotasExist', actions: 'setQuotaNames' },
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
