import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FilePort, SyncPort } from 'signalbox/json';

// Waits, then syncs, as a slower disk would.
const source = `
const { parentPort, workerData } = require('node:worker_threads');
const { fdatasyncSync } = require('node:fs');
const never = new Int32Array(new SharedArrayBuffer(4));
parentPort.on('message', (fd) => {
  Atomics.wait(never, 0, 0, workerData);
  fdatasyncSync(fd);
  parentPort.postMessage(null);
});
`;

/** Options of a json store with `ms` milliseconds added to every sync. */
export async function slowDisk(ms: number): Promise<{ syncs: () => SyncPort; files: FilePort }> {
  // Of the built package, or of its source: whichever this process uses.
  const store = import.meta.resolve('signalbox/json');
  const url = new URL(`ports/file-port${extname(store)}`, store);
  const { nodeFilePort: files } = (await import(url.href)) as { nodeFilePort: FilePort };
  const never = new Int32Array(new SharedArrayBuffer(4));
  const wait = () => Atomics.wait(never, 0, 0, ms);
  return {
    syncs: () => slowSyncs(ms),
    files: {
      ...files,
      datasync: (fd) => {
        wait();
        files.datasync(fd);
      },
      syncDirectory: (path) => {
        wait();
        files.syncDirectory(path);
      },
    },
  };
}

function slowSyncs(ms: number): SyncPort {
  const worker = new Worker(source, { eval: true, execArgv: [], workerData: ms });
  const waiters: (() => void)[] = [];
  worker.on('message', () => waiters.shift()?.());
  return {
    datasync: (fd) =>
      new Promise((resolve) => {
        waiters.push(resolve);
        worker.postMessage(fd);
      }),
    close: () => void worker.terminate(),
  };
}
