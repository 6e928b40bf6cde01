import type { BurnDown } from './measures/burn-down.ts';
import type { Check } from './measures/check.ts';
import { type ContenderName, factsOf, turnOf } from './measures/contenders.ts';
import { inPlace } from './measures/place.ts';
import type { Remains } from './measures/postgres-schema.ts';
import { serverFacts, withPostgres } from './measures/postgres-server.ts';
import { medians } from './measures/statistics.ts';
import { takeTurns } from './measures/turns.ts';

/** What the suite can be told. */
export interface Options {
  readonly quick: boolean;
  readonly jobs?: number;
  readonly rounds?: number;
}

type Burned = BurnDown & Remains;

/** The same no-op jobs through Signalbox and its peers on one PostgreSQL server, side by side. */
export async function run({ quick, jobs = 10_000, rounds = quick ? 5 : 11 }: Options) {
  const { taken, server } = await inPlace((place) =>
    withPostgres(place, async (postgres) => {
      const limits = {
        warmUpMs: quick ? 1_000 : 4_000,
        sustainedMs: quick ? 200 : 2_000,
        drainLimitMs: quick ? 4_000 : 60_000,
      };
      const turn = (name: ContenderName) =>
        turnOf<Burned>(name, 'burn-down', { place, postgres }, { jobs, ...limits });
      return {
        server: await serverFacts(postgres.url),
        taken: await takeTurns(
          {
            size50: turn('postgres50'),
            graphileWorker: await peerTurn('graphileWorker', turn('graphileWorker')),
            size100: turn('postgres100'),
            pgBoss: await peerTurn('pgBoss', turn('pgBoss')),
          },
          { rounds, budgetMs: quick ? 40_000 : 600_000 },
        ),
      };
    }),
  );

  const size50 = medians(taken.size50);
  const size100 = medians(taken.size100);
  const graphileWorker = await withFacts('graphileWorker', taken.graphileWorker);
  const pgBoss = await withFacts('pgBoss', taken.pgBoss);
  const fullest = worst([...taken.size50, ...taken.size100]);
  return {
    size50: withoutRemains(size50),
    size100: withoutRemains(size100),
    totalVsGraphileWorker: graphileWorker === null ? null : size50.totalPerS / graphileWorker.totalPerS,
    totalVsPgBoss: pgBoss === null ? null : size100.totalPerS / pgBoss.totalPerS,
    deadTuples: fullest.deadTuples,
    liveTuples: fullest.liveTuples,
    deadTuplesAllowed: deadTuplesAllowed(fullest),
    jobs,
    rounds: taken.size50.length,
    peers: { graphileWorker, pgBoss, server },
  };
}

/** A peer that is not installed, or does not work, is left out, and people are told how to get it. */
async function peerTurn(
  name: 'graphileWorker' | 'pgBoss',
  turn: (() => Promise<Burned>) | null,
): Promise<(() => Promise<Burned | null>) | null> {
  const leaveOut = (error: unknown) => {
    console.error(
      `${name} is left out (null): ${String(error)} To mend it: npm ci --prefix bench/peers, then run this again.`,
    );
    return null;
  };
  try {
    await factsOf(name);
  } catch (error) {
    return leaveOut(error);
  }
  let isBroken = false;
  return async () => {
    if (isBroken || turn === null) return null;
    try {
      return await turn();
    } catch (error) {
      isBroken = true;
      return leaveOut(error);
    }
  };
}

async function withFacts(name: ContenderName, taken: readonly (Burned | null)[]) {
  const burned = taken.filter((figures) => figures !== null);
  if (burned.length === 0) return null;
  return { ...medians(burned), rounds: burned.length, ...(await factsOf(name)) };
}

/** What autovacuum leaves alone on large tables, and as much again for small ones. */
function deadTuplesAllowed({ liveTuples }: Remains): number {
  return 0.2 * liveTuples + 50_000;
}

/** The remains that are the most above what is allowed. */
function worst(remains: readonly Remains[]): Remains {
  const excess = (one: Remains) => one.deadTuples - deadTuplesAllowed(one);
  const [first] = [...remains].sort((one, other) => excess(other) - excess(one));
  if (first === undefined) throw new Error('Expected a turn of Signalbox at least, got none.');
  return first;
}

function withoutRemains({ liveTuples: _, deadTuples: __, tableBytes: ___, ...figures }: Burned): BurnDown {
  return figures;
}

/** The bounds of one run on two cores. */
export function checks(figures: Awaited<ReturnType<typeof run>>): readonly Check[] {
  const { totalVsGraphileWorker, totalVsPgBoss, deadTuples, deadTuplesAllowed: allowed } = figures;
  return [
    { figure: 'totalVsGraphileWorker', is: totalVsGraphileWorker, atLeast: 1.5 },
    { figure: 'totalVsPgBoss', is: totalVsPgBoss, atLeast: 1 },
    { figure: 'deadTuples', is: deadTuples, atMost: allowed },
  ];
}
