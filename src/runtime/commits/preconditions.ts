import type { JobRecord } from '../../model/records/records.ts';
import type { Kind } from '../../store/entry.ts';
import type { Precondition } from '../../store/store.ts';

/** Who holds the root job of a run. Every write of the run names it, so that a process that lost the job writes nothing. */
export interface Holder {
  readonly id: string;
  readonly epoch: number;
  readonly claim: number;
}

/** The holder of a job, as its record says. */
export function holderOf({ id, epoch, claim }: JobRecord): Holder {
  return { id, epoch, claim };
}

/** Refuses the commit when the record has changed since it was read; rev 0 says that there was none. */
export function ifUnchanged(
  { id, rev }: { readonly id: string; readonly rev: number },
  kind: Kind = 'job',
): Precondition {
  return { check: 'rev', kind, id, rev };
}

/** Refuses the commit when the job has another holder by now. */
export function ifHeldBy({ id, epoch, claim }: Holder): Precondition {
  return { check: 'holder', id, epoch, claim };
}
