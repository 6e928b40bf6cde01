import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { PastReply, PastRequest, PastThreadData } from './past-server.ts';

/** A thread that answers questions about the past. It keeps no process alive but for an answer that is awaited. */
export interface PastThread {
  send(request: PastRequest): void;
  /** Whether an answer is awaited. */
  setAwaited(isAwaited: boolean): void;
  end(): void;
}

/** How a thread is heard. */
export interface PastThreadListener {
  onReply(reply: PastReply): void;
  /** It ended by itself. */
  onEnd(reason: string): void;
}

/** Starts a thread. Null: the package was not built, and there is no file to start. */
export type StartPastThread = (data: PastThreadData, listener: PastThreadListener) => PastThread | null;

export const startPastThread: StartPastThread = (data, { onReply, onEnd }) => {
  const file = fileOfThread();
  if (file === null) return null;
  // execArgv: what is built needs none of the flags of a test runner or loader.
  const worker = new Worker(file, { execArgv: [], name: 'signalbox-past', workerData: data });
  let reason = 'it ended by itself';
  worker.on('message', onReply);
  worker.on('error', (error) => {
    reason = error.message;
  });
  worker.on('exit', () => onEnd(reason));
  worker.unref();
  return {
    send: (request) => worker.postMessage(request),
    setAwaited: (isAwaited) => (isAwaited ? worker.ref() : worker.unref()),
    end: () => {
      worker.removeAllListeners();
      worker.on('error', () => {});
      void worker.terminate();
    },
  };
};

// The package's own name for the file: the same from the source and from what is built.
function fileOfThread(): URL | null {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('#past-worker'));
  } catch {
    return null;
  }
}

/** The side of the thread: answers what it is asked, until it is ended. */
export function servePastThread(
  create: (data: PastThreadData) => (request: PastRequest) => Promise<PastReply>,
): void {
  const answer = create(workerData as PastThreadData);
  parentPort?.on('message', async (request: PastRequest) => {
    parentPort?.postMessage(await answer(request));
  });
}

/** Calls a function once, later; returns what prevents it. No process waits for it. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
}

/** Lets the event loop run. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
