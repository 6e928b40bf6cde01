import { useEffect } from 'preact/hooks';
import type { Hello } from '../../protocol/hello.ts';
import { announcement, dialog, hello, isInPast, route, turnTheme } from '../app-state.ts';
import { setPast, setTitle } from '../browser.ts';
import { isClosed } from '../connection.ts';
import { useKeys } from '../keys.ts';
import { JobsPage } from '../pages/jobs/jobs-page.tsx';
import { OverviewPage } from '../pages/overview/overview-page.tsx';
import { Empty, ProblemBox } from '../parts/messages.tsx';
import type { PageRoute } from '../route.ts';
import { usePresent } from '../source/live.ts';
import { HistoryBar } from '../time/history-bar.tsx';
import { Foot } from './foot.tsx';
import { GoTo } from './go-to.tsx';
import { KeysHelp } from './keys-help.tsx';
import { type LatePage, late } from './pages.tsx';
import { Sprite } from './sprite.tsx';
import { Top } from './top.tsx';

/** The frame of every page. */
export function Shell() {
  const { answer, problem, again } = usePresent<Hello>('hello');
  useEffect(
    () =>
      answer.subscribe((value) => {
        if (value === null) return;
        hello.value = value.data;
        isClosed.value = value.data.source === 'closed';
      }),
    [answer],
  );
  useEffect(() => setPast(isInPast.value), [isInPast.value]);
  useKeys({
    'mod+k': () => {
      dialog.value = 'goto';
    },
    '?': () => {
      dialog.value = 'keys';
    },
    T: turnTheme,
  });
  return (
    <>
      <Sprite />
      <Top />
      {route.value.page !== 'job' && <HistoryBar />}
      {problem.value !== null && answer.value === null ? (
        <main>
          <ProblemBox problem={problem.value} again={again} />
        </main>
      ) : (
        <Page />
      )}
      <Foot />
      {dialog.value === 'goto' && <GoTo />}
      {dialog.value === 'keys' && <KeysHelp />}
      <p class="unseen" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}

const JobPage = late(async () => (await import('../pages/job/job-page.tsx')).JobPage);
const latePages: Readonly<Record<PageRoute['page'], LatePage>> = {
  durable: late(async () => (await import('../pages/durable/durable-page.tsx')).DurablePage),
  actors: late(async () => (await import('../pages/actors/actors-page.tsx')).ActorsPage),
  queues: late(async () => (await import('../pages/queues/queues-page.tsx')).QueuesPage),
  schedules: late(async () => (await import('../pages/schedules/schedules-page.tsx')).SchedulesPage),
  timeline: late(async () => (await import('../pages/timeline/timeline-page.tsx')).TimelinePage),
  machines: late(async () => (await import('../pages/machines/machines-page.tsx')).MachinesPage),
};

function Page() {
  const { value } = route;
  if (value.page === 'job') return <JobPage key={value.id} id={value.id} at={value.at} tab={value.tab} />;
  if (value.page === 'jobs') return <JobsPage list={value.list} queue={value.queue} words={value.words} />;
  if (value.page === 'overview') return <OverviewPage />;
  if (value.page === 'none') return <NoPage />;
  const Late = latePages[value.page];
  return <Late route={value} />;
}

function NoPage() {
  setTitle('Nothing here · Signalbox');
  return (
    <main>
      <Empty title="There is no such page.">
        <a href="#/overview">Overview</a>
      </Empty>
    </main>
  );
}
