import type { Browser, Page } from 'playwright-core';
import { createInspector, type InspectorOptions, type Listening } from 'signalbox/inspector';
import { type Seeded, seed } from '../seed.ts';
import { launchChromium } from './chromium.ts';

/** A browser, and an inspector of a store with a story. */
export interface Stage {
  readonly browser: Browser;
  readonly seeded: Seeded;
  readonly listening: Listening;
  /** Opens a page, as one who has the printed address. What it complains of, and what it asks for, is written down. */
  open(hash: string, look?: Look): Promise<Watched>;
  close(): Promise<void>;
}

/** How a page is looked at. */
export interface Look {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly forcedColors?: boolean;
  /** Its clock stands: what it shows does not depend on how long it was looked at. */
  readonly isStill?: boolean;
}

export interface Watched {
  readonly page: Page;
  /** Messages on the console, errors, and what the policy refused. */
  readonly complaints: readonly string[];
  /** Every address that was asked for. */
  readonly asked: readonly string[];
}

/** Opens a browser and an inspector. */
export async function stage(seeded?: Seeded, options: InspectorOptions = {}): Promise<Stage> {
  const [browser, story] = await Promise.all([launchChromium(), seeded ?? seed()]);
  const listening = await createInspector(story.box, options).listen();
  return {
    browser,
    seeded: story,
    listening,
    open: (hash, look = {}) => openPage(browser, listening.url, hash, look),
    close: async () => {
      await browser.close();
      await listening.close();
      await story.close();
    },
  };
}

async function openPage(browser: Browser, url: string, hash: string, look: Look): Promise<Watched> {
  const { theme = 'light', width = 1440, forcedColors = false, isStill = false } = look;
  const { height = width < 500 ? 844 : 900 } = look;
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: theme,
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    forcedColors: forcedColors ? 'active' : 'none',
  });
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.push(request.url()));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`refused by the policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  if (isStill)
    await page.addInitScript(() => {
      performance.now = () => 0;
    });
  // The address with the token first: it is moved out of the address, which then leads on.
  await page.goto(url);
  await page.waitForFunction(() => !location.hash.startsWith('#t='));
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForSelector(
    'main :is(.chart, .outline, .table, .empty, .error, .readouts, .log .entry, .seq, .lanes)',
    {
      state: 'attached',
    },
  );
  return { page, complaints, asked };
}

/** Looks at the same page in another way. */
export async function turnTo(page: Page, { theme = 'light', width = 1440 }: Look): Promise<void> {
  await page.setViewportSize(viewportOf(width));
  await page.emulateMedia({ colorScheme: theme });
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
  );
}

function viewportOf(width: number): { readonly width: number; readonly height: number } {
  return { width, height: width < 500 ? 844 : 900 };
}
