import type { Json } from './json.ts';

/** Where a job is. Membership is stored here and nowhere else. */
export type Place =
  /** waits in a queue */
  | { readonly queue: string }
  /** is held by an agent, or is in its completed history */
  | { readonly queue: string; readonly dispatcher: string; readonly agent: string }
  /** is a callback of a job */
  | { readonly job: string }
  /** is a branch of a callback proxy */
  | { readonly proxy: string }
  /** is concerned by a system job: interrupted, or expired */
  | { readonly system: string }
  /** was cancelled, or expired while it waited for another job: has left this queue, or an agent in it */
  | { readonly left: string };

/** The place of a job that an agent holds or has filed. */
export type AgentPlace = Extract<Place, { readonly agent: string }>;

/** Whether an agent holds, or has filed, the job at this place. */
export function isAgentPlace(place: Place): place is AgentPlace {
  return 'agent' in place;
}

/** A line that a job stands in. Each change that names one puts the job at its end: the store keeps the seq of that entry. */
export type JobLine = 'putBack' | 'now' | 'held' | 'claimed' | 'callback';

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

/** The outcome of a job: its value, or the failure because of which there is no value. */
export type Outcome =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly failure: Failure };

/** The end of an attempt that was made again: when its code failed, or its commit, and why. */
export interface FailedAttempt {
  readonly at: number;
  readonly failure: Failure;
}

/** All ways in which a job ends. Stores keep their numbers: a new one comes last. */
export const endings = ['succeeded', 'failed', 'aborted', 'expired', 'cancelled'] as const;

/** How a job ended. */
export type Ending = (typeof endings)[number];

/** Why the code of a job was, or is, asked to stop. */
export interface Stop {
  readonly cause: 'cancel' | 'timeout' | 'heartbeat' | 'deadline';
  readonly at: number;
  /** Who cancelled it: the UUID of an instance, or a person's name. Null for a time limit. */
  readonly by: string | null;
  readonly reason: string | null;
}

/** How often, and why last, the code of a job put it off without having failed. */
export interface Snoozed {
  readonly times: number;
  readonly reason: string | null;
}

/** What put a job: a schedule, at a tick or beside its ticks (`tick` is null), or the retry of another one that had ended. */
export type Origin =
  | { readonly retryOf: string; readonly schedule?: undefined; readonly tick?: undefined }
  | { readonly retryOf?: undefined; readonly schedule: string; readonly tick: number | null };

/** All data of a job, as JSON; `null` means not known yet. Instants are epoch milliseconds. */
export interface JobContext {
  /** Name of its definition. */
  readonly name: string;
  readonly args: readonly Json[];
  readonly quotaNames: readonly string[];
  /** Keys of keyed limits, such as `tenant/42`: the name of the limit, a slash, and the key. */
  readonly keys: readonly string[] | null;
  readonly beginAfter: number | null;
  /** Milliseconds from `beginAfter` within which it must start. */
  readonly beginBy: number | null;
  /** -9 to 9; lower is sooner. */
  readonly priority: number;
  /** When it was put, if `beginAfter` lies before that: a job gains no place by an early instant. */
  readonly readyAt: number | null;
  /** Milliseconds that one attempt may take. */
  readonly timeout: number | null;
  /** The instant by which it must have its outcome. */
  readonly deadline: number | null;
  readonly failureLogLevel: string | null;
  readonly retryPolicy: string | null;
  /** What its retry policy keeps between calls. */
  readonly retryData: { readonly [key: string]: Json } | null;
  readonly parent: Place | null;
  readonly line: JobLine | null;
  /** UUID of the process that put it first. */
  readonly assigner: string | null;
  /** Opening of the store in which it was claimed last. */
  readonly epoch: number;
  /** Fencing token: grows with every change of holder. */
  readonly claim: number;
  /** Ids of the quotas in which it holds a slot: `<queue>/<name>`, of a key `<queue>/<name>/<key>`. */
  readonly quotas: readonly string[];
  /** How often its code was called. */
  readonly attempts: number;
  /** The last attempt that failed and was made again. */
  readonly lastFailure: FailedAttempt | null;
  readonly activeStart: number | null;
  readonly activeEnd: number | null;
  /** When its agent filed it in its history. */
  readonly callbacksEnd: number | null;
  /** Id of the job it waits for, or 'promise'. */
  readonly waitingOn: string | null;
  /** Why its code is asked to stop, or was when it ended. */
  readonly stop: Stop | null;
  readonly snoozed: Snoozed | null;
  /** Words by which it is found. */
  readonly tags: readonly string[] | null;
  readonly origin: Origin | null;
  readonly outcome: Outcome | null;
  readonly ending: Ending | null;
}

/** A state of the chart as records store it. */
export type JobState =
  | 'new'
  | 'pending'
  | 'assigned'
  | 'active.running'
  | 'active.waiting'
  | 'active.timingOut'
  | 'active.cancelling'
  | 'callbacks'
  | 'completed';

/** The data that a new job needs: everything else starts empty. */
export type JobInput = Partial<JobContext> & Pick<JobContext, 'name'>;

/** Returns the context of a new job. */
export function newJobContext(input: JobInput): JobContext {
  return {
    name: input.name,
    args: input.args ?? [],
    quotaNames: input.quotaNames ?? [],
    keys: input.keys ?? null,
    beginAfter: input.beginAfter ?? null,
    beginBy: input.beginBy ?? null,
    priority: input.priority ?? 0,
    readyAt: input.readyAt ?? null,
    timeout: input.timeout ?? null,
    deadline: input.deadline ?? null,
    failureLogLevel: input.failureLogLevel ?? null,
    retryPolicy: input.retryPolicy ?? null,
    retryData: input.retryData ?? null,
    parent: input.parent ?? null,
    line: input.line ?? null,
    assigner: input.assigner ?? null,
    epoch: input.epoch ?? 0,
    claim: input.claim ?? 0,
    quotas: input.quotas ?? [],
    attempts: input.attempts ?? 0,
    lastFailure: input.lastFailure ?? null,
    activeStart: input.activeStart ?? null,
    activeEnd: input.activeEnd ?? null,
    callbacksEnd: input.callbacksEnd ?? null,
    waitingOn: input.waitingOn ?? null,
    stop: input.stop ?? null,
    snoozed: input.snoozed ?? null,
    tags: input.tags ?? null,
    origin: input.origin ?? null,
    outcome: input.outcome ?? null,
    ending: input.ending ?? null,
  };
}
