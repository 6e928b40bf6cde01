import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

/** System calls at which a process is killed from outside. */
export const killableSyscalls = ['pwrite64', 'fsync', 'fdatasync', 'rename', 'link', 'unlink'] as const;

/** The nth call of one system call, counted for each thread. */
export interface SyscallPoint {
  readonly syscall: (typeof killableSyscalls)[number];
  readonly nth: number;
}

/** Why strace cannot be used here, or null when it can. */
export function whyNoStrace(): string | null {
  const probe = spawnSync('strace', [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=none',
    process.execPath,
    '-v',
  ]);
  if (probe.error !== undefined) return 'strace is not on the PATH (Debian: apt-get install strace)';
  return probe.status === 0
    ? null
    : `strace may not trace here: ${String(probe.stderr).trim().slice(0, 200)}`;
}

/**
 * Lets the kernel kill a running process as it enters a system call: the call itself is not made. Resolves when strace
 * has taken hold of it.
 */
export async function killAtSyscall(pid: number, { syscall, nth }: SyscallPoint): Promise<ChildProcess> {
  const rules = ['-e', `trace=${syscall}`, '-e', `inject=${syscall}:signal=KILL:when=${nth}`];
  const strace = spawn('strace', ['-f', '-p', String(pid), '-o', '/dev/null', ...rules], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: strace.stderr as NodeJS.ReadableStream })) {
    if (line.includes('attached')) return strace;
    if (line.includes('not permitted')) break;
  }
  throw new Error(`strace could not attach to process ${pid}`);
}
