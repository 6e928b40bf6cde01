import { BadStatusError, ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { kindOfFailure } from '../../model/jobs/retry.ts';
import { Failure } from '../../model/values/failure.ts';
import type { LogLevel } from '../environment/logging.ts';

/** What follows an error of a step: it ends, or is taken again at once, when the disk has room, or later. */
export type Verdict = 'ends' | 'conflict' | 'full' | 'later';

/** How one kind of step is taken again. Pure: the tests go through these rules by table. */
export interface RetryRule {
  judge(error: unknown): Verdict;
  /** Every fifth conflict is logged, and the first one where this says so. */
  readonly logsFirstConflict: boolean;
  /** What follows error number `count`; conflicts and a full disk are not counted. `level` null: it is not logged. */
  after(error: unknown, count: number): { readonly waitMs: number; readonly level: LogLevel | null };
  /** What the log calls error number `count`. */
  named(count: number): string;
}

/** The store takes nothing more until it is opened again. */
const closedCodes: readonly string[] = ['STORE_CLOSED', 'STORE_IO', 'STORE_FENCED'];
/** Waiting does not repair these: the store is closed, the box is stopped, or the job is dropped or in quarantine. */
const finalCodes: readonly string[] = [...closedCodes, 'BOX_STOPPED', 'JOB_NOT_FOUND', 'JOB_QUARANTINED'];

/** The three kinds of step, with their waits and levels. */
export const retryRules = {
  /** A step that must succeed: at once after a conflict, each second while the disk is full, else after 5, 10, … 60 s. */
  step: {
    judge(error) {
      if (error instanceof ReassignedError || error instanceof BadStatusError) return 'ends';
      if (hasCode(error, finalCodes)) return 'ends';
      if (error instanceof ConflictError) return 'conflict';
      return hasCode(error, ['STORE_FULL']) ? 'full' : 'later';
    },
    logsFirstConflict: false,
    after: (error, count) => ({
      waitMs: growing(count),
      level: count === 1 || count % 10 === 0 ? (isStoreAway(error) ? 'ERROR' : 'CRITICAL') : null,
    }),
    named: (count) => `error ${count}`,
  },
  /** Reads what a worker needs before it calls a job: repeated while the store is away; any other error is thrown. */
  load: {
    judge(error) {
      if (kindOfFailure(Failure.from(error)) === 'conflict') return 'conflict';
      return isStoreAway(error) ? 'later' : 'ends';
    },
    logsFirstConflict: true,
    after: (_error, count) => ({ waitMs: growing(count), level: 'INFO' }),
    named: () => 'store away',
  },
  /** Stores what must not be lost: a second after every error but a reassigned job and a closed store. */
  store: {
    judge(error) {
      if (error instanceof ReassignedError || isStoreClosed(error)) return 'ends';
      return error instanceof ConflictError ? 'conflict' : 'later';
    },
    logsFirstConflict: false,
    after: (_error, count) => ({ waitMs: 1000, level: count % 10 === 0 ? 'CRITICAL' : 'ERROR' }),
    named: (count) => `error ${count}`,
  },
} as const satisfies Record<string, RetryRule>;

/** Whether the store takes nothing more until it is opened again. */
export function isStoreClosed(error: unknown): boolean {
  return hasCode(error, closedCodes);
}

/**
 * Whether the store did not take a commit regardless of its content, or its answer was lost: it may take the same commit later.
 * A store of a program's own may throw the errors of sockets.
 */
export function isStoreAway(error: unknown): error is Error {
  if (error instanceof SignalboxError && error.code.startsWith('STORE_')) return !isStoreClosed(error);
  return kindOfFailure(Failure.from(error)) === 'disconnect';
}

/** Whether a conflict was found by the database: it has ended the transaction, in which nothing more can be tried. */
export function endsTransaction(conflict: ConflictError): boolean {
  return conflict.cause !== undefined;
}

/** Whether a conflict is about a job: each such conflict means that one of many jobs has made progress. */
export function isAboutJobs({ details: { subject } }: ConflictError): boolean {
  return /^(job\/|the jobs of )/.test(subject);
}

/** 5, 10, … 60 s. */
function growing(count: number): number {
  return Math.min(60_000, count * 5000);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof SignalboxError && codes.includes(error.code);
}
