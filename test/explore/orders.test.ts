import { explore } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { approved, shop, slowly } from './orders.ts';

it('An order of the example is charged once on every way, and reaches an end', {
  timeout: 180_000,
}, async () => {
  const ways = await explore({
    ...slowly,
    scenario: (run) =>
      approved(shop, (lines) => ({
        invariant: () => {
          expect(lines.filter((line) => line.includes(' charge ')).length).toBeLessThan(2);
        },
        check: () => {
          expect(['delivered', 'declined', 'expired']).toContain(run.actor('order/17')?.state);
        },
      })),
  });
  for (const { run } of ways) await run();

  expect(ways.coverage('job').missed).toEqual([]);
  expect([...ways].map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'commit 2 order.approve of order/17 · sent twice',
      'commit 4 job.finish of charge · power cut',
      'commit 1 signalbox.start of order/17 · next timer of order/17 first',
    ]),
  );
});
