import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../../protocol/hello.ts';
import type { JournalPage } from '../../../protocol/timeline.ts';
import { usePresent, useQuestion } from '../../source/live.ts';
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

/** Why a page that lies further back was not read. */
interface Failed {
  readonly problem: Problem['error'];
  readonly again: () => void;
}

/** Follows the journal, and reads back where it is asked to. `text`: the filter; `at`: an entry that must be there. */
export function useLog(text: string, at: number | null): ReadLog {
  const path = `journal?text=${encodeURIComponent(text)}`;
  const live = usePresent<JournalPage>(`${path}&limit=${pageLines}`);
  const [kept, setKept] = useState<{ readonly path: string; readonly log: Log }>({ path, log: emptyLog });
  const [isLoading, setLoading] = useState(false);
  const [failed, setFailed] = useState<Failed | null>(null);
  const asked = useRef(new Set<string>());
  const question = useQuestion();
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
    setFailed(null);
    void question<JournalPage>(key).then((outcome) => {
      asked.current.delete(key);
      setLoading(false);
      if (outcome.is === 'answer') change((old) => take(old, outcome.answer.data));
      if (outcome.is === 'problem')
        setFailed({ problem: outcome.problem, again: () => ask(before, limit, take) });
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
  const { problem, again } = failed ?? { problem: live.problem.value, again: live.again };
  return { log, page, problem, again, load, isLoading };
}
