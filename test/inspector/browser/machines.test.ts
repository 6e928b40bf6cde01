import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stage, stage } from './open.ts';

let open: Stage;

beforeAll(async () => {
  open = await stage();
});
afterAll(() => open?.close());

it('A way that is picked leads to the jobs that took it last', async () => {
  const { page, complaints } = await open.open('#/machines');

  await page.click('.figures a:text-is("reschedule")');
  const taker = page.locator('.chart-area .rowlink').first();
  const name = await taker.textContent();
  await taker.click();
  const title = await page.waitForSelector('main h1:has-text(".")').then((found) => found.textContent());
  await page.close();

  expect(title).toContain(name);
  expect(complaints).toEqual([]);
});

it('A click on the chart picks a way, and the page goes on from there by keys', async () => {
  const { page } = await open.open('#/machines/job');

  await page.locator('.heat .edge:has-text("reschedule 22") text').click();
  await page.waitForSelector('.heat .edge.picked');
  const picked = await page.locator('[aria-label="Way picked"] .bar .mono').textContent();
  await page.keyboard.press('c');
  const isListed = await page.locator('.outline').isVisible();
  await page.close();

  expect(picked).toBe('running → pending · job.reschedule');
  expect(isListed).toBe(true);
});

it('On a phone the chart is a list whose ways can be picked', async () => {
  const { page } = await open.open('#/machines', { width: 390 });

  const isDrawn = await page.locator('.heat').first().isVisible();
  await page.locator('.outline a:text-is("claim")').first().click();
  await page.waitForSelector('[aria-label="Way picked"] .table');
  const rows = await page.locator('[aria-label="Way picked"] tbody tr').count();
  await page.close();

  expect([isDrawn, rows]).toEqual([false, 20]);
});
