import { basename, dirname } from 'node:path';
import type { FileFacts, FilePort, OpenMode } from '../../../src/store/json/ports/file-port.ts';

/** Files and directories as they are at one moment, by path. Two names of one file share its content object. */
export interface Image {
  readonly directories: readonly string[];
  readonly files: ReadonlyMap<string, FileContent>;
}

/** What a file holds. Never changed once it is part of an image. */
export interface FileContent {
  readonly bytes: Uint8Array;
}

/** An operation on a disk. The operations decide what a crash may leave. Files and directories have numbers. */
export type Operation =
  | { readonly call: 'write'; readonly node: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly call: 'truncate'; readonly node: number; readonly length: number }
  /** Makes the first `upTo` operations on the file durable. */
  | { readonly call: 'datasync'; readonly node: number; readonly upTo: number }
  /** Names that are given, taken over or (null) removed in a directory: all of them or not one. */
  | {
      readonly call: 'names';
      readonly node: number;
      readonly what: string;
      /** The last of them is new: a file or directory without content. */
      readonly made: 'file' | 'directory' | null;
      readonly names: readonly Name[];
    }
  | { readonly call: 'syncDirectory'; readonly node: number };

/** The new target of a name: the number of a file or directory, or null for nothing. */
export type Name = readonly [name: string, node: number | null];

interface FileNode {
  readonly kind: 'file';
  readonly number: number;
  bytes: Uint8Array;
  length: number;
  /** The bytes belong to an image: copied before they are changed. */
  isShared: boolean;
}

interface DirectoryNode {
  readonly kind: 'directory';
  readonly number: number;
  readonly names: Map<string, number>;
}

/** The number of the root directory. */
export const rootNode = 0;

/**
 * A file system in memory behind the port of the json store. It can begin from an image, records every operation
 * that changes the disk, and can be brought to the state of an earlier recording.
 */
export class MemoryFiles implements FilePort {
  /** All operations so far. */
  readonly operations: Operation[] = [];
  /** Bytes that may still be written; then a write takes what fits, and the next fails with ENOSPC. */
  room = Number.POSITIVE_INFINITY;
  readonly #nodes = new Map<number, FileNode | DirectoryNode>();
  readonly #open = new Map<number, FileNode>();
  #lastNode = rootNode;
  #lastFd = 2;

  constructor(image: Image = { directories: [], files: new Map() }) {
    this.#nodes.set(rootNode, { kind: 'directory', number: rootNode, names: new Map() });
    for (const path of image.directories)
      this.#directory(dirname(path)).names.set(basename(path), this.#newDirectory().number);
    const known = new Map<FileContent, FileNode>();
    // Files of one directory follow each other, and images are opened by the hundred thousand.
    let directory: { readonly path: string; readonly names: Map<string, number> } | undefined;
    for (const [path, content] of image.files) {
      const node = known.get(content) ?? this.#newFile(content.bytes);
      known.set(content, node);
      const at = path.lastIndexOf('/');
      if (directory?.path !== path.slice(0, at)) {
        directory = { path: path.slice(0, at), names: this.#directory(path.slice(0, at)).names };
      }
      directory.names.set(path.slice(at + 1), node.number);
    }
  }

  /** Repeats recorded operations on the present state, under the same numbers. */
  replay(operations: readonly Operation[]): void {
    for (const operation of operations) {
      this.operations.push(operation);
      if (operation.call === 'write') {
        const { node, at, bytes } = operation;
        this.#put(this.#file(node), bytes, at);
      } else if (operation.call === 'truncate') this.#cut(this.#file(operation.node), operation.length);
      else if (operation.call === 'names') {
        if (operation.made === 'directory') this.#newDirectory();
        if (operation.made === 'file') this.#newFile(new Uint8Array(0));
        this.#apply(operation.node, operation.names);
      }
    }
  }

  /** Begins a sync of a file. The returned function records as durable what was done before this call. */
  beginSync(fd: number): () => void {
    const { number } = this.#opened(fd);
    const upTo = this.operations.length;
    return () => this.operations.push({ call: 'datasync', node: number, upTo });
  }

  open(path: string, mode: OpenMode): number {
    let node = this.#find(path);
    if (mode === 'create' && node !== undefined) throw failure('EEXIST', path);
    if (node === undefined && (mode === 'create' || mode === 'lock')) {
      node = this.#newFile(new Uint8Array(0));
      this.#change(path, `create ${basename(path)}`, [[basename(path), node.number]], 'file');
    }
    if (node === undefined) throw failure('ENOENT', path);
    if (node.kind !== 'file') throw failure('EISDIR', path);
    this.#lastFd += 1;
    this.#open.set(this.#lastFd, node);
    return this.#lastFd;
  }

  close(fd: number): void {
    this.#opened(fd);
    this.#open.delete(fd);
  }

  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const node = this.#opened(fd);
    const count = Math.min(length, this.room);
    if (count === 0 && length > 0) throw failure('ENOSPC', 'write');
    this.room -= count;
    // A Buffer would share its bytes with a slice of it.
    const written = Uint8Array.from(bytes.subarray(offset, offset + count));
    this.operations.push({ call: 'write', node: node.number, at: position, bytes: written });
    this.#put(node, written, position);
    return count;
  }

  read(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const node = this.#opened(fd);
    const count = Math.max(0, Math.min(length, node.length - position));
    bytes.set(node.bytes.subarray(position, position + count), offset);
    return count;
  }

  truncate(fd: number, length: number): void {
    const node = this.#opened(fd);
    this.operations.push({ call: 'truncate', node: node.number, length });
    this.#cut(node, length);
  }

  datasync(fd: number): void {
    this.beginSync(fd)();
  }

  syncDirectory(path: string): void {
    this.operations.push({ call: 'syncDirectory', node: this.#directory(path).number });
  }

  rename(from: string, to: string): void {
    const node = this.#existing(from);
    if (dirname(from) !== dirname(to)) throw failure('EXDEV', from);
    if (node.kind === 'directory' && this.#find(to) !== undefined) throw failure('ENOTEMPTY', to);
    this.#change(to, `rename ${basename(from)} to ${basename(to)}`, [
      [basename(from), null],
      [basename(to), node.number],
    ]);
  }

  link(existing: string, name: string): void {
    if (this.#find(name) !== undefined) throw failure('EEXIST', name);
    const { number } = this.#existing(existing);
    this.#change(name, `link ${basename(existing)} as ${basename(name)}`, [[basename(name), number]]);
  }

  unlink(path: string): void {
    this.#existing(path);
    this.#change(path, `unlink ${basename(path)}`, [[basename(path), null]]);
  }

  list(path: string): readonly string[] {
    return [...this.#directory(path).names.keys()];
  }

  makeDirectory(path: string): void {
    if (this.#find(path) !== undefined) throw failure('EEXIST', path);
    const { number } = this.#newDirectory();
    this.#change(path, `make ${basename(path)}`, [[basename(path), number]], 'directory');
  }

  removeDirectory(path: string): void {
    if (this.#directory(path).names.size > 0) throw failure('ENOTEMPTY', path);
    this.#change(path, `remove ${basename(path)}`, [[basename(path), null]]);
  }

  stat(path: string): FileFacts | null {
    const node = this.#find(path);
    return node === undefined ? null : factsOf(node);
  }

  lstat(path: string): FileFacts | null {
    return this.stat(path);
  }

  fstat(fd: number): FileFacts {
    return factsOf(this.#opened(fd));
  }

  fileSystemType(): null {
    return null;
  }

  freeBytes(): number {
    return 1e12;
  }

  /** Everything as it is now. */
  image(): Image {
    const image = { directories: [] as string[], files: new Map<string, FileContent>() };
    const contents = new Map<FileNode, FileContent>();
    const walk = (directory: DirectoryNode, path: string) => {
      for (const [name, number] of directory.names) {
        const node = this.#nodes.get(number) as FileNode | DirectoryNode;
        if (node.kind === 'directory') {
          image.directories.push(`${path}/${name}`);
          walk(node, `${path}/${name}`);
        } else {
          const content = contents.get(node) ?? { bytes: node.bytes.slice(0, node.length) };
          contents.set(node, content);
          image.files.set(`${path}/${name}`, content);
        }
      }
    };
    walk(this.#directory('/'), '');
    return image;
  }

  #newFile(bytes: Uint8Array): FileNode {
    this.#lastNode += 1;
    return this.#add({ kind: 'file', number: this.#lastNode, bytes, length: bytes.length, isShared: true });
  }

  #newDirectory(): DirectoryNode {
    this.#lastNode += 1;
    return this.#add({ kind: 'directory', number: this.#lastNode, names: new Map() });
  }

  #add<Node extends FileNode | DirectoryNode>(node: Node): Node {
    this.#nodes.set(node.number, node);
    return node;
  }

  #change(
    path: string,
    what: string,
    names: readonly Name[],
    made: 'file' | 'directory' | null = null,
  ): void {
    const { number } = this.#directory(dirname(path));
    this.operations.push({ call: 'names', node: number, what, made, names });
    this.#apply(number, names);
  }

  #apply(number: number, names: readonly Name[]): void {
    const directory = this.#nodes.get(number) as DirectoryNode;
    for (const [name, node] of names) {
      if (node === null) directory.names.delete(name);
      else directory.names.set(name, node);
    }
  }

  #put(node: FileNode, bytes: Uint8Array, at: number): void {
    const end = at + bytes.length;
    if (node.isShared || end > node.bytes.length) {
      const larger = new Uint8Array(Math.max(end, node.length) * 2);
      larger.set(node.bytes.subarray(0, node.length));
      node.bytes = larger;
      node.isShared = false;
    }
    node.bytes.set(bytes, at);
    node.length = Math.max(node.length, end);
  }

  #cut(node: FileNode, length: number): void {
    const kept = new Uint8Array(length);
    kept.set(node.bytes.subarray(0, Math.min(length, node.length)));
    node.bytes = kept;
    node.length = length;
    node.isShared = false;
  }

  #find(path: string): FileNode | DirectoryNode | undefined {
    let node = this.#nodes.get(rootNode);
    for (const name of path.split('/')) {
      if (name === '') continue;
      if (node?.kind !== 'directory') return undefined;
      const number = node.names.get(name);
      node = number === undefined ? undefined : this.#nodes.get(number);
    }
    return node;
  }

  #existing(path: string): FileNode | DirectoryNode {
    const node = this.#find(path);
    if (node === undefined) throw failure('ENOENT', path);
    return node;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#existing(path);
    if (node.kind !== 'directory') throw failure('ENOTDIR', path);
    return node;
  }

  #file(number: number): FileNode {
    return this.#nodes.get(number) as FileNode;
  }

  #opened(fd: number): FileNode {
    const node = this.#open.get(fd);
    if (node === undefined) throw failure('EBADF', String(fd));
    return node;
  }
}

function factsOf(node: FileNode | DirectoryNode): FileFacts {
  return node.kind === 'file'
    ? { kind: 'file', size: node.length, mode: 0o600, inode: node.number }
    : { kind: 'directory', size: 0, mode: 0o700, inode: node.number };
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
