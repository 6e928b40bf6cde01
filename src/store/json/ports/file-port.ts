/*
 * Room: ports.
 *
 * Owns: What a json store is given: file operations, the thread that syncs, the lock of the directory; and
 *   what their failures mean.
 *
 * Invariant: No other file of the store reaches for the file system. A failure names the call and the file.
 *
 * May import: nothing.
 */
import * as fs from 'node:fs';

/**
 * How a file is opened. No mode follows a symbolic link at the name.
 * - `read`: an existing file, for reading.
 * - `update`: an existing file, for reading and writing.
 * - `create`: a new file, mode 0600 whatever the umask; fails with EEXIST when the name is taken.
 * - `lock`: for reading and writing, created with mode 0600 when missing.
 */
export type OpenMode = 'read' | 'update' | 'create' | 'lock';

/** The facts of a name in the file system. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Equal for two names of one file. */
  readonly inode: number;
  /** Id of the owner, when it is not the user of this process. */
  readonly foreignOwner?: number;
}

/**
 * The file system as the JSON store uses it: every byte and every directory operation goes through here, so a
 * recording port sees all of it and can enumerate what a crash may leave. Calls are synchronous and throw the
 * operating system's errors (`code`: ENOSPC, EEXIST …).
 */
export interface FilePort {
  open(path: string, mode: OpenMode): number;
  /** Closes a file. Does not throw for errors of the disk: everything that must be on disk was synced before. */
  close(fd: number): void;
  /** Writes at a position; may write less than asked. Returns the number of bytes written. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  /** Reads at a position; may read less than asked. Returns the number of bytes, 0 at the end. */
  read(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  truncate(fd: number, length: number): void;
  /** Makes the content and the length of a file durable. */
  datasync(fd: number): void;
  /** Makes names that were created, renamed or removed in a directory durable. */
  syncDirectory(path: string): void;
  rename(from: string, to: string): void;
  /** Gives a file a second name; fails with EEXIST when that is taken. */
  link(existing: string, name: string): void;
  unlink(path: string): void;
  list(path: string): readonly string[];
  /** Makes one directory, mode 0700 whatever the umask. */
  makeDirectory(path: string): void;
  /** Removes an empty directory. */
  removeDirectory(path: string): void;
  /** Returns the facts of the file behind a name, following links; null when it does not exist. */
  stat(path: string): FileFacts | null;
  /** Returns the facts of the name itself; null when it does not exist. */
  lstat(path: string): FileFacts | null;
  /** Returns the facts of an open file. */
  fstat(fd: number): FileFacts;
  /** Returns the bytes that this user may still write on the file system of a path. */
  freeBytes(path: string): number;
  /** Returns the magic number of the file system of a path on Linux, null on other systems. */
  fileSystemType(path: string): number | null;
}

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;
// Windows has neither O_NOFOLLOW nor a sync of directories nor permission bits: best effort there.
const windows = process.platform === 'win32';
const O_NOFOLLOW = windows ? 0 : fs.constants.O_NOFOLLOW;

const flags: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY | O_NOFOLLOW,
  update: O_RDWR | O_NOFOLLOW,
  create: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
  lock: O_RDWR | O_CREAT | O_NOFOLLOW,
};

/** The file system of this machine. */
export const nodeFilePort: FilePort = {
  open(path, mode) {
    const fd = fs.openSync(path, flags[mode], 0o600);
    // The umask may have removed bits.
    if (mode === 'create' || mode === 'lock') fs.fchmodSync(fd, 0o600);
    return fd;
  },
  close(fd) {
    try {
      fs.closeSync(fd);
    } catch (error) {
      // close(2): the descriptor is free in any case, and a second call could close another file.
      if (!['EIO', 'ENOSPC', 'EDQUOT', 'EINTR'].includes((error as { code?: string }).code ?? ''))
        throw error;
    }
  },
  write: (fd, bytes, offset, length, position) => fs.writeSync(fd, bytes, offset, length, position),
  read: (fd, bytes, offset, length, position) => fs.readSync(fd, bytes, offset, length, position),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  datasync: (fd) => fs.fdatasyncSync(fd),
  syncDirectory(path) {
    if (windows) return;
    const fd = fs.openSync(path, O_RDONLY);
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
  rename: (from, to) => fs.renameSync(from, to),
  link: (existing, name) => fs.linkSync(existing, name),
  unlink: (path) => fs.unlinkSync(path),
  list: (path) => fs.readdirSync(path),
  makeDirectory(path) {
    fs.mkdirSync(path, 0o700);
    fs.chmodSync(path, 0o700);
  },
  removeDirectory: (path) => fs.rmdirSync(path),
  stat: (path) => factsOf(fs.statSync(path, { throwIfNoEntry: false })),
  lstat: (path) => factsOf(fs.lstatSync(path, { throwIfNoEntry: false })),
  fstat: (fd) => knownFacts(fs.fstatSync(fd)),
  freeBytes(path) {
    const { bavail, bsize } = fs.statfsSync(path);
    return bavail * bsize;
  },
  // Other systems use other numbers for their file systems.
  fileSystemType: (path) => (process.platform === 'linux' ? fs.statfsSync(path).type : null),
};

function factsOf(stats: fs.Stats | undefined): FileFacts | null {
  return stats === undefined ? null : knownFacts(stats);
}

function knownFacts(stats: fs.Stats): FileFacts {
  return {
    kind: kindOf(stats),
    size: stats.size,
    mode: windows ? 0o700 : stats.mode & 0o7777,
    inode: stats.ino,
    ...(windows || stats.uid === process.geteuid?.() ? {} : { foreignOwner: stats.uid }),
  };
}

function kindOf(stats: fs.Stats): FileFacts['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/** Reads until the wanted number of bytes is there or the file ends. Returns the number of bytes. */
export function readFully(
  files: FilePort,
  fd: number,
  into: Uint8Array,
  offset: number,
  length: number,
  position: number,
): number {
  let done = 0;
  while (done < length) {
    const count = files.read(fd, into, offset + done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Writes all bytes at a position, in as many calls as needed. */
export function writeFully(files: FilePort, fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    const count = files.write(fd, bytes, done, bytes.length - done, position + done);
    // A device that writes nothing without an error is full; a loop would never end.
    if (count === 0) throw Object.assign(new Error('ENOSPC: nothing was written'), { code: 'ENOSPC' });
    done += count;
  }
}

/** Lets the event loop run, for a store that no box has given its own way. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
