import { rmSync } from 'node:fs';
import type { Options } from './embedded.ts';
import type { ActorOptions } from './measures/actors.ts';
import { againstBefore } from './measures/against-before.ts';
import { inArena } from './measures/arena.ts';
import { type Check, checksOf } from './measures/check.ts';
import { inChild } from './measures/in-child.ts';
import { freshFolder } from './measures/place.ts';
import { inPostgresArena } from './measures/postgres-arena.ts';
import { releaseBefore } from './measures/release-before.ts';
import { medians } from './measures/statistics.ts';
import { progress } from './measures/turns.ts';

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
    const { stepUs, xstateUs } = await take({ of: 'step' });
    progress('sleepers');
    const dir = freshFolder(arena.place);
    const sleepers = { dir, actors: sleeping };
    const asleep = await take({ of: 'asleep', ...sleepers });
    const opened = medians(await times(rounds, () => take({ of: 'opened', ...sleepers }, ['--expose-gc'])));
    rmSync(dir, { recursive: true });
    progress('jobs without machines');
    const before = releaseBefore(arena.place, 'actors');
    const pairs = { processes: 2 * rounds + 1, rounds: 5 };
    const jobsRatio = await againstBefore(before, { place: arena.place, jobs, warmUpMs, ...pairs });
    return {
      ...{ sendPerS: sends.perS, sendCpuUs: sends.cpuUsEach, hotPerS: hot.perS, hotCpuUs: hot.cpuUsEach },
      ...{ stepUs, xstateUs, ...asleep, ...opened, jobsRatio },
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
  const check = checksOf(figures);
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
