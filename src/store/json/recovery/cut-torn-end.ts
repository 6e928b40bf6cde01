import { join } from 'node:path';
import {
  cleanName,
  journalName,
  type Listing,
  previousSnapshotName,
  snapshotName,
} from '../ports/directory.ts';
import type { FilePort } from '../ports/file-port.ts';
import type { Recovery } from './recovery.ts';

/**
 * Makes the recovered state the only content of the directory. Syncs what was read, since a killed process leaves it in
 * the page cache only. Removes what a crash left: a torn end, an unborn journal, files under construction. Then removes
 * the clean marker, before anything is written that the marker does not cover. Each step may be repeated after a crash.
 */
export function cutTornEnd(
  files: FilePort,
  dir: string,
  listing: Listing,
  recovery: Recovery,
  report: (message: string) => void,
): void {
  for (const { header, size, end, seq } of recovery.journals) {
    const name = journalName(header.generation);
    inFile(files, join(dir, name), (fd) => {
      if (size > end) {
        files.truncate(fd, end);
        report(
          `${name} ended in a torn write: ${size - end} bytes after seq ${seq}, never acknowledged, were cut.`,
        );
      }
      files.datasync(fd);
    });
  }
  for (const name of [snapshotName, previousSnapshotName]) {
    const isThere = name === snapshotName ? listing.snapshot : listing.previousSnapshot;
    if (isThere) inFile(files, join(dir, name), (fd) => files.datasync(fd));
  }
  if (recovery.unborn !== null) files.unlink(join(dir, journalName(recovery.unborn)));
  for (const name of listing.temporary) files.unlink(join(dir, name));
  files.syncDirectory(dir);
  if (!listing.clean) return;
  files.unlink(join(dir, cleanName));
  files.syncDirectory(dir);
}

function inFile(files: FilePort, path: string, action: (fd: number) => void): void {
  const fd = files.open(path, 'update');
  try {
    action(fd);
  } finally {
    files.close(fd);
  }
}
