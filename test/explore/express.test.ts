import { explore } from 'signalbox/testing';
import { afterAll, expect, it } from 'vitest';
import { copyOfExample } from './copy-of-example.ts';

const copy = copyOfExample('express', ['jobs.ts']);
afterAll(copy.remove);

it('The job of the Express example goes on with its next step on every way', async () => {
  const { report, stepAnnotation } = await copy.load('jobs.ts');
  const ways = await explore({
    scenario: () => {
      let id: string | null = null;
      return {
        jobs: [report],
        act: async ({ put }) => {
          id = await put(() => report('sales', 3), { beginBy: '1h' });
        },
        check: async (box) => {
          const job = await box.job(id ?? '').refresh();
          if (job.ending === 'succeeded') expect(job.annotations[stepAnnotation]).toBe(3);
        },
      };
    },
  });
  for (const { run } of ways) await run();

  expect(ways.coverage('job').missed).toEqual([]);
  expect([...ways].map(({ name }) => name)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^commit \d annotation.set .*step · power cut$/)]),
  );
});
