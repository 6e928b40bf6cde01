import type { Json } from '../../../../machines/json.ts';
import { invalidOption } from '../../../errors.ts';
import { checkCount, checkFlag, checkKnown } from '../../../model/checks/check-options.ts';
import { checkQueueName, checkReason } from '../../../model/checks/names.ts';
import { checkPriority, type Priority } from '../../../model/jobs/priority.ts';
import {
  type CheckedFilter,
  checkJobsFilter,
  invalidFilter,
  type JobsFilter,
} from '../../../reading/search/jobs-filter.ts';

/** What is done to each of many jobs. `remove`: drops those that are over, as their age would. */
export type BulkAction = 'cancel' | 'retry' | 'remove' | 'setPriority';

/** Which jobs are meant. `all`: all of them, which `cancel` and `remove` do not take for granted. */
export type BulkFilter = JobsFilter & { readonly all?: true };

/** Options of a bulk call. */
export interface BulkOptions {
  /** The new priority; needed by `setPriority`, and by nothing else. */
  readonly priority?: Priority;
  /** Work on so many jobs at most, the newest. Default: on all. */
  readonly limit?: number;
  /** Count what would be done, and change nothing. Default false. */
  readonly dryRun?: boolean;
  /** Why; at most 1,000 characters. Jobs that are cancelled keep it. */
  readonly reason?: string;
  /**
   * The queue whose agents do the work, in any process. Default: that of the filter, else ''. Null: this process does it at once,
   * without an agent; when the process ends before that is over, so does the work.
   */
  readonly queue?: string | null;
}

/** What a bulk job is put with. */
export interface BulkRequest {
  readonly action: BulkAction;
  readonly filter: CheckedFilter;
  readonly priority: number | null;
  readonly limit: number | null;
  readonly dryRun: boolean;
  readonly by: string;
  readonly reason: string | null;
  /** When it was put, in epoch milliseconds: it works on jobs from before. */
  readonly until: number;
}

/** How far a bulk job has come. A type and not an interface: it is stored as JSON. */
export type BulkCounts = {
  /** How many jobs the filter has found. */
  readonly matched: number;
  /** How many of them were changed; with `dryRun`, would be. */
  readonly done: number;
  /** How many have refused: a job that has ended cannot be cancelled, one that is a duplicate not be retried. */
  readonly skipped: number;
  /** The first 100 of those where it failed for another reason, with the code of the error. In all they are the rest of `matched`. */
  readonly failed: readonly { readonly id: string; readonly code: string }[];
};

/** The outcome of a bulk call. */
export type BulkResult = BulkCounts & {
  /** It worked on jobs from before this instant, in epoch milliseconds. */
  readonly until: number;
};

const actions: readonly BulkAction[] = ['cancel', 'retry', 'remove', 'setPriority'];

/** Checks a call. @throws SignalboxError `INVALID_FILTER`, `INVALID_OPTION`. */
export function bulkRequest(
  action: BulkAction,
  given: BulkFilter,
  options: BulkOptions,
  { by, now }: { readonly by: string; readonly now: number },
): { readonly request: BulkRequest; readonly queue: string | null } {
  if (!actions.includes(action)) throw invalidOption('action', `one of ${actions.join(', ')}`, action);
  checkKnown(options, ['priority', 'limit', 'dryRun', 'reason', 'queue']);
  const { priority, limit, dryRun = false, reason } = options;
  if ((action === 'setPriority') !== (priority !== undefined))
    throw invalidOption('priority', action === 'setPriority' ? 'given, for setPriority' : 'absent', priority);
  const filter = filterOf(action, given, now);
  const { queue = filter.queue ?? '' } = options;
  return {
    queue: queue === null ? null : checkQueueName(queue),
    request: {
      action,
      filter,
      priority: priority === undefined ? null : checkPriority(priority),
      limit: limit === undefined ? null : checkCount(limit, 'limit', 1),
      dryRun: checkFlag(dryRun, 'dryRun'),
      by,
      reason: reason === undefined ? null : checkReason(reason),
      until: now,
    },
  };
}

function filterOf(action: BulkAction, given: BulkFilter, now: number): CheckedFilter {
  if (typeof given !== 'object' || given === null) return checkJobsFilter(given, now);
  const { all, ...parts } = given;
  if (all !== undefined && all !== true) throw invalidFilter('all', 'true, or absent', all);
  const filter = checkJobsFilter(parts, now);
  const isEmpty = Object.keys(filter).length === 0;
  if (isEmpty && all === undefined && (action === 'cancel' || action === 'remove'))
    throw invalidFilter(
      'all',
      `true where no part says which jobs to ${action}`,
      all,
      `Name parts, or write { all: true } to ${action} all jobs; nothing was changed.`,
    );
  if (!isEmpty && all === true) throw invalidFilter('all', 'absent where other parts are given', all);
  return filter;
}

/** A request as a stored argument gives it. */
export function asRequest(value: unknown): BulkRequest {
  const { action, filter } = (value ?? {}) as Partial<BulkRequest>;
  if (actions.includes(action as BulkAction) && typeof filter === 'object') return value as BulkRequest;
  throw invalidOption('the argument of signalbox.bulk', 'a request', value as Json);
}
