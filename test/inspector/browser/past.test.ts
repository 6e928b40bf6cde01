import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, stage } from './open.ts';

let open: Stage;
let newest: number;

beforeAll(async () => {
  open = await stage();
  newest = (await open.seeded.box.store.position()).seq;
});
afterAll(() => open?.close());

/** What the time bar says, once it says that. */
async function momentIs(page: Page, seq: number): Promise<string> {
  const text = `seq ${seq.toLocaleString('en-US')}`;
  await page.waitForFunction((words) => document.querySelector('.words')?.textContent?.includes(words), text);
  return (await page.textContent('.words')) ?? '';
}

function isPast(page: Page): Promise<boolean> {
  return page.evaluate(() => document.body.classList.contains('in-past'));
}

const atOf = (page: Page): number => Number(/at=(\d+)/.exec(page.url())?.[1]);

describe('The time bar', () => {
  it('is stepped by keys on the overview, which is then of that moment, and L leads to now', async () => {
    const { page } = await open.open('#/overview');

    await momentIs(page, newest);
    await page.keyboard.press('ArrowLeft');
    const words = await momentIs(page, newest - 1);
    await page.waitForFunction(() => document.body.classList.contains('in-past'));
    await page.keyboard.press('Shift+ArrowLeft');
    await momentIs(page, newest - 11);
    await page.keyboard.press('ArrowRight');
    await momentIs(page, newest - 10);
    await page.keyboard.press('Home');
    await momentIs(page, 1);
    // What was shown before stays until the answer has come.
    await page.waitForSelector('main:has-text("Nothing needs you")');
    await page.keyboard.press('L');
    await momentIs(page, newest);
    await page.waitForFunction(() => !document.body.classList.contains('in-past'));

    expect(words).toMatch(/ago$/);
    expect(page.url()).not.toContain('at=');
    await page.close();
  });

  it('is dragged: the page follows, links keep the moment, and the dot says that it is the past', async () => {
    const { page, complaints } = await open.open('#/overview');
    await momentIs(page, newest);
    const box = await page.locator('.time .scale').boundingBox();
    if (box === null) throw new Error('there is no scale');

    await page.mouse.move(box.x + box.width - 2, box.y + 12);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 12, { steps: 5 });
    await page.mouse.move(box.x + box.width * 0.5, box.y + 12, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(
      () => /at=\d+/.test(location.hash) && document.querySelector('.dot.at') !== null,
    );
    const at = atOf(page);
    await momentIs(page, at);
    await page.click('nav[aria-label=Pages] a:has-text("Jobs")');
    await page.waitForSelector('nav[aria-label=Lists]');

    expect(at).toBeGreaterThan(100);
    expect(at).toBeLessThan(newest - 50);
    expect([atOf(page), await isPast(page)]).toEqual([at, true]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('takes a seq, a time and the id of a job that is typed', async () => {
    const { page } = await open.open('#/overview');
    const type = async (text: string) => {
      await page.click('.words');
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    };

    await type('seq 400');
    await momentIs(page, 400);
    await type('13:59:00');
    await page.waitForFunction(() => !location.hash.includes('at=400'));
    const words = await momentIs(page, atOf(page));
    await type(open.seeded.ids.held);
    await page.waitForFunction((id) => location.hash.includes(id), open.seeded.ids.held);

    expect(words).toMatch(/13:5[89]:\d\d/);
    await page.waitForSelector('main .empty');
    expect(await page.textContent('main')).toContain('There was no such job at this moment.');
    await page.close();
  });

  it('plays the past until it is paused, and says for those who hear it where it is', async () => {
    const { page } = await open.open(`#/overview?at=${newest - 200}`);
    await momentIs(page, newest - 200);

    await page.click('button[aria-label=Play]');
    await page.waitForFunction(
      (from) => Number(/at=(\d+)/.exec(location.hash)?.[1]) > from + 3,
      newest - 200,
    );
    await page.click('button[aria-label=Pause]');
    const at = atOf(page);
    await momentIs(page, at);
    const slider = page.locator('[role=slider]');

    expect(await slider.getAttribute('aria-valuetext')).toMatch(new RegExp(`^seq ${at}, .* ago$`));
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await momentIs(page, at - 1);
    await page.close();
  });

  it('shows a job with the reason and the values of then', async () => {
    const { page } = await open.open(`#/jobs/${open.seeded.ids.failed}`);

    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.querySelector('.why .label')?.textContent === 'Why then');
    const why = await page.textContent('.why');
    const outcome = await page.textContent('[role=tab]:has-text("Outcome")');
    const lines = await page.locator('.hist .entry').count();
    await page.keyboard.press('L');
    await page.waitForFunction(() => document.querySelector('.why .label')?.textContent === 'Why');

    expect(why).not.toContain('is not kept');
    expect([outcome, lines]).toEqual(['Outcome–', 11]);
    expect(await page.textContent('[role=tab]:has-text("Outcome")')).toContain('✕');
    await page.close();
  });
});
