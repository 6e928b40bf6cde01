import { rmSync } from 'node:fs';
import type { Check } from './measures/check.ts';
import type { Completed } from './measures/completed.ts';
import { turnOf } from './measures/contenders.ts';
import type { Drained } from './measures/drained.ts';
import { inChild } from './measures/in-child.ts';
import type { Opening } from './measures/opening.ts';
import { freshFolder, inPlace } from './measures/place.ts';
import { inPostgresArena } from './measures/postgres-arena.ts';
import { medians } from './measures/statistics.ts';
import { progress, takeTurns } from './measures/turns.ts';
import type { Waiting } from './measures/waiting.ts';

/** The options of the suite. */
export interface Options {
  readonly quick: boolean;
  /** Jobs that are completed, to measure what is kept of them. */
  readonly jobs?: number;
  readonly rounds?: number;
  /** How many jobs wait where many do. */
  readonly many?: number;
  /** How many wait on PostgreSQL. */
  readonly onPostgres?: { readonly few: number; readonly many: number };
}

/** Measures what waiting jobs cost: for new jobs, in memory and on disk, and for a drain of a database. */
export async function run({
  quick,
  jobs = quick ? 10_000 : 100_000,
  rounds = quick ? 5 : 7,
  many = 100_000,
  onPostgres = { few: 10_000, many: 1_000_000 },
}: Options) {
  const taken = await inPlace((place) => {
    const waiting =
      (count: number, isBlocked = false) =>
      () =>
        inFolder(place, (dir) => jobsWait(dir, { waiting: count, isBlocked, batches: 15 }));
    return takeTurns(
      {
        waiting1k: waiting(1_000),
        waiting100k: () =>
          inFolder(place, async (dir) => {
            const costs = await jobsWait(dir, {
              waiting: many,
              isBlocked: false,
              batches: 15,
            });
            // The process of these jobs ended without closing the store; the next opening closes it.
            const { startupMs: startupMsKilled } = await inChild<Opening>('opening', { dir });
            const { startupMs: startupMsClosed } = await inChild<Opening>('opening', { dir });
            return { ...costs, startupMsKilled, startupMsClosed };
          }),
        blocked100k: waiting(many, true),
        completed: () =>
          inFolder(place, (dir) => inChild<Completed>('completed', { dir, jobs }, ['--expose-gc'])),
        waiting10k: quick ? null : waiting(10_000),
        waiting1M: quick ? null : waiting(1_000_000),
      },
      { rounds, budgetMs: quick ? 36_000 : 600_000 },
    );
  });

  const { drained } = await inPostgresArena([], async (arena) => {
    progress(`on PostgreSQL, with ${onPostgres.many} jobs`);
    const turn = turnOf<Drained>('postgres50', 'drained', arena, { ...onPostgres, spans: quick ? 5 : 15 });
    return { drained: (await turn?.()) ?? null };
  });
  progress('');

  const of1k = medians(taken.waiting1k);
  const of100k = medians(taken.waiting100k);
  const blocked = medians(taken.blocked100k);
  const completed = medians(taken.completed);
  const ofMore = <Figures extends object>(figures: readonly Figures[]) =>
    figures.length === 0 ? null : medians(figures);
  const of1M = ofMore(taken.waiting1M);
  return {
    claimCostRatio100kVs1k: of100k.claimUs / of1k.claimUs,
    claimCostRatio1MVs1k: of1M === null ? null : of1M.claimUs / of1k.claimUs,
    claimCostRatioBlocked100k: blocked.claimUs / of1k.claimUs,
    startupMs100k: Math.max(of100k.startupMsKilled, of100k.startupMsClosed),
    heapBytesPerWaitingJob: of100k.heapBytesPerJob,
    diskBytesPerWaitingJob: of100k.diskBytesPerJob,
    heapBytesPerCompletedJob: completed.heapBytesPerJob,
    diskBytesPerCompletedJob: completed.diskBytesPerJob,
    commitBytes1k: of1k.commitBytes,
    commitBytes100k: of100k.commitBytes,
    postgresDrain1MVs10k: drained && drained.many.drainPerS / drained.few.drainPerS,
    rounds: taken.waiting100k.length,
    waiting: {
      '1,000': of1k,
      '10,000': ofMore(taken.waiting10k),
      '100,000': of100k,
      '100,000 blocked': blocked,
      '1,000,000': of1M,
    },
    onPostgres: { '10,000': drained?.few ?? null, '1,000,000': drained?.many ?? null },
  };
}

function jobsWait(
  dir: string,
  how: { waiting: number; isBlocked: boolean; batches: number },
): Promise<Waiting> {
  return inChild<Waiting>('waiting', { dir, ...how }, ['--expose-gc', '--max-old-space-size=8192']);
}

async function inFolder<Figures>(place: string, work: (dir: string) => Promise<Figures>): Promise<Figures> {
  const dir = freshFolder(place);
  const figures = await work(dir);
  rmSync(dir, { recursive: true });
  return figures;
}

export function checks(figures: Awaited<ReturnType<typeof run>>): readonly Check[] {
  return [
    { figure: 'claimCostRatio100kVs1k', is: figures.claimCostRatio100kVs1k, atMost: 1.5 },
    { figure: 'claimCostRatioBlocked100k', is: figures.claimCostRatioBlocked100k, atMost: 1.5 },
    { figure: 'startupMs100k', is: figures.startupMs100k, atMost: 2_000 },
    { figure: 'heapBytesPerWaitingJob', is: figures.heapBytesPerWaitingJob, atMost: 620 },
    { figure: 'commitBytes100k', is: figures.commitBytes100k, atMost: figures.commitBytes1k + 16 },
    { figure: 'postgresDrain1MVs10k', is: figures.postgresDrain1MVs10k, atLeast: 0.7 },
  ];
}
