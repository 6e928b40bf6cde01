import { useEffect } from 'preact/hooks';
import type { QueueView } from '../../../protocol/queues.ts';
import { setTitle } from '../../browser.ts';
import { numberText } from '../../format.ts';
import { ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { pageHash } from '../../route.ts';
import { useLive } from '../../source/live.ts';
import { Agents } from './agents.tsx';
import { ClaimOrder } from './claim-order.tsx';
import { Lanes } from './lanes.tsx';
import { Limits } from './limits.tsx';
import { Pauses } from './pauses.tsx';
import { QueueHead } from './queue-head.tsx';
import { queueName } from './queue-name.ts';
import { Quotas } from './quotas.tsx';

/** One queue: the order of claims, its lanes, its quotas and its agents. */
export function QueuePage({ name }: { readonly name: string }) {
  const live = useLive<QueueView>(`queues/${encodeURIComponent(name)}`);
  const view = live.answer.value?.data ?? null;
  const shown = queueName(name);
  const waiting = view === null ? '' : `: ${numberText(view.waiting.n)} wait`;
  useEffect(() => setTitle(`${shown}${waiting} · Signalbox`), [shown, waiting]);
  const problem = live.problem.value;
  if (view === null)
    return (
      <main>
        <div class="head">
          <a class="back" href={pageHash('queues')}>
            ← Queues
          </a>
          <h1 class="mono">{shown}</h1>
        </div>
        {problem === null ? <Skeleton /> : <ProblemBox problem={problem} again={live.again} />}
      </main>
    );
  return (
    <main>
      <QueueHead view={view} />
      {problem !== null && <ProblemBox problem={problem} again={live.again} />}
      <Pauses view={view} />
      <div class="cols even">
        <section class="area" aria-label="Claim order and lanes">
          <ClaimOrder view={view} />
          <Lanes lanes={view.lanes} />
        </section>
        <section class="area" aria-label="Quotas and agents">
          <Quotas quotas={view.quotas} />
          <Limits limits={view.limits} />
          <Agents queue={name} agents={view.agents} />
        </section>
      </div>
    </main>
  );
}
