import { rmSync } from 'node:fs';
import type { Options } from './embedded.ts';
import { againstBefore } from './measures/against-before.ts';
import { inArena } from './measures/arena.ts';
import type { BurnDown } from './measures/burn-down.ts';
import { type Check, checksOf } from './measures/check.ts';
import { type Arena, type ContenderName, turnOf } from './measures/contenders.ts';
import { type Children, inChild } from './measures/in-child.ts';
import type { Limits } from './measures/limits.ts';
import type { ParkingOnPostgres } from './measures/parking-on-postgres.ts';
import { freshFolder } from './measures/place.ts';
import { inPostgresArena } from './measures/postgres-arena.ts';
import type { LevelFigures } from './measures/priorities.ts';
import { releaseBefore } from './measures/release-before.ts';
import type { Schedules } from './measures/schedules.ts';
import type { SideBySide } from './measures/side-by-side.ts';
import { median, medians } from './measures/statistics.ts';
import type { Threads } from './measures/threads.ts';
import { progress, takeTurns } from './measures/turns.ts';
import type { Waiting } from './measures/waiting.ts';

/** Measures what priorities, time limits, keys, rates, threads and schedules cost, and that a job pays nothing for what it does not use. */
export async function run({
  quick,
  jobs = quick ? 10_000 : 20_000,
  rounds = quick ? 9 : 15,
  warmUpMs = 3_000,
}: Options) {
  const { taken: embedded } = await inArena([], (arena) =>
    embeddedFigures(arena, { jobs, rounds, warmUpMs, budgetMs: quick ? 60_000 : 300_000 }),
  );
  const onPostgres = await inPostgresArena([], (arena) =>
    postgresFigures(arena, { jobs, rounds: quick ? 9 : 15, warmUpMs, budgetMs: quick ? 60_000 : 200_000 }),
  );
  progress('');
  progress('keys and rates');
  const keyed = medians(await inTurn(quick ? 3 : 7, () => inChild<Limits>('limits', { jobs: 100_000 })));
  progress('');
  progress('threads');
  const threaded = medians(await inTurn(quick ? 3 : 7, () => inChild<Threads>('threads', { jobs: 20_000 })));
  progress('');
  progress('schedules');
  const scheduled = await inChild<Schedules>('schedules', { schedules: 10_000 }, ['--expose-gc']);
  progress('');
  return { ...embedded, ...keyed, ...threaded, ...scheduled, ...onPostgres, jobs, rounds };
}

/** The bounds, each against the same without the feature. */
export function checks(figures: Record<string, unknown>): readonly Check[] {
  const check = checksOf(figures);
  return [
    check('unusedRatio', { atLeast: 0.98 }),
    check('unusedBytes', { atMost: 0 }),
    check('unusedHeapBytes', { atMost: 64 }),
    check('timeoutRatio', { atMost: 1.03 }),
    check('prioritiesClaimRatio', { atMost: 1.1 }),
    check('prioritiesPostgresRatio', { atLeast: 0.95 }),
    check('oneFullKeyRatio', { atMost: 1.5 }),
    check('manyFullKeysRatio', { atMost: 1.5 }),
    check('parkBurstMs', { atMost: 300 }),
    check('rateClaimRatio', { atMost: 1.1 }),
    check('ownKeysDrainRatio', { atLeast: 0.7 }),
    check('ownKeysPostgresDrainRatio', { atLeast: 0.5 }),
    check('parkBurstPostgresMs', { atMost: 5000 }),
    check('threadJobsPerS', { atLeast: 5000 }),
    check('uniquePutRatio', { atMost: 1.7 }),
    check('schedulesDueRatio', { atMost: 1.5 }),
    check('scheduleTickRatio', { atMost: 2 }),
  ];
}

/** The median of what a figure is in each round against that of another contender in the same round; null without rounds. */
function inPairs(
  one: readonly BurnDown[],
  other: readonly BurnDown[],
  figure: 'cpuUsPerJob' | 'drainPerS' | 'totalPerS',
): number | null {
  const pairs = Math.min(one.length, other.length);
  if (pairs === 0) return null;
  return median(one.slice(0, pairs).map((figures, at) => figures[figure] / (other[at] as BurnDown)[figure]));
}

async function inTurn<Figures>(rounds: number, take: () => Promise<Figures>): Promise<Figures[]> {
  const taken: Figures[] = [];
  for (let round = 0; round < rounds; round += 1) taken.push(await take());
  return taken;
}

interface Course {
  readonly jobs: number;
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly budgetMs: number;
}

async function embeddedFigures(arena: Arena, { jobs, rounds, warmUpMs, budgetMs }: Course) {
  progress('building the release before');
  const before = releaseBefore(arena.place, 'limits');
  const course = { jobs, warmUpMs: 0, sustainedMs: 0, drainLimitMs: 30_000 };
  const turn = (name: ContenderName, own: object = {}) =>
    turnOf<BurnDown>(name, 'burn-down', arena, { ...course, ...own });
  const waits = (from?: URL) => async (): Promise<Waiting> => {
    const dir = freshFolder(arena.place);
    const options = { dir, waiting: 20_000, isBlocked: false, batches: 3 };
    const figures = await inChild<Waiting>('waiting', options, ['--expose-gc'], from);
    rmSync(dir, { recursive: true });
    return figures;
  };

  const timed = async (): Promise<SideBySide> => {
    const settings = { size: 50, dir: freshFolder(arena.place) };
    const bursts = { jobs: 1000, bursts: jobs / 100, warmUpBursts: 60 };
    const figures = await inChild<SideBySide>('side-by-side', {
      settings,
      features: { timeout: '1h' },
      ...bursts,
    });
    rmSync(settings.dir, { recursive: true });
    return figures;
  };

  progress('warming up');
  await turn('level50', { warmUpMs })?.();
  const taken = await takeTurns(
    {
      level50: turn('level50'),
      levels50: turn('levels50'),
      waiting: waits(),
      waitingBefore: before === null ? null : waits(before),
    },
    { rounds, budgetMs, once: ['waiting', 'waitingBefore'] },
  );
  const against = { place: arena.place, jobs, warmUpMs, processes: 15, rounds: 5 };
  const unusedRatio = await againstBefore(before, against);
  const now = medians(taken.waiting);
  progress('time limits');
  const { ratio: timeoutRatio } = medians(await inTurn(7, timed));
  progress('claims of three priorities');
  const claims = medians(
    await inTurn(5, () => inChild<LevelFigures>('priorities', { jobs: 30_000, rounds: 9 })),
  );
  const old = taken.waitingBefore.length === 0 ? null : medians(taken.waitingBefore);
  return {
    unusedRatio,
    unusedBytes: old === null ? null : now.commitBytes - old.commitBytes,
    unusedHeapBytes: old === null ? null : now.heapBytesPerJob - old.heapBytesPerJob,
    timeoutRatio,
    prioritiesRatio: inPairs(taken.levels50, taken.level50, 'cpuUsPerJob'),
    prioritiesClaimRatio: claims.ratio,
    level50: medians(taken.level50),
    levels50: medians(taken.levels50),
  };
}

async function postgresFigures(
  arena: Arena & { readonly children?: Children },
  { jobs, rounds, warmUpMs, budgetMs }: Course,
) {
  const course = { jobs, warmUpMs: 0, sustainedMs: 0, drainLimitMs: 30_000 };
  const turn = (name: ContenderName, own: object = {}) =>
    turnOf<BurnDown>(name, 'burn-down', arena, { ...course, ...own });
  progress('warming up on PostgreSQL');
  await turn('postgresLevel50', { warmUpMs })?.();
  const taken = await takeTurns(
    {
      postgresLevel50: turn('postgresLevel50'),
      postgresLevels50: turn('postgresLevels50'),
      postgresKeys50: turn('postgresKeys50'),
    },
    { rounds, budgetMs },
  );
  const [plain, levels] = [medians(taken.postgresLevel50), medians(taken.postgresLevels50)];
  const keys = medians(taken.postgresKeys50);
  progress('a burst into one key on PostgreSQL');
  const dir = freshFolder(arena.place);
  const burst = await inChild<ParkingOnPostgres>('parking-on-postgres', {
    jobs: 100_000,
    settings: { size: 10, dir, postgres: arena.postgres },
  });
  rmSync(dir, { recursive: true });
  return {
    prioritiesPostgresRatio: inPairs(taken.postgresLevels50, taken.postgresLevel50, 'totalPerS'),
    postgresLevel50: plain,
    postgresLevels50: levels,
    postgresKeys50: keys,
    ownKeysPostgresDrainRatio: inPairs(taken.postgresKeys50, taken.postgresLevel50, 'drainPerS'),
    ...burst,
  };
}
