import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const figure = expect.any(Number);

test('the suite embedded gives each figure, with processor time beside the rates', () => {
  const figures = figuresOf('embedded', { jobs: 60, rounds: 1, warmUpMs: 1 });

  const ours = { totalPerS: figure, cpuUsPerJob: figure };
  expect(figures).toMatchObject({
    size10: ours,
    size50: ours,
    slowDisk: ours,
    slowDiskRatio: figure,
    jobs: 60,
  });
  // Null where a peer is not installed.
  expect(Object.keys(figures)).toEqual(
    expect.arrayContaining([
      'totalVsPlainjob',
      'totalVsPlainjobSynced',
      'totalVsBullmq',
      'totalVsPlainjobSize50',
    ]),
  );
}, 120_000);

test('the suite postgres gives each figure, and counts statements and synced commits a round', () => {
  // Several rounds, each of up to 100 jobs.
  const figures = figuresOf('postgres', { jobs: 1_500, rounds: 1, warmUpMs: 1 });

  const ours = { totalPerS: figure, cpuUsPerJob: figure, serverCpuUsPerJob: figure };
  expect(figures).toMatchObject({
    size50: ours,
    size100: ours,
    processes: { 1: ours, 4: ours },
    serverCpuUsPerJob: figure,
    putToStartP50Ms: figure,
    processes4Vs1: figure,
    statementsPerRound: figure,
    syncedCommitsPerRound: figure,
  });
  // Null where a peer is not installed.
  expect(Object.keys(figures)).toEqual(
    expect.arrayContaining([
      'totalVsGraphileWorker',
      'totalVsGraphileWorkerSize100',
      'totalVsPgBoss',
      'serverCpuVsGraphileWorker',
      'putToStartVsGraphileWorker',
    ]),
  );
}, 240_000);

test('the suite explore gives each figure', () => {
  expect(figuresOf('explore', {})).toMatchObject({
    ...{ waysPerS: figure, waysOfExpress: figure, waysOfOrders: figure },
    ...{ secondsExpress: figure, secondsOrders: figure },
  });
}, 120_000);

test('the suite actors gives each figure', () => {
  const figures = figuresOf('actors', { jobs: 60, rounds: 1, warmUpMs: 1, sends: 640, sleepers: 1000 });

  expect(figures).toMatchObject({
    ...{ sendPerS: figure, sendCpuUs: figure, hotPerS: figure, stepUs: figure, startsPerS: figure },
    ...{ openMs100kSleepers: figure, bytesPerSleeper: figure },
    ...{ postgresInlinePerS: figure, postgresInlineCpuUs: figure },
  });
  // Null where the history of the repository is not there.
  expect(Object.keys(figures)).toContain('jobsRatio');
}, 240_000);

test('the suite scale gives each figure, among them those of a drain on PostgreSQL', () => {
  const onPostgres = { few: 1_500, many: 7_500 };
  const figures = figuresOf('scale', { jobs: 100, rounds: 1, many: 1_000, onPostgres });

  const drain = { drainPerS: figure, cpuUsPerJob: figure, serverCpuUsPerJob: figure };
  expect(figures).toMatchObject({
    claimCostRatio100kVs1k: figure,
    claimCostRatioBlocked100k: figure,
    startupMs100k: figure,
    heapBytesPerWaitingJob: figure,
    postgresDrain1MVs10k: figure,
    onPostgres: { '10,000': drain, '1,000,000': drain },
  });
}, 240_000);

function figuresOf(suite: string, options: object): Record<string, unknown> {
  const args = [
    '--import',
    'tsx',
    'bench/main.ts',
    suite,
    JSON.stringify({ json: true, quick: true, ...options }),
  ];
  const env = { ...process.env, NODE_OPTIONS: '--conditions=signalbox-source' };
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', env });
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  expect(last.startsWith('{'), stderr).toBe(true);
  return JSON.parse(last);
}
