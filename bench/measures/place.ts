import { mkdirSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const parent = fileURLToPath(new URL('../../.signalbox/', import.meta.url));
const inMemory = new Map([
  [0x0102_1994, 'tmpfs'],
  [0x8584_58f6, 'ramfs'],
]);

/** Runs `work` with a folder on the disk of this repository, which all contestants use. Removes it at the end. */
export async function inPlace<Result>(work: (place: string) => Promise<Result>): Promise<Result> {
  mkdirSync(parent, { recursive: true });
  const place = mkdtempSync(join(parent, 'bench-'));
  const kind = inMemory.get(statfsSync(place).type);
  if (kind !== undefined) {
    console.error(
      `${place} is on a ${kind}: a sync costs nothing there, so these figures do not describe a disk.`,
    );
  }
  const remove = () => rmSync(place, { recursive: true, force: true });
  const interrupted = () => {
    remove();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    return await work(place);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    remove();
  }
}

/** Returns whether every user may enter a folder and all its parents. */
export function isOpenToAll(folder: string): boolean {
  const isOpen = (statSync(folder).mode & 0o001) !== 0;
  return isOpen && (dirname(folder) === folder || isOpenToAll(dirname(folder)));
}

/** Creates an empty folder in a place. */
export function freshFolder(place: string): string {
  return mkdtempSync(join(place, 'turn-'));
}
