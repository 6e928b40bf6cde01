import { setTitle } from '../../browser.ts';
import { Empty } from '../../parts/messages.tsx';
import type { LatePage } from '../../shell/pages.tsx';

export const MachinesPage: LatePage = () => {
  setTitle('Machines · Signalbox');
  return (
    <main>
      <h1 class="unseen">Machines</h1>
      <Empty title="This page is not there yet." />
    </main>
  );
};
