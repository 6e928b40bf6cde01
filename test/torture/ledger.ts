import { mkdtempSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/** A folder of its own with an empty ledger. */
export function createLedger(): { readonly folder: string; readonly ledger: string } {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-torture-'));
  const ledger = join(folder, 'ledger');
  writeFileSync(ledger, '', { mode: 0o600 });
  return { folder, ledger };
}
