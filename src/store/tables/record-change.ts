import { newJobContext } from '../../../machines/job.context.ts';
import { newRepresentationContext } from '../../../machines/representation.machine.ts';
import { copyJob } from '../../model/copy-job.ts';
import { type JobRecord, recordVersion } from '../../model/records.ts';
import type { StoredRecord } from '../log.ts';
import type { Change, Kind, Patch, Records } from '../store.ts';

/** The record as a change leaves it. */
export function changed(change: Change, before: Records[Kind] | undefined, seq: number): Records[Kind] {
  const { patch } = change;
  const base = before ?? blank(change.kind, change.id, patch ?? {});
  const next: Record<string, unknown> = change.kind === 'job' ? copyJob(base as JobRecord) : { ...base };
  for (const key in patch) next[key] = patch[key];
  next.rev = base.rev + 1;
  next.lastSeq = seq;
  if (change.to !== null) next.state = change.to;
  const order = next.order as JobRecord['order'] | undefined;
  if (order && order[1] === 0) next.order = [order[0], seq];
  if (before === undefined && change.kind === 'job') next.createdSeq = seq;
  return next as unknown as Records[Kind];
}

/** A record of a snapshot, with what the snapshot leaves out. */
export function loaded(kind: Kind, stored: StoredRecord): Records[Kind] {
  const { id, ...kept } = stored;
  return { ...blank(kind, id, kept as Patch), ...kept } as Records[Kind];
}

function blank(kind: Kind, id: string, patch: Patch): Records[Kind] {
  const reserved = { v: recordVersion, rev: 0, lastSeq: 0 };
  switch (kind) {
    case 'job':
      return {
        id,
        ...reserved,
        ...blankJob,
        ...newJobContext({ ...blankJob, name: String(patch.name ?? '') }),
      } satisfies JobRecord;
    case 'representation':
      return {
        id,
        ...reserved,
        state: 'registered',
        ...newRepresentationContext({ queue: '', dispatcher: '' }),
      };
    case 'agent':
      return { id, ...reserved, size: 3, selection: { kind: 'any' }, failure: null };
    case 'quota':
      return { id, ...reserved, size: 1 };
    case 'queue':
      return { id, ...reserved, createdAt: 0 };
    case 'store':
      return { id, ...reserved, epoch: 0 };
    case 'annotation':
      return { id, ...reserved, value: null };
    case 'proxy':
      return {
        id,
        ...reserved,
        parent: { job: '' },
        order: ['callback', 0],
        branches: [],
        otherwise: null,
        chosen: null,
      };
  }
}

/** What all new jobs share. One empty list for all of them: a waiting job must stay small. */
const blankJob = Object.freeze({
  state: 'new' as const,
  createdSeq: 0,
  dueAt: null,
  priority: 0,
  uniqueKey: null,
  lane: null,
  args: Object.freeze([]),
  quotaNames: Object.freeze([]),
  quotas: Object.freeze([]),
});
