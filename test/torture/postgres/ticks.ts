/** The schedule of a campaign: each of its ticks has one job, however late that is put. */
export const ticks = {
  queue: 'plain',
  name: 'ticks',
  options: { every: '1s', overlap: 'allow', misfire: 'all', misfireWindow: '1h' },
} as const;

/** What the annotation of a job that a schedule has put says. */
interface Ticked {
  readonly id: string;
  readonly tick: number;
}

/** Ticks from the first to the last that have no job, and those that have more than one, in words. */
export function wrongTicks(
  { from, everyMs, lastTick }: { readonly from: number; readonly everyMs: number; readonly lastTick: number },
  jobs: readonly Ticked[],
): { readonly missed: readonly string[]; readonly doubled: readonly string[] } {
  const [missed, doubled]: [string[], string[]] = [[], []];
  for (let tick = from + everyMs; tick <= lastTick; tick += everyMs) {
    const [one, ...others] = jobs.filter((job) => job.tick === tick);
    if (one === undefined) missed.push(`tick ${tick} has no job`);
    for (const { id } of others) doubled.push(`tick ${tick} has ${one?.id} and ${id}`);
  }
  return { missed, doubled };
}
