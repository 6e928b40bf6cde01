import { rmSync } from 'node:fs';
import type { Options } from './embedded.ts';
import type { ActorOptions } from './measures/actors.ts';
import { inArena } from './measures/arena.ts';
import type { BurnDown } from './measures/burn-down.ts';
import type { Check } from './measures/check.ts';
import { type Arena, turnOf } from './measures/contenders.ts';
import type { Children } from './measures/in-child.ts';
import { inChild } from './measures/in-child.ts';
import { freshFolder } from './measures/place.ts';
import { inPostgresArena } from './measures/postgres-arena.ts';
import { releaseBefore } from './measures/release-before.ts';
import { median, medians } from './measures/statistics.ts';
import { progress, takeTurns } from './measures/turns.ts';

type Figures = Record<string, number>;

/** Measures what durable actors cost, and that jobs pay nothing for them. */
export async function run({
  quick,
  jobs = quick ? 10_000 : 20_000,
  rounds = quick ? 3 : 5,
  warmUpMs = 3_000,
  sends: count = quick ? 20_000 : 60_000,
  sleepers: sleeping = 100_000,
}: Options & { readonly sends?: number; readonly sleepers?: number }) {
  const course = { sends: count, actors: 1000, callers: 50 };
  const take = (options: Partial<ActorOptions>, flags: readonly string[] = []): Promise<Figures> =>
    inChild<Figures>('actors', { ...course, ...options }, flags);
  const { taken } = await inArena([], async (arena) => {
    const onJson = async (of: 'sends' | 'hot', actors: number): Promise<Figures> => {
      const dir = freshFolder(arena.place);
      const figures = await take({ of, dir, actors });
      rmSync(dir, { recursive: true });
      return figures;
    };
    progress('sends');
    const sends = medians(await times(rounds, () => onJson('sends', 1000)));
    progress('one hot actor');
    const hot = medians(await times(rounds, () => onJson('hot', 1)));
    progress('steps in memory');
    const { stepUs } = await take({ of: 'step' });
    progress('sleepers');
    const dir = freshFolder(arena.place);
    const sleepers = { dir, actors: sleeping };
    const asleep = await take({ of: 'asleep', ...sleepers });
    const opened = medians(await times(rounds, () => take({ of: 'opened', ...sleepers }, ['--expose-gc'])));
    rmSync(dir, { recursive: true });
    progress('jobs without machines');
    const jobsRatio = await jobsBefore(arena, { jobs, warmUpMs, rounds: 3 * rounds });
    return {
      ...{ sendPerS: sends.perS, sendCpuUs: sends.cpuUsEach, hotPerS: hot.perS, hotCpuUs: hot.cpuUsEach },
      ...{ stepUs, ...asleep, ...opened, jobsRatio },
    };
  });
  progress('PostgreSQL');
  const onPostgres = await inPostgresArena([], async (_arena, { url }) => ({
    inline: await take({ of: 'postgres', url, sends: course.sends / 4 }),
  }));
  const { perS, cpuUsEach } = onPostgres.inline;
  progress('');
  return { ...taken, postgresInlinePerS: perS, postgresInlineCpuUs: cpuUsEach };
}

/** The bounds. Rates are those of this machine; the goal of `sendPerS` is 25,000. */
export function checks(figures: Record<string, unknown>): readonly Check[] {
  const check = (figure: string, bounds: Omit<Check, 'figure' | 'is'>): Check => ({
    figure,
    is: figures[figure] as number | null,
    ...bounds,
  });
  return [
    check('sendPerS', { atLeast: 8000 }),
    check('stepUs', { atMost: 15 }),
    check('bytesPerSleeper', { atMost: 1300 }),
    check('openMs100kSleepers', { atMost: 3000 }),
    check('jobsRatio', { atLeast: 0.98 }),
    check('postgresInlinePerS', { atLeast: 1500 }),
  ];
}

async function times<Taken>(rounds: number, take: () => Promise<Taken>): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (let round = 0; round < rounds; round += 1) taken.push(await take());
  return taken;
}

/** Processor time of a job before there were actors, over that of now; null without the history of the repository. */
async function jobsBefore(
  arena: Arena & { readonly children: Children },
  { jobs, warmUpMs, rounds }: { readonly jobs: number; readonly warmUpMs: number; readonly rounds: number },
): Promise<number | null> {
  const before = releaseBefore(arena.place, 'actors');
  if (before === null) return null;
  const course = { jobs, warmUpMs: 0, sustainedMs: 0, drainLimitMs: 30_000 };
  const now = (own: object) => turnOf<BurnDown>('size50', 'burn-down', arena, { ...course, ...own });
  const earlier = (own: object) => async (): Promise<BurnDown> => {
    const dir = freshFolder(arena.place);
    const contestant = new URL('./signalbox.ts', before).href;
    const options = { ...course, ...own, contestant, settings: { size: 50, dir } };
    const figures = await arena.children.measure<BurnDown>('before', 'burn-down', options, before);
    rmSync(dir, { recursive: true });
    return figures;
  };
  await now({ warmUpMs })?.();
  await earlier({ warmUpMs })();
  const taken = await takeTurns(
    { before: earlier({}), now: now({}) },
    { rounds, budgetMs: 120_000, once: [] },
  );
  return median(
    taken.before.map(({ cpuUsPerJob }, at) => cpuUsPerJob / (taken.now[at]?.cpuUsPerJob ?? Number.NaN)),
  );
}
