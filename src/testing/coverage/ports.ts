import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';

/** A file of tests is written while its process ends: nothing can be waited for then. */
export const coverageFiles = {
  makeFolder: (path: string): void => void mkdirSync(path, { recursive: true }),
  isThere: (path: string): boolean => existsSync(path),
  write: (path: string, text: string): void => writeFileSync(path, text),
  /** A name that no other process has. */
  newName: (): string => `charts-${process.pid}-${randomUUID().slice(0, 8)}.json`,
  atExit: (run: () => void): void => void process.once('exit', run),
};
