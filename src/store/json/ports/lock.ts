import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { SignalboxError } from '../../../errors.ts';
import { errnoOf, explained, isFull } from './failures.ts';
import { type FilePort, readFully, writeFully } from './file-port.ts';

/** A request for a lock. */
export interface LockRequest {
  readonly files: FilePort;
  /** The file with the lock. */
  readonly path: string;
  /** The directory, for messages. */
  readonly dir: string;
  /** The instant of the opening, for people who read the file. */
  readonly now: number;
}

/** A lock that is held. */
export interface HeldLock {
  release(): void;
}

/** A way to keep a second writer out of a directory. */
export interface LockPort {
  /** @throws SignalboxError `STORE_LOCKED` when another process holds it, `STORE_NO_LOCK` when no method works here. */
  acquire(request: LockRequest): Promise<HeldLock>;
}

/**
 * The lock for a call that only reads: taken where the lock file exists. Where it does not, no process holds the
 * lock, and making the file would change the directory.
 */
export function readersLock(lock: LockPort): LockPort {
  return {
    async acquire(request) {
      return request.files.lstat(request.path) === null ? { release() {} } : lock.acquire(request);
    },
  };
}

/** Tries to lock an open file. Returns the reason when the method does not work here. */
export type LockMethod = (fd: number) => Promise<'held' | 'refused' | { readonly unavailable: string }>;

/** A lock of the open file description by fs-native-extensions, an optional dependency. */
export const nativeMethod: LockMethod = async (fd) => {
  try {
    // @ts-expect-error: optional, and without types
    const { default: native } = await import('fs-native-extensions');
    return (native as { tryLock(fd: number): boolean }).tryLock(fd) ? 'held' : 'refused';
  } catch (error) {
    return { unavailable: `fs-native-extensions: ${reasonOf(error)}` };
  }
};

/**
 * A lock by flock(1). The child locks the open file description that it inherits and shares with this process: the lock
 * outlives the child, and ends with this process.
 */
export const flockMethod: LockMethod = async (fd) => {
  const child = spawnSync('flock', ['-xn', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  if (child.error !== undefined) return { unavailable: `flock(1): ${reasonOf(child.error)}` };
  if (child.status === 0) return 'held';
  return child.status === 1 ? 'refused' : { unavailable: `flock(1): exit code ${String(child.status)}` };
};

/**
 * A lock that the kernel releases when the process ends, in any way. Takes the lock with every method that
 * works here: the two kinds of lock do not see each other, and another process may have only one of them.
 * flock(1) costs 3 to 7 ms at each opening.
 */
export function createKernelLock(methods: readonly LockMethod[] = [nativeMethod, flockMethod]): LockPort {
  return {
    async acquire(request) {
      const { files, path } = request;
      for (;;) {
        const fd = openLockFile(request);
        try {
          await lockOrRefuse(fd, methods, request);
          writeHolder(request, fd);
        } catch (error) {
          files.close(fd);
          throw error;
        }
        // The file may have been removed meanwhile: a lock on a file without a name excludes no other process.
        if (files.lstat(path)?.inode === files.fstat(fd).inode)
          return { release: () => releaseFile(files, fd) };
        files.close(fd);
      }
    },
  };
}

async function lockOrRefuse(fd: number, methods: readonly LockMethod[], request: LockRequest): Promise<void> {
  const tried: string[] = [];
  for (const method of methods) {
    const result = await method(fd);
    if (result === 'refused') throw locked(request, fd);
    if (result !== 'held') tried.push(result.unavailable);
  }
  if (tried.length < methods.length) return;
  throw new SignalboxError('STORE_NO_LOCK', { path: request.dir, tried: tried.join('; ') });
}

const heldHere = new Set<string>();

/**
 * For systems without kernel locks, on request only: trusts the process number in the file. Two containers may have the
 * same number, and two processes that start in the same moment may both get the lock.
 */
export const pidFileLock: LockPort = {
  async acquire(request) {
    const { files, path } = request;
    const fd = openLockFile(request);
    try {
      const text = readHolder(request, fd);
      const [, pid, host] = holderPattern.exec(text) ?? [];
      const isOwn = isOwnText(text);
      const isHeld =
        pid !== undefined && (isOwn ? heldHere.has(path) : host !== hostname() || isAlive(Number(pid)));
      if (isHeld) throw locked(request, fd);
      writeHolder(request, fd);
    } catch (error) {
      files.close(fd);
      throw error;
    }
    heldHere.add(path);
    return {
      release() {
        heldHere.delete(path);
        releaseFile(files, fd);
      },
    };
  },
};

/** Removes the text before the lock: a file that no process holds should not name a holder. */
function releaseFile(files: FilePort, fd: number): void {
  try {
    files.truncate(fd, 0);
  } catch (error) {
    // The text is only for people; the lock ends when the file is closed.
    if (errnoOf(error) === '') throw error;
  } finally {
    files.close(fd);
  }
}

const holderPattern = /^pid (\d+) on (\S+)/;

/** Whether the text names this process. */
function isOwnText(text: string): boolean {
  const [, pid, host] = holderPattern.exec(text) ?? [];
  return Number(pid) === process.pid && host === hostname();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

function openLockFile({ files, path }: LockRequest): number {
  try {
    return files.open(path, 'lock');
  } catch (error) {
    throw explained('open', path, error);
  }
}

function locked(request: LockRequest, fd: number): SignalboxError {
  const holder = readHolder(request, fd).trim();
  const isHere = isOwnText(holder);
  return new SignalboxError('STORE_LOCKED', {
    path: request.dir,
    holder: holder || 'another process',
    isHere,
  });
}

function readHolder({ files }: LockRequest, fd: number): string {
  const bytes = Buffer.alloc(512);
  // Other users may write this file and its text is shown: only printable characters are taken.
  const text = bytes.toString('utf8', 0, readFully(files, fd, bytes, 0, bytes.length, 0));
  return text.replace(/[^\x20-\x7e]+/g, ' ');
}

function writeHolder({ files, path, now }: LockRequest, fd: number): void {
  const since = new Date(now).toISOString();
  const text = `pid ${process.pid} on ${hostname()} since ${since} (Signalbox store format 1, Node ${process.version})\n`;
  try {
    files.truncate(fd, 0);
    writeFully(files, fd, Buffer.from(text), 0);
  } catch (error) {
    // The text is only for people; a full disk must not refuse a lock that is held.
    if (!isFull(error)) throw explained('write', path, error);
  }
}

function reasonOf(error: unknown): string {
  return (error as { code?: string }).code ?? (error instanceof Error ? error.message : String(error));
}
