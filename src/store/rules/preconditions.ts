import { ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { isReadable } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Kind, Records } from '../entry.ts';
import type { Change, Precondition } from '../store.ts';
import { hasEnded } from './actors/actor-indexes.ts';
import type { Tables } from './tables.ts';

/**
 * Refuses a commit whose precondition does not hold. `elsewhere`: how many messages wait for an actor besides those in the tables.
 * @throws ConflictError, ReassignedError, SignalboxError `JOB_NOT_FOUND`, `AWAITED_ITSELF`, `ACTOR_NOT_FOUND`, `ACTOR_FINISHED`.
 */
export function mustHold(
  tables: Tables,
  precondition: Exclude<Precondition, { readonly check: 'atMost' }>,
  elsewhere = 0,
): void {
  const { id } = precondition;
  if (precondition.check === 'noMail') {
    const waiting = elsewhere + tables.mail.count(id);
    if (waiting > 0) throw conflict(`the mail of actor/${id}`, 'none', String(waiting));
    return;
  }
  if (precondition.check === 'accepts') {
    const actor = tables.get('actor', id);
    if (actor === undefined) throw new SignalboxError('ACTOR_NOT_FOUND', { id });
    if (hasEnded(actor)) throw new SignalboxError('ACTOR_FINISHED', { id, status: actor.status });
    return;
  }
  if (precondition.check === 'rev') {
    const rev = tables.get(precondition.kind, id)?.rev ?? 0;
    if (rev !== precondition.rev)
      throw conflict(`${precondition.kind}/${id}`, `at rev ${precondition.rev}`, `rev ${rev}`);
    return;
  }
  if (precondition.check === 'notAwaitedBy') {
    mustNotWaitFor(tables, precondition.on, id);
    return;
  }
  if (precondition.check === 'holds') {
    const held = tables.jobs.heldBy(precondition.queue, precondition.dispatcher);
    if (held !== precondition.count)
      throw conflict(`the jobs of representation/${id}`, `${precondition.count} in all`, `${held}`);
    return;
  }
  const job = tables.findJob(id);
  if (precondition.check === 'holder') {
    if (job?.epoch !== precondition.epoch || job.claim !== precondition.claim)
      throw new ReassignedError({ id });
  } else if (job === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
  else if (precondition.check === 'notCompleted' && job.state === 'completed') {
    throw conflict(`job/${id}`, 'not completed', 'completed');
  } else if (precondition.check === 'noUnstartedCallback' && tables.callbacks.hasUnstarted(id)) {
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
