import { join } from 'node:path';
import type { ContestantModule, Settings } from './contestant.ts';
import { type Remains, schemaOf, type TableRemains } from './postgres-schema.ts';
import { Tally } from './tally.ts';
import { progress } from './turns.ts';

export interface LongRunOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
  readonly seconds: number;
  /** Jobs ahead of the workers. */
  readonly backlog: number;
}

/** The state at one moment. */
export interface Sample extends Remains {
  readonly completions: number;
  /** Completed jobs per second since the previous sample. */
  readonly perS: number;
}

export interface LongRun {
  /** The samples, by the seconds since the start. */
  readonly samples: Readonly<Record<string, Sample>>;
  /** The tables at the end, by name, without the smallest. */
  readonly tables: Readonly<Record<string, TableRemains>>;
}

const sampleEveryMs = 60_000;

/** Puts jobs as fast as they complete, for a long time, and samples the tables every minute. */
export async function measure({ contestant, settings, seconds, backlog }: LongRunOptions): Promise<LongRun> {
  const told = { ...settings, dir: join(settings.dir, 'long') };
  const module: ContestantModule = await import(contestant);
  const tally = new Tally();
  const schema = schemaOf(told);
  const opened = await module.open(told, tally);
  await opened.work();

  const samples: Record<string, Sample> = {};
  const begin = performance.now();
  let [sampledAt, sampledCompletions] = [begin, 0];
  const sample = async () => {
    const [now, { completions }] = [performance.now(), tally];
    const perS = ((completions - sampledCompletions) / (now - sampledAt)) * 1_000;
    [sampledAt, sampledCompletions] = [now, completions];
    const after = `${Math.round((now - begin) / 1_000)} s`;
    samples[after] = { completions, perS, ...(await schema.remains()) };
    progress(`${after}: ${JSON.stringify(samples[after])}`);
  };
  const timer = setInterval(() => void sample(), sampleEveryMs);
  const chunk = Math.ceil(backlog / 10);
  let put = 0;
  while (performance.now() < begin + seconds * 1_000) {
    if (put - tally.completions < backlog) {
      await opened.putBulk(chunk);
      put += chunk;
    } else {
      await tally.whenCompleted(tally.completions + chunk);
    }
  }
  clearInterval(timer);
  await tally.whenCompleted(put);
  if (performance.now() - sampledAt > sampleEveryMs / 10) await sample();
  await opened.close();
  const tables = Object.entries(await schema.tables());
  await opened.clear?.();
  const isUsed = ([, table]: [string, TableRemains]) => table.liveTuples + table.deadTuples > 100;
  return { samples, tables: Object.fromEntries(tables.filter(isUsed)) };
}
