import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../../protocol/hello.ts';
import type { JournalPage } from '../../../protocol/timeline.ts';
import { token } from '../../connection.ts';
import { question } from '../../source/answers.ts';
import { usePresent } from '../../source/live.ts';
import { covers, emptyLog, firstGap, type Log, withApart, withBefore, withNewest } from './log-model.ts';

/** Lines of one page, of one that fills a gap, and entries of a second that are all shown: of more only the newest are. */
const [pageLines, gapLines, mostPerSecond] = [200, 500, 2000];
/** Entries after the one in the address that are read with it. */
const around = 100;

/** The journal as far as it was read. */
export interface ReadLog {
  readonly log: Log;
  /** The newest answer; null: none yet. */
  readonly page: JournalPage | null;
  readonly problem: Problem['error'] | null;
  readonly again: () => void;
  /** Reads the page before a seq. */
  readonly load: (before: number) => void;
  readonly isLoading: boolean;
}

/** Follows the journal, and reads back where it is asked to. `text`: the filter; `at`: an entry that must be there. */
export function useLog(text: string, at: number | null): ReadLog {
  const path = `journal?text=${encodeURIComponent(text)}`;
  const live = usePresent<JournalPage>(`${path}&limit=${pageLines}`);
  const [kept, setKept] = useState<{ readonly path: string; readonly log: Log }>({ path, log: emptyLog });
  const [isLoading, setLoading] = useState(false);
  const asked = useRef(new Set<string>());
  const page = live.answer.value?.data ?? null;
  // What was read for another filter is not of this one.
  const log = kept.path === path ? kept.log : emptyLog;
  const change = (to: (log: Log) => Log): void =>
    setKept((old) => ({ path, log: to(old.path === path ? old.log : emptyLog) }));
  const ask = (before: number, limit: number, take: (log: Log, page: JournalPage) => Log): void => {
    const key = `${path}&limit=${limit}&before=${before}`;
    if (asked.current.has(key)) return;
    asked.current.add(key);
    setLoading(true);
    void question<JournalPage>(key, token).then((outcome) => {
      asked.current.delete(key);
      setLoading(false);
      if (outcome.is === 'answer') change((old) => take(old, outcome.answer.data));
    });
  };
  const load = (before: number, limit = pageLines): void =>
    ask(before, limit, (old, read) => withBefore(old, before, read));
  const isReady = log.stretches.length > 0;
  useEffect(() => {
    if (at !== null && isReady && !covers(log, at)) ask(at + around, pageLines, withApart);
  }, [at, isReady, path]);
  useEffect(() => {
    if (page !== null) change((old) => withNewest(old, page));
  }, [page, path]);
  const gap = firstGap(log);
  // Where it is not known how much it is, one page of it is read.
  const fills =
    gap !== null && (gap.entries === null ? gap.before === page?.from : gap.entries <= mostPerSecond);
  useEffect(() => {
    if (gap !== null && fills) load(gap.before, gapLines);
  }, [gap?.before, fills]);
  return { log, page, problem: live.problem.value, again: live.again, load, isLoading };
}
