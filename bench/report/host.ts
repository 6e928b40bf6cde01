import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

// Read before anything is measured: the load of other programs, not of the bench.
const loadBefore = loadavg()[0] ?? 0;

/** Warns when other programs are so busy that the figures are not reliable. */
export function warnOfLoad(): void {
  if (loadBefore < availableParallelism() / 2) return;
  console.error(
    `Other programs are busy (load average ${loadBefore.toFixed(1)} on ${availableParallelism()} processors): the figures of this run are not reliable.`,
  );
}

/** Describes the machine of the figures, for comparison with others. */
export function hostText(): string {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `Node ${process.version}, ${processors.length} × ${processors[0]?.model.trim() || 'unknown processor'}, ${gibibytes} GiB, ${diskText()}${platform()} ${release()}, load average before the run ${loadBefore.toFixed(1)}`;
}

/** The file system that the bench writes to; nothing where the system does not tell. */
function diskText(): string {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, place = '']) => `${process.cwd()}/`.startsWith(place.replace(/\/?$/, '/')))
      .sort(([, one = ''], [, other = '']) => one.length - other.length);
    const [device, , kind] = mounts.at(-1) ?? [];
    return device === undefined ? '' : `${kind} on ${device}, `;
  } catch {
    return '';
  }
}
