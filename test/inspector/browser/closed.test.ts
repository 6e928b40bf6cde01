import { createSignalbox, defineJob } from 'signalbox';
import { readInspector } from 'signalbox/inspector';
import { jsonStore, readStore } from 'signalbox/json';
import { expect, it } from 'vitest';
import { newPath } from '../../store/json/open-store.ts';
import { launchChromium } from './chromium.ts';

const send = defineJob({ name: 'mail.send', run: (to: string) => to });

it('A store without its process is called closed, and its clock stands still', async () => {
  const dir = newPath();
  const box = await createSignalbox({ store: jsonStore(dir), jobs: [send], queues: ['mail'] });
  const job = await box.queue('mail').put(send('ada@example.org'));
  await box.stop();
  const { url, close } = await readInspector(await readStore(dir)).listen();
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.clock.install();

  await page.goto(url);
  await page.waitForSelector('.dot:has-text("closed")');
  await page.evaluate((id) => {
    location.hash = `#/jobs/${id}`;
  }, job.id);
  await page.waitForSelector('.head .st, .head .badge, main .chart');
  const first = await page.textContent('header + *');
  // The clock of a page that is live moves twice a second.
  await page.clock.runFor(3000);
  const later = await page.textContent('header + *');

  expect(later).toBe(first);
  await browser.close();
  await close();
});
