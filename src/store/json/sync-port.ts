import { Worker } from 'node:worker_threads';
import type { FilePort } from './file-port.ts';

/** Makes file content durable without stopping the caller. */
export interface SyncPort {
  /** Resolves when all that was written to the file before the call is on disk. */
  datasync(fd: number): Promise<void>;
  /** Ends the port; calls under way are rejected. */
  close(): void;
}

/** How many syncs may be asked for ahead: a power of two, so that places go round when the count does. */
const room = 64;

// Source text and not a file, so that it works from TypeScript and from the build alike. It sleeps on the count of what
// was asked for: a message would have to pass through its event loop first, which takes 40 µs more of every commit.
const source = `
const { parentPort, workerData: cells } = require('node:worker_threads');
const { fdatasyncSync } = require('node:fs');
for (let done = 0; ; ) {
  Atomics.wait(cells, 0, done);
  if (Atomics.load(cells, 0) === done) continue;
  const fd = Atomics.load(cells, 1 + (done & ${room - 1}));
  done = (done + 1) | 0;
  try {
    fdatasyncSync(fd);
    parentPort.postMessage({ id: done, failure: null });
  } catch (error) {
    parentPort.postMessage({ id: done, failure: { code: String(error.code), message: String(error.message) } });
  }
}
`;

interface Answer {
  readonly id: number;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

interface Waiter {
  readonly fd: number;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Syncs in a worker thread of its own, so that neither a busy event loop nor user code in the thread pool of
 * Node delays a sync (measured: commit p50 of 48 ms through the pool, 1 ms through a worker). The worker keeps
 * the process alive only while a sync is under way.
 */
export function createWorkerSyncPort(): SyncPort {
  // How many syncs were asked for, and the files of the newest of them.
  const cells = new Int32Array(new SharedArrayBuffer(4 * (1 + room)));
  // execArgv: the flags of a test runner or loader are of no use to these few lines.
  const worker = new Worker(source, { eval: true, execArgv: [], name: 'signalbox-sync', workerData: cells });
  const waiters = new Map<number, Waiter>();
  /** What there is no room for yet. */
  const later: Waiter[] = [];
  let lastId = 0;
  let ended: Error | null = null;

  const ask = (waiter: Waiter) => {
    Atomics.store(cells, 1 + (lastId & (room - 1)), waiter.fd);
    // The count goes round as the thread's does.
    lastId = (lastId + 1) | 0;
    waiters.set(lastId, waiter);
    Atomics.store(cells, 0, lastId);
    Atomics.notify(cells, 0);
  };
  const end = (reason: Error) => {
    ended ??= reason;
    for (const waiter of [...waiters.values(), ...later]) waiter.reject(ended);
    waiters.clear();
    later.length = 0;
  };
  worker.on('message', ({ id, failure }: Answer) => {
    const waiter = waiters.get(id);
    waiters.delete(id);
    const next = later.shift();
    if (next !== undefined) ask(next);
    if (waiters.size === 0) worker.unref();
    if (failure === null) waiter?.resolve();
    else waiter?.reject(Object.assign(new Error(failure.message), { code: failure.code }));
  });
  worker.on('error', end);
  worker.on('exit', () => end(new Error('the sync thread has ended')));
  worker.unref();

  return {
    datasync(fd) {
      if (ended !== null) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        if (waiters.size === 0) worker.ref();
        const waiter = { fd, resolve, reject };
        if (waiters.size < room) ask(waiter);
        else later.push(waiter);
      });
    },
    close() {
      end(new Error('the sync thread was closed'));
      void worker.terminate();
    },
  };
}

/** Syncs through a file port in the calling thread: for tests, and for enumerating what a crash may leave. */
export function createInlineSyncPort(files: FilePort): SyncPort {
  return {
    datasync: async (fd) => files.datasync(fd),
    close: () => {},
  };
}
