import type { HistoryEntry, JobRecord } from '../../../index.ts';

/** One record as the journal alone gives it: by applying the patches of its entries, without reading the store. */
export interface ReplayedRecord {
  readonly kind: string;
  readonly id: string;
  readonly state: string | null;
  readonly rev: number;
  readonly lastSeq: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Returns the record after an entry; null when the entry drops it. */
export function afterEntry(entry: HistoryEntry, before: ReplayedRecord | undefined): ReplayedRecord | null {
  if (entry.gone) return null;
  const fields = { ...before?.fields, ...entry.patch } as Record<string, unknown>;
  const line = entry.patch?.line;
  if (line !== undefined) fields.position = line === null ? 0 : entry.seq;
  // A key of the context of an actor that is cleared is not there any more.
  for (const key in entry.patch) if (key.startsWith('c:') && entry.patch?.[key] === null) delete fields[key];
  return {
    kind: entry.kind,
    id: entry.id,
    state: entry.to ?? before?.state ?? null,
    rev: (before?.rev ?? 0) + 1,
    lastSeq: entry.seq,
    fields,
  };
}

/** Returns the place of a job. */
export function placeOf(job: ReplayedRecord | undefined): JobRecord['parent'] {
  return (job?.fields.parent as JobRecord['parent'] | undefined) ?? null;
}

/** Returns the agent that holds a job, as `<queue>/<uuid>/<name>`; null when no agent holds it. */
export function heldBy(job: ReplayedRecord | null | undefined): string | null {
  const parent = placeOf(job ?? undefined);
  if (parent === null || !('agent' in parent) || job?.fields.callbacksEnd != null) return null;
  return `${parent.queue}/${parent.dispatcher}/${parent.agent}`;
}

/** The agent whose code a job is: the one that holds it, or holds the job above it, whose callbacks it performs. */
export function workerOf(
  job: ReplayedRecord | undefined,
  records: ReadonlyMap<string, ReplayedRecord>,
): string | null {
  const seen = new Set<string>();
  for (let at = job; ; ) {
    const place = placeOf(at);
    if (place === null || 'agent' in place) return heldBy(at);
    const above = 'job' in place ? `job/${place.job}` : 'system' in place ? `job/${place.system}` : null;
    const next = 'proxy' in place ? `proxy/${place.proxy}` : above;
    // A journal may say of two jobs that each is above the other.
    if (next === null || seen.has(next)) return null;
    seen.add(next);
    at = records.get(next);
  }
}

/** Whether a job was put or started and has not ended. */
export function isOpen(job: ReplayedRecord | null | undefined): boolean {
  return job != null && job.kind === 'job' && job.state !== 'new' && job.state !== 'completed';
}
