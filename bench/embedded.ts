import { rmSync } from 'node:fs';
import type { BurnDown, BurnDownOptions } from './measures/burn-down.ts';
import type { Check } from './measures/check.ts';
import type { ContestantModule, Facts, Settings } from './measures/contestant.ts';
import { freshFolder, inPlace } from './measures/place.ts';
import { inChild, medians, type Subject, takeTurns } from './measures/turns.ts';

/** What the suite can be told. */
export interface Options {
  readonly quick: boolean;
  readonly jobs?: number;
  readonly rounds?: number;
}

type Ours = 'size10' | 'size50' | 'slowDisk';
type Peer = 'plainjob' | 'plainjobSynced';

interface Contender {
  readonly module: string;
  readonly settings: Omit<Settings, 'dir'>;
  readonly sustained: boolean;
}

const ours = './measures/signalbox.ts';
const contenders: Readonly<Record<Ours | Peer, Contender>> = {
  size10: { module: ours, settings: { size: 10 }, sustained: true },
  plainjob: { module: './peers/plainjob.ts', settings: { size: 1 }, sustained: true },
  size50: { module: ours, settings: { size: 50 }, sustained: true },
  plainjobSynced: {
    module: './peers/plainjob.ts',
    settings: { size: 1, isSynced: true },
    sustained: true,
  },
  slowDisk: { module: ours, settings: { size: 10, slowSyncMs: 2 }, sustained: false },
};

/** Figures of a peer, with what was measured. */
export type PeerFigures = BurnDown & Facts & { readonly rounds: number };

/** The same no-op jobs through Signalbox and its peers, side by side. */
export async function run({ quick, jobs = 10_000, rounds = quick ? 5 : 11 }: Options) {
  const taken = await inPlace((place) =>
    takeTurns(
      Object.entries(contenders).map(([name, contender]) =>
        turn(place, name as Ours | Peer, contender, {
          jobs,
          warmUpJobs: jobs / 10,
          sustainedMs: quick ? 400 : 1_000,
        }),
      ),
      { rounds, budgetMs: quick ? 36_000 : 400_000 },
    ),
  );
  const figures = (name: Ours | Peer) => medians(taken[name]);
  const { size10, size50 } = { size10: figures('size10'), size50: figures('size50') };
  return {
    size10,
    size50,
    totalVsPlainjobSynced: size10.totalPerS / figures('plainjobSynced').totalPerS,
    totalVsPlainjob: size10.totalPerS / figures('plainjob').totalPerS,
    totalVsPlainjobSize50: size50.totalPerS / figures('plainjob').totalPerS,
    slowDiskRatio: figures('slowDisk').totalPerS / size10.totalPerS,
    jobs,
    rounds: taken.size10.length,
    peers: {
      plainjob: await withFacts(contenders.plainjob, taken.plainjob),
      plainjobSynced: await withFacts(contenders.plainjobSynced, taken.plainjobSynced),
    },
  };
}

function turn<Name extends string>(
  place: string,
  name: Name,
  { module, settings, sustained }: Contender,
  how: { jobs: number; warmUpJobs: number; sustainedMs: number },
): Subject<BurnDown> & { readonly name: Name } {
  return {
    name,
    take: async () => {
      const dir = freshFolder(place);
      const options: BurnDownOptions = {
        ...how,
        contestant: new URL(module, import.meta.url).href,
        settings: { ...settings, dir },
        sustainedMs: sustained ? how.sustainedMs : 0,
      };
      const figures = await inChild<BurnDown>('burn-down', options);
      rmSync(dir, { recursive: true });
      return figures;
    },
  };
}

async function withFacts({ module, settings }: Contender, taken: readonly BurnDown[]): Promise<PeerFigures> {
  const { facts }: ContestantModule = await import(new URL(module, import.meta.url).href);
  return { ...medians(taken), rounds: taken.length, ...facts({ ...settings, dir: '' }) };
}

type Figures = Awaited<ReturnType<typeof run>>;

export function checks(figures: Figures): readonly Check[] {
  return [
    { figure: 'totalVsPlainjobSynced', is: figures.totalVsPlainjobSynced, atLeast: 5, goal: 10 },
    { figure: 'totalVsPlainjob', is: figures.totalVsPlainjob, atLeast: 1.3, goal: 2.5 },
    { figure: 'totalVsPlainjobSize50', is: figures.totalVsPlainjobSize50, atLeast: 1.7, goal: 3 },
    { figure: 'slowDiskRatio', is: figures.slowDiskRatio, atLeast: 0.7, goal: 0.9 },
  ];
}
