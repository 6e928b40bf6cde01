import { SignalboxError } from '../../errors.ts';
import type { Change } from '../store.ts';

/** Refuses what this store does not keep yet: schedules. @throws SignalboxError `NO_SCHEDULES`. */
export function mustNotSchedule({ kind, id }: Pick<Change, 'kind' | 'id'>): void {
  if (kind === 'schedule') throw new SignalboxError('NO_SCHEDULES', { id });
}
