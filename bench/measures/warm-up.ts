import { join } from 'node:path';
import { type BurnDownOptions, warmUp } from './burn-down.ts';
import type { ContestantModule } from './contestant.ts';
import { Tally } from './tally.ts';

const together = 10;

interface WarmUpOptions extends BurnDownOptions {
  /** For turns that put each job by its own call: half of the time is used for such puts. */
  readonly oneByOne?: boolean;
}

/** Does the same as later turns in this process, for the given time, and discards the figures. */
export async function measure({ oneByOne = false, ...options }: WarmUpOptions): Promise<object> {
  const warmUpMs = oneByOne ? options.warmUpMs / 2 : options.warmUpMs;
  await warmUp({ ...options, warmUpMs });
  if (oneByOne) await putOneByOne({ ...options, warmUpMs });
  return {};
}

async function putOneByOne(options: BurnDownOptions): Promise<void> {
  const { settings, jobs, warmUpMs, drainLimitMs } = options;
  const module: ContestantModule = await import(options.contestant);
  const tally = new Tally();
  const contestant = await module.open({ ...settings, dir: join(settings.dir, 'one-by-one') }, tally);
  await contestant.work();
  const warmAt = performance.now() + warmUpMs;
  let put = 0;
  while (performance.now() < warmAt) {
    await Promise.all(Array.from({ length: together }, () => contestant.put()));
    put += together;
    await tally.whenCompleted(put - jobs, warmAt);
  }
  await tally.whenCompleted(put, performance.now() + drainLimitMs / 4);
  await contestant.close();
  await contestant.clear?.();
}
