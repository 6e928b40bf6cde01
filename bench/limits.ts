import { rmSync } from 'node:fs';
import type { Options } from './embedded.ts';
import { againstBefore } from './measures/against-before.ts';
import { inArena } from './measures/arena.ts';
import type { BurnDown } from './measures/burn-down.ts';
import { type Check, checksOf } from './measures/check.ts';
import { type Arena, type ContenderName, type Servers, turnOf } from './measures/contenders.ts';
import { inChild } from './measures/in-child.ts';
import type { Limits } from './measures/limits.ts';
import type { ParkingOnPostgres } from './measures/parking-on-postgres.ts';
import { freshFolder } from './measures/place.ts';
import { inPostgresArena } from './measures/postgres-arena.ts';
import type { LevelFigures } from './measures/priorities.ts';
import { releaseBefore } from './measures/release-before.ts';
import type { Schedules } from './measures/schedules.ts';
import type { SideBySide, Sides } from './measures/side-by-side.ts';
import { medians } from './measures/statistics.ts';
import type { Threads } from './measures/threads.ts';
import { progress, takeTurns } from './measures/turns.ts';
import type { Waiting } from './measures/waiting.ts';

/** Measures what priorities, time limits, keys, rates, threads and schedules cost, and that a job pays nothing for what it does not use. */
export async function run({
  quick,
  jobs = quick ? 10_000 : 20_000,
  rounds = quick ? 5 : 15,
  warmUpMs = 3_000,
}: Options) {
  const course = { jobs, rounds, warmUpMs };
  const { taken: embedded } = await inArena([], (arena) => embeddedFigures(arena, course));
  const onPostgres = await inPostgresArena([], (arena) => postgresFigures(arena, course));
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

async function inTurn<Figures>(rounds: number, take: () => Promise<Figures>): Promise<Figures[]> {
  const taken: Figures[] = [];
  for (let round = 0; round < rounds; round += 1) taken.push(await take());
  return taken;
}

interface Course {
  readonly jobs: number;
  readonly rounds: number;
  readonly warmUpMs: number;
}

async function embeddedFigures({ place }: Arena, { jobs, warmUpMs }: Course) {
  progress('building the release before');
  const before = releaseBefore(place, 'limits');
  const waits = (from?: URL): Promise<Waiting> =>
    inFolder(place, (dir) => {
      const options = { dir, waiting: 20_000, isBlocked: false, batches: 3 };
      return inChild<Waiting>('waiting', options, ['--expose-gc'], from);
    });
  progress('what a waiting job takes');
  const now = await waits();
  const old = before === null ? null : await waits(before);
  const unusedRatio = await againstBefore(before, { place, jobs, warmUpMs, processes: 15, rounds: 10 });
  progress('time limits');
  const bursts = { jobs: 1000, bursts: jobs / 100, warmUpBursts: 60 };
  const sides = { features: { timeout: '1h' }, against: {}, ...bursts };
  const timed = await sideBySide(7, place, 'signalbox', sides);
  progress('claims of three priorities');
  const claims = medians(
    await inTurn(5, () => inChild<LevelFigures>('priorities', { jobs: 30_000, rounds: 9 })),
  );
  return {
    unusedRatio,
    unusedBytes: old === null ? null : now.commitBytes - old.commitBytes,
    unusedHeapBytes: old === null ? null : now.heapBytesPerJob - old.heapBytesPerJob,
    timeoutRatio: timed.cpuRatio,
    prioritiesClaimRatio: claims.ratio,
  };
}

async function postgresFigures(arena: Arena, { jobs, rounds, warmUpMs }: Course) {
  const { place, postgres } = arena;
  progress('three priorities on PostgreSQL');
  const bursts = { jobs: 2000, bursts: jobs / 250, warmUpBursts: 10 };
  const sides = { features: { levels: 3 }, against: { levels: 1 }, ...bursts };
  const levels = await sideBySide(7, place, 'signalbox-postgres', sides, arena);
  const course = { jobs, warmUpMs: 0, sustainedMs: 0, drainLimitMs: 30_000 };
  const turn = (name: ContenderName, own: object = {}) =>
    turnOf<BurnDown>(name, 'burn-down', arena, { ...course, ...own });
  progress('warming up on PostgreSQL');
  await turn('postgres50', { warmUpMs })?.();
  const { plain, keys } = await takeTurns(
    { plain: turn('postgres50'), keys: turn('postgresKeys50') },
    { rounds, budgetMs: 200_000 },
  );
  progress('a burst into one key on PostgreSQL');
  const burst = await inFolder(place, (dir) =>
    inChild<ParkingOnPostgres>('parking-on-postgres', {
      jobs: 100_000,
      settings: { size: 10, dir, postgres },
    }),
  );
  return {
    prioritiesPostgresRatio: levels.totalRatio,
    postgres50: medians(plain),
    postgresKeys50: medians(keys),
    ownKeysPostgresDrainRatio: medians(keys).drainPerS / medians(plain).drainPerS,
    ...burst,
  };
}

/** Returns the medians of several processes. */
async function sideBySide(
  processes: number,
  place: string,
  contestant: string,
  sides: Sides,
  { postgres }: Servers = {},
): Promise<SideBySide> {
  const take = (dir: string) =>
    inChild<SideBySide>('side-by-side', {
      contestant: new URL(`./measures/${contestant}.ts`, import.meta.url).href,
      settings: { size: 50, dir, postgres },
      ...sides,
    });
  return medians(await inTurn(processes, () => inFolder(place, take)));
}

async function inFolder<Result>(place: string, work: (dir: string) => Promise<Result>): Promise<Result> {
  const dir = freshFolder(place);
  const result = await work(dir);
  rmSync(dir, { recursive: true });
  return result;
}
