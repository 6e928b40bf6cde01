import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { HistoryEntry } from 'signalbox';
import { copyAsTest } from 'signalbox/testing';
import { afterAll, expect, test } from 'vitest';
import { randomActorHistory, randomJobHistories } from './random-histories.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'signalbox-copies-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** A project that has this package installed. */
function makeProject(): void {
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules/signalbox'));
  for (const name of ['vitest', 'xstate', 'fast-check'])
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  writeFileSync(
    join(project, 'vitest.config.mjs'),
    `export default { ssr: { resolve: { conditions: ['signalbox-source', 'module', 'node'] } }, test: { isolate: false } };`,
  );
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
  }[];
}

/** What happens to jobs in these histories. */
const deeds = [
  "'claim'",
  "'return'",
  "'stop'",
  "'hand on'",
  '{ throw:',
  '{ kill:',
  '{ snooze:',
  '{ cancel:',
  "'at once'",
];

/** 25 histories of jobs and 25 of machines, those that differ most first. */
async function histories(): Promise<{
  readonly jobs: (readonly HistoryEntry[])[];
  readonly actors: (readonly HistoryEntry[])[];
}> {
  const jobs = new Map<string, readonly HistoryEntry[]>();
  for (let seed = 1; seed <= 12; seed += 1)
    for (const history of await randomJobHistories(seed))
      if (history.length > 0) jobs.set(history.map(({ event }) => event).join(), history);
  const actors: (readonly HistoryEntry[])[] = [];
  for (let seed = 1; actors.length < 25; seed += 1) {
    const history = await randomActorHistory(seed);
    if (history.length > 3) actors.push(history);
  }
  return { jobs: [...jobs.values()].slice(0, 25), actors };
}

test('50 random histories of jobs and machines, copied as tests, pass as they are', async () => {
  makeProject();
  const { jobs, actors } = await histories();
  const machines = fileURLToPath(new URL('./copied-machines.ts', import.meta.url));
  const files = jobs.map((history) => copyAsTest(history, { redact: [] }));
  for (const [index, file] of files.entries()) writeFileSync(join(project, `job-${index}.test.ts`), file);
  for (const [index, history] of actors.entries()) {
    const seed = /^random(\d+)/.exec(history[0]?.id ?? '')?.[1];
    const module = `./machine-${index}.ts`;
    writeFileSync(
      join(project, module),
      `import { machineOf } from '${machines}';\nexport const order = machineOf(${seed});\n`,
    );
    const from = { module, name: 'order' };
    writeFileSync(join(project, `actor-${index}.test.ts`), copyAsTest(history, { redact: [], from }));
  }
  const bin = join(root, 'node_modules/vitest/vitest.mjs');
  const report = join(project, 'report.json');
  const args = [bin, 'run', '--root', project, '--reporter=json', `--outputFile=${report}`];

  await promisify(execFile)(process.execPath, args, { cwd: project }).catch(() => {});

  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const failed = testResults.filter(({ status }) => status !== 'passed');
  expect(failed).toEqual([]);
  expect([testResults.length, jobs.length, actors.length]).toEqual([50, 25, 25]);
  // So many are led again, and not only stepped by the chart.
  expect(files.filter((file) => file.includes('await replay(')).length).toBeGreaterThan(20);
  expect(deeds.filter((deed) => !files.join().includes(deed))).toEqual([]);
}, 180_000);
