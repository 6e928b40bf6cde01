import { defineConfig } from 'vitest/config';

export default defineConfig({
  // `signalbox` and its subpaths resolve to source, so no test needs a build.
  ssr: { resolve: { conditions: ['signalbox-source', 'module', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/store/postgres/server.setup.ts'],
    setupFiles: ['test/behaviours/assertions.setup.ts'],
    pool: 'forks',
    // One for each processor: much of what a test does is to wait for a disk or a process.
    maxWorkers: '100%',
    // On a database a day of virtual time is a hundred thousand round trips.
    testTimeout: process.env.SIGNALBOX_TEST_STORE === 'postgres' ? 180_000 : 20_000,
    hookTimeout: 20_000,
  },
});
