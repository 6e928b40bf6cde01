import { ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { isReadable } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Kind, Records } from '../entry.ts';
import type { Change, Expectation } from '../store.ts';
import type { Tables } from './tables.ts';

/**
 * Refuses a commit whose precondition does not hold.
 * @throws ConflictError, ReassignedError, SignalboxError `JOB_NOT_FOUND`, `AWAITED_ITSELF`.
 */
export function mustHold(
  tables: Tables,
  expectation: Exclude<Expectation, { readonly what: 'atMost' }>,
): void {
  const { id } = expectation;
  if (expectation.what === 'rev') {
    const rev = tables.get(expectation.kind, id)?.rev ?? 0;
    if (rev !== expectation.rev)
      throw conflict(`${expectation.kind}/${id}`, `at rev ${expectation.rev}`, `rev ${rev}`);
    return;
  }
  if (expectation.what === 'notAwaitedBy') {
    mustNotWaitFor(tables, expectation.on, id);
    return;
  }
  if (expectation.what === 'holds') {
    const held = tables.jobs.heldBy(expectation.queue, expectation.dispatcher);
    if (held !== expectation.count)
      throw conflict(`the jobs of representation/${id}`, `${expectation.count} in all`, `${held}`);
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
    throw conflict(`job/${id}`, 'without a callback that has not begun', 'one');
  }
}

/** Refuses a circle of waiting jobs: they would hold their slots for ever. */
function mustNotWaitFor(tables: Tables, waiting: string, id: string): void {
  const seen = new Set<string>();
  for (let next: string | null = waiting; next !== null && !seen.has(next); ) {
    if (next === id) throw new SignalboxError('AWAITED_ITSELF', { id });
    seen.add(next);
    next = tables.findJob(next)?.waitingOn ?? null;
  }
}

/**
 * Refuses a change of a record that is not in the state that the change leaves: the last defence of the
 * chart. A job that this version cannot read may be dropped, and not changed in any other way.
 * @throws ConflictError, SignalboxError `JOB_QUARANTINED`.
 */
export function mustBeInState({ kind, id, from, gone }: Change, record: Records[Kind] | undefined): void {
  if (kind === 'job' && gone !== true && record !== undefined && !isReadable(record as JobRecord))
    throw new SignalboxError('JOB_QUARANTINED', { id });
  if (from === null || record === undefined || !('state' in record) || record.state === from) return;
  throw conflict(`${kind}/${id}`, from, String(record.state));
}

function conflict(subject: string, expected: string, actual: string): ConflictError {
  return new ConflictError({ subject, expected, actual });
}
