import { copyJob, wholeJob } from '../../model/jobs/copy-job.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Kind, Records } from '../entry.ts';
import { blankOf } from '../kinds.ts';
import type { StoredRecord } from '../log.ts';
import type { Change } from '../store.ts';
import { soundRecord } from './quarantine.ts';

/**
 * Values that consecutive jobs have in common, held once for all of them. As a rule such jobs wait in the
 * same queue and were put by the same program: a place takes 32 of the 625 bytes of a waiting job, and an
 * assigner that was read is a string of its own.
 */
export class SharedValues {
  #place: { readonly queue: string } = { queue: '' };
  #assigner = '';

  /**
   * Replaces the place and the assigner of a job by the newest ones that are equal. Only places in a queue
   * are shared.
   */
  share(job: Record<string, unknown>): void {
    const { parent, assigner } = job as Pick<JobRecord, 'parent' | 'assigner'>;
    if (parent !== null && 'queue' in parent && !('agent' in parent)) {
      if (parent.queue !== this.#place.queue) this.#place = parent;
      job.parent = this.#place;
    }
    if (assigner !== null) {
      if (assigner !== this.#assigner) this.#assigner = assigner;
      job.assigner = this.#assigner;
    }
  }
}

/**
 * Returns the record as a change leaves it: a copy, or the record itself when it `isOwn`: a copy that no other code has
 * seen.
 */
export function changed(
  change: Change,
  before: Records[Kind] | undefined,
  seq: number,
  shared: SharedValues,
  isOwn = false,
): Records[Kind] {
  const { patch } = change;
  const base = before ?? blankOf(change.kind);
  const next = isOwn ? (base as unknown as Record<string, unknown>) : copyOf(change.kind, base);
  next.id = change.id;
  for (const key in patch) next[key] = patch[key];
  next.rev = base.rev + 1;
  next.lastSeq = seq;
  if (change.to !== null) next.state = change.to;
  const order = next.order as JobRecord['order'] | undefined;
  if (order && order[1] === 0) next.order = [order[0], seq];
  if (before === undefined && 'createdSeq' in next) next.createdSeq = seq;
  if (change.kind === 'job') shared.share(next);
  else if (change.kind === 'actor') dropCleared(next, patch);
  return next as unknown as Records[Kind];
}

/**
 * Completes a record of a snapshot with what the snapshot leaves out. Without `shared` its values are its
 * own.
 */
export function loaded(kind: Kind, stored: StoredRecord, shared?: SharedValues): Records[Kind] {
  if (kind !== 'job') return { ...blankOf(kind), ...stored } as Records[Kind];
  const sound = soundRecord(stored) as Partial<JobRecord>;
  const job = wholeJob(sound, blankOf('job'));
  if (sound.unsound !== undefined) job.unsound = sound.unsound;
  shared?.share(job);
  return job as unknown as JobRecord;
}

/** A key of the context of an actor's machine that is cleared is not there any more. */
function dropCleared(actor: Record<string, unknown>, patch: Change['patch']): void {
  for (const key in patch) if (patch[key] === null && key.startsWith('c:')) delete actor[key];
}

function copyOf(kind: Kind, record: Records[Kind]): Record<string, unknown> {
  if (kind !== 'job') return { ...record };
  const { unsound } = record as JobRecord;
  const copy = copyJob(record as JobRecord);
  if (unsound !== undefined) copy.unsound = unsound;
  return copy;
}
