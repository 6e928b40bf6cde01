import type { Json } from '../../../machines/json.ts';
import { isId } from '../../model/checks/names.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { type Unsound, unsoundInJob } from '../../model/records/stored-shape.ts';
import type { Entry, Patch } from '../entry.ts';
import type { StoredRecord } from '../log.ts';

/**
 * Returns an entry on a job as it is replayed: what no version writes is moved to `unsound`, so that code
 * which shows the job need not expect it.
 */
export function soundEntry(entry: Entry, findJob: (id: string) => JobRecord | undefined): Entry {
  const { id, patch } = entry;
  const found = unsoundInJob(patch ?? {}, false);
  const isSound = isId(id);
  if (found.length === 0 && isSound) return entry;
  const all = isSound ? found : [...found, ['id', id] as const];
  return { ...entry, patch: withoutUnsound(patch ?? {}, all, findJob(id)?.unsound ?? []) };
}

/** Does the same for a whole record of a snapshot. */
export function soundRecord(stored: StoredRecord): StoredRecord {
  const found = unsoundInJob(stored, true);
  if (found.length === 0) return stored;
  const earlier = found.some(([key]) => key === 'unsound') ? [] : ((stored.unsound ?? []) as Unsound[]);
  return { ...withoutUnsound(stored as Patch, found, earlier), id: stored.id };
}

function withoutUnsound(fields: Patch, found: readonly Unsound[], earlier: readonly Unsound[]): Patch {
  const keys = new Set(found.map(([key]) => key));
  const sound = Object.entries(fields).filter(([key]) => !keys.has(key));
  return Object.fromEntries([...sound, ['unsound', [...earlier, ...found] as Json]]);
}
