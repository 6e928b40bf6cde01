import { defineJob, parallel } from 'signalbox';
import { explore } from 'signalbox/testing';
import { expect, it } from 'vitest';

it('Joined jobs keep their promises on every way, each way has a name of its own, and joins are taken out and cancelled as well', async () => {
  const ways = await explore({
    perturb: ['kill', 'unanswered', 'pulled', 'cancelled'],
    scenario: () => {
      const part = defineJob({ name: 'part', run: (n: number) => n });
      return { jobs: [part], act: ({ put }) => put(() => parallel([part(1), part(2)])) };
    },
  });
  for (const { run } of ways) await run();

  const names = [...ways].map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
  expect(names.filter((name) => /taken out|cancelled/.test(name)).slice(0, 4)).toEqual([
    'commit 1 job.put of signalbox.parallel · signalbox.parallel taken out',
    'commit 1 job.put of signalbox.parallel · signalbox.parallel cancelled',
    'commit 1 job.put of signalbox.parallel · part cancelled',
    'commit 1 job.put of signalbox.parallel · part 2 cancelled',
  ]);
  expect(ways.coverage('job').missed).not.toContain('active.waiting job.cancel callbacks');
});
