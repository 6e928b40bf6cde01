// One of several processes that work off the jobs of another process, and report their progress to it.
import type { ContestantModule, Settings } from './contestant.ts';
import { cpuUs } from './processor-time.ts';
import { Tally } from './tally.ts';

export interface WorkerOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
}

/** What a worker has done since its start. */
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
  // The parent may have ended before this process knows.
  process.send?.({ completions: tally.completions, cpuUs: cpuUs() } satisfies Progress, () => {});
}, toldEveryMs);
process.once('disconnect', () => {
  clearInterval(timer);
  void opened.close().finally(() => process.exit());
});
