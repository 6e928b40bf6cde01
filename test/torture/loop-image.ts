import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** File systems whose power cuts are tried. */
export const fileSystems = ['ext4', 'xfs', 'btrfs'] as const;

/** One of them. */
export type FileSystem = (typeof fileSystems)[number];

interface Making {
  readonly command: readonly [string, ...string[]];
  /** The Debian package of the command. */
  readonly from: string;
  /** About the least that the file system accepts; the file has holes. */
  readonly bytes: number;
}

const mebibyte = 1024 * 1024;
const makings: Readonly<Record<FileSystem, Making>> = {
  ext4: { command: ['mkfs.ext4', '-q', '-F'], from: 'e2fsprogs', bytes: 48 * mebibyte },
  xfs: { command: ['mkfs.xfs', '-q', '-f'], from: 'xfsprogs', bytes: 320 * mebibyte },
  btrfs: { command: ['mkfs.btrfs', '-q', '-f'], from: 'btrfs-progs', bytes: 160 * mebibyte },
};

/** A file that holds a file system, and the place where it is mounted while it is. */
export interface LoopImage {
  readonly path: string;
  mount(): string;
  unmount(): void;
  /** The file as it is now: what a disk would hold if the power went this instant. */
  copied(path: string): LoopImage;
  remove(): void;
}

/** Why this file system cannot be tried here, or null when it can: a small one is made, mounted and removed. */
export function whyNoImage(system: FileSystem, folder: string): string | null {
  if (process.platform !== 'linux') return `loop devices are Linux's, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'loop devices and mounts need root';
  const [command] = makings[system].command;
  if (spawnSync(command, ['-V']).error !== undefined)
    return `${command} is not on the PATH (Debian: apt-get install ${makings[system].from})`;
  try {
    const image = createImage(system, join(folder, `probe-${system}`));
    image.mount();
    image.unmount();
    image.remove();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Makes a new file system in a file. @throws Error with what the command said. */
export function createImage(system: FileSystem, path: string): LoopImage {
  const { command, bytes } = makings[system];
  writeFileSync(path, '');
  truncateSync(path, bytes);
  run([...command, path]);
  return imageAt(path);
}

function imageAt(path: string): LoopImage {
  const place = `${path}.mounted`;
  return {
    path,
    mount() {
      mkdirSync(place, { recursive: true });
      run(['mount', '-o', 'loop', path, place]);
      return place;
    },
    unmount: () => run(['umount', place]),
    copied(copy) {
      run(['cp', '--sparse=always', path, copy]);
      return imageAt(copy);
    },
    remove() {
      // What a failure left mounted must not stay.
      if (existsSync(place)) spawnSync('umount', [place]);
      rmSync(place, { recursive: true, force: true });
      rmSync(path, { force: true });
    },
  };
}

function run([command, ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command as string, args);
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? String(stderr).trim()}`);
}
