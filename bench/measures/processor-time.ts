import { readFileSync } from 'node:fs';

/** Returns the processor time of all threads of this process so far, in microseconds. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Returns the processor time of its main thread, in microseconds; NaN where the system does not tell. */
export function mainThreadUs(): number {
  try {
    // On Linux the main thread has the number of the process. The first field is its time in nanoseconds.
    const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8');
    return Number(text.split(' ')[0]) / 1_000;
  } catch {
    return Number.NaN;
  }
}
