import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the suite inspector gives each figure, and an inspector without a viewer has no timer and no follower', () => {
  const options = { json: true, quick: true, jobs: 300, rounds: 1, turnMs: 200, many: 3_000 };
  const args = ['--import', 'tsx', 'bench/main.ts', 'inspector', JSON.stringify(options)];
  const env = { ...process.env, NODE_OPTIONS: '--conditions=signalbox-source' };

  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', env });

  const [last = ''] = stdout.trimEnd().split('\n').slice(-1);
  const figure = expect.any(Number);
  expect(last.startsWith('{'), stderr).toBe(true);
  expect(JSON.parse(last)).toMatchObject({
    viewerRatio: figure,
    viewerCpuRatio: figure,
    viewerLoopP99Ms: figure,
    firstRowMs100k: figure,
    longestTaskMs: figure,
    pageBusyShare: figure,
    scrollBusyShare: figure,
    firstLoadKb: figure,
    explainMs: figure,
    explainCountedMs: figure,
    pastEnterMs100k: figure,
    pastStepMs: figure,
    countsMs1M: figure,
    pageMs1M: figure,
    idleTimers: 0,
    idleFollowers: 0,
    waiting: 300,
  });
}, 120_000);
