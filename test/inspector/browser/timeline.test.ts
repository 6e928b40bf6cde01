import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stage, stage } from './open.ts';

let open: Stage;

beforeAll(async () => {
  open = await stage();
});
afterAll(() => open?.close());

/** Writes entries, many in one tick. */
async function write(count: number, name: string): Promise<void> {
  const { quotas } = open.seeded.box.queue('media');
  for (let done = 0; done < count; done += 5000)
    await Promise.all(
      Array.from({ length: Math.min(5000, count - done) }, (_, index) =>
        quotas.create(`${name}-${done + index}`),
      ),
    );
}

/** How many pages of lines are scrolled through. */
const pagesRead = 5;

const rows = (page: Page) => page.locator('.log .entry').count();
const firstSeq = (page: Page) => page.locator('.log .entry .n').first().textContent();

it('The sequence without a name is that of the job that was written last', async () => {
  const { page } = await open.open('#/timeline?view=sequence');

  await page.waitForSelector('.seq');

  expect(await page.evaluate(() => decodeURIComponent(location.hash))).toContain('id:');
  await page.close();
});

describe('The log', () => {
  it('shows what an entry changed when it is chosen by keys, and is of that moment', async () => {
    const { page } = await open.open('#/timeline?view=log');
    await page.waitForSelector('.log .entry');

    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.waitForSelector('.log .entry:focus');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.commit li');

    const seq = (await page.locator('.log [aria-selected=true] .n').textContent())?.replaceAll(',', '');
    expect(await page.evaluate(() => location.hash)).toContain(`at=${seq}`);
    expect(await page.locator('section[aria-label=Entry]').textContent()).toContain('Changed');
    await page.close();
  });

  it('begins at the entry that the address names', async () => {
    const { page } = await open.open('#/timeline?view=log&at=33');

    await page.waitForSelector('.log [aria-selected=true]');

    expect(await page.locator('.log [aria-selected=true] .n').textContent()).toBe('33');
    await page.close();
  });

  it('asks again for a page of the past that did not arrive', async () => {
    const { page } = await open.open('#/timeline?view=log');
    let lost = 0;
    await page.route(/journal.*before=/, (route) => {
      lost += 1;
      return lost === 1 ? route.abort() : route.continue();
    });

    await page.evaluate(() => {
      location.hash = '#/timeline?view=log&at=33';
    });
    await page.waitForSelector('.log [aria-selected=true]');

    expect(lost).toBeGreaterThan(1);
    await page.close();
  });

  it('does not move under the pointer: what is new waits, and says how much it is', async () => {
    const { page } = await open.open('#/timeline?view=log');
    await page.hover('.log .entry >> nth=3');
    const before = await firstSeq(page);

    await write(12, 'new');
    await page.waitForSelector('.fresh');

    expect([await firstSeq(page), await page.locator('.fresh').textContent()]).toEqual([
      before,
      expect.stringContaining('12 new'),
    ]);
    await page.keyboard.press('n');
    await page.waitForFunction(
      (old) => document.querySelector('.log .entry .n')?.textContent !== old,
      before,
    );
    await page.close();
  });

  it('scrolls in thousands of entries with few rows on the page', async () => {
    await write(5000, 'q');
    const { page } = await open.open('#/timeline?view=log');

    let most = 0;
    for (let turn = 0; turn < pagesRead; turn += 1) {
      const height = await page.evaluate(() => {
        const log = document.querySelector('.log');
        const known = log?.scrollHeight ?? 0;
        if (log !== null) log.scrollTop = known;
        return known;
      });
      await page.waitForFunction(
        (known) => (document.querySelector('.log')?.scrollHeight ?? 0) > known,
        height,
      );
      most = Math.max(most, await rows(page));
    }

    const last = Number((await page.locator('.log .entry .n').last().textContent())?.replaceAll(',', ''));
    const { seq } = await open.seeded.box.store.position();
    expect(most).toBeLessThan(100);
    expect(seq - last).toBeGreaterThan(150 * pagesRead);
    await page.close();
  });
});

it('Escape leaves the filter, and not the moment', async () => {
  const { page } = await open.open('#/timeline?view=log&at=826');
  await page.keyboard.press('/');

  await page.keyboard.press('Escape');

  expect(
    await page.evaluate(() => [location.hash.includes('at=826'), document.activeElement?.tagName]),
  ).toEqual([true, 'BODY']);
  await page.close();
});

it('The outline of a job that is over says how it ended, and not how long ago', async () => {
  const { page } = await open.open(`#/jobs/${open.seeded.ids.failed}`, { width: 390 });

  const end = page.locator('.outline .ends');

  expect(await end.locator('.stop').textContent()).toMatch(/completed ×1\s*failed$/);
  await page.close();
});
