import { SignalboxError } from '../../errors.ts';
import type { QuotaRecord } from '../../model/records/records.ts';
import type { Change } from '../store.ts';

/** Refuses what this store does not keep yet: keyed limits and rates, and keys of jobs. @throws SignalboxError `NO_LIMITS`. */
export function mustNotLimit({ kind, id, patch }: Pick<Change, 'kind' | 'id' | 'patch'>): void {
  if (patch === null) return;
  const { size, rate, keyed } = patch as Partial<QuotaRecord>;
  const isLimit = kind === 'limit' || (kind === 'quota' && (size === null || rate != null || keyed === true));
  if (isLimit || (kind === 'job' && patch.keys != null))
    throw new SignalboxError('NO_LIMITS', { what: `${kind} ${id}` });
}
