import type { Outcome } from '../../../machines/job.context.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Failure } from '../../model/values/failure.ts';
import type { Snooze } from '../definitions/snooze.ts';
import type { JobLike } from '../jobs/job-like.ts';
import type { MaskedOutcome } from './outcome-log.ts';
import type { CallbackContext, CommittedEnding, Run } from './run.ts';

/**
 * The steps of one attempt. Executor, Completer, Retrier and OutcomeWaits each perform some of them and call the others
 * through this interface, so that the four do not know each other.
 */
export interface RunSteps {
  /** Calls the code. */
  execute(run: Run): void;
  /** Commits an outcome. `awaited`: what the job waited for, when the outcome came from there. */
  finish(run: Run, outcome: Outcome, awaited?: string | null): void;
  /** The outcome was committed while the code still ran, and the code has returned or thrown: continues after the commit. */
  continueAfter(run: Run, ending: CommittedEnding): void;
  /** Asks the retry policy after the code failed, or after the commit of its outcome was refused. */
  retry(run: Run, failure: Failure, cause: 'jobError' | 'commitError', masked?: MaskedOutcome | null): void;
  /** Lets the job wait for another job or for a promise (`on` is `promise`). `waiting` is called once that is written. */
  wait(run: Run, on: string, inner: JobLike | null, waiting?: () => void): void;
  /** Begins to watch the time limits of the attempt that is called now. */
  watchLimits(run: Run): void;
  /** The code of a job that is to stop has ended, and gave no value. `error`: what it threw; null: nothing. */
  stopped(run: Run, error: unknown): void;
  /** The code puts its job off without having failed. */
  putOff(run: Run, snooze: Snooze): void;
  /** The code has stopped because its process does: the attempt counts for nothing. */
  handBack(run: Run, error: unknown): void;
  /** Ends the run without a commit: the worker was stopped, and the code said so. The job stays ACTIVE. */
  abort(run: Run, error: unknown): void;
  /** Ends the run without a commit: the job was reassigned, or the store is closed. */
  giveUp(run: Run, error: unknown): void;
}

/** What an attempt needs of the callbacks, a room above it. */
export interface CallbackSteps {
  /** Calls the callbacks of a job in the worker that holds it, then completes the job. `done` is called once that is written. */
  perform(context: CallbackContext, job: JobRecord, done?: () => void): Promise<void>;
  /** Calls the callbacks of a job whose outcome came from outside its worker. Default of `within`: outside any agent. */
  performFor(job: JobRecord, within?: CallbackContext | null): Promise<void>;
  /** Continues the callbacks of a job whose worker is gone. @throws BadStatusError in any status but CALLBACKS. */
  resume(job: JobRecord, within?: CallbackContext | null): Promise<void>;
}
