import type { HistoryEntry, JobRecord } from '../../../index.ts';

/** What the journal says of one record: nothing of the store is asked, patches are laid over each other. */
export interface Kept {
  readonly kind: string;
  readonly id: string;
  readonly state: string | null;
  readonly rev: number;
  readonly lastSeq: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The record as an entry leaves it; null when the entry drops it. */
export function applied(entry: HistoryEntry, before: Kept | undefined): Kept | null {
  if (entry.gone) return null;
  const fields = { ...before?.fields, ...entry.patch } as Record<string, unknown>;
  const order = fields.order as readonly [string, number] | null | undefined;
  if (order?.[1] === 0) fields.order = [order[0], entry.seq];
  return {
    kind: entry.kind,
    id: entry.id,
    state: entry.to ?? before?.state ?? null,
    rev: (before?.rev ?? 0) + 1,
    lastSeq: entry.seq,
    fields,
  };
}

/** The place of a job. */
export function placeOf(job: Kept | undefined): JobRecord['parent'] {
  return (job?.fields.parent as JobRecord['parent'] | undefined) ?? null;
}

/** The agent that holds a job: `<queue>/<uuid>/<name>`. */
export function heldBy(job: Kept | null | undefined): string | null {
  const parent = placeOf(job ?? undefined);
  if (parent === null || !('agent' in parent) || job?.fields.callbacksEnd != null) return null;
  return `${parent.queue}/${parent.dispatcher}/${parent.agent}`;
}

/** Whether nobody is at a job and nobody will be. */
export function isOpen(job: Kept | null | undefined): boolean {
  return job != null && job.kind === 'job' && job.state !== 'new' && job.state !== 'completed';
}
