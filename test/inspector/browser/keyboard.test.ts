import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, stage } from './open.ts';

let open: Stage;

beforeAll(async () => {
  open = await stage();
});
afterAll(() => open?.close());

describe('With keys alone', () => {
  it('a job that failed is found, opened, stepped through and understood', async () => {
    const { failed } = open.seeded.ids;
    const { page } = await open.open('#/overview');

    await page.keyboard.press('g');
    await page.keyboard.press('j');
    await page.waitForSelector('nav[aria-label=Lists]');
    await tabTo(page, 'Failed');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.jobs .st-failed');
    const kept = await page.evaluate(() => document.activeElement?.textContent ?? '');
    await until(page, async () => {
      await page.keyboard.press('j');
      return (await page.evaluate(() => (document.activeElement as HTMLAnchorElement).hash)).includes(failed);
    });
    const seen = await focusIsSeen(page);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.chart');
    const newest = await selected(page);
    for (const _ of [1, 2, 3]) await page.keyboard.press('ArrowLeft');
    await expect.poll(() => selected(page), { timeout: 10_000 }).toBe('8');
    const isPast = await page.evaluate(() => document.body.classList.contains('in-past'));
    await page.keyboard.press('d');
    const range = await page.textContent('.seg [aria-pressed=true] >> nth=-1');
    await page.keyboard.press('L');
    await page.waitForFunction(() => !location.hash.includes('at='));

    expect([seen, kept]).toEqual([true, expect.stringMatching(/^Failed/)]);
    expect(newest).toBe('11');
    expect([isPast, range]).toEqual([true, 'attempt']);
    await page.close();
  });

  it('the tree of actors is walked through, unfolded and left for a job', async () => {
    const { page } = await open.open('#/overview');
    const press = async (...keys: readonly string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };

    await press('g', 'a');
    await page.waitForSelector('[role=tree]');
    await until(page, async () => {
      await press('Tab');
      return page.evaluate(() => document.activeElement?.getAttribute('role') === 'treeitem');
    });
    const [first, isSeen] = [await focused(page), await focusIsSeen(page)];
    await press('Home', 'ArrowDown', 'ArrowRight', 'ArrowDown');
    const agent = await focused(page);
    await press('Enter');
    await page.waitForSelector('h1:text("main")');
    const still = await focused(page);
    await press('ArrowRight');
    await page.waitForSelector('[role=treeitem][aria-level="4"]');
    await press('ArrowRight');
    const job = await focused(page);
    await press('ArrowLeft', 'ArrowLeft');
    const folded = await page.getAttribute('[role=treeitem]:focus', 'aria-expanded');
    await press('ArrowRight');
    await page.waitForSelector('[role=treeitem][aria-level="4"]');
    await press('ArrowRight', 'Enter');
    await page.waitForFunction(() => location.hash.startsWith('#/jobs/'));

    expect([first, isSeen]).toEqual([expect.stringContaining('dispatcher d10f'), true]);
    expect([agent, still]).toEqual([expect.stringMatching(/agent main default/), agent]);
    expect([job, folded]).toEqual([expect.stringContaining('report.build'), 'false']);
    await page.close();
  });

  it('no place holds the focus, and each place shows it', async () => {
    const { page } = await open.open(`#/jobs/${open.seeded.ids.held}`);

    const places: string[] = [];
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press('Tab');
      places.push(await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 80) ?? ''));
      if (places.at(-1)?.startsWith('<body')) break;
      expect(await focusIsSeen(page)).toBe(true);
    }

    expect(new Set(places).size).toBeGreaterThan(10);
    expect(places.at(-1)).toMatch(/^<body/);
    await page.close();
  });

  it('a dialog takes the focus, and gives it back', async () => {
    const { page } = await open.open(`#/jobs/${open.seeded.ids.held}`);

    await page.keyboard.press('Control+k');
    await page.waitForSelector('dialog[open] input:focus');
    await page.keyboard.type(open.seeded.ids.failed);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.title.startsWith('failed · payments.charge'));
    await page.keyboard.press('Tab');
    const held = await focused(page);
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });

    expect(await focused(page)).toBe(held);
    await page.close();
  });
});

async function selected(page: Page): Promise<string> {
  return (await page.textContent('.hist [aria-selected=true] .n')) ?? '';
}

async function tabTo(page: Page, text: string): Promise<void> {
  await until(page, async () => {
    await page.keyboard.press('Tab');
    return (await page.evaluate(() => document.activeElement?.textContent ?? '')).startsWith(text);
  });
}

async function until(page: Page, reached: () => Promise<boolean>): Promise<void> {
  for (let step = 0; step < 100; step += 1) if (await reached()) return;
  throw new Error(`Not reached on ${page.url()}.`);
}

/** The text of the place that holds the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent ?? '');
}

/** Whether the browser draws a ring, or the look changes, where the focus is. */
function focusIsSeen(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const { activeElement } = document;
    if (activeElement === null) return false;
    const ringed = [activeElement, activeElement.closest('label, tr')].some((element) => {
      if (element === null) return false;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
    });
    return ringed;
  });
}
