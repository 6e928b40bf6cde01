import type { Entry, Kind, Records } from '../../entry.ts';
import type { Change } from '../../store.ts';
import { mustBeInState } from '../preconditions.ts';
import type { Tables } from '../tables.ts';

/** Changes as they were applied. */
export interface Applied {
  readonly entries: readonly Entry[];
  /** The record of each entry as it was before the changes of the same record that follow one another. */
  readonly before: readonly (Records[Kind] | undefined)[];
}

/**
 * Applies the changes of a commit, the first of which gets this seq.
 * @throws ConflictError when a record is not in the state that a change leaves: then none is left applied.
 */
export function applyChanges(tables: Tables, changes: readonly Change[], seq: number): Applied {
  const entries: Entry[] = [];
  const before: (Records[Kind] | undefined)[] = [];
  try {
    while (entries.length < changes.length) {
      const end = endOfRun(changes, entries.length);
      const record = applyRun(tables, changes, end, seq, entries);
      while (before.length < end) before.push(record);
    }
    return { entries, before };
  } catch (error) {
    undoChanges(tables, { entries, before });
    throw error;
  }
}

/** Puts back what was before. */
export function undoChanges(tables: Tables, { entries, before }: Applied): void {
  for (let index = before.length - 1; index >= 0; index -= 1) {
    const { kind, id } = entries[index] as Entry;
    tables.restore(kind, id, before[index]);
  }
}

/** Applies changes of one record: it is copied once, and moved through the indexes once. Returns it as it was. */
function applyRun(
  tables: Tables,
  changes: readonly Change[],
  end: number,
  seq: number,
  entries: Entry[],
): Records[Kind] | undefined {
  const { kind, id } = changes[entries.length] as Change;
  const before = tables.get(kind, id);
  let after = before;
  while (entries.length < end) {
    const change = changes[entries.length] as Change;
    mustBeInState(change, after);
    const isOwn = after !== undefined && after !== before;
    const seqOfChange = seq + entries.length;
    entries.push(entryOf(change, after?.lastSeq ?? 0));
    after = tables.changed(change, after, seqOfChange, isOwn);
  }
  tables.replace(kind, id, before, after);
  return before;
}

/**
 * Where the changes of the same job end, as claim and start, or of the same actor, which takes several messages at once. Others are
 * applied one by one.
 */
function endOfRun(changes: readonly Change[], from: number): number {
  const { kind, id } = changes[from] as Change;
  let end = from + 1;
  if (kind === 'job' || kind === 'actor')
    while (changes[end]?.id === id && changes[end]?.kind === kind) end += 1;
  return end;
}

function entryOf({ kind, id, event, from, to, patch, arg, gone }: Change, q: number): Entry {
  const isGone = gone === true;
  return arg === undefined
    ? { kind, id, event, from, to, patch, gone: isGone, q }
    : { kind, id, event, from, to, patch, gone: isGone, q, arg };
}
