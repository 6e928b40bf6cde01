import type { BurnDown } from './measures/burn-down.ts';
import { type Check, checksOf } from './measures/check.ts';
import { type Arena, type ContenderName, factsOf, turnOf } from './measures/contenders.ts';
import type { Counted } from './measures/counted.ts';
import { type Fdatasync, facts as fdatasyncFacts } from './measures/fdatasync.ts';
import type { Idle } from './measures/idle.ts';
import { inChild } from './measures/in-child.ts';
import type { LongRun } from './measures/long-run.ts';
import { inPostgresArena } from './measures/postgres-arena.ts';
import type { Remains } from './measures/postgres-schema.ts';
import { type PostgresServer, serverFacts } from './measures/postgres-server.ts';
import type { Processes } from './measures/processes.ts';
import { medians } from './measures/statistics.ts';
import { progress, takeTurns } from './measures/turns.ts';

/** The options of the suite. */
export interface Options {
  readonly quick: boolean;
  readonly jobs?: number;
  readonly rounds?: number;
  /**
   * How long jobs are put and completed at the end, with a sample of the tables every minute. Without it, not
   * at all.
   */
  readonly seconds?: number;
  /** How long each process warms up. */
  readonly warmUpMs?: number;
}

type Burned = BurnDown & Remains;

/** Runs the same no-op jobs through Signalbox and its peers on one PostgreSQL server. */
export async function run({
  quick,
  jobs = quick ? 5_000 : 10_000,
  rounds = quick ? 7 : 9,
  seconds,
  warmUpMs = 4_000,
}: Options) {
  const end = performance.now() + (quick ? 90_000 : 600_000);
  const { taken, server, long, leftOut } = await inPostgresArena(
    ['graphileWorker', 'pgBoss'],
    async (arena, postgres) => {
      for (const name of ['postgres50', 'graphileWorker', 'pgBoss'] as const) {
        progress(`warming up: ${name}`);
        await turnOf(name, 'warm-up', arena, { jobs, warmUpMs, drainLimitMs: 4 * warmUpMs })?.();
      }
      return {
        server: await serverFacts(postgres.url),
        taken: await takeTurns(subjects(arena, postgres, { jobs, quick, warmUpMs }), {
          rounds,
          budgetMs: end - performance.now(),
          // Subjects that are in no ratio must not take time from the others.
          ...(quick ? { once: [...once, ...besideRatios], ifTime: besideRatios } : {}),
        }),
        long: seconds === undefined ? null : await longRun(arena, seconds, jobs),
      };
    },
  );

  const size50 = medians(taken.size50);
  const size100 = medians(taken.size100);
  const peers = {
    graphileWorker: await peerFigures('graphileWorker', taken.graphileWorker),
    pgBoss: await peerFigures('pgBoss', taken.pgBoss),
    fdatasync:
      taken.fdatasync.length === 0
        ? null
        : { ...medians(taken.fdatasync), rounds: taken.fdatasync.length, ...fdatasyncFacts },
    server,
  };
  const latency = {
    signalbox: medians(taken.idle),
    graphileWorker: ofAny(taken.graphileWorkerIdle),
    pgBoss: ofAny(taken.pgBossIdle),
  };
  const processes = {
    1: together(taken.of1, taken.graphileWorkerOf1, taken.pgBossOf1),
    2: together(taken.of2, taken.graphileWorkerOf2, taken.pgBossOf2),
    4: together(taken.of4, taken.graphileWorkerOf4, taken.pgBossOf4),
  };
  const last = Object.values(long?.samples ?? {}).at(-1);
  const fullest = worst([...taken.size50, ...taken.size100, ...(last === undefined ? [] : [last])]);
  return {
    size50: withoutRemains(size50),
    size100: withoutRemains(size100),
    totalVsGraphileWorker: ratio(size50.totalPerS, peers.graphileWorker?.totalPerS),
    totalVsGraphileWorkerSize100: ratio(size100.totalPerS, peers.graphileWorker?.totalPerS),
    totalVsPgBoss: ratio(size100.totalPerS, peers.pgBoss?.totalPerS),
    serverCpuUsPerJob: size100.serverCpuUsPerJob,
    serverCpuVsGraphileWorker: ratio(size100.serverCpuUsPerJob, peers.graphileWorker?.serverCpuUsPerJob),
    putToStartP50Ms: latency.signalbox.putToStartP50Ms,
    putToStartVsGraphileWorker: ratio(
      latency.signalbox.putToStartP50Ms,
      latency.graphileWorker?.putToStartP50Ms,
    ),
    processes4Vs1: ratio(processes[4]?.totalPerS, processes[1]?.totalPerS),
    ...medians(taken.counted),
    deadTuples: fullest.deadTuples,
    liveTuples: fullest.liveTuples,
    deadTuplesAllowed: deadTuplesAllowed(fullest),
    jobs,
    rounds: taken.size50.length,
    peers,
    processes,
    latency,
    ...long,
    leftOut,
  };
}

/** Subjects that a quick run measures once: each of their turns has many samples. */
const once = ['of1', 'of4', 'idle', 'graphileWorkerIdle', 'counted', 'fdatasync'] as const;

/** Subjects that are in no ratio. */
const besideRatios = [
  'of2',
  'pgBossIdle',
  'graphileWorkerOf1',
  'graphileWorkerOf2',
  'graphileWorkerOf4',
  'pgBossOf1',
  'pgBossOf2',
  'pgBossOf4',
] as const;

/** The subjects, in the order of their turns. */
function subjects(
  arena: Arena,
  { folder }: PostgresServer,
  { jobs, quick, warmUpMs }: { readonly jobs: number; readonly quick: boolean; readonly warmUpMs: number },
) {
  const burnDown = (name: ContenderName) =>
    turnOf<Burned>(name, 'burn-down', arena, {
      jobs,
      warmUpMs: 0,
      sustainedMs: quick ? 200 : 2_000,
      drainLimitMs: quick ? 2_000 : 60_000,
    });
  const idle = (name: ContenderName) =>
    turnOf<Idle>(name, 'idle', arena, { jobs: quick ? 100 : 500, warmUpJobs: 50, pauseMs: 3 });
  const team = (name: ContenderName, processes: number) =>
    turnOf<Processes>(name, 'processes', arena, {
      jobs,
      processes,
      warmUpMs,
      repeats: 3,
      limitMs: quick ? 1_500 : 60_000,
    });
  const peerTeam: typeof team = (name, processes) => (quick ? null : team(name, processes));
  return {
    size50: burnDown('postgres50'),
    graphileWorker: burnDown('graphileWorker'),
    size100: burnDown('postgres100'),
    pgBoss: burnDown('pgBoss'),
    of1: team('postgres50', 1),
    of4: team('postgres50', 4),
    idle: idle('postgres50'),
    graphileWorkerIdle: idle('graphileWorker'),
    counted: turnOf<Counted>('postgres50', 'counted', arena, { jobs }),
    fdatasync:
      folder === null
        ? null
        : () => inChild<Fdatasync>('fdatasync', { dir: folder, samples: 300, pauseMs: 0 }),
    of2: team('postgres50', 2),
    pgBossIdle: idle('pgBoss'),
    graphileWorkerOf1: peerTeam('graphileWorker', 1),
    graphileWorkerOf2: peerTeam('graphileWorker', 2),
    graphileWorkerOf4: peerTeam('graphileWorker', 4),
    pgBossOf1: peerTeam('pgBoss', 1),
    pgBossOf2: peerTeam('pgBoss', 2),
    pgBossOf4: peerTeam('pgBoss', 4),
  };
}

async function longRun(arena: Arena, seconds: number, jobs: number): Promise<LongRun | null> {
  const turn = turnOf<LongRun>('postgres50', 'long-run', arena, { seconds, backlog: jobs / 10 });
  return turn === null ? null : turn();
}

async function peerFigures(name: ContenderName, taken: readonly Burned[]) {
  const figures = ofAny(taken);
  return figures === null
    ? null
    : { ...withoutRemains(figures), rounds: taken.length, ...(await factsOf(name)) };
}

type Teams = readonly Processes[];

function together(ours: Teams, graphileWorkers: Teams, pgBosses: Teams) {
  const figures = ofAny(ours);
  return figures === null
    ? null
    : {
        ...figures,
        graphileWorkerTotalPerS: ofAny(graphileWorkers)?.totalPerS ?? null,
        pgBossTotalPerS: ofAny(pgBosses)?.totalPerS ?? null,
      };
}

/** Returns the medians of the figures, or null when there are none. */
function ofAny<Figures extends object>(taken: readonly Figures[]): Figures | null {
  return taken.length === 0 ? null : medians(taken);
}

function ratio(ours: number | null | undefined, peer: number | null | undefined): number | null {
  return ours == null || peer == null ? null : ours / peer;
}

/** Returns the dead tuples that autovacuum leaves on large tables, plus as many as small tables may hold. */
function deadTuplesAllowed({ liveTuples }: Remains): number {
  return 0.2 * liveTuples + 50_000;
}

/** Returns the remains that exceed the allowed number most. */
function worst(remains: readonly Remains[]): Remains {
  const excess = (one: Remains) => one.deadTuples - deadTuplesAllowed(one);
  const [first] = [...remains].sort((one, other) => excess(other) - excess(one));
  if (first === undefined) throw new Error('Expected at least one turn of Signalbox, got none.');
  return first;
}

function withoutRemains(burned: Burned): BurnDown {
  const { liveTuples: _, deadTuples: __, tableBytes: ___, indexBytes: ____, ...figures } = burned;
  return figures;
}

/** The bounds of one run on two cores. */
export function checks(figures: Awaited<ReturnType<typeof run>>): readonly Check[] {
  const check = checksOf(figures);
  return [
    check('totalVsGraphileWorker', { atLeast: 0.7, goal: 1.5 }),
    check('totalVsGraphileWorkerSize100', { atLeast: 1, goal: 2 }),
    check('totalVsPgBoss', { atLeast: 1.8, goal: 3 }),
    check('serverCpuVsGraphileWorker', { atMost: 0.9 }),
    check('putToStartVsGraphileWorker', { atMost: 0.8 }),
    check('processes4Vs1', { atLeast: 0.85 }),
    // One, and a look at the heads of the queue each 250 ms.
    check('statementsPerRound', { atMost: 1.05, goal: 1 }),
    check('syncedCommitsPerRound', { atMost: 1 }),
    check('deadTuples', { atMost: figures.deadTuplesAllowed }),
  ];
}
