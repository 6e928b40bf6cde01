import { agent, defineJob, local } from 'signalbox';
import { type SimulateOptions, type SimulationReport, simulate } from 'signalbox/testing';
import { afterAll, expect, test } from 'vitest';
import { SimulatedDatabase } from './postgres/database.ts';
import { endSimulationServer, simulationServer } from './postgres/simulation-server.ts';

const timeout = 60_000;

afterAll(endSimulationServer);

const scenario: SimulateOptions['scenario'] = () => {
  const slow = defineJob({
    name: 'slow',
    run: async () => {
      const reactor = local.getReactor();
      await new Promise<void>((resolve) => void reactor.callLater(3000, resolve));
    },
  });
  return {
    jobs: [slow],
    agent: agent({ size: 1 }),
    acts: 5,
    prepare: async (box) => {
      await box.queue().quotas.create('one', { size: 1 });
    },
    act: ({ put }) => put(() => slow().with({ quotaNames: ['one'] })),
  };
};

async function onDatabase(seed: number): Promise<SimulationReport> {
  const database = new SimulatedDatabase(await simulationServer());
  try {
    const faults = { crashes: 0 };
    const store: SimulateOptions['store'] = (host) => database.store(host);
    const report = await simulate({ seed, scenario, store, faults, dispatchers: 2, safety: '20s' });
    expect(database.problems).toEqual([]);
    return report;
  } finally {
    await database.end();
  }
}

// Many more are run by `npm run simulate -- --store postgres`.
test('a seed on a real database keeps every invariant, and gives the same trace when it is run again', {
  timeout,
}, async () => {
  const first = await onDatabase(2);
  const again = await onDatabase(2);

  expect(first.violations).toEqual([]);
  expect(first.jobs.filter(({ name }) => name === 'slow').length).toBeGreaterThan(0);
  expect(again.trace).toEqual(first.trace);
});
