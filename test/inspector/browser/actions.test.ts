import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stopped, seedStops } from '../seed-stops.ts';
import { axe, barriersOf, colourRules } from './barriers.ts';
import { type Look, type Stage, stage, turnTo } from './open.ts';

let open: Stage;
let stopped: Stopped;

beforeAll(async () => {
  open = await stage(undefined, { level: 'admin' });
  stopped = await seedStops(open.seeded);
});
afterAll(() => open?.close());

const looks: readonly Look[] = [390, 1440].flatMap((width) => [
  { width, theme: 'light' as const },
  { width, theme: 'dark' as const },
]);

const shown: readonly (readonly [name: string, hash: () => string, press: string | null])[] = [
  ['A job that is being cancelled', () => `#/jobs/${stopped.cancelling}`, null],
  ['A job that was cancelled', () => `#/jobs/${stopped.cancelled}`, null],
  ['A job that is timing out', () => `#/jobs/${stopped.timingOut}`, null],
  ['A job that its code has put off', () => `#/jobs/${stopped.putOff}`, null],
  ['A queue that is paused', () => '#/queues/media', null],
  ['The question before a cancel', () => `#/jobs/${stopped.timingOut}`, 'Cancel…'],
];

it.each(shown)('%s has no barrier, and complains of nothing', async (_, hash, press) => {
  const { page, complaints } = await open.open(hash());
  await page.evaluate(axe);
  if (press !== null) await page.click(`text=${press}`);

  for (const look of looks) {
    await turnTo(page, look);
    expect(await (look.theme === 'dark' ? barriersOf(page, colourRules) : barriersOf(page))).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
  }

  expect(complaints).toEqual([]);
  await page.close();
});

describe('A job', () => {
  it('shows how far its code has come, as a bar and in numbers', async () => {
    const { page } = await open.open(`#/jobs/${stopped.timingOut}`);

    const bar = page.locator('.progress [role=progressbar]');

    expect(await page.textContent('.progress')).toContain('3,120 of 12,00026 %rows of vendor-9');
    expect(await bar.getAttribute('aria-valuenow')).toBe('26');
    const [all, full] = [await bar.boundingBox(), await bar.locator('.s-run').boundingBox()];
    expect((full?.width ?? 0) / (all?.width ?? 1)).toBeCloseTo(0.26, 1);
    await page.close();
  });

  it('is cancelled with keys alone, with a reason', async () => {
    const { page, complaints } = await open.open(`#/jobs/${stopped.timingOut}`);

    await focus(page, 'Cancel…');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog input:focus');
    await page.keyboard.type('the import hangs');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.head .st-cancelling');

    expect(await page.textContent('.why')).toContain('cancelled by local');
    expect(await page.locator('dialog').count()).toBe(0);
    expect(await page.locator('text=Cancel…').count()).toBe(0);
    const { stop } = (await open.seeded.box.job(stopped.timingOut).refresh()).record;
    expect(stop).toMatchObject({ by: 'local', reason: 'the import hangs' });
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('is left alone by Escape, and by the button that says so', async () => {
    const { running } = open.seeded.ids;
    const { page } = await open.open(`#/jobs/${running}`);

    await page.click('text=Cancel…');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.click('text=Cancel…');
    await page.click('text=Leave it');
    await page.waitForSelector('dialog', { state: 'detached' });

    expect((await open.seeded.box.job(running).refresh()).record.state).toBe('active.running');
    await page.close();
  });

  it('is asked for again under the same key when there was no answer', async () => {
    const { held } = open.seeded.ids;
    const { page } = await open.open(`#/jobs/${held}`);
    const keys: string[] = [];
    await page.route('**/api/v1/actions', async (route) => {
      keys.push((route.request().postDataJSON() as { readonly key: string }).key);
      await (keys.length === 1 ? route.abort() : route.continue());
    });

    await page.click('text=Cancel…');
    await page.click('text=Cancel the job');
    const said = await page.textContent('dialog [role=alert]');
    await page.click('text=Cancel the job');
    await page.waitForSelector('.head .st-cancelled');

    expect(said).toContain('it may have been done or not');
    expect(keys).toEqual([keys[0], keys[0]]);
    await page.close();
  });

  it('says in the dialog why it was refused', async () => {
    const { refused } = open.seeded.ids;
    const { page } = await open.open(`#/jobs/${refused}`);
    const error = { code: 'LEVEL_REFUSED', text: 'This needs level admin.', repair: 'Ask for it.' };
    await page.route('**/api/v1/actions', (route) => route.fulfill({ status: 403, json: { error } }));

    await page.click('text=Cancel…');
    await page.click('text=Cancel the job');

    expect(await page.textContent('dialog [role=alert]')).toBe('This needs level admin. Ask for it.');
    await page.close();
  });
});

it('A queue is paused and resumed', async () => {
  const { page } = await open.open('#/queues/mail');

  await page.click('.head >> text=Pause…');
  await page.click('text=Pause the queue');
  await page.waitForSelector('.head .st-paused');
  const banner = await page.textContent('.banner');
  await page.click('.banner >> text=Resume…');
  await page.click('dialog .main');
  await page.waitForSelector('.banner', { state: 'detached' });

  expect(banner).toContain('All jobs');
  expect(banner).toContain('paused by local since');
  expect(await open.seeded.box.queue('mail').pauses()).toEqual([]);
  await page.close();
});

it('Nothing is offered to those who may only look, or in the past', async () => {
  const { running } = open.seeded.ids;
  const onlyLooking = await stage(open.seeded);

  const { page } = await onlyLooking.open(`#/jobs/${running}`);
  const { page: past } = await open.open(`#/jobs/${running}?at=846`);
  await past.waitForSelector('body.in-past');

  expect(await page.locator('text=Cancel…').count()).toBe(0);
  expect(await past.locator('text=Cancel…').count()).toBe(0);
  await Promise.all([page.close(), past.close()]);
  await Promise.all([onlyLooking.browser.close(), onlyLooking.listening.close()]);
});

async function focus(page: Page, text: string): Promise<void> {
  for (let step = 0; step < 100; step += 1) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate(() => document.activeElement?.textContent ?? '')) === text) return;
  }
  throw new Error(`${text} is not reached by keys.`);
}
