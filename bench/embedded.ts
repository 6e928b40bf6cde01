import { rmSync } from 'node:fs';
import { type BareLife, facts as bareFacts } from './measures/bare-life.ts';
import type { BurnDown, BurnDownOptions } from './measures/burn-down.ts';
import type { Check } from './measures/check.ts';
import type { ContestantModule, Facts, Settings } from './measures/contestant.ts';
import type { Fdatasync } from './measures/fdatasync.ts';
import { freshFolder, inPlace } from './measures/place.ts';
import { medians } from './measures/statistics.ts';
import { inChild, takeTurns } from './measures/turns.ts';
import { type RedisServer, withRedis } from './peers/redis-server.ts';

/** What the suite can be told. */
export interface Options {
  readonly quick: boolean;
  readonly jobs?: number;
  readonly rounds?: number;
}

interface Contender {
  readonly module: string;
  readonly settings: Omit<Settings, 'dir'>;
  /** Which part of the jobs; a peer whose claims walk all that waits would need minutes for all of them. */
  readonly share?: number;
  readonly isSustained?: boolean;
}

const ours = './measures/signalbox.ts';
const plainjob = './peers/plainjob.ts';
const contenders = {
  size10: { module: ours, settings: { size: 10 } },
  plainjob: { module: plainjob, settings: { size: 1 } },
  size50: { module: ours, settings: { size: 50 } },
  bullmq: { module: './peers/bullmq.ts', settings: { size: 100 } },
  slowDisk: { module: ours, settings: { size: 10, slowSyncMs: 2 }, isSustained: false },
  plainjobSynced: { module: plainjob, settings: { size: 1, isSynced: true } },
  fastq: { module: './peers/fastq.ts', settings: { size: 10 } },
  liteque: { module: './peers/liteque.ts', settings: { size: 10 }, share: 0.05 },
} satisfies Readonly<Record<string, Contender>>;

type Name = keyof typeof contenders;

/** Figures of a peer, with what was measured. */
export type PeerFigures = BurnDown & Facts & { readonly jobs: number; readonly rounds: number };

/** The same no-op jobs through Signalbox and its peers, side by side. */
export async function run({ quick, jobs = 10_000, rounds = quick ? 7 : 15 }: Options) {
  const course = { jobs, sustainedMs: quick ? 300 : 1_000 };
  const taken = await inPlace((place) =>
    withRedis(place, (redis) => {
      const burnDowns = mapValues(contenders, (contender) => burnDown(contender, place, course, redis));
      return takeTurns(
        {
          ...burnDowns,
          bullmq: redis === null ? null : burnDowns.bullmq,
          bareXState: () => inChild<BareLife>('bare-life', { lives: jobs, warmUpLives: jobs / 10 }),
          fdatasync: () =>
            inChild<Fdatasync>('fdatasync', { dir: freshFolder(place), samples: 300, pauseMs: 0 }),
        },
        { rounds, budgetMs: quick ? 40_000 : 600_000 },
      );
    }),
  );

  const size10 = medians(taken.size10);
  const size50 = medians(taken.size50);
  const peer = (name: Name, figures: readonly BurnDown[]) => figuresOf(contenders[name], figures, jobs);
  const peers = {
    plainjob: await peer('plainjob', taken.plainjob),
    plainjobSynced: await peer('plainjobSynced', taken.plainjobSynced),
    bullmq: taken.bullmq.length === 0 ? null : await peer('bullmq', taken.bullmq),
    liteque: await peer('liteque', taken.liteque),
    fastq: await peer('fastq', taken.fastq),
    bareXState: { ...medians(taken.bareXState), ...bareFacts },
    fdatasync: { ...medians(taken.fdatasync), settings: '512 bytes appended and synced, again and again' },
  };
  return {
    size10,
    size50,
    totalVsPlainjobSynced: size10.totalPerS / peers.plainjobSynced.totalPerS,
    totalVsPlainjob: size10.totalPerS / peers.plainjob.totalPerS,
    totalVsBullmq: peers.bullmq === null ? null : size10.totalPerS / peers.bullmq.totalPerS,
    totalVsPlainjobSize50: size50.totalPerS / peers.plainjob.totalPerS,
    totalVsBareXState: size10.totalPerS / peers.bareXState.totalPerS,
    slowDiskRatio: medians(taken.slowDisk).totalPerS / size10.totalPerS,
    jobs,
    rounds: taken.size10.length,
    peers,
  };
}

/** One turn of a contender: a burn-down in a process and a folder of its own. */
function burnDown(
  { module, settings, share = 1, isSustained = true }: Contender,
  place: string,
  { jobs, sustainedMs }: { jobs: number; sustainedMs: number },
  redis: RedisServer | null,
): () => Promise<BurnDown> {
  return async () => {
    const dir = freshFolder(place);
    const options: BurnDownOptions = {
      contestant: urlOf(module),
      settings: { ...settings, dir, ...(redis === null ? {} : { redisSocket: redis.socket }) },
      jobs: Math.ceil(jobs * share),
      warmUpJobs: Math.ceil((jobs * share) / 10),
      sustainedMs: isSustained ? sustainedMs : 0,
    };
    const figures = await inChild<BurnDown>('burn-down', options);
    rmSync(dir, { recursive: true });
    return figures;
  };
}

async function figuresOf(
  { module, settings, share = 1 }: Contender,
  taken: readonly BurnDown[],
  jobs: number,
): Promise<PeerFigures> {
  const { facts }: ContestantModule = await import(urlOf(module));
  return {
    ...medians(taken),
    jobs: Math.ceil(jobs * share),
    rounds: taken.length,
    ...facts({ ...settings, dir: '' }),
  };
}

function urlOf(module: string): string {
  return new URL(module, import.meta.url).href;
}

function mapValues<Key extends string, From, To>(
  values: Readonly<Record<Key, From>>,
  map: (value: From) => To,
): Record<Key, To> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, map(value as From)]),
  ) as Record<Key, To>;
}

/** The bounds of one run on two cores. */
export function checks(figures: Awaited<ReturnType<typeof run>>): readonly Check[] {
  const ratio = (
    figure: keyof typeof figures & `${'total' | 'slow'}${string}`,
    atLeast: number,
    goal: number,
  ) => ({
    figure,
    is: figures[figure],
    atLeast,
    goal,
  });
  return [
    ratio('totalVsPlainjobSynced', 5, 10),
    ratio('totalVsPlainjob', 1.3, 2.5),
    ratio('totalVsBullmq', 2, 4),
    ratio('totalVsPlainjobSize50', 1.7, 3),
    ratio('totalVsBareXState', 0.6, 1),
    ratio('slowDiskRatio', 0.7, 0.9),
  ];
}
