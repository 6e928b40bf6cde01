import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, install, root } from '../.ci/prepare.mjs';

install();
const builds = succeeds(build);
const { passed, failed, skipped } = runTests(process.argv.slice(2));
const allFailed = failed + (builds ? 0 : 1);

console.log(`${passed} passed, ${allFailed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = allFailed > 0 || passed === 0 ? 1 : 0;

function succeeds(step) {
  try {
    step();
    return true;
  } catch (error) {
    console.error(error.message);
    return false;
  }
}

function runTests(extraArguments) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-test-'));
  const report = join(folder, 'report.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  try {
    const { status } = spawnSync(
      process.execPath,
      [
        vitest,
        'run',
        '--project=node',
        '--project=chromium',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...extraArguments,
      ],
      { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    return count(report, status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function count(report, status) {
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const notLoaded = results.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = results.numFailedTests + notLoaded;
  return {
    passed: results.numPassedTests,
    // An error outside of any test, an unhandled rejection for example, shows only in the exit code.
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: results.numPendingTests + results.numTodoTests,
  };
}
