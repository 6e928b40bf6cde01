import type { Failure } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { afterText } from './after-text.ts';
import type { Again, JobHappening, JobLife } from './job-life.ts';

/** What of a failure matters to those who decide by it. */
export interface ToldFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly extra?: { readonly [key: string]: Json };
  readonly cause?: ToldFailure;
}

/** A deed as `replay` takes it. */
export type ToldDeed =
  | 'claim'
  | 'return'
  | 'stop'
  | 'hand on'
  | { readonly throw: ToldFailure; readonly again?: ToldAgain }
  | { readonly kill: true; readonly again?: ToldAgain }
  | { readonly snooze: `+${string}`; readonly reason?: string }
  | { readonly cancel: string | null }
  | { readonly fail: ToldFailure };

type ToldAgain = 'at once' | `+${string}`;

/** What decides which way a job goes, beside what happens to it. */
export interface ToldSettings {
  readonly beginAfter?: number;
  readonly beginBy?: number;
  readonly deadline?: number;
  readonly timeout?: number;
  readonly retryPolicy?: string;
}

/** The life of a job as `replay` takes it. */
export interface ToldJob {
  readonly at: string;
  readonly args: readonly Json[];
  readonly put?: ToldSettings;
  readonly story: readonly (readonly [after: `+${string}`, deed: ToldDeed])[];
  readonly until?: `+${string}`;
}

/** What may be shown of a job. */
export interface Showing {
  readonly args: readonly Json[];
  failure(failure: Failure): Failure;
  reason(text: string): string;
}

/** Tells the life of a job so that it can be led again. */
export function toldJob(story: JobLife, showing: Showing): ToldJob {
  const { at, happened, until } = story;
  const put = settingsOf(story);
  const isLonger = until > (happened.at(-1)?.after ?? 0);
  return {
    at: new Date(at).toISOString(),
    args: showing.args,
    ...(Object.keys(put).length > 0 && { put }),
    story: happened.map((deed) => [afterText(deed.after), told(deed, showing)]),
    ...(isLonger && { until: afterText(until) }),
  };
}

function told(deed: JobHappening, { failure, reason }: Showing): ToldDeed {
  switch (deed.is) {
    case 'returns':
      return 'return';
    case 'stops':
      return 'stop';
    case 'throws':
      return { throw: toldFailure(failure(deed.failure)), ...againOf(deed.again) };
    case 'killed':
      return { kill: true, ...againOf(deed.again) };
    case 'snoozes':
      return { snooze: afterText(deed.until), ...(deed.reason !== null && { reason: reason(deed.reason) }) };
    case 'cancel':
      return { cancel: deed.reason === null ? null : reason(deed.reason) };
    case 'fail':
      return { fail: toldFailure(failure(deed.failure)) };
    default:
      return deed.is;
  }
}

function againOf(again: Again): { readonly again?: ToldAgain } {
  if (again === null) return {};
  return { again: again === 'at once' ? again : afterText(again) };
}

export function toldFailure({ name, message, code, extra, cause }: Failure): ToldFailure {
  return {
    ...{ name, message },
    ...(code !== null && { code }),
    ...(Object.keys(extra).length > 0 && { extra }),
    ...(cause !== null && { cause: toldFailure(cause) }),
  };
}

function settingsOf({ put, limit }: JobLife): ToldSettings {
  const { beginAfter, beginBy, deadline, retryPolicy } = put;
  const timeout = put.timeout ?? (limit?.what === 'timeout' ? limit.ms : null);
  const isHeld = beginAfter !== null && put.line === 'held';
  return {
    ...(isHeld && { beginAfter }),
    ...(beginBy !== null && { beginBy }),
    ...(deadline !== null && { deadline }),
    ...(timeout !== null && { timeout }),
    ...(retryPolicy !== null && { retryPolicy }),
  };
}
