import { inArena } from './measures/arena.ts';
import { type BareLife, facts as bareFacts } from './measures/bare-life.ts';
import type { BurnDown, BurnDownOptions } from './measures/burn-down.ts';
import type { Check } from './measures/check.ts';
import { type ContenderName, factsOf, turnOf } from './measures/contenders.ts';
import type { Facts } from './measures/contestant.ts';
import { type Fdatasync, facts as fdatasyncFacts } from './measures/fdatasync.ts';
import { inChild } from './measures/in-child.ts';
import { freshFolder } from './measures/place.ts';
import { medians } from './measures/statistics.ts';
import { progress, takeTurns } from './measures/turns.ts';

/** The options of the suite. */
export interface Options {
  readonly quick: boolean;
  readonly jobs?: number;
  readonly rounds?: number;
  /** How long each process warms up: a fresh one needs twice the processor time for a job. */
  readonly warmUpMs?: number;
}

const names = [
  'size10',
  'plainjob',
  'size50',
  'bullmq',
  'slowDisk',
  'plainjobSynced',
  'fastq',
  'liteque',
] as const;

/** One warm-up for each process: contenders of the same module share a process. */
const warmedUp = ['size10', 'plainjob', 'bullmq', 'fastq', 'liteque'] as const;

type Burned = Omit<BurnDown, 'serverCpuUsPerJob'>;

/** The figures of a peer, and what was measured. */
export type PeerFigures = Burned & Facts & { readonly jobs: number; readonly rounds: number };

/** Runs the same no-op jobs through Signalbox and its peers. */
export async function run({
  quick,
  jobs = quick ? 5_000 : 10_000,
  rounds = quick ? 7 : 15,
  warmUpMs = 4_000,
}: Options) {
  const { taken, leftOut } = await inArena(names, async (arena) => {
    const end = performance.now() + (quick ? 60_000 : 600_000);
    const course = {
      warmUpMs: 0,
      sustainedMs: quick ? 200 : 1_000,
      drainLimitMs: quick ? 1_000 : 30_000,
    };
    const ofLiteque = { jobs: litequeJobs(jobs) };
    const turn = (name: ContenderName, own: Partial<BurnDownOptions> = {}) =>
      withServer(turnOf<BurnDown>(name, 'burn-down', arena, { jobs, ...course, ...own }));
    const lives = (how: object) => arena.children.measure<BareLife>('bareXState', 'bare-life', how);

    for (const name of warmedUp) {
      const own = { warmUpMs, ...(name === 'liteque' ? ofLiteque : {}) };
      progress(`warming up: ${name}`);
      await turnOf(name, 'warm-up', arena, { jobs, ...course, ...own })?.();
    }
    progress('warming up: bareXState');
    await lives({ lives: 1, warmUpMs });

    return takeTurns(
      {
        size10: turn('size10'),
        plainjob: turn('plainjob'),
        size50: turn('size50'),
        bullmq: turn('bullmq'),
        slowDisk: turn('slowDisk', { sustainedMs: 0 }),
        plainjobSynced: turn('plainjobSynced'),
        bareXState: () => lives({ lives: jobs, warmUpMs: 0 }),
        fastq: turn('fastq'),
        liteque: turn('liteque', ofLiteque),
        fdatasync: () =>
          inChild<Fdatasync>('fdatasync', { dir: freshFolder(arena.place), samples: 300, pauseMs: 0 }),
      },
      // Subjects that are in no ratio must not take time from the others.
      {
        rounds,
        budgetMs: end - performance.now(),
        once: quick ? ['fastq', 'liteque', 'fdatasync'] : [],
      },
    );
  });

  const size10 = medians(taken.size10);
  const size50 = medians(taken.size50);
  const slowDisk = medians(taken.slowDisk);
  const peers = {
    plainjob: await withFacts('plainjob', taken.plainjob, jobs),
    plainjobSynced: await withFacts('plainjobSynced', taken.plainjobSynced, jobs),
    bullmq: await withFacts('bullmq', taken.bullmq, jobs),
    liteque: await withFacts('liteque', taken.liteque, litequeJobs(jobs)),
    fastq: await withFacts('fastq', taken.fastq, jobs),
    bareXState: { ...medians(taken.bareXState), rounds: taken.bareXState.length, ...bareFacts },
    fdatasync: { ...medians(taken.fdatasync), rounds: taken.fdatasync.length, ...fdatasyncFacts },
  };
  const total = (ours: Burned, peer: { readonly totalPerS: number } | null) =>
    peer === null ? null : ours.totalPerS / peer.totalPerS;
  return {
    size10,
    size50,
    slowDisk,
    totalVsPlainjobSynced: total(size10, peers.plainjobSynced),
    totalVsPlainjob: total(size10, peers.plainjob),
    totalVsBullmq: total(size10, peers.bullmq),
    totalVsPlainjobSize50: total(size50, peers.plainjob),
    totalVsBareXState: total(size10, peers.bareXState),
    slowDiskRatio: slowDisk.totalPerS / size10.totalPerS,
    jobs,
    rounds: taken.size10.length,
    peers,
    leftOut,
  };
}

/** Here `cpuUsPerJob` includes the Redis server. */
function withServer(turn: (() => Promise<BurnDown>) | null): (() => Promise<Burned>) | null {
  if (turn === null) return null;
  return async () => {
    const { serverCpuUsPerJob, ...figures } = await turn();
    return { ...figures, cpuUsPerJob: figures.cpuUsPerJob + (serverCpuUsPerJob ?? 0) };
  };
}

/**
 * A claim of liteque sorts all waiting jobs, so a turn of all jobs would take minutes. Few jobs favour
 * liteque.
 */
function litequeJobs(jobs: number): number {
  return Math.ceil(jobs / 20);
}

async function withFacts(
  name: ContenderName,
  taken: readonly Burned[],
  jobs: number,
): Promise<PeerFigures | null> {
  return taken.length === 0
    ? null
    : { ...medians(taken), jobs, rounds: taken.length, ...(await factsOf(name)) };
}

/** The bounds of one run on two cores. */
export function checks(figures: Awaited<ReturnType<typeof run>>): readonly Check[] {
  const total = (figure: keyof typeof figures & `total${string}`, atLeast: number, goal: number) => ({
    figure,
    is: figures[figure],
    atLeast,
    goal,
  });
  return [
    total('totalVsPlainjobSynced', 4, 6),
    total('totalVsPlainjob', 2, 3.3),
    total('totalVsBullmq', 3.2, 5),
    total('totalVsPlainjobSize50', 3.3, 4.3),
    total('totalVsBareXState', 0.6, 1),
    // More than 1: the engine would be faster on a slower disk.
    { figure: 'slowDiskRatio', is: figures.slowDiskRatio, atLeast: 0.7, atMost: 1.1 },
  ];
}
