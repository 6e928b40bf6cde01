import { agent, createSignalbox, defineJob } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import type { Settings } from './contestant.ts';
import { schemaOf } from './postgres-schema.ts';

/** What a burst into one key costs. */
export interface ParkingOnPostgres {
  /** Milliseconds from the first claim until all jobs but those that run are parked. */
  readonly parkBurstPostgresMs: number;
  /** Processor time of the server per parked job, in microseconds. */
  readonly parkServerCpuUs: number;
}

/** Puts so many jobs of one key of limit 10, which never end, and starts an agent. */
export async function measure({
  jobs,
  settings,
}: {
  readonly jobs: number;
  readonly settings: Settings;
}): Promise<ParkingOnPostgres> {
  const schema = schemaOf(settings);
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = defineJob({
    name: 'work',
    run: (_n: number) => ended,
    concurrency: { name: 'k', limit: 10, key: () => '1' },
  });
  const store = postgresStore({ connectionString: schema.url, schema: schema.name });
  const box = await createSignalbox({ store, jobs: [work], queues: [''] });
  for (let from = 0; from < jobs; from += 1000)
    await box.queue().putAll(Array.from({ length: 1000 }, (_, n) => work(from + n)));
  const cpuBefore = await schema.serverCpuUs();
  const begin = performance.now();
  await box.start({ agent: agent({ size: 50 }) });
  while ((await box.store.parked('/k/1')) < jobs - 10)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const ms = performance.now() - begin;
  const cpu = (await schema.serverCpuUs()) - cpuBefore;
  end();
  await box.stop({ grace: 0, abort: 0 });
  await schema.clear();
  return { parkBurstPostgresMs: ms, parkServerCpuUs: cpu / jobs };
}
