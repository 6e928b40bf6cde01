import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** Signs of life that need nothing of the main thread. */
export interface Heartbeat {
  stop(): Promise<void>;
}

export interface HeartbeatParts {
  /** How its connection is made, as node-postgres takes it: values that can be copied to another thread. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly statement: string;
  readonly values: readonly unknown[];
  readonly intervalMs: number;
}

// Source text and not a file, so that it works from TypeScript and from the build alike.
const source = `
const { parentPort, workerData } = require('node:worker_threads');
const { Client } = require(workerData.driver);
let client = null;
let isOver = false;
let beating = null;
async function beat() {
  try {
    if (client === null) {
      const made = new Client(workerData.settings);
      made.on('error', () => { if (client === made) client = null; });
      await made.connect();
      client = made;
    }
    if (!isOver) await client.query(workerData.statement, workerData.values);
  } catch {
    const broken = client;
    client = null;
    if (broken !== null) broken.end().catch(() => {});
  }
  if (!isOver) setTimeout(begin, workerData.intervalMs);
}
function begin() {
  beating = beat();
}
parentPort.on('message', async () => {
  isOver = true;
  // One that is under way must not arrive behind what is done after the end.
  await Promise.race([beating, new Promise((resolve) => setTimeout(resolve, 1000))]);
  try { await client?.end(); } catch {}
  process.exit();
});
begin();
`;

/**
 * Makes a statement again and again from a thread of its own, on a connection of its own: a job that keeps the event loop
 * busy for minutes is alive, and no process may declare it dead.
 */
export function startHeartbeat(parts: HeartbeatParts): Heartbeat {
  const driver = createRequire(import.meta.url).resolve('pg');
  const workerData = { ...parts, driver };
  // execArgv: the flags of a test runner or loader are of no use to these few lines.
  const worker = new Worker(source, { eval: true, execArgv: [], name: 'signalbox-heartbeat', workerData });
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', () => resolve());
  });
  // Without it the polls ping, as they do on every store.
  worker.on('error', () => {});
  worker.unref();
  return {
    async stop() {
      worker.ref();
      worker.postMessage('stop');
      await ended;
    },
  };
}
