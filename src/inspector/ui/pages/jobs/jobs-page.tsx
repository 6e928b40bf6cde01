import { useEffect, useRef, useState } from 'preact/hooks';
import type { JobListName, JobsPage as Page } from '../../../protocol/jobs.ts';
import { go } from '../../app-state.ts';
import { setTitle } from '../../browser.ts';
import { numberText } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { Banner, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { jobsHash } from '../../route.ts';
import { useLive } from '../../source/live.ts';
import { AllOfThem } from './all-of-them.tsx';
import { Filter } from './filter.tsx';
import { JobsTable } from './jobs-table.tsx';
import { EmptyList, ListTabs, listNames } from './list-tabs.tsx';
import { Peek } from './peek.tsx';
import { useRows } from './rows.ts';
import { useVisible } from './visible.ts';

/** Which jobs there are, and where they stand: six lists, each in its own order. */
export function JobsPage(props: {
  readonly list: JobListName;
  readonly queue: string | null;
  readonly words: string;
}) {
  const { list, queue, words } = props;
  const path = pathOf(list, queue, words);
  const live = useLive<Page>(path);
  const page = live.answer.value?.data ?? null;
  // While another list is asked for, what is said of all of them stays.
  const known = useRef<Page | null>(null);
  known.current = page ?? known.current;
  const { value: asOf } = live.asOf;
  const visible = useVisible('.jobs', '.row');
  const rows = useRows(asOf === null ? path : `${path}&at=${asOf}`, page, visible);
  const [peeked, setPeeked] = useState<string | null>(null);
  useEffect(() => setPeeked(null), [path]);
  useKeys({ n: rows.showFresh });
  const title = listNames[list];
  useEffect(() => setTitle(`${title} jobs · Signalbox`), [title]);
  const shown = rows.slots;
  const count = page === null || words !== '' || queue !== null ? null : page.counts[list];
  return (
    <main>
      <h1 class="unseen">{title} jobs</h1>
      <div class="tabs-row">
        <ListTabs list={list} queue={queue} counts={known.current?.counts ?? null} />
        <AllOfThem list={list} queue={queue} words={words} />
        {rows.fresh > 0 && (
          <button type="button" class="fresh" onClick={rows.showFresh}>
            {numberText(rows.fresh)} new <kbd>n</kbd>
          </button>
        )}
      </div>
      <Filter
        list={list}
        words={words}
        queue={queue}
        queues={known.current?.queues ?? []}
        change={(next) => go(jobsHash(list, next.queue, next.words), true)}
      />
      {page !== null && page.unknown.length > 0 && (
        <Banner>
          The filter does not know <b class="mono">{page.unknown.join(' ')}</b>. Words are task: queue:
          ending: tag: key: error: tries: run:, and plain ones.
        </Banner>
      )}
      {page === null && live.problem.value === null && <Skeleton />}
      {live.problem.value !== null && <ProblemBox problem={live.problem.value} again={live.again} />}
      {page !== null && shown.length === 0 && (
        <EmptyList list={list} isFiltered={words !== '' || queue !== null} />
      )}
      {shown.length > 0 && (
        <JobsTable
          list={list}
          slots={shown}
          visible={visible}
          count={count === null || count.more ? null : count.n}
          hasPlaces={words === ''}
          peeked={peeked}
          peek={(id) => setPeeked(id === peeked ? null : id)}
        />
      )}
      {page !== null && (
        <p class="pad faint small list-end">
          {numberText(shown.length)}
          {count !== null && count.n > shown.length
            ? ` of ${numberText(count.n)}${count.more ? '+' : ''} jobs`
            : shown.length === 1
              ? ' job'
              : ' jobs'}
          {rows.looked > shown.length ? `, ${numberText(rows.looked)} looked at` : ''}
          {rows.more === 'cut' ? '; the list goes on: filter to see others' : ''}
          {(rows.more === 'rows' || rows.more === 'further') && (
            <button type="button" class="btn small" onClick={rows.loadMore}>
              {rows.more === 'further' ? 'Look further' : 'More'}
            </button>
          )}
        </p>
      )}
      {peeked !== null && <Peek key={peeked} id={peeked} close={() => setPeeked(null)} />}
    </main>
  );
}

function pathOf(list: JobListName, queue: string | null, words: string): string {
  const query = new URLSearchParams({ list, limit: '200' });
  if (queue !== null) query.set('queue', queue);
  if (words !== '') query.set('text', words);
  return `jobs?${query}`;
}
