import type { Stop } from '../../../machines/job.context.ts';
import { CancelledError, TimeoutError } from '../../errors.ts';
import { durationText } from '../../time.ts';
import type { JobRecord } from '../records/records.ts';

/** The error with which the signal aborts, and by which the job fails. `cause`: what its code threw because of that. */
export function stopError(
  { id, timeout, deadline }: JobRecord,
  { cause, reason }: Stop,
  thrown?: unknown,
): CancelledError | TimeoutError {
  const options = thrown === undefined ? {} : { cause: thrown };
  if (cause === 'cancel') return new CancelledError({ id, reason }, options);
  const repair = 'Let the code do less at once, or allow more time.';
  if (cause === 'deadline') {
    const limit = `its deadline, ${new Date(deadline ?? 0).toISOString()}`;
    return new TimeoutError({ what: `job ${id} to end`, limit, repair }, options);
  }
  const what = cause === 'timeout' ? `an attempt of job ${id}` : `a heartbeat of job ${id}`;
  const limit = cause === 'timeout' ? durationText(timeout ?? 0) : 'its interval';
  return new TimeoutError({ what, limit, repair }, options);
}
