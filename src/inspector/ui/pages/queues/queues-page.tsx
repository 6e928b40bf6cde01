import { setTitle } from '../../browser.ts';
import { Empty } from '../../parts/messages.tsx';
import type { LatePage } from '../../shell/pages.tsx';

export const QueuesPage: LatePage = () => {
  setTitle('Queues · Signalbox');
  return (
    <main>
      <h1 class="unseen">Queues</h1>
      <Empty title="This page is not there yet." />
    </main>
  );
};
