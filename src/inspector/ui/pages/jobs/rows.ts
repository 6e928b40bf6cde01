import { useEffect, useState } from 'preact/hooks';
import type { JobRow, JobsPage } from '../../../protocol/jobs.ts';
import { isInUse, onLeaving } from '../../browser.ts';
import { token } from '../../connection.ts';
import { question } from '../../source/answers.ts';

/** The rows of a list as they stand on the page. */
export interface Rows {
  readonly rows: readonly JobRow[];
  /** How many rows wait to be shown: they would move those under the pointer. */
  readonly fresh: number;
  readonly showFresh: () => void;
  /** The cursor of the page after these; null: there is none. */
  readonly more: string | null;
  readonly loadMore: () => void;
}

/**
 * Keeps rows where they are while a person points at them or has one of them in focus. What changed in a row is shown at once;
 * which rows there are changes when nothing of the table is in use, or when it is asked for.
 */
export function useRows(path: string, page: JobsPage | null): Rows {
  const [held, setHeld] = useState<{ readonly path: string; readonly order: readonly string[] } | null>(null);
  const [loaded, setLoaded] = useState<{ readonly path: string; readonly pages: readonly JobsPage[] } | null>(
    null,
  );
  // What was kept for another list, or another filter, is not of this one.
  const order = held?.path === path ? held.order : null;
  const later = loaded?.path === path ? loaded.pages : [];
  const setOrder = (ids: readonly string[]): void => setHeld({ path, order: ids });
  const first = page?.rows ?? [];
  const newest = first.map(({ id }) => id);
  const isHeld = order !== null && isInUse('.jobs');
  const fresh = isHeld ? newest.filter((id) => !order.includes(id)).length : 0;
  useLookWhenLeft(fresh > 0);
  useEffect(() => {
    if (page !== null && !isHeld) setOrder(newest);
  }, [page, isHeld]);
  const known = new Map([...first, ...later.flatMap(({ rows }) => rows)].map((row) => [row.id, row]));
  const kept = useKept(known);
  const shown = isHeld ? order : newest;
  const ids = [...new Set([...shown, ...later.flatMap(({ rows }) => rows.map(({ id }) => id))])];
  const more = (later.at(-1) ?? page)?.next ?? null;
  return {
    rows: ids.flatMap((id) => kept.get(id) ?? []),
    fresh,
    showFresh: () => setOrder(newest),
    more,
    loadMore: () => {
      if (more === null) return;
      void question<JobsPage>(`${path}&after=${encodeURIComponent(more)}`, token).then((outcome) => {
        if (outcome.is === 'answer') setLoaded({ path, pages: [...later, outcome.answer.data] });
      });
    },
  };
}

/** New rows that wait are shown as soon as the table is left. */
function useLookWhenLeft(isNeeded: boolean): void {
  const [, look] = useState(0);
  useEffect(() => (isNeeded ? onLeaving(() => look((times) => times + 1)) : undefined), [isNeeded]);
}

/** Rows that are on the page and no longer in the list keep what was known of them. */
function useKept(known: ReadonlyMap<string, JobRow>): ReadonlyMap<string, JobRow> {
  const [kept] = useState(() => new Map<string, JobRow>());
  for (const [id, row] of known) kept.set(id, row);
  return kept;
}
