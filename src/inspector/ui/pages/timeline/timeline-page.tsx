import { setTitle } from '../../browser.ts';
import { Empty } from '../../parts/messages.tsx';
import type { LatePage } from '../../shell/pages.tsx';

export const TimelinePage: LatePage = () => {
  setTitle('Timeline · Signalbox');
  return (
    <main>
      <h1 class="unseen">Timeline</h1>
      <Empty title="This page is not there yet." />
    </main>
  );
};
