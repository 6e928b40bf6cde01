import type { Browser, Page } from 'playwright-core';
import { createSignalbox, defineJob, memoryStore } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';

const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });
const token = 'a-token-that-stays';

let browser: Browser;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => browser?.close());

/** A process with waiting jobs, and its inspector. */
async function begin(port: number, ids: readonly string[]) {
  const box = await createSignalbox({ store: memoryStore(), jobs: [send], queues: ['mail'] });
  const put = (id: string) => box.queue('mail').put(send('ada@example.org'), { id });
  for (const id of ids) await put(id);
  const { url, close } = await createInspector(box).listen({ port, token });
  const end = async (): Promise<void> => {
    await close();
    await box.stop();
  };
  return { url, port: Number(new URL(url).port), put, end };
}

/** Opens the waiting jobs; `asked`: every address that the page asks for. */
async function openJobs(url: string): Promise<{ readonly page: Page; readonly asked: readonly string[] }> {
  const page = await browser.newPage();
  ends.push(() => page.close());
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url);
  await page.waitForFunction(() => !location.hash.startsWith('#t='));
  await page.evaluate(() => {
    location.hash = '#/jobs?list=waiting';
  });
  await page.waitForSelector('.jobs tbody tr');
  return { page, asked };
}

function idsIn(page: Page): Promise<readonly string[]> {
  return page.$$eval('.jobs tbody .id', (cells) => cells.map((cell) => (cell as HTMLElement).title));
}

function appears(page: Page, id: string): Promise<unknown> {
  return page.waitForSelector(`[title="${id}"]`);
}

describe('A page', () => {
  it('shows what happens over one line, and asks for nothing again', async () => {
    const served = await begin(0, ['j1']);
    ends.push(served.end);
    const { page, asked } = await openJobs(served.url);
    const before = asked.length;

    await served.put('j2');
    await appears(page, 'j2');
    await served.put('j3');
    await appears(page, 'j3');

    expect(asked.length).toBe(before);
    expect(asked.filter((url) => /\/api\/v1\/(?!stream)/.test(url))).toEqual([]);
  });

  it('lets new rows wait while the pointer is in the table, until they are asked for or it leaves', async () => {
    const served = await begin(0, ['j1']);
    ends.push(served.end);
    const { page } = await openJobs(served.url);
    await page.hover('.jobs tbody tr .task');

    await served.put('j2');
    await page.waitForSelector('.fresh');
    const meanwhile = [await page.textContent('.fresh'), await idsIn(page)];
    await page.keyboard.press('n');
    await appears(page, 'j2');
    await served.put('j3');
    await page.waitForSelector('.fresh');
    await page.mouse.move(5, 5);
    await appears(page, 'j3');

    expect(meanwhile).toEqual(['1 new n', ['j1']]);
  });

  it('lets new rows wait while text of the table is selected', async () => {
    const served = await begin(0, ['j1']);
    ends.push(served.end);
    const { page } = await openJobs(served.url);
    await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector('.jobs') as Element));

    await served.put('j2');
    await page.waitForSelector('.fresh');
    const meanwhile = await idsIn(page);
    await page.evaluate(() => getSelection()?.removeAllRanges());
    await appears(page, 'j2');

    expect(meanwhile).toEqual(['j1']);
  });

  it('that is open while its server restarts has all of the new one, and no row twice', async () => {
    const old = await begin(0, ['j1', 'j2']);
    const { page } = await openJobs(old.url);
    const first = await idsIn(page);

    await old.end();
    await page.waitForSelector('.dot.stale');
    const fresh = await begin(old.port, ['j2', 'j3']);
    ends.push(fresh.end);
    await appears(page, 'j3');
    const second = await idsIn(page);
    await page.waitForFunction(() => document.querySelector('.dot.stale') === null);
    await fresh.put('j4');
    await appears(page, 'j4');

    expect([first, second, await idsIn(page)]).toEqual([
      ['j1', 'j2'],
      ['j2', 'j3'],
      ['j2', 'j3', 'j4'],
    ]);
  });
});
