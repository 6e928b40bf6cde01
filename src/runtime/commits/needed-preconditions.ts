import type { Kind, Records } from '../../store/entry.ts';
import type { Precondition } from '../../store/store.ts';

/** What a unit of work knows when one of its calls adds preconditions. A subject is `<kind>/<id>`. */
export interface UnitKnowledge {
  /** Records as the unit's own changes leave them, by subject; undefined for a dropped one. */
  readonly own: ReadonlyMap<string, Pick<Records[Kind], 'rev'> | undefined>;
  /** The rev of each record that was read, by subject. The commit names all of them. */
  readonly revs: ReadonlyMap<string, number>;
  /** The key of each `atMost` precondition that the commit names. */
  readonly limited: ReadonlySet<string>;
}

/**
 * Returns the preconditions of one call that the commit of its unit has to name. It must not name one about what an earlier
 * call of the same unit has changed, nor a limit or a read rev twice. `added`: the subjects that the present call changes
 * first. Pure.
 */
export function neededPreconditions(
  { own, revs, limited }: UnitKnowledge,
  added: ReadonlySet<string>,
  expect: readonly Precondition[],
): readonly Precondition[] {
  const limits = new Set<string>();
  return expect.filter((precondition) => {
    if (precondition.check === 'atMost') {
      const key = limitKey(precondition);
      const isNamed = limited.has(key) || limits.has(key);
      limits.add(key);
      return !isNamed;
    }
    const isRev = precondition.check === 'rev';
    const subject = isRev ? `${precondition.kind}/${precondition.id}` : `job/${precondition.id}`;
    // A callback leaves the rev of its job as it is. Only to a job that is not stored yet can no other process add one.
    if (precondition.check === 'noUnstartedCallback') return own.get(subject)?.rev !== 0;
    const isChangedBefore = own.has(subject) && !added.has(subject);
    return !isChangedBefore && !(isRev && revs.has(subject));
  });
}

/** The key of an `atMost` precondition: the same for all limits of one kind on one queue or job. */
export function limitKey({ of, id }: Extract<Precondition, { check: 'atMost' }>): string {
  return `${of} ${id}`;
}
