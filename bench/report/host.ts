import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

// Before anything is measured: what others do, not what the bench does.
const loadBefore = loadavg()[0] ?? 0;

/** Tells people when other programs are so busy that the figures are worth little. */
export function warnOfLoad(): void {
  if (loadBefore < availableParallelism() / 2) return;
  console.error(
    `Other programs are busy (load average ${loadBefore.toFixed(1)} on ${availableParallelism()} processors): figures of this run say little.`,
  );
}

/** What the figures were taken on, for people who compare them with others. */
export function hostText(): string {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `Node ${process.version}, ${processors.length} × ${processors[0]?.model.trim() || 'unknown processor'}, ${gibibytes} GiB, ${platform()} ${release()}, load average before the run ${loadBefore.toFixed(1)}`;
}
