import { afterAll, beforeAll, expect, it } from 'vitest';
import { actorIds, seedActors } from '../seed-actors.ts';
import { type Stage, stage } from './open.ts';

let open: Stage;
beforeAll(async () => {
  open = await stage(undefined, { level: 'admin' });
  await seedActors(open.seeded);
});
afterAll(() => open?.close());

it('The list of durable actors is filtered by a state, and leads to an actor, its child and its parent', async () => {
  const { page, complaints } = await open.open('#/durable');

  await page.click('.counts a:text-is("sending.goods.moving + sending.papers.written")');
  await page.waitForFunction(() => document.querySelectorAll('.durable tbody tr').length === 7);
  await page.click(`.durable a:text-is("${actorIds.sending}")`);
  await page.waitForSelector('section[aria-label="Children"]');
  const now = await page.locator('.outline .now .name').allInnerTexts();
  await page.click('section[aria-label="Children"] a:text-is("parcel")');
  await page.waitForSelector(`h1:text-is("${actorIds.parcel}")`);
  const parent = await page.locator('.head .facts a').textContent();
  await page.close();

  expect(now).toEqual(['moving', 'written']);
  expect(parent).toBe(actorIds.sending);
  expect(complaints).toEqual([]);
});

it('A suspended actor is resumed without what threw, and the page follows', async () => {
  const { page } = await open.open(`#/durable/${encodeURIComponent(actorIds.suspended)}`);
  const before = await page.locator('.head .pill').textContent();

  await page.click('text=Skip…');
  await page.fill('dialog input', 'the bank has confirmed');
  await page.click('dialog button[type=submit]');
  await page.waitForSelector('.head .pill:text-is("done")');
  const events = await page.locator('.journal tbody tr .task').allInnerTexts();
  await page.close();

  expect(before).toBe('suspended');
  expect(events.map((text) => text.trim()).slice(0, 2)).toEqual(['reject', 'signalbox.resume']);
});

it('The page of a child job leads to its actor', async () => {
  const { jobs } = await open.seeded.box.jobs({ job: 'orders.collect' }).page({ limit: 1 });
  const { page } = await open.open(`#/jobs/${jobs[0]?.id}`);

  const origin = await page.waitForSelector('.origin').then((found) => found.textContent());
  await page.close();

  expect(origin).toMatch(/^child of actorpurchase\/[AB]-\d{4}as collect$/);
});

it('A history is copied as a test, from the page of an actor and of a job', async () => {
  const { failed } = open.seeded.ids;
  const found: string[] = [];
  for (const hash of [`#/durable/${encodeURIComponent(actorIds.paying)}`, `#/jobs/${failed}`]) {
    const { page, complaints } = await open.open(hash);
    await page.click('text=Copy as test');
    found.push((await page.locator('dialog pre.file').textContent()) ?? '');
    const saved = page.waitForEvent('download');
    await page.click('text=Save…');
    found.push((await saved).suggestedFilename());
    await page.close();
    expect(complaints).toEqual([]);
  }

  const [ofActor, actorFile, ofJob, jobFile] = found;
  expect(ofActor).toContain("import { replay } from 'signalbox/testing';\n");
  expect(ofJob).toContain('const run = await replay(job, {');
  expect([actorFile, jobFile]).toEqual([
    `${actorIds.paying.replace('/', '-')}.test.ts`,
    expect.stringMatching(new RegExp(`-${failed}\\.test\\.ts$`)),
  ]);
});

it('A durable actor is gone to by its id', async () => {
  const { page } = await open.open('#/overview');

  await page.keyboard.press('Control+k');
  await page.keyboard.type(actorIds.parcel);
  await page.keyboard.press('Enter');
  const title = await page.waitForSelector('main h1.mono').then((found) => found.textContent());
  await page.close();

  expect(title).toBe(actorIds.parcel);
});
