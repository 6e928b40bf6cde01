import { createHash } from 'node:crypto';
import { type FileContent, type Image, type Operation, rootNode } from '../store/json/memory-files.ts';
import {
  contentAfter,
  type DataOperation,
  type Detail,
  type PossibleContent,
  type PossibleContents,
  possibleContents,
} from './file-contents.ts';

/** One state of a disk that a crash may leave. */
export interface CrashImage extends Image {
  readonly files: ReadonlyMap<string, PossibleContent>;
  /** Equal for equal images. */
  readonly key: string;
  /** Which unsynced operations are on this disk, for people. */
  describe(): string;
}

type NamesOperation = Extract<Operation, { call: 'names' }>;

interface Pending {
  readonly index: number;
  readonly operation: DataOperation;
}

type Directories = Map<number, Map<string, number>>;

/** More subsets than this take too long: a workload must sync its directories more often. */
const mostUnsyncedNames = 12;
const nothing = new Uint8Array(0);
const temporary = /\.tmp(\/|$)/;

/**
 * What a disk holds for certain, and what it may hold, after a number of operations. Of what was not synced, any
 * subset of the changed names may be there, and of each file any of its `possibleContents`.
 */
export class Disk {
  readonly #durable = new Map<number, Uint8Array>();
  readonly #pending = new Map<number, readonly Pending[]>();
  readonly #directories: Directories = new Map([[rootNode, new Map()]]);
  #names: readonly NamesOperation[] = [];
  #count = 0;

  /** A disk on which all of an image is durable, numbered as `MemoryFiles` numbers it. */
  constructor(image: Image = { directories: [], files: new Map() }) {
    const known = new Map<FileContent, number>();
    let last = rootNode;
    const enter = (path: string, node: number) => {
      const at = path.lastIndexOf('/');
      this.#directoryAt(path.slice(0, at)).set(path.slice(at + 1), node);
    };
    for (const path of image.directories) {
      last += 1;
      this.#directories.set(last, new Map());
      enter(path, last);
    }
    for (const [path, content] of image.files) {
      const node = known.get(content) ?? last + 1;
      if (!known.has(content)) last = node;
      known.set(content, node);
      this.#durable.set(node, content.bytes);
      enter(path, node);
    }
  }

  /** Takes the next operation. */
  apply(operation: Operation): void {
    const index = this.#count;
    this.#count += 1;
    const { node } = operation;
    const pending = this.#pending.get(node) ?? [];
    switch (operation.call) {
      case 'write':
      case 'truncate':
        this.#pending.set(node, [...pending, { index, operation }]);
        break;
      case 'datasync': {
        const done = pending.filter((each) => each.index < operation.upTo).map((each) => each.operation);
        this.#durable.set(node, contentAfter(this.#durable.get(node) ?? nothing, done));
        this.#pending.set(node, pending.slice(done.length));
        break;
      }
      case 'names':
        if (operation.made === 'directory') this.#directories.set(madeBy(operation), new Map());
        this.#names = [...this.#names, operation];
        break;
      case 'syncDirectory':
        for (const each of this.#names) if (each.node === node) give(this.#directories, each);
        this.#names = this.#names.filter((each) => each.node !== node);
    }
  }

  /** Every image that a crash may leave now. Not all of them differ. */
  *images(detail: Detail): Generator<CrashImage> {
    const names = this.#names.filter(({ node }) => !this.#isScratch(node));
    const scratch = this.#names.filter(({ node }) => this.#isScratch(node));
    const known = new Map<number, PossibleContents>();
    const contentsOf = (node: number): PossibleContents => {
      const contents = known.get(node) ?? this.#contentsOf(node, detail);
      known.set(node, contents);
      return contents;
    };
    for (const subset of subsetsOf(names.length, detail)) {
      const [done, lost] = [true, false].map((wanted) =>
        names.filter((_, bit) => ((subset >> bit) & 1) === Number(wanted)),
      ) as [NamesOperation[], NamesOperation[]];
      const tree = this.#treeAfter([...done, ...scratch]);
      for (const chosen of choices(tree, contentsOf)) yield imageOf(tree, chosen, lost);
    }
  }

  /** Nothing under a temporary name is read, so which names a directory has there makes no difference. */
  #isScratch(directory: number): boolean {
    const names = [...this.#directories.values()].flatMap((each) => [...each]);
    const given = [...names, ...this.#names.flatMap((each) => each.names)].filter(
      ([, node]) => node === directory,
    );
    return given.length > 0 && given.every(([name]) => temporary.test(name));
  }

  #contentsOf(node: number, detail: Detail): PossibleContents {
    const pending = (this.#pending.get(node) ?? []).map(({ operation }) => operation);
    return possibleContents(this.#durable.get(node) ?? nothing, pending, detail);
  }

  #treeAfter(done: readonly NamesOperation[]): Tree {
    const directories: Directories = new Map(
      [...this.#directories].map(([node, names]) => [node, new Map(names)]),
    );
    for (const operation of done) give(directories, operation);
    const tree: Tree = { directories: [], files: [] };
    const walk = (node: number, path: string) => {
      for (const [name, target] of directories.get(node) ?? []) {
        if (!directories.has(target)) tree.files.push([`${path}/${name}`, target]);
        else {
          tree.directories.push(`${path}/${name}`);
          walk(target, `${path}/${name}`);
        }
      }
    };
    walk(rootNode, '');
    return tree;
  }

  #directoryAt(path: string): Map<string, number> {
    let node = rootNode;
    for (const name of path.split('/').slice(1)) node = this.#directories.get(node)?.get(name) ?? -1;
    return this.#directories.get(node) as Map<string, number>;
  }
}

/** Subsets as bits. Some: all, none, one alone, all but one, the first ones. */
function subsetsOf(count: number, detail: Detail): readonly number[] {
  const all = 2 ** count - 1;
  if (detail === 'some') {
    const bits = Array.from({ length: count }, (_, bit) => 2 ** bit);
    return [...new Set([all, 0, ...bits.flatMap((bit) => [bit, all - bit, bit - 1])])];
  }
  if (count > mostUnsyncedNames) throw new Error(`${count} names are unsynced at once`);
  return Array.from({ length: all + 1 }, (_, missing) => all - missing);
}

interface Tree {
  readonly directories: string[];
  readonly files: [path: string, node: number][];
}

function give(directories: Directories, { node, names }: NamesOperation): void {
  const directory = directories.get(node);
  for (const [name, target] of names) {
    if (target === null) directory?.delete(name);
    else directory?.set(name, target);
  }
}

function madeBy({ names }: NamesOperation): number {
  return names.at(-1)?.[1] as number;
}

type Choice = ReadonlyMap<number, PossibleContent>;

/**
 * A content for each file. Where several files are unsynced, each goes through all of its contents while the others
 * have nothing or everything. A file that only has a temporary name is never read: one content is enough.
 */
function* choices(tree: Tree, contentsOf: (node: number) => PossibleContents): Generator<Choice> {
  const read = new Set(tree.files.filter(([path]) => !temporary.test(path)).map(([, node]) => node));
  const fixed = new Map<number, PossibleContent>();
  const varied: number[] = [];
  for (const node of new Set(tree.files.map(([, each]) => each))) {
    const { all, extremes } = contentsOf(node);
    if (read.has(node) && all.length > 1) varied.push(node);
    fixed.set(node, extremes.at(-1) as PossibleContent);
  }
  if (varied.length === 0) yield fixed;
  for (const node of varied) {
    const others = varied.filter((other) => other !== node);
    for (let mixture = 0; mixture < 2 ** others.length; mixture += 1) {
      const chosen = new Map(fixed);
      for (const [bit, other] of others.entries()) {
        const { extremes } = contentsOf(other);
        chosen.set(other, extremes.at((mixture >> bit) & 1 ? -1 : 0) as PossibleContent);
      }
      for (const content of contentsOf(node).all) yield new Map(chosen).set(node, content);
    }
  }
}

function imageOf(tree: Tree, chosen: Choice, lost: readonly NamesOperation[]): CrashImage {
  const files = new Map(tree.files.map(([path, node]) => [path, chosen.get(node) as PossibleContent]));
  const parts = [...files].map(([path, { key }]) => `${path} ${key}`);
  const key = createHash('sha1')
    .update([...tree.directories, ...parts].sort().join('\n'))
    .digest('base64url');
  const describe = () =>
    [
      ...lost.map(({ what }) => `not on disk: ${what}`),
      ...[...files].map(([path, { bytes, how }]) => `${path}: ${bytes.length} bytes, ${how}`),
    ].join('\n');
  return { directories: tree.directories, files, key, describe };
}
