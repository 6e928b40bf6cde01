import { useEffect, useRef, useState } from 'preact/hooks';
import type { JobRow, JobsPage } from '../../../protocol/jobs.ts';
import { after, isInUse, onLeaving, steady } from '../../browser.ts';
import { useQuestion } from '../../source/live.ts';
import {
  type Block,
  blockOf,
  cursorOf,
  inOrderOf,
  missingBlock,
  type Range,
  type Slot,
  seenBlock,
  slotsOf,
  withBlock,
} from './blocks.ts';

/** A later page that is looked at is asked for again so often, while something changes. */
const againMs = 5000;

/** The rows of a list as they stand on the page. */
export interface Rows {
  readonly slots: readonly Slot[];
  /** How many rows wait to be shown: they would move those under the pointer. */
  readonly fresh: number;
  readonly showFresh: () => void;
  /**
   * What is behind these rows: others that are not loaded yet; jobs that are looked at when a person asks for it; jobs that are never looked at;
   * null: nothing.
   */
  readonly more: 'rows' | 'further' | 'cut' | null;
  readonly loadMore: () => void;
  /** How many jobs were looked at. */
  readonly looked: number;
}

/**
 * Keeps rows where they are while a person points at them or has one of them in focus. What changed in a row is shown at once;
 * which rows the first page has changes when nothing of the table is in use, or when it is asked for. The pages behind it come as
 * the table is scrolled towards them, and the one that is looked at comes again from time to time.
 */
export function useRows(path: string, page: JobsPage | null, range: Range): Rows {
  const first = useFirst(path, page);
  const [loaded, setLoaded] = useState<{ readonly path: string; readonly later: readonly Block[] }>(none);
  const question = useQuestion();
  const asking = useRef<string | null>(null);
  // What was kept for another list, or another filter, is not of this one.
  const later = loaded.path === path ? loaded.later : [];
  const blocks = page === null ? [] : [blockOf(null, { ...page, rows: first.rows }), ...later];
  const ask = (index: number | null): void => {
    const cursor = index === null ? null : cursorOf(blocks, index);
    const asked = `${path}&after=${encodeURIComponent(cursor ?? '')}`;
    if (index === null || cursor === null || asking.current === asked) return;
    asking.current = asked;
    void question<JobsPage>(asked, () => asking.current === asked).then((outcome) => {
      if (asking.current !== asked) return;
      asking.current = null;
      if (outcome.is !== 'answer') return;
      const newest = blockOf(cursor, outcome.answer.data);
      const known = blocks[index];
      const block = known !== undefined && isInUse('.jobs') ? inOrderOf(known, newest) : newest;
      setLoaded((then) => {
        const before = then.path === path ? then.later : [];
        const all = withBlock([...blocks.slice(0, 1), ...before], index, block, range);
        return { path, later: all.slice(1) };
      });
    });
  };
  const load = (isWanted = false): void => ask(missingBlock(blocks, range, isWanted));
  useNowAndThen(page, () => ask(seenBlock(blocks, range) || null));
  useEffect(() => load(), [path, page === null, later, range.from, range.to]);
  return {
    slots: slotsOf(blocks),
    fresh: first.fresh,
    showFresh: first.showFresh,
    more: moreBehind(blocks.at(-1)),
    loadMore: () => load(true),
    looked: blocks.reduce((sum, { looked }) => sum + looked, 0),
  };
}

/** Calls a function some seconds after the call before it, once something has changed. */
function useNowAndThen(changes: unknown, run: () => void): void {
  const newest = useRef(run);
  newest.current = run;
  const ranAt = useRef(steady());
  useEffect(
    () =>
      after(Math.max(0, ranAt.current + againMs - steady()), () => {
        ranAt.current = steady();
        newest.current();
      }),
    [changes],
  );
}

function moreBehind(last: Block | undefined): Rows['more'] {
  if (last === undefined) return null;
  if (last.next === null) return last.isCut ? 'cut' : null;
  return last.isCut ? 'further' : 'rows';
}

const none = { path: '', later: [] };

/** The first page, which is asked for again and again. */
function useFirst(
  path: string,
  page: JobsPage | null,
): Pick<Rows, 'fresh' | 'showFresh'> & { readonly rows: readonly JobRow[] } {
  const [held, setHeld] = useState<{ readonly path: string; readonly order: readonly string[] } | null>(null);
  const known = useRef<ReadonlyMap<string, JobRow>>(new Map());
  const order = held?.path === path ? held.order : null;
  const rows = page?.rows ?? [];
  const newest = rows.map(({ id }) => id);
  const isHeld = order !== null && isInUse('.jobs');
  useEffect(() => {
    if (page !== null && !isHeld) setHeld({ path, order: newest });
  }, [page, isHeld]);
  const ids = isHeld ? order : newest;
  // Rows that are on the page and no longer in the list keep what was known of them.
  const all = new Map([...known.current, ...rows.map((row) => [row.id, row] as const)]);
  const shown = ids.flatMap((id) => all.get(id) ?? []);
  known.current = new Map(shown.map((row) => [row.id, row]));
  const fresh = isHeld ? newest.filter((id) => !order.includes(id)).length : 0;
  useLookWhenLeft(fresh > 0);
  return {
    rows: shown,
    fresh,
    showFresh: () => {
      known.current = all;
      setHeld({ path, order: newest });
    },
  };
}

/** New rows that wait are shown as soon as the table is left. */
function useLookWhenLeft(isNeeded: boolean): void {
  const [, look] = useState(0);
  useEffect(() => (isNeeded ? onLeaving(() => look((times) => times + 1)) : undefined), [isNeeded]);
}
