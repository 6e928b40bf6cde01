import './queues.css';
import { useEffect } from 'preact/hooks';
import type { QueuesView } from '../../../protocol/queues.ts';
import { setTitle } from '../../browser.ts';
import { numberText } from '../../format.ts';
import { Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import type { LatePage } from '../../shell/pages.tsx';
import { useLive } from '../../source/live.ts';
import { QueuePage } from './queue-page.tsx';
import { QueuesTable } from './queues-table.tsx';

/** In which order jobs wait, and what holds them up: of all queues, or of one. */
export const QueuesPage: LatePage = ({ route }) =>
  route.id === null ? <AllQueues /> : <QueuePage key={route.id} name={route.id} />;

function AllQueues() {
  const live = useLive<QueuesView>('queues');
  const view = live.answer.value?.data ?? null;
  useEffect(() => setTitle('Queues · Signalbox'), []);
  return (
    <main>
      <div class="bar">
        <h1 class="label">Queues</h1>
        {view !== null && <span class="mono quiet">{numberText(view.queues.length)}</span>}
      </div>
      {view === null && live.problem.value === null && <Skeleton />}
      {live.problem.value !== null && <ProblemBox problem={live.problem.value} again={live.again} />}
      {view?.queues.length === 0 && (
        <Empty title="There is no queue.">
          A process that starts makes the default one:
          <code>await box.start()</code>
        </Empty>
      )}
      {view !== null && view.queues.length > 0 && <QueuesTable queues={view.queues} />}
    </main>
  );
}
