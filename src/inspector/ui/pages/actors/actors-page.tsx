import { setTitle } from '../../browser.ts';
import { Empty } from '../../parts/messages.tsx';
import type { LatePage } from '../../shell/pages.tsx';

export const ActorsPage: LatePage = () => {
  setTitle('Actors · Signalbox');
  return (
    <main>
      <h1 class="unseen">Actors</h1>
      <Empty title="This page is not there yet." />
    </main>
  );
};
