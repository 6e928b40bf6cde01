import { afterAll, beforeAll, expect, it } from 'vitest';
import { seedSchedules } from '../seed-schedules.ts';
import { type Stage, stage } from './open.ts';

let open: Stage;
beforeAll(async () => {
  open = await stage();
  await seedSchedules(open.seeded);
});
afterAll(() => open?.close());

it('The list of schedules leads to what each of the last ticks of one became, and to its jobs', async () => {
  const { page } = await open.open('#/schedules');
  const rows = await page.locator('.schedules tbody tr').allInnerTexts();
  await page.click('.schedules a:text-is("import")');
  await page.waitForSelector('.ticklist');

  const [last = [], next = []] = await Promise.all(
    ['Last ticks', 'Next ticks'].map((name) =>
      page.locator(`section[aria-label="${name}"] tbody tr`).allInnerTexts(),
    ),
  );
  await page.click('.ticklist a >> nth=-1');
  await page.waitForSelector('.origin');
  const origin = await page.locator('.origin').textContent();
  await page.close();

  expect(rows.map((row) => row.split(/\s+/).slice(0, 3).join(' '))).toEqual([
    'import default active',
    'nightly default active',
    'once default ended',
    'prices default active',
    'newsletter mail paused',
  ]);
  expect(last.map((row) => /skipped|job/.exec(row)?.[0])).toEqual([...Array(3).fill('skipped'), 'job']);
  expect(next).toHaveLength(10);
  expect(origin).toBe('scheduledefault/import');
});
