import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { brotliDecompressSync, gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../test/inspector/browser/chromium.ts';

/** What a person waits for who opens the inspector. */
export interface Opening {
  /** From the address to the first row of the list of jobs that wait, drawn; nothing is in the cache. */
  readonly firstRowMs: number;
}

export interface FirstLoad {
  /** The files that the first page asks for, gzipped. */
  readonly firstLoadKb: number;
  /** All requests until the first page stands, data included. */
  readonly firstLoadRequests: number;
}

export interface Scrolling {
  /** The longest task of the page while the list is scrolled; 0: none took 50 ms, which is where browsers begin to count. */
  readonly longestTaskMs: number;
  /** Processor time of the page while the list is watched, as a share of the time that passed. */
  readonly pageBusyShare: number;
  /** The same while 800 rows a second are scrolled through. */
  readonly scrollBusyShare: number;
  readonly rows: number;
}

const viewport = { width: 1440, height: 900 };
const rowOf = (list: string) => `#/jobs?list=waiting&queue=${list}`;

/** Runs `work` with a real browser. */
export async function inChromium<Result>(work: (browser: Browser) => Promise<Result>): Promise<Result> {
  const browser = await launchChromium();
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/** Opens the list of jobs that wait. */
export function openList(browser: Browser, url: string, queue: string): Promise<Opening> {
  return withPage(browser, url, rowOf(queue), async (page) => ({
    firstRowMs: Number(await page.evaluate('firstRowMs')),
  }));
}

/** Opens the address as it is printed, and looks at what is asked for until the overview stands. */
export async function firstLoad(browser: Browser, url: string): Promise<FirstLoad> {
  const page = await browser.newPage({ viewport });
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(url);
  await page.waitForSelector('main .readouts');
  await page.close();
  const files = asked
    .filter((path) => !path.startsWith('/api/'))
    .map((path) => path.slice(1) || 'index.html');
  const built = (name: string) => readFileSync(new URL(`../../dist/ui/${name}`, import.meta.url));
  const plain = files.map((name) =>
    name === 'index.html' ? built(name) : brotliDecompressSync(built(`${name}.br`)),
  );
  return {
    firstLoadKb: plain.reduce((sum, file) => sum + gzipSync(file).length, 0) / 1_000,
    firstLoadRequests: asked.length,
  };
}

/** Scrolls the list to its end, again and again, and asks for more rows at each end. */
export function scrollList(browser: Browser, url: string, queue: string, ms: number): Promise<Scrolling> {
  return withPage(browser, url, rowOf(queue), async (page) => {
    await page.evaluate('firstRowMs');
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const busyS = async () => {
      const { metrics } = await session.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
    };
    await page.evaluate(`globalThis.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
      }).observe({ type: 'longtask' });`);
    const share = async (work: () => Promise<void>): Promise<number> => {
      const [begin, before] = [performance.now(), await busyS()];
      await work();
      return ((await busyS()) - before) / ((performance.now() - begin) / 1_000);
    };
    const watched = await share(() => pause(ms));
    const begin = performance.now();
    await page.mouse.move(viewport.width / 2, viewport.height / 2);
    const scrolled = await share(async () => {
      while (performance.now() - begin < ms) {
        await page.mouse.wheel(0, 600);
        await pause(30);
        await page.evaluate(`{
          const { scrollHeight, scrollTop, clientHeight } = document.scrollingElement;
          if (scrollHeight - scrollTop - clientHeight < 600) document.querySelector('.list-end button')?.click();
        }`);
      }
    });
    return {
      longestTaskMs: Number(await page.evaluate('longest')),
      pageBusyShare: watched,
      scrollBusyShare: scrolled,
      rows: Number(await page.evaluate(`document.querySelectorAll('.jobs tbody tr').length`)),
    };
  });
}

/** A page with a cache of its own, which has the token of the address. */
async function withPage<Result>(
  browser: Browser,
  url: string,
  hash: string,
  work: (page: Page) => Promise<Result>,
): Promise<Result> {
  const { origin, hash: token } = new URL(url);
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  await page.addInitScript(`
    sessionStorage.setItem('signalbox.token', ${JSON.stringify(token.slice('#t='.length))});
    globalThis.firstRowMs = new Promise((drawn) => {
      const look = () => {
        if (document.querySelector('.jobs tbody tr') === null) return;
        observer.disconnect();
        requestAnimationFrame(() => drawn(performance.now()));
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { childList: true, subtree: true });
    });`);
  await page.goto(`${origin}/${hash}`);
  try {
    return await work(page);
  } finally {
    await context.close();
  }
}
