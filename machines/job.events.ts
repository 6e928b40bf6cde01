import type { FailedAttempt, Failure, JobContext, Outcome, Stop } from './job.context.ts';
import type { Json } from './json.ts';

/** Everything that can happen to a job. Times and ids arrive here, so the chart needs neither clock nor randomness. */
export type JobEvent =
  | {
      readonly type: 'job.put';
      readonly queue: string;
      readonly at: number;
      readonly beginAfter: number;
      readonly assigner: string | null;
      /** The instant by which it must have its outcome, for a job that has none yet. */
      readonly deadline?: number | null;
    }
  /** `system` names the expiry wrapper when a claim finds the job too late. */
  | { readonly type: 'job.pull'; readonly system: string | null }
  | {
      readonly type: 'job.claim';
      readonly queue: string;
      readonly dispatcher: string;
      readonly agent: string;
      readonly epoch: number;
      /** Ids of the quotas it enters: those of its `quotaNames` and of its `keys` that exist. */
      readonly quotas: readonly string[];
    }
  | { readonly type: 'job.unassign'; readonly queue: string }
  | { readonly type: 'job.start'; readonly at: number }
  | { readonly type: 'job.retry'; readonly failed: FailedAttempt }
  | { readonly type: 'job.wait'; readonly on: string }
  | {
      readonly type: 'job.finish';
      readonly at: number;
      readonly outcome: Outcome;
      readonly retryData: JobContext['retryData'];
      /** The id that was awaited; must be the id that the job awaits now. Null when its own code returned. */
      readonly awaited: string | null;
    }
  | {
      readonly type: 'job.reschedule';
      readonly at: number;
      readonly queue: string;
      /** A future instant holds the job until then; null puts it at the front. */
      readonly beginAfter: number | null;
      readonly retryData: JobContext['retryData'];
      /** Null when the attempt was interrupted. */
      readonly failed: FailedAttempt | null;
    }
  | { readonly type: 'job.interrupt'; readonly system: string }
  | {
      readonly type: 'job.abort';
      readonly at: number;
      readonly failure: Failure;
      readonly retryData: JobContext['retryData'];
    }
  | { readonly type: 'job.fail'; readonly at: number; readonly failure: Failure; readonly expired: boolean }
  /** `failure`: its outcome, where no code runs that could still give one. */
  | {
      readonly type: 'job.cancel';
      readonly at: number;
      readonly by: string;
      readonly reason: string | null;
      readonly failure: Failure;
    }
  /** The code of a job that is being cancelled has ended, or was abandoned. */
  | { readonly type: 'job.cancelled'; readonly at: number; readonly failure: Failure }
  /** A time limit has passed while its code runs. */
  | { readonly type: 'job.timeout'; readonly at: number; readonly what: Exclude<Stop['cause'], 'cancel'> }
  /** Its deadline has passed while it waits for another job. */
  | { readonly type: 'job.expire'; readonly at: number; readonly failure: Failure }
  /** Its code puts it off without having failed. */
  | {
      readonly type: 'job.snooze';
      readonly at: number;
      readonly queue: string;
      readonly beginAfter: number;
      readonly reason: string | null;
    }
  /** Its code has stopped because its process ends: the attempt counts for nothing. */
  | { readonly type: 'job.handBack'; readonly queue: string }
  | { readonly type: 'job.defer'; readonly at: number; readonly beginAfter: number }
  | { readonly type: 'callback.reset'; readonly retryData: JobContext['retryData'] }
  /** The proxy that the callback was added to has chosen a branch: the callback now belongs to the chosen job. */
  | { readonly type: 'callback.move'; readonly to: string }
  /** `unstarted` is the number of callbacks that have not begun, as of the commit. */
  | { readonly type: 'job.complete'; readonly at: number; readonly unstarted: number }
  | { readonly type: 'job.file'; readonly at: number }
  | { readonly type: 'callable.set'; readonly name: string }
  | { readonly type: 'args.set'; readonly args: readonly Json[] }
  /** More work for a joined job, which reads its arguments while it waits. Other jobs read theirs when they start. */
  | { readonly type: 'args.append'; readonly args: readonly Json[] }
  | { readonly type: 'beginAfter.set'; readonly beginAfter: number | null }
  | { readonly type: 'beginBy.set'; readonly beginBy: number | null }
  | { readonly type: 'priority.set'; readonly priority: number }
  /** `unknown` is the number of names that the job's queue does not have; always 0 for a job outside queues. */
  | { readonly type: 'quotaNames.set'; readonly quotaNames: readonly string[]; readonly unknown: number }
  | { readonly type: 'keys.set'; readonly keys: readonly string[] | null }
  | { readonly type: 'tags.set'; readonly tags: readonly string[] | null }
  | { readonly type: 'failureLogLevel.set'; readonly failureLogLevel: string | null }
  | { readonly type: 'retryPolicy.set'; readonly retryPolicy: string | null };

/** The event of one type. */
export type EventOf<Type extends JobEvent['type']> = Extract<JobEvent, { type: Type }>;
