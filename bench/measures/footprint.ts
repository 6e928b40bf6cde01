import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the memory of this process after a garbage collection. Needs --expose-gc. */
export function heapBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Expected --expose-gc, got a process without it.');
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Returns the bytes of the files in a folder; a file with two names counts once. */
export function bytesIn(folder: string): number {
  const files = new Map<number, number>();
  for (const name of readdirSync(folder)) {
    const { ino, size } = statSync(join(folder, name));
    files.set(ino, size);
  }
  return [...files.values()].reduce((sum, size) => sum + size, 0);
}
