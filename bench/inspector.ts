import type { Check } from './measures/check.ts';
import { Children, inChild } from './measures/in-child.ts';
import { type FirstLoad, firstLoad, inChromium, openList, scrollList } from './measures/in-chromium.ts';
import type { Asked, Explained, Load, Opened, Ran } from './measures/inspected.ts';
import { lookBack } from './measures/looked-back.ts';
import type { Many } from './measures/many.ts';
import { freshFolder, inPlace } from './measures/place.ts';
import { withPostgres } from './measures/postgres-server.ts';
import { medians } from './measures/statistics.ts';
import { progress, takeTurns } from './measures/turns.ts';
import type { Unwatched } from './measures/unwatched.ts';
import { openPage } from './measures/viewer.ts';

/** The options of the suite. */
export interface Options {
  readonly quick: boolean;
  /** Jobs that wait all the time. */
  readonly jobs?: number;
  readonly rounds?: number;
  /** How long jobs run in one turn; the list is scrolled for four times as long. */
  readonly turnMs?: number;
  /** How many jobs wait on PostgreSQL, and how many are over there. */
  readonly many?: number;
}

/** The process that is looked at: it stays, so that all turns are of the same store and the same compiled code. */
type Host = <Answer>(asked: Asked) => Promise<Answer>;

const viewedPage = 'overview';
/** An inspector drops what it keeps for viewers a minute after the last one. */
const keptMs = 61_000;

/** Measures what a viewer costs the jobs, and how long a viewer waits. */
export async function run(options: Options) {
  const { quick, jobs = 100_000, many = 1_000_000 } = options;
  const { rounds = quick ? 7 : 15, turnMs = quick ? 2_000 : 5_000 } = options;
  const children = new Children();
  const host: Host = (asked) => children.measure('inspected', 'inspected', asked);
  try {
    return await inPlace(async (place) => {
      progress(`putting ${jobs} jobs that wait`);
      const { url, queue } = await host<Opened>({ step: 'open', dir: freshFolder(place), waiting: jobs });
      const pair = (load: Load) => pairs(host, url, load, turnMs);
      progress('warming up');
      await pair('busy')();
      await pair('paced')();
      const taken = await takeTurns(
        { busy: pair('busy'), paced: pair('paced') },
        { rounds, budgetMs: quick ? 60_000 : 600_000 },
      );
      const busy = both(taken.busy);
      const paced = both(taken.paced);
      progress('explaining');
      const explained = await host<Explained>({ step: 'explain', samples: 200 });
      progress('in Chromium');
      const page = await looked(host, url, queue, { openings: quick ? 5 : 15, scrollMs: 4 * turnMs });
      progress('looking back');
      const back = await lookBack(url, quick ? 40 : 200);
      progress('with no page open');
      const unwatched = await inChild<Unwatched>('unwatched', { afterMs: quick ? null : keptMs });
      const json = quick ? null : await ofMany(place);
      const postgres = await ofManyOnPostgres(place, many);
      progress('');
      return {
        viewerRatio: busy.viewed.jobsPerS / busy.alone.jobsPerS,
        viewerCpuRatio: paced.viewed.cpuUsPerJob / paced.alone.cpuUsPerJob,
        viewerLoopP99Ms: paced.viewed.loopP99Ms - paced.alone.loopP99Ms,
        firstRowMs100k: page.firstRowMs,
        longestTaskMs: page.longestTaskMs,
        pageBusyShare: page.pageBusyShare,
        scrollBusyShare: page.scrollBusyShare,
        firstLoadKb: page.firstLoadKb,
        firstLoadRequests: page.firstLoadRequests,
        explainMs: explained.p50Ms,
        explainP99Ms: explained.p99Ms,
        explainCountedMs: explained.countedMs,
        pastEnterMs100k: back.enterMs,
        pastStepMs: back.stepMs,
        countsMs1M: postgres.countsMs,
        pageMs1M: postgres.pageMs,
        jsonCountsMs1M: json?.countsMs ?? null,
        jsonPageMs1M: json?.pageMs ?? null,
        idleTimers: unwatched.idleTimers,
        idleFollowers: unwatched.idleFollowers,
        waiting: jobs,
        scrolledRows: page.rows,
        rounds: taken.busy.length,
        turns: {
          busy: busy.alone,
          busyViewed: busy.viewed,
          paced: paced.alone,
          pacedViewed: paced.viewed,
        },
        measured,
      };
    });
  } finally {
    children.end();
  }
}

const measured = {
  viewer: `a process of its own with the page '${viewedPage}' open: what the page asks, and no browser`,
  busy: 'jobs that compute 5 ms each: the process does about 1,000 entries a second and no more, so a viewer takes jobs',
  paced: 'jobs that do nothing, 200 put a second: a viewer takes processor time',
  chromium: 'a real one, headless, on the same machine, while the process does 1,000 entries a second',
} as const;

/** One turn without a viewer and one with, in an order that changes: what grows in between counts for both. */
function pairs(host: Host, url: string, load: Load, ms: number) {
  let isViewedFirst = false;
  const alone = () => host<Ran>({ step: 'run', load, ms });
  const viewed = async () => {
    const viewer = await openPage(url, viewedPage);
    const figures = await alone();
    const frames = viewer.frames();
    await viewer.leave();
    if (frames === 0) throw new Error('Expected the viewer to hear of what happens, got nothing.');
    return figures;
  };
  return async () => {
    isViewedFirst = !isViewedFirst;
    if (!isViewedFirst) return { alone: await alone(), viewed: await viewed() };
    const first = await viewed();
    return { alone: await alone(), viewed: first };
  };
}

function both(taken: readonly { readonly alone: Ran; readonly viewed: Ran }[]) {
  return {
    alone: medians(taken.map(({ alone }) => alone)),
    viewed: medians(taken.map(({ viewed }) => viewed)),
  };
}

/** What is seen in a browser while jobs run. */
async function looked(
  host: Host,
  url: string,
  queue: string,
  { openings, scrollMs }: { readonly openings: number; readonly scrollMs: number },
) {
  return inChromium(async (browser) => {
    const loaded: FirstLoad = await firstLoad(browser, url);
    await host({ step: 'work' });
    const opened = [];
    for (let time = 0; time < openings; time += 1) opened.push(await openList(browser, url, queue));
    const scrolled = await scrollList(browser, url, queue, scrollMs);
    await host({ step: 'rest' });
    return { ...loaded, ...medians(opened), ...scrolled };
  });
}

function ofMany(place: string): Promise<Many> {
  progress('with a million jobs');
  return inChild<Many>('many', { dir: freshFolder(place), jobs: 1_000_000 }, ['--max-old-space-size=8192']);
}

function ofManyOnPostgres(place: string, jobs: number): Promise<Many> {
  progress('with many jobs on PostgreSQL');
  return withPostgres(place, (postgres) =>
    inChild<Many>('many-on-postgres', { dir: freshFolder(place), postgres, jobs }),
  );
}

/** The bounds of one run on two cores. */
export function checks(figures: Awaited<ReturnType<typeof run>>): readonly Check[] {
  const atMost = (figure: keyof typeof figures, most: number): Check => ({
    figure,
    is: figures[figure] as number | null,
    atMost: most,
  });
  return [
    { figure: 'viewerRatio', is: figures.viewerRatio, atLeast: 0.95 },
    atMost('viewerLoopP99Ms', 5),
    atMost('firstRowMs100k', 500),
    atMost('longestTaskMs', 100),
    atMost('pageBusyShare', 0.2),
    atMost('firstLoadKb', 60),
    atMost('firstLoadRequests', 8),
    atMost('explainMs', 5),
    atMost('explainCountedMs', 5),
    atMost('pastEnterMs100k', 3_000),
    atMost('pastStepMs', 50),
    atMost('countsMs1M', 20),
    atMost('pageMs1M', 30),
    atMost('idleTimers', 0),
    atMost('idleFollowers', 0),
  ];
}
