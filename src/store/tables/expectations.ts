import { ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import type { Change, Expectation } from '../store.ts';
import type { Tables } from './tables.ts';

/** Refuses a commit that believes in something that has changed. @throws ConflictError, ReassignedError, `JOB_NOT_FOUND`. */
export function mustHold(tables: Tables, expectation: Expectation): void {
  const { id } = expectation;
  if (expectation.what === 'rev') {
    const rev = tables.get(expectation.kind, id)?.rev ?? 0;
    if (rev !== expectation.rev)
      throw conflict(`${expectation.kind}/${id}`, `at rev ${expectation.rev}`, `rev ${rev}`);
    return;
  }
  const job = tables.findJob(id);
  if (expectation.what === 'holder') {
    if (job?.epoch !== expectation.epoch || job.claim !== expectation.claim)
      throw new ReassignedError({ id });
  } else if (job === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
  else if (expectation.what === 'notCompleted' && job.state === 'completed') {
    throw conflict(`job/${id}`, 'not completed', 'completed');
  } else if (expectation.what === 'noUnstartedCallback' && tables.callbacks.hasUnstarted(id)) {
    throw conflict(`job/${id}`, 'without callbacks that nobody began', 'one');
  }
}

/**
 * Refuses a commit unless each record is still in the state that its first change leaves: the last defence of the chart.
 * @throws ConflictError, SignalboxError `JOB_QUARANTINED`.
 */
export function mustStand(tables: Tables, changes: readonly Change[]): void {
  refuseQuarantined(tables, changes);
  const seen = changes.length > 4 ? new Set<string>() : null;
  for (const [index, change] of changes.entries()) {
    if (change.from === null) continue;
    const subject = `${change.kind}/${change.id}`;
    const isLater =
      seen?.has(subject) ??
      changes.some((other, at) => at < index && other.id === change.id && other.kind === change.kind);
    seen?.add(subject);
    if (isLater) continue;
    const record = tables.get(change.kind, change.id);
    const state = record !== undefined && 'state' in record ? record.state : null;
    if (state !== null && state !== change.from) throw conflict(subject, change.from, state);
  }
}

/** A job that nobody can read is left alone; it may be dropped. */
function refuseQuarantined({ jobs: { quarantined } }: Tables, changes: readonly Change[]): void {
  if (quarantined.size === 0) return;
  for (const { kind, id, gone } of changes) {
    if (kind === 'job' && gone !== true && quarantined.has(id))
      throw new SignalboxError('JOB_QUARANTINED', { id });
  }
}

function conflict(subject: string, expected: string, actual: string): ConflictError {
  return new ConflictError({ subject, expected, actual });
}
