import { SignalboxError } from '../../errors.ts';
import type { Change } from '../store.ts';

/** Refuses what this store does not keep yet: unique names. @throws SignalboxError `NO_UNIQUE`. */
export function mustNotBeUnique({ kind, id }: Pick<Change, 'kind' | 'id'>): void {
  if (kind === 'unique') throw new SignalboxError('NO_UNIQUE', { name: id });
}
