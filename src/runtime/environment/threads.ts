import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';

/** What a thread knows from its beginning: values that can be copied to it. */
export interface ThreadData {
  /** URL of the module that defines its jobs. */
  readonly module: string;
  /** What is said about the store and the box. */
  readonly box: object;
}

/** The way from a thread to the one that has started it. Messages are text. */
export interface ThreadChannel {
  send(text: string): void;
  listen(hear: (text: string) => void): void;
}

/** How a thread is started. */
export interface ThreadStart {
  readonly data: ThreadData;
  /** How much its heap may hold, in MiB; null: as much as Node allows. */
  readonly maxHeapMb: number | null;
  /**
   * The code of the thread, for a port that runs it in the same one. `exports`: gives what the module exports.
   */
  serve(channel: ThreadChannel, exports: () => Promise<object>): void;
  /** Calls in a later turn of the reactor of the box. */
  defer(call: () => void): void;
}

/** How a thread has ended. */
export interface ThreadEnd {
  /** Its exit code. */
  readonly code: number;
  /** What it threw; null: it called `process.exit`, or was terminated. */
  readonly error: Error | null;
  readonly isOutOfMemory: boolean;
}

/** How a thread is heard. */
export interface ThreadListener {
  heard(text: string): void;
  /** It is gone: nothing of it runs any more. Called once. */
  ended(end: ThreadEnd): void;
}

/** A thread that was started. */
export interface Thread {
  send(text: string): void;
  /** Whether the process waits for it. At first it does not. */
  keepProcess(keeps: boolean): void;
  /** Ends it, whatever it is at. The listener hears when it is gone. */
  terminate(): void;
}

/** Where threads come from. */
export interface ThreadPort {
  start(start: ThreadStart, listener: ThreadListener): Thread;
}

/** Options of real threads. */
export interface NodeThreadsOptions {
  /**
   * Flags of Node for each thread, such as a loader: `['--import', './register.js']`. Default: those of the process. A loader that
   * registers itself in the main thread only has to be given here in a form that registers it in any.
   */
  readonly execArgv?: readonly string[];
}

/**
 * The worker threads of Node, for `createSignalbox({ threads })`: only where threads need other flags than the process.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore, nodeThreads } from 'signalbox';
 *
 * const threads = nodeThreads({ execArgv: ['--enable-source-maps'] });
 * const box = await createSignalbox({ store: memoryStore(), threads });
 * console.log(box.state); // => running
 * await box.stop();
 * ```
 */
export function nodeThreads({ execArgv }: NodeThreadsOptions = {}): ThreadPort {
  // Flags of the process are inherited as they are. Those that are named are checked: not each may be given to a thread.
  const flags = execArgv === undefined ? {} : { execArgv: [...execArgv] };
  return { start: (start, listener) => startWorker(start, listener, flags) };
}

// From the source in tests, from what is built elsewhere: both sides are of the same version, and of the same modules that the
// program's own module imports.
const source = new URL(
  `../in-thread/thread-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
);

/** What a worker gets: its data, and a port of its own. The port of its parent is left to the program's code. */
interface WorkerData {
  readonly data: ThreadData;
  readonly port: MessagePort;
}

function startWorker(
  { data, maxHeapMb }: ThreadStart,
  { heard, ended }: ThreadListener,
  flags: { readonly execArgv?: string[] },
): Thread {
  const limits = maxHeapMb === null ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } };
  const { port1: port, port2 } = new MessageChannel();
  const workerData: WorkerData = { data, port: port2 };
  const options = { name: 'signalbox-jobs', workerData, transferList: [port2] };
  const worker = new Worker(source, { ...options, ...flags, ...limits });
  let error: Error | null = null;
  port.on('message', heard);
  worker.on('error', (thrown: unknown) => {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
  });
  worker.on('exit', (code) => {
    // What it said before comes first.
    for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port))
      heard(last.message);
    port.close();
    const isOutOfMemory = (error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
    ended({ code, error, isOutOfMemory });
  });
  worker.unref();
  port.unref();
  return {
    send: (text) => port.postMessage(text),
    keepProcess: (keeps) => (keeps ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
}

/** The side of the thread. */
export function inWorkerThread(serve: (data: ThreadData, channel: ThreadChannel) => void): void {
  if (isMainThread) return;
  const { data, port } = workerData as WorkerData;
  serve(data, {
    send: (text) => port.postMessage(text),
    listen: (hear) => void port.on('message', hear),
  });
}
