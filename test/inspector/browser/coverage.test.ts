import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seedActors } from '../seed-actors.ts';
import { axe, barriersOf } from './barriers.ts';
import { type Stage, stage, turnTo } from './open.ts';

let open: Stage;

beforeAll(async () => {
  open = await stage();
  await seedActors(open.seeded);
});
afterAll(() => open?.close());

const state = (path: string, ...ways: readonly object[]) => ({ path, type: 'atomic', ways });
const way = (event: string, ...targets: readonly string[]) => ({ event, guard: null, targets });

/** Tests that take two ways of jobs, and one of a machine of which this process has the chart. */
const files = [
  file('charts-1.json', [
    ['job', '2', 'new', 'job.put', 'pending', 30],
    ['job', '2', 'pending', 'job.claim', 'assigned', 12],
  ]),
  file('charts-2.json', [
    ['purchase', '3', 'approval', 'approve', 'paying', 4],
    ['toy', '1', 'off', 'press', 'on', 2],
  ]),
];

function file(name: string, rows: readonly (readonly (string | number)[])[]) {
  const machines = [
    { machine: 'toy', version: '1', states: [state('off', way('press', 'on')), state('on')] },
  ];
  const content = { format: 'signalbox-coverage', v: 1, rows, machines };
  return { name, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(content)) };
}

function drop(
  page: Page,
  dropped: readonly { readonly name: string; readonly text: string }[],
): Promise<void> {
  return page.evaluate((given) => {
    const data = new DataTransfer();
    for (const { name, text } of given) data.items.add(new File([text], name));
    const target = document.querySelector('main') as HTMLElement;
    for (const type of ['dragover', 'drop'])
      target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }, dropped);
}

it('Files of tests that are dropped colour the chart, and only the journal is asked for', async () => {
  const { page, complaints, asked } = await open.open('#/machines');
  const before = asked.length;

  await drop(
    page,
    files.map(({ name, buffer }) => ({ name, text: buffer.toString() })),
  );
  await page.waitForSelector('.chart.heat .edge.untested');
  const looks = await page.evaluate(() =>
    ['put', 'claim', 'complete', 'abort'].map((name) => {
      const edges = [...document.querySelectorAll('.chart.heat .edge')];
      const found = edges.find((edge) => edge.querySelector('text')?.textContent?.split(' ')[0] === name);
      return [name, ...(found?.classList ?? [])].filter((each) => !/^(edge|f\d)$/.test(each)).join(' ');
    }),
  );
  const verdicts = await page.locator('.chart-area .table tbody tr').first().textContent();
  const said = await page.locator('[aria-live=polite]').textContent();
  const addresses = new Set(asked.slice(before).map((address) => new URL(address).pathname));
  await page.close();

  expect(looks).toEqual(['put tested', 'claim tested', 'complete untested', 'abort never untaken']);
  expect(verdicts).toMatch(/in no test$/);
  expect(said).toMatch(/^\d+ ways are taken in production, and in no test\.$/);
  expect([...addresses].filter((path) => path.startsWith('/api/'))).toContain('/api/v1/coverage');
  expect([...addresses].every((path) => /^\/(api\/v1\/(coverage|stream)|assets\/)/.test(path))).toBe(true);
  expect(complaints).toEqual([]);
});

it('Files are chosen by keys, and machines of the program are outlines', async () => {
  const { page, complaints } = await open.open('#/machines');

  await page.locator('input[type=file]').focus();
  const ring = await page
    .locator('label:has(input[type=file])')
    .evaluate((label) => getComputedStyle(label).outlineStyle);
  await page.locator('input[type=file]').setInputFiles(files);
  await page.locator('.list a', { hasText: 'purchase' }).click();
  await page.waitForSelector('h1:has-text("purchase@")');
  await page.waitForSelector('.outline .way.tested');
  const ways = await page.locator('.outline .way:is(.tested, .untested)').allTextContents();
  await page.locator('.list a', { hasText: 'toy' }).click();
  await page.waitForSelector('h1:text-is("toy@1")');
  const toy = await page.locator('.outline .way').textContent();
  await page.locator('button', { hasText: 'Back to traffic' }).click();
  await page.waitForSelector('[aria-label="Way picked"]');
  await page.close();

  expect(ring).not.toBe('none');
  expect(ways).toContainEqual(expect.stringMatching(/^approve if isSmall → paying.*tests 4$/));
  expect(ways).toContainEqual(expect.stringMatching(/^reject → rejectedproduction \d+ · in no test$/));
  expect(toy).toBe('press → onnot in production · tests 2');
  expect(complaints).toEqual([]);
});

it('What is no file of tests is refused, and what is shown stays', async () => {
  const { page } = await open.open('#/machines');

  await drop(page, [{ name: 'package.json', text: '{}' }]);
  const first = await page.locator('.error').textContent();
  const isTraffic = await page.locator('[aria-label="Way picked"]').isVisible();
  await drop(page, [{ name: 'a.json', text: '{' }]);
  await page.waitForSelector('.error:has-text("a.json")');
  await page.locator('input[type=file]').setInputFiles(files);
  await page.waitForSelector('.chart.heat .edge.untested');
  const errors = await page.locator('.error').count();
  await page.close();

  expect(first).toContain('package.json is no file of collectCoverage');
  expect(first).toContain('Drop the files of a folder');
  expect([isTraffic, errors]).toEqual([true, 0]);
});

it('On a phone the comparison is an outline without a table beside it', async () => {
  const { page } = await open.open('#/machines', { width: 390 });

  await page.locator('input[type=file]').setInputFiles(files);
  await page.waitForSelector('.outline .way.untested');
  const isDrawn = await page.locator('.chart.heat').isVisible();
  const isTable = await page.locator('.of-ways').isVisible();
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await page.close();

  expect([isDrawn, isTable, isWide]).toEqual([false, false, false]);
});

it.each(['job', 'purchase'])(
  'The comparison of %s has no barrier, light, dark and on a phone',
  async (name) => {
    const { page } = await open.open('#/machines');
    await page.locator('input[type=file]').setInputFiles(files);
    await page.locator('.list a', { hasText: name }).click();
    await page.waitForSelector('.outline .way.untested', { state: 'attached' });
    await page.evaluate(axe);

    const found = [];
    for (const look of [{}, { theme: 'dark' }, { width: 390 }] as const) {
      await turnTo(page, look);
      found.push(...(await barriersOf(page)));
    }
    await page.close();

    expect(found).toEqual([]);
  },
);
