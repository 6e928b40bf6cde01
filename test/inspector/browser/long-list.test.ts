import { createSignalbox, defineJob, memoryStore } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Stage, stage } from './open.ts';

const send = defineJob({ name: 'mail.send', run: (n: number) => n });
const count = 900;

let open: Stage;

beforeAll(async () => {
  const reactor = new VirtualReactor();
  const box = await createSignalbox({ store: memoryStore(), reactor, jobs: [send], queues: ['mail'] });
  reactor.attach(box);
  await box.queue('mail').putAll(Array.from({ length: count }, (_, n) => send(n)));
  open = await stage({ box, reactor, ids: {} as never, close: () => box.stop({ grace: 0 }) });
});
afterAll(() => open?.close());

it('A long list draws what can be seen, asks for the rest as it is scrolled, and ends at its last job', async () => {
  const { page, asked } = await open.open('#/jobs?list=waiting');
  const places = (): Promise<string[]> =>
    page.evaluate(() =>
      [...document.querySelectorAll('.jobs .row td:first-child')].map((cell) => cell.textContent ?? ''),
    );
  const later = (): number => asked.filter((url) => url.includes('after=')).length;
  await page.waitForFunction(() => document.querySelector('.jobs.long') !== null);
  const drawn = await places();
  const askedAtFirst = later();

  await page.waitForFunction((last) => {
    scrollTo(0, document.body.scrollHeight);
    return [...document.querySelectorAll('.jobs .row td:first-child')].at(-1)?.textContent === last;
  }, String(count));
  const atEnd = await places();
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForFunction(() => document.querySelector('.jobs .row td:first-child')?.textContent === '1');
  await page.close();

  expect([drawn[0], drawn.length < 120, atEnd.length < 120]).toEqual(['1', true, true]);
  expect([askedAtFirst <= 2, later()]).toEqual([true, 4]);
});

it('A page far down in a list follows what happens to its jobs', async () => {
  const { page } = await open.open('#/jobs?list=waiting');
  const jobs = open.seeded.box.queue('mail');
  const last = (await jobs.jobs()).at(-1);
  const isShown = (id: string | null): Promise<unknown> =>
    page.waitForFunction((job) => {
      scrollTo(0, document.body.scrollHeight);
      return document.querySelector(`[data-job="${job}"]`) !== null;
    }, id);
  await isShown(last?.id ?? null);
  // Rows do not come and go under the pointer.
  await page.mouse.move(700, 895);

  const added = await jobs.put(send(-1));
  await isShown(added.id);
  await jobs.remove(added);
  await page.waitForFunction((job) => document.querySelector(`[data-job="${job}"]`) === null, added.id);
  await page.close();
});

it('Space peeks at a job and follows the focus, Escape closes it, Enter opens it', async () => {
  const { page } = await open.open('#/jobs?list=waiting');
  const peeked = (): Promise<string | null> =>
    page.evaluate(() => document.querySelector('.peek .faint')?.textContent ?? null);
  const focused = (): Promise<string | null> =>
    page.evaluate(() => (document.activeElement as HTMLElement).dataset.job ?? null);
  await page.keyboard.press('j');
  await page.keyboard.press('Space');
  await page.waitForSelector('.peek .peeked');
  const first = [await peeked(), await focused()];

  await page.keyboard.press('j');
  await page.waitForFunction(
    (before) => document.querySelector('.peek .faint')?.textContent !== before,
    first[0],
  );
  const second = [await peeked(), await focused()];
  await page.keyboard.press('Escape');
  await page.waitForSelector('.peek', { state: 'detached' });
  await page.keyboard.press('Enter');
  await page.waitForFunction((id) => location.hash.includes(`jobs/${id}`), second[1]);
  await page.close();

  expect(first[0]).toBe(first[1]);
  expect(second[0]).toBe(second[1]);
  expect(second[0]).not.toBe(first[0]);
});
