import './schedules.css';
import { useEffect } from 'preact/hooks';
import type { SchedulesView } from '../../../protocol/queues.ts';
import { setTitle } from '../../browser.ts';
import { numberText } from '../../format.ts';
import { Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import type { LatePage } from '../../shell/pages.tsx';
import { useLive } from '../../source/live.ts';
import { SchedulePage } from './schedule-page.tsx';
import { SchedulesTable } from './schedules-table.tsx';

/** When schedules put their next jobs, and what their last ticks led to: of all, or of one. */
export const SchedulesPage: LatePage = ({ route }) =>
  route.id === null ? <AllSchedules /> : <SchedulePage key={route.id} id={route.id} />;

function AllSchedules() {
  const live = useLive<SchedulesView>('schedules');
  const view = live.answer.value?.data ?? null;
  useEffect(() => setTitle('Schedules · Signalbox'), []);
  return (
    <main>
      <div class="bar">
        <h1 class="label">Schedules</h1>
        {view !== null && <span class="mono quiet">{numberText(view.schedules.length + view.more)}</span>}
        {view !== null && view.more > 0 && (
          <span class="quiet">the first {numberText(view.schedules.length)} are shown</span>
        )}
      </div>
      {view === null && live.problem.value === null && <Skeleton />}
      {live.problem.value !== null && <ProblemBox problem={live.problem.value} again={live.again} />}
      {view?.schedules.length === 0 && (
        <Empty title="There is no schedule.">
          Put a job again and again:
          <code>{"await queue.schedules.set('report', { cron: '0 7 * * *' }, report())"}</code>
        </Empty>
      )}
      {view !== null && view.schedules.length > 0 && <SchedulesTable schedules={view.schedules} />}
    </main>
  );
}
