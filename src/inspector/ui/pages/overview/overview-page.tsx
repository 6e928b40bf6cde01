import { useEffect } from 'preact/hooks';
import type { OverviewView } from '../../../protocol/overview.ts';
import { attentionCount } from '../../app-state.ts';
import { setTitle } from '../../browser.ts';
import { ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { useLive } from '../../source/live.ts';
import { Attention } from './attention.tsx';
import { EndedStrip } from './ended-strip.tsx';
import { Readouts } from './readouts.tsx';
import { DispatcherTable, FailingTable, HeldTable, QueueTable } from './tables.tsx';

/** Whether anything is wrong, and where to look. */
export function OverviewPage() {
  const live = useLive<OverviewView>('overview');
  const answer = live.answer.value;
  const count = answer?.data.attention.length ?? 0;
  useEffect(() => {
    if (answer !== null) attentionCount.value = count;
    setTitle(`${count > 0 ? `${count} need attention` : 'Overview'} · Signalbox`);
  }, [answer === null, count]);
  if (answer === null)
    return (
      <main>
        <h1 class="unseen">Overview</h1>
        {live.problem.value === null ? (
          <Skeleton />
        ) : (
          <ProblemBox problem={live.problem.value} again={live.again} />
        )}
      </main>
    );
  const { data, at } = answer;
  return (
    <main>
      <Attention items={data.attention} rules={data.rules} at={at} />
      <Readouts view={data} />
      <EndedStrip ended={data.ended} />
      <div class="halves rule">
        <QueueTable queues={data.queues} />
        <DispatcherTable dispatchers={data.dispatchers} />
        <HeldTable rows={data.heldLongest} count={data.heldCount} />
        <FailingTable groups={data.failing} />
      </div>
    </main>
  );
}
