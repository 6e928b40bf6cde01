import { newRepresentationContext } from '../../../machines/representation.machine.ts';
import { newScheduleContext } from '../../../machines/schedule.context.ts';
import { copyJob, wholeJob } from '../../model/jobs/copy-job.ts';
import { defaultAgingMs } from '../../model/jobs/priority.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import { type JobRecord, recordVersion } from '../../model/records/records.ts';
import type { Kind, Records } from '../entry.ts';
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
  const base = before ?? blank(change.kind);
  const next = isOwn ? (base as unknown as Record<string, unknown>) : copyOf(change.kind, base);
  next.id = change.id;
  for (const key in patch) next[key] = patch[key];
  next.rev = base.rev + 1;
  next.lastSeq = seq;
  if (change.to !== null) next.state = change.to;
  const order = next.order as JobRecord['order'] | undefined;
  if (order && order[1] === 0) next.order = [order[0], seq];
  if (before === undefined && change.kind === 'job') next.createdSeq = seq;
  if (change.kind === 'job') shared.share(next);
  return next as unknown as Records[Kind];
}

/**
 * Completes a record of a snapshot with what the snapshot leaves out. Without `shared` its values are its
 * own.
 */
export function loaded(kind: Kind, stored: StoredRecord, shared?: SharedValues): Records[Kind] {
  if (kind !== 'job') return { ...blank(kind), ...stored } as Records[Kind];
  const sound = soundRecord(stored) as Partial<JobRecord>;
  const job = wholeJob(sound, blankJob);
  if (sound.unsound !== undefined) job.unsound = sound.unsound;
  shared?.share(job);
  return job as unknown as JobRecord;
}

function copyOf(kind: Kind, record: Records[Kind]): Record<string, unknown> {
  if (kind !== 'job') return { ...record };
  const { unsound } = record as JobRecord;
  const copy = copyJob(record as JobRecord);
  if (unsound !== undefined) copy.unsound = unsound;
  return copy;
}

/** Returns the record of a kind before its first change. */
function blank(kind: Kind): Records[Kind] {
  if (kind === 'job') return blankJob;
  if (kind === 'unique') return blankName;
  const reserved = { id: '', v: recordVersion, rev: 0, lastSeq: 0 };
  switch (kind) {
    case 'representation':
      return {
        ...reserved,
        state: 'registered',
        ...newRepresentationContext({ queue: '', dispatcher: '' }),
      };
    case 'agent':
      return { ...reserved, size: 3, selection: { kind: 'any' }, pinned: false, failure: null, paused: null };
    case 'quota':
      return { ...reserved, size: null, rate: null, keyed: false, pinned: false };
    case 'limit':
      return { ...reserved, tat: null, closedUntil: null };
    case 'schedule':
      return { ...reserved, state: 'ended', ...newScheduleContext() };
    case 'queue':
      return { ...reserved, createdAt: 0, agingMs: defaultAgingMs, pauses: [] };
    case 'store':
      return { ...reserved, epoch: 0 };
    case 'annotation':
      return { ...reserved, value: null };
    case 'proxy':
      return {
        ...reserved,
        parent: { job: '' },
        order: ['callback', 0],
        branches: [],
        otherwise: null,
        chosen: null,
      };
  }
}

const blankName: Records['unique'] = Object.freeze({
  ...{ id: '', v: recordVersion, rev: 0, lastSeq: 0 },
  ...{ job: '', at: 0, untilStart: false, until: null },
});

/** What all new jobs share. They share their empty lists, too: a waiting job must stay small. */
const blankJob: JobRecord = Object.freeze({
  ...newJobRecord('', {
    name: '',
    args: Object.freeze([]),
    quotaNames: Object.freeze([]),
    quotas: Object.freeze([]),
  }),
});
