import { defineConfig } from 'vitest/config';

// `signalbox` and its subpaths resolve to source. Only the pages of the inspector are read from what is built.
const ssr = { resolve: { conditions: ['signalbox-source', 'module', 'node'] } };
const inChromium = 'test/inspector/browser/**/*.test.ts';
/** What waits long for little: .ci/run runs it after npm test. */
const slow = [
  'test/behaviours/bulk-faults.test.ts',
  'test/bench/**/*.test.ts',
  'test/cli/work.test.ts',
  'test/crashpoints/crashpoints.test.ts',
  'test/docs/examples.test.ts',
  'test/durable/equality.test.ts',
  'test/examples/hosts.test.ts',
  'test/examples/indexer.test.ts',
  'test/examples/orders.test.ts',
  'test/examples/services.test.ts',
  'test/examples/worker.test.ts',
  'test/explore/bugs.test.ts',
  'test/explore/orders.test.ts',
  'test/explore/stops.test.ts',
  'test/explore/story.test.ts',
  'test/inspector/browser/actions.test.ts',
  'test/inspector/browser/coverage.test.ts',
  'test/inspector/browser/long-list.test.ts',
  'test/inspector/browser/pages.test.ts',
  'test/inspector/browser/timeline.test.ts',
  'test/inspector/past-answers.test.ts',
  'test/machine-paths/orders.test.ts',
  'test/machine-paths/perturbations.test.ts',
  'test/machine-paths/random.test.ts',
  'test/model/chart/proof.test.ts',
  'test/package/install.test.ts',
  'test/reading/explain-law.test.ts',
  'test/runtime/operator.test.ts',
  'test/runtime/random-life.test.ts',
  'test/runtime/threads/real-threads.test.ts',
  'test/simulate/simulate.test.ts',
  'test/store/json/nth-failure.test.ts',
  'test/store/postgres/any-series.test.ts',
  'test/store/postgres/clocks.test.ts',
  'test/store/postgres/concurrency.test.ts',
  'test/store/postgres/contract.test.ts',
  'test/store/postgres/every-message.test.ts',
  'test/store/postgres/late-answers.test.ts',
  'test/store/postgres/network.test.ts',
  'test/store/postgres/parking.test.ts',
  'test/store/postgres/partitions.test.ts',
  'test/store/postgres/plain-claims.test.ts',
  'test/store/postgres/pooler.test.ts',
  'test/store/postgres/processes.test.ts',
  'test/store/postgres/reads-law.test.ts',
  'test/store/postgres/transactions.test.ts',
  'test/store/promotion/export.test.ts',
  'test/store/promotion/kill-points.test.ts',
  'test/store/promotion/promotion.test.ts',
  'test/testing/collect-coverage.test.ts',
  'test/testing/fast-check/random-stories.test.ts',
  'test/testing/replay/copied-histories.test.ts',
  'test/torture/postgres/*.test.ts',
  'test/torture/torture.test.ts',
];

export default defineConfig({
  test: {
    pool: 'forks',
    // One for each processor: much of what a test does is to wait for a disk or a process.
    maxWorkers: '100%',
    projects: [
      {
        ssr,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [inChromium, ...slow],
          globalSetup: ['test/store/postgres/server.setup.ts'],
          setupFiles: ['test/behaviours/assertions.setup.ts'],
          // On a database a day of virtual time is a hundred thousand round trips.
          testTimeout: process.env.SIGNALBOX_TEST_STORE === 'postgres' ? 180_000 : 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        ssr,
        test: {
          name: 'chromium',
          include: [inChromium],
          exclude: slow,
          globalSetup: ['test/inspector/browser/unpack.setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ssr,
        test: {
          name: 'slow',
          include: slow,
          globalSetup: ['test/inspector/browser/unpack.setup.ts', 'test/store/postgres/server.setup.ts'],
          setupFiles: ['test/behaviours/assertions.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
