import type { FilePort, JsonStoreOptions } from '../../../store/json/index.ts';

type OpenMode = Parameters<FilePort['open']>[1];
type SyncPort = ReturnType<NonNullable<JsonStoreOptions['syncs']>>;

/** A file: what is written, and what of it is on disk. */
interface File {
  readonly inode: number;
  bytes: Buffer;
  size: number;
  synced: Buffer;
}

/** Names of a directory: as they are, and as they are on disk. */
interface Directory {
  readonly names: Map<string, File>;
  synced: Map<string, File>;
}

/**
 * The one directory of a simulated disk, with what a power cut leaves of it: the bytes and the names that were synced,
 * and of the rest as much as chance lets through, always a beginning of what was appended.
 */
export class SimulatedDisk implements FilePort {
  readonly #random: () => number;
  readonly #files = new Map<number, File>();
  #directory: Directory | null = null;
  #inodes = 0;
  #descriptors = 10;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The power fails: what was not synced is gone, or is not. */
  cutPower(): void {
    this.#files.clear();
    const directory = this.#directory;
    if (directory === null) return;
    if (this.#random() < 0.5) directory.synced = new Map(directory.names);
    directory.names.clear();
    for (const [name, file] of directory.synced) {
      const left = Math.floor(this.#random() * (file.size - file.synced.length + 1));
      const isGrown = file.size > file.synced.length && this.#random() < 0.5;
      const bytes = isGrown ? Buffer.from(file.bytes.subarray(0, file.synced.length + left)) : file.synced;
      const kept: File = { inode: file.inode, bytes: Buffer.from(bytes), size: bytes.length, synced: bytes };
      // The holder's name is written and never synced.
      if (name === 'lock') Object.assign(kept, { bytes: Buffer.alloc(0), size: 0 });
      directory.names.set(name, kept);
    }
    directory.synced = new Map(directory.names);
  }

  open(path: string, mode: OpenMode): number {
    const { names } = this.#dir(path);
    const name = nameOf(path);
    const found = names.get(name);
    if (mode === 'create' && found !== undefined) throw failure('EEXIST', path);
    if (found === undefined && (mode === 'read' || mode === 'update')) throw failure('ENOENT', path);
    const file = found ?? this.#create(names, name);
    this.#descriptors += 1;
    this.#files.set(this.#descriptors, file);
    return this.#descriptors;
  }

  #create(names: Map<string, File>, name: string): File {
    this.#inodes += 1;
    const file = { inode: this.#inodes, bytes: Buffer.alloc(256), size: 0, synced: Buffer.alloc(0) };
    names.set(name, file);
    return file;
  }

  close(fd: number): void {
    this.#files.delete(fd);
  }

  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const file = this.#file(fd);
    const end = position + length;
    if (end > file.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, 2 * file.bytes.length));
      file.bytes.copy(grown);
      file.bytes = grown;
    }
    file.bytes.set(bytes.subarray(offset, offset + length), position);
    file.size = Math.max(file.size, end);
    return length;
  }

  read(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const file = this.#file(fd);
    const read = Math.max(0, Math.min(length, file.size - position));
    bytes.set(file.bytes.subarray(position, position + read), offset);
    return read;
  }

  truncate(fd: number, length: number): void {
    const file = this.#file(fd);
    file.bytes = Buffer.from(file.bytes.subarray(0, length));
    file.size = length;
  }

  datasync(fd: number): void {
    const file = this.#file(fd);
    file.synced = Buffer.from(file.bytes.subarray(0, file.size));
  }

  syncDirectory(): void {
    if (this.#directory !== null) this.#directory.synced = new Map(this.#directory.names);
  }

  rename(from: string, to: string): void {
    const { names } = this.#dir(from);
    names.set(nameOf(to), this.#named(from));
    names.delete(nameOf(from));
  }

  link(existing: string, name: string): void {
    const { names } = this.#dir(existing);
    if (names.has(nameOf(name))) throw failure('EEXIST', name);
    names.set(nameOf(name), this.#named(existing));
  }

  unlink(path: string): void {
    if (!this.#dir(path).names.delete(nameOf(path))) throw failure('ENOENT', path);
  }

  removeDirectory(): void {
    this.#directory = null;
  }

  fileSystemType(): null {
    return null;
  }

  list(): readonly string[] {
    return [...(this.#directory?.names.keys() ?? [])].sort();
  }

  makeDirectory(): void {
    this.#directory = { names: new Map(), synced: new Map() };
  }

  stat(path: string): ReturnType<FilePort['stat']> {
    if (!isInStore(path)) return this.#isMissing(path) ? null : directoryFacts;
    const file = this.#directory?.names.get(nameOf(path));
    return file === undefined ? null : factsOf(file);
  }

  lstat(path: string): ReturnType<FilePort['lstat']> {
    return this.stat(path);
  }

  fstat(fd: number): ReturnType<FilePort['fstat']> {
    return factsOf(this.#file(fd));
  }

  freeBytes(): number {
    return 2 ** 40;
  }

  #isMissing(path: string): boolean {
    return path.endsWith('/store') && this.#directory === null;
  }

  #dir(path: string): Directory {
    if (this.#directory === null) throw failure('ENOENT', path);
    return this.#directory;
  }

  #named(path: string): File {
    const file = this.#dir(path).names.get(nameOf(path));
    if (file === undefined) throw failure('ENOENT', path);
    return file;
  }

  #file(fd: number): File {
    const file = this.#files.get(fd);
    if (file === undefined) throw failure('EBADF', `descriptor ${fd}`);
    return file;
  }
}

/** Syncs that take simulated time. What is on disk afterwards is what was written before it began. */
export function simulatedSyncs(disk: SimulatedDisk, later: (call: () => void) => void): () => SyncPort {
  return () => ({
    datasync: (fd) =>
      new Promise((resolve, reject) => {
        later(() => {
          try {
            disk.datasync(fd);
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      }),
    close: () => {},
  });
}

const directoryFacts = { kind: 'directory', size: 0, mode: 0o700, inode: 0 } as const;

function factsOf(file: File): NonNullable<ReturnType<FilePort['stat']>> {
  return { kind: 'file', size: file.size, mode: 0o600, inode: file.inode };
}

function isInStore(path: string): boolean {
  return path.includes('/store/');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
