// One of several processes that work off the jobs of another, which hears how far it is.
import type { ContestantModule, Settings } from './contestant.ts';
import { Tally } from './tally.ts';

export interface WorkerOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
}

/** What a worker has done since it started. */
export interface Progress {
  readonly completions: number;
  readonly cpuUs: number;
}

const toldEveryMs = 5;

const { contestant, settings }: WorkerOptions = JSON.parse(process.argv[2] as string);
const module: ContestantModule = await import(contestant);
const tally = new Tally();
const opened = await module.open(settings, tally);
await opened.work();
const timer = setInterval(() => {
  const { user, system } = process.cpuUsage();
  // Who hears it may be gone before this process knows.
  process.send?.({ completions: tally.completions, cpuUs: user + system } satisfies Progress, () => {});
}, toldEveryMs);
process.once('disconnect', () => {
  clearInterval(timer);
  void opened.close().finally(() => process.exit());
});
