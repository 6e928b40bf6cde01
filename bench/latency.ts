import { inArena } from './measures/arena.ts';
import type { Check } from './measures/check.ts';
import { type ContenderName, factsOf, turnOf } from './measures/contenders.ts';
import { type Fdatasync, facts as fdatasyncFacts } from './measures/fdatasync.ts';
import type { Idle } from './measures/idle.ts';
import { inChild } from './measures/in-child.ts';
import { freshFolder } from './measures/place.ts';
import { medians } from './measures/statistics.ts';
import { progress, takeTurns } from './measures/turns.ts';

/** The options of the suite. */
export interface Options {
  readonly quick: boolean;
  /** Jobs per turn. */
  readonly jobs?: number;
  readonly rounds?: number;
}

const pauseMs = 3;
const burstJobs = 1_000;
/** One warm-up for each process: contenders of the same module share a process. */
const warmedUp = ['size10', 'plainjob', 'bullmq', 'liteque', 'fastq'] as const;
const names = ['size10', 'plainjob', 'plainjobSynced', 'bullmq', 'liteque', 'fastq'] as const;

/** Puts one job at a time while everything is idle, through Signalbox and its peers. */
export async function run({ quick, jobs = quick ? 200 : 1_000, rounds = quick ? 5 : 11 }: Options) {
  const { taken, leftOut } = await inArena(names, async (arena) => {
    const turn = (name: ContenderName) =>
      turnOf<Idle>(name, 'idle', arena, { jobs, warmUpJobs: 100, pauseMs });
    // A service has run its code before it is idle, single puts too. So bursts of jobs warm up the JavaScript
    // compiler first.
    const burst = {
      warmUpMs: quick ? 1_500 : 4_000,
      oneByOne: true,
      sustainedMs: 0,
      drainLimitMs: quick ? 1_000 : 30_000,
    };
    for (const name of warmedUp) {
      progress(`warming up: ${name}`);
      const count = name === 'liteque' ? burstJobs / 10 : burstJobs;
      await turnOf(name, 'warm-up', arena, { jobs: count, ...burst })?.();
    }
    return takeTurns(
      {
        signalbox: turn('size10'),
        fdatasync: () =>
          inChild<Fdatasync>('fdatasync', { dir: freshFolder(arena.place), samples: jobs, pauseMs }),
        plainjob: turn('plainjob'),
        plainjobSynced: turn('plainjobSynced'),
        bullmq: turn('bullmq'),
        liteque: turn('liteque'),
        fastq: turn('fastq'),
      },
      { rounds, budgetMs: quick ? 33_000 : 300_000 },
    );
  });

  const peer = async (name: ContenderName, idles: readonly Idle[]) =>
    idles.length === 0
      ? null
      : {
          ...medians(idles),
          rounds: idles.length,
          ...(await factsOf(name)),
        };
  const disk = medians(taken.fdatasync);
  return {
    ...medians(taken.signalbox),
    fdatasyncP50Ms: disk.p50Ms,
    fdatasyncP99Ms: disk.p99Ms,
    jobs,
    rounds: taken.signalbox.length,
    peers: {
      plainjob: await peer('plainjob', taken.plainjob),
      plainjobSynced: await peer('plainjobSynced', taken.plainjobSynced),
      bullmq: await peer('bullmq', taken.bullmq),
      liteque: await peer('liteque', taken.liteque),
      fastq: await peer('fastq', taken.fastq),
      fdatasync: { ...disk, rounds: taken.fdatasync.length, ...fdatasyncFacts },
    },
    leftOut,
  };
}

/** A put waits for one sync; half a millisecond is allowed for everything except the disk. */
export function checks({
  putToStartP50Ms,
  fdatasyncP50Ms,
}: Awaited<ReturnType<typeof run>>): readonly Check[] {
  return [{ figure: 'putToStartP50Ms', is: putToStartP50Ms, atMost: 2 * fdatasyncP50Ms + 0.5 }];
}
