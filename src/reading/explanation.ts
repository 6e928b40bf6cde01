import type { PreparedMachine } from '../model/durable/machine.ts';
import type { JobStatus } from '../model/jobs/step.ts';
import type { JobRecord } from '../model/records/records.ts';

/** A record that a condition speaks of. */
export interface Ref {
  readonly kind: 'job' | 'queue' | 'quota' | 'agent' | 'representation';
  readonly id: string;
}

/** One thing that must be so before a job gets further. */
export interface Condition {
  /** What was asked, such as `due`, `definition` or `quota:mail/smtp`. */
  readonly code: string;
  /** Whether it is so; null: it cannot be known here, and the text says why. */
  readonly holds: boolean | null;
  /** In a sentence without a capital and a full stop. */
  readonly text: string;
  readonly refs: readonly Ref[];
  /** What to do when it is not so; null: nothing, or it is so. */
  readonly remedy: string | null;
}

/** One condition. A remedy is for what does not hold. */
export function condition(
  code: string,
  holds: boolean | null,
  text: string,
  remedy: string | null = null,
  refs: readonly Ref[] = [],
): Condition {
  return { code, holds, text, refs, remedy: holds === true ? null : remedy };
}

/** What stops a job, or what comes next. */
export interface Verdict {
  /**
   * The code of the condition that stops it; `offered` when none does. Of a job that does not wait `cancelling`, `timingOut`, or its
   * status in small letters.
   */
  readonly code: string;
  readonly text: string;
  readonly remedy: string;
}

/** The unique name of a job. */
export interface UniqueName {
  /** The id of its record: the queue or `*`, the definition, and the hash of the key. */
  readonly key: string;
  /** The job that keeps others off now, maybe this one; null: the name is free. */
  readonly holder: string | null;
  /** In a sentence without a capital and a full stop. */
  readonly text: string;
}

/** Why a job is where it is. */
export interface Explanation {
  readonly job: string;
  readonly name: string;
  readonly status: JobStatus;
  /** How often its code was called. */
  readonly attempts: number;
  /** The clock of the store at which this was asked. */
  readonly at: number;
  readonly verdict: Verdict;
  /** All that a claim asks, in the order in which it decides; empty unless the job waits in a queue. */
  readonly conditions: readonly Condition[];
  /** The unique name that it took when it was put; null: none. */
  readonly unique: UniqueName | null;
  /** The explanations of the jobs that it waits for. */
  readonly because: readonly Explanation[];
}

/** What a process knows by name. */
export interface KnownNames {
  definition(name: string): boolean;
  /** Whether it has the retry policy that a job names; true when the job names none. */
  policy(job: JobRecord): boolean;
  /** How many milliseconds code may take to stop once it is asked to; null: the definition is not known. */
  grace(definition: string): number | null;
  /** A filter that was made with `defineFilter`. @throws SignalboxError `UNKNOWN_FILTER` when it has none of that name. */
  filter(name: string): { readonly accepts: (job: JobRecord) => boolean };
  /** A machine whose actors it takes messages for; undefined: it has none of that name. */
  machine(name: string): { readonly prepared: PreparedMachine } | undefined;
}
