import { openSync, writeSync } from 'node:fs';

/** Writes lines that outlive the process, one system call each. */
export type Scribe = (line: string) => void;

/** Lines to a pipe or a file that is open: handed to the kernel before the call returns. */
export function scribe(fd: number): Scribe {
  return (line) => {
    const bytes = Buffer.from(`${line}\n`);
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(fd, bytes, at);
      } catch (error) {
        // A full pipe: its reader is only slow.
        if ((error as { code?: string }).code !== 'EAGAIN') throw error;
      }
    }
  };
}

/** Lines at the end of a file. */
export function ledgerAt(path: string): Scribe {
  return scribe(openSync(path, 'a', 0o600));
}
