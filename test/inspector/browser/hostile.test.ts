import type { Browser } from 'playwright-core';
import { createSignalbox, defineJob, local, memoryStore, type Signalbox } from 'signalbox';
import { createInspector, type Listening } from 'signalbox/inspector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';

const payloads = [
  '<img src=x onerror=alert(1)>',
  '<script>alert(2)</script>',
  '"><svg onload=alert(3)>',
  "'; alert(4); '",
  'javascript:alert(5)',
  '</p></main><iframe src=//evil.example>',
  '{{constructor.constructor("alert(6)")()}}',
  '\u0024{alert(7)}',
  '&lt;b&gt;&#60;',
  'turned \u202e round \u2066 and \u2069 back',
  'hid\u200bden \u00ad signs\u0007 and \u001b[31m colour',
  'two\nlines\tand a tab',
  '__proto__',
  '../../../etc/passwd',
  '%3Cscript%3E',
];
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the test is about.
const unseen = /[\u0007\u001b\u00ad\u200b\u202e\u2066\u2069]/g;
/** As it is shown: what cannot be seen is written out. */
const shown = payloads.map((text) =>
  text
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll(unseen, (found) => {
      return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
    }),
);

const fail = defineJob({
  name: 'hostile',
  retry: { maxAttempts: 1 },
  run: async (...texts: readonly string[]) => {
    for (const [index, text] of texts.entries()) await local.setLiveAnnotation(`note-${index}`, text);
    throw Object.assign(new Error(texts.join(' ')), { code: texts[0], where: texts[1] });
  },
});
const large = defineJob({ name: 'large', run: () => 'x'.repeat(3_000_000) });

let browser: Browser;
let box: Signalbox;
let listening: Listening;
let id = '';
let largeId = '';
let cancelledId = '';

beforeAll(async () => {
  browser = await launchChromium();
  box = await createSignalbox({
    store: memoryStore(),
    jobs: [fail, large],
    queues: ['paused'],
    limits: { bytes: 8_000_000 },
  });
  await box.start();
  const job = await box.queue().put(fail(...payloads));
  const big = await box.queue().put(large());
  await Promise.all([job.waitFor('COMPLETED'), big.waitFor('COMPLETED')]);
  [id, largeId] = [job.id ?? '', big.id ?? ''];
  const person = box.operate({ user: payloads[0] ?? '', reason: payloads.join(' ') });
  await person.pause('paused');
  cancelledId = (await box.queue('paused').put(large())).id ?? '';
  await person.cancel(cancelledId);
  listening = await createInspector(box).listen();
});
afterAll(async () => {
  await browser?.close();
  await listening?.close();
  await box?.stop();
});

/** What a page shows in a part of it, and what a text on it did that no text may do. */
async function look(hash: string, part: string) {
  const page = await browser.newPage();
  const done: string[] = [];
  page.on('dialog', (dialog) => {
    done.push(dialog.message());
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith('http://127.0.0.1:')) done.push(request.url());
  });
  page.on('console', (message) => done.push(message.text()));
  await page.goto(listening.url);
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForSelector(`${part} > *`);

  const text = (await page.textContent(part)) ?? '';
  const strange = await page.evaluate(() => ({
    elements: document.querySelectorAll('main script, main iframe, main img, main [onload], main [onerror]')
      .length,
    links: [...document.querySelectorAll<HTMLAnchorElement>('main a')]
      .map((link) => link.getAttribute('href') ?? '')
      .filter((href) => !href.startsWith('#/')),
    attributes: [...document.querySelectorAll('main *')].flatMap((element) =>
      [...element.attributes]
        .filter(({ name, value }) => name !== 'title' && /alert|evil|passwd/.test(value))
        .map(({ name }) => name),
    ),
  }));
  await page.close();
  return { text, strange, done };
}

const nothing = { elements: 0, links: [], attributes: [] };

describe('Hostile text', () => {
  it.each(['arguments', 'outcome', 'annotations', 'failures', 'raw'])(
    'in the %s of a job is shown as it is, and does nothing',
    async (tab) => {
      const { text, strange, done } = await look(`#/jobs/${id}?tab=${tab}`, '[role=tabpanel]');

      for (const payload of shown) expect(text).toContain(payload);
      expect(text).not.toMatch(unseen);
      expect(strange).toEqual(nothing);
      expect(done).toEqual([]);
    },
  );

  it.each([
    ['a cancelled job', () => `#/jobs/${cancelledId}`, '.why'],
    ['a paused queue', () => '#/queues/paused', '.banner'],
    ['the audit', () => '#/timeline?view=log&q=event:operator.acted', '.log'],
  ])(
    'in the name and the reason of a person is shown as it is on %s, and does nothing',
    async (_, hash, part) => {
      const { text, strange, done } = await look(hash(), part);

      for (const payload of shown) expect(text).toContain(payload);
      expect(text).not.toMatch(unseen);
      expect(strange).toEqual(nothing);
      expect(done).toEqual([]);
    },
  );

  it('of three megabytes does not reach the page', async () => {
    const page = await browser.newPage();
    await page.goto(listening.url);
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#/jobs/${largeId}`);
    await page.waitForSelector('[role=tabpanel] > *');

    const length = await page.evaluate(() => document.body.textContent?.length ?? 0);
    await page.close();

    expect(length).toBeLessThan(200_000);
  });
});

describe('A page of a stranger', () => {
  it('whose name is made to lead here reads nothing', async () => {
    const { port } = new URL(listening.url);
    const evil = await launchChromium('--host-resolver-rules=MAP evil.example 127.0.0.1');
    const page = await evil.newPage();

    const answer = await page.goto(`http://evil.example:${port}/`);
    const data = await page.evaluate(async () => (await fetch('/api/v1/hello')).status);
    await evil.close();

    expect([answer?.status(), data]).toEqual([421, 421]);
  });

  it('cannot read across origins', async () => {
    const page = await browser.newPage();
    await page.goto('data:text/html,<p>elsewhere</p>');

    const read = await page.evaluate(
      async (url) => {
        try {
          await fetch(url);
          return 'read';
        } catch {
          return 'refused';
        }
      },
      `${new URL(listening.url).origin}/api/v1/hello`,
    );
    await page.close();

    expect(read).toBe('refused');
  });
});
