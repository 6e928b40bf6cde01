import { join } from 'node:path';
import type { Contestant, ContestantModule, Settings } from './contestant.ts';
import { schemaOf } from './postgres-schema.ts';
import { cpuUs } from './processor-time.ts';
import { medians } from './statistics.ts';
import { Tally } from './tally.ts';

export interface DrainedOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
  readonly few: number;
  readonly many: number;
  /** How many drains of few jobs count, and how many spans of the drain of many. */
  readonly spans: number;
}

/** A drain on PostgreSQL while so many jobs wait. */
export interface Drain {
  readonly drainPerS: number;
  readonly cpuUsPerJob: number;
  readonly serverCpuUsPerJob: number | null;
}

export interface Drained {
  readonly few: Drain;
  readonly many: Drain;
}

/** Works off few jobs several times, then as many of very many, then few again. */
export async function measure(options: DrainedOptions): Promise<Drained> {
  const { few, many, spans } = options;
  const half = Math.ceil(spans / 2);
  // The first drains warm the process up.
  const [, , ...before] = await drains(options, few, half + 2);
  const [large] = await drains(options, many, 1);
  const after = await drains(options, few, half);
  return { few: medians([...before, ...after].flat()), many: medians(large ?? []) };
}

/** The spans of each drain: from a tenth of the few jobs on, as many as they are without another tenth. */
async function drains(
  { contestant, settings, few, spans }: DrainedOptions,
  waiting: number,
  times: number,
): Promise<Drain[][]> {
  const module: ContestantModule = await import(contestant);
  const taken: Drain[][] = [];
  for (let time = 0; time < times; time += 1) {
    const told = { ...settings, dir: join(settings.dir, `${waiting}-${time}`) };
    const tally = new Tally();
    const opened = await module.open(told, tally);
    for (let put = 0; put < waiting; put += few) await opened.putBulk(Math.min(few, waiting - put));
    await schemaOf(told).tidyUp();
    await opened.work();
    await tally.whenCompleted(few / 10);
    taken.push([]);
    for (let span = 1; span <= (waiting === few ? 1 : spans); span += 1)
      taken.at(-1)?.push(await drain(opened, tally, few / 10 + span * few * 0.8));
    await opened.close();
    await opened.clear?.();
  }
  return taken;
}

async function drain(contestant: Contestant, tally: Tally, until: number): Promise<Drain> {
  const [begin, first, cpuBefore] = [performance.now(), tally.completions, cpuUs()];
  const serverBefore = await contestant.serverCpuUs();
  await tally.whenCompleted(until);
  const [ms, done] = [performance.now() - begin, tally.completions - first];
  const cpuAfter = cpuUs();
  const serverUs = (await contestant.serverCpuUs()) - serverBefore;
  return {
    drainPerS: (done / ms) * 1_000,
    cpuUsPerJob: (cpuAfter - cpuBefore) / done,
    serverCpuUsPerJob: Number.isNaN(serverUs) ? null : serverUs / done,
  };
}
