import { type FilePort, nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { createWorkerSyncPort, type SyncPort } from '../../src/store/json/ports/sync-port.ts';

/** Calls of the store at which a process may be killed, each a system call that changes what is on disk. */
export const killableCalls = [
  'write',
  'datasync',
  'truncate',
  'syncDirectory',
  'rename',
  'link',
  'unlink',
] as const;

/** The place where a process kills itself: before or after the nth call of one kind since it opened its store. */
export interface KillPoint {
  readonly call: (typeof killableCalls)[number];
  readonly nth: number;
  readonly when: 'before' | 'after';
}

/** The real files and the real sync thread, with a `kill -9` at one place. */
export function portsWith(point: KillPoint | null): { files: FilePort; syncs: () => SyncPort } {
  let calls = 0;
  const isHere = (call: string): boolean => {
    if (call !== point?.call) return false;
    calls += 1;
    return calls === point.nth;
  };
  const files = { ...nodeFilePort };
  for (const call of Object.keys(nodeFilePort) as (keyof FilePort)[]) {
    const real = nodeFilePort[call] as (...args: unknown[]) => unknown;
    const through = (...args: unknown[]): unknown => {
      const here = isHere(call);
      if (here && point?.when === 'before') die();
      const result = real(...args);
      if (here) die();
      return result;
    };
    Object.assign(files, { [call]: through });
  }
  return { files, syncs: () => killingSyncs(point, isHere) };
}

function killingSyncs(point: KillPoint | null, isHere: (call: string) => boolean): SyncPort {
  const real = createWorkerSyncPort();
  return {
    async datasync(fd) {
      const here = isHere('datasync');
      if (here && point?.when === 'before') die();
      await real.datasync(fd);
      if (here) die();
    },
    close: () => real.close(),
  };
}

/** The kernel delivers it before the call returns: nothing runs after this. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
