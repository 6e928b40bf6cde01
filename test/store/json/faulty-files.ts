import { type FilePort, nodeFilePort } from '../../../src/store/json/ports/file-port.ts';
import type { SyncPort } from '../../../src/store/json/ports/sync-port.ts';

/** Decides for one call: a number limits the bytes of a write, text is the errno it fails with, null lets it pass. */
export type Fault = (call: keyof FilePort, ...args: readonly unknown[]) => number | string | null;

/** The real files, some of whose calls fail as an operating system's do. */
export interface FaultyFiles extends FilePort {
  fault: Fault;
  /** How many files are open. */
  readonly left: number;
}

/** Puts a fault in front of each call. */
export function createFaultyFiles(below: FilePort = nodeFilePort): FaultyFiles {
  const opened = new Set<number>();
  const faulty = {
    fault: () => null,
    get left() {
      return opened.size;
    },
  } as unknown as FaultyFiles;
  for (const call of Object.keys(below) as (keyof FilePort)[]) {
    const real = below[call] as (...args: unknown[]) => unknown;
    const through = (...args: unknown[]) => {
      const decided = faulty.fault(call, ...args);
      if (typeof decided === 'string') throw failureOf(decided, call);
      if (typeof decided === 'number' && call === 'write') args[3] = Math.min(decided, args[3] as number);
      const result = real(...args);
      if (call === 'open') opened.add(result as number);
      if (call === 'close') opened.delete(args[0] as number);
      return result;
    };
    Object.assign(faulty, { [call]: through });
  }
  return faulty;
}

/** An operating system's error. */
function failureOf(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: ${call} failed`), { code });
}

/** Syncs that wait until they are released, one by one. */
export interface HeldSyncs extends SyncPort {
  /** Number of syncs that wait. */
  readonly waiting: number;
  /** Lets the oldest end, with an errno as a failure. */
  letGo(code?: string): void;
  /** Makes every later sync end at once. */
  pass(): void;
}

/** A sync port whose syncs are ended by hand. */
export function createHeldSyncs(): HeldSyncs {
  const waiters: { resolve(): void; reject(error: Error): void }[] = [];
  let passing = false;
  return {
    get waiting() {
      return waiters.length;
    },
    datasync: () =>
      passing ? Promise.resolve() : new Promise((resolve, reject) => waiters.push({ resolve, reject })),
    letGo(code) {
      const waiter = waiters.shift();
      if (code === undefined) waiter?.resolve();
      else waiter?.reject(failureOf(code, 'fdatasync'));
    },
    pass() {
      passing = true;
      for (const waiter of waiters.splice(0)) waiter.resolve();
    },
    close: () => {},
  };
}
