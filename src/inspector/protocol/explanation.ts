/** A record that a condition speaks of. */
export interface RefView {
  readonly kind: 'job' | 'queue' | 'quota' | 'agent' | 'representation';
  readonly id: string;
}

/** One thing that must be so before a job gets further. */
export interface ConditionView {
  /** What was asked, such as `due`, `definition` or `quota:mail/smtp`. */
  readonly code: string;
  /** Whether it is so; null: it cannot be known here, and the text says why. */
  readonly holds: boolean | null;
  readonly text: string;
  readonly refs: readonly RefView[];
  /** What to do when it is not so; null: nothing, or it is so. */
  readonly remedy: string | null;
}

/** Why a job is where it is. */
export interface ExplanationView {
  readonly job: string;
  readonly name: string;
  readonly status: JobStatusName;
  readonly attempts: number;
  /** The clock of the store at which it was asked. */
  readonly at: number;
  /** The code of the condition that stops it; `offered` when none does; else `cancelling`, `timingOut`, or its status in small letters. */
  readonly verdict: { readonly code: string; readonly text: string; readonly remedy: string };
  /** All that a claim asks, in the order in which it decides; empty unless the job waits in a queue. */
  readonly conditions: readonly ConditionView[];
  /** The unique name that it took when it was put, and the job that keeps others off now; null: it took none. */
  readonly unique: { readonly key: string; readonly holder: string | null; readonly text: string } | null;
  /** The explanations of the jobs that it waits for. */
  readonly because: readonly ExplanationView[];
}

/** The six statuses of a job. */
export type JobStatusName = 'NEW' | 'PENDING' | 'ASSIGNED' | 'ACTIVE' | 'CALLBACKS' | 'COMPLETED';

/** How a job ended. */
export type EndingName = 'succeeded' | 'failed' | 'aborted' | 'expired' | 'cancelled';
