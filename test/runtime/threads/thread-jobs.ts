import { isMainThread, parentPort, threadId } from 'node:worker_threads';
import { defineJob, local } from 'signalbox';

// The jobs of real-threads.test.ts: the main thread and each thread import this module.

const once = { maxAttempts: 1 } as const;

export const where = defineJob({
  name: 'where',
  run: (n: number) => {
    counted += 1;
    return { n, isMainThread, threadId, counted };
  },
});
let counted = 0;

export const putAtOtherTime = defineJob({
  name: 'putAtOtherTime',
  run: async () => {
    const { now } = Date;
    Date.now = () => now() + 3_600_000;
    try {
      return await local
        .getQueue()
        .put(where(1), { id: 'put' })
        .then(() => 'put');
    } finally {
      Date.now = now;
    }
  },
});

export const spin = defineJob({
  name: 'spin',
  retry: once,
  timeout: '10m',
  grace: '200ms',
  run: () => {
    for (;;);
  },
});

export const spinTooLong = defineJob({
  name: 'spinTooLong',
  retry: once,
  timeout: '1500ms',
  grace: '200ms',
  run: () => {
    for (;;);
  },
});

export const compute = defineJob({
  name: 'compute',
  run: (ms: number) => {
    const end = Date.now() + ms;
    let turns = 0;
    while (Date.now() < end) turns += 1;
    return turns > 0;
  },
});

export const eat = defineJob({
  name: 'eat',
  retry: once,
  run: async () => {
    await local.getQueue().put(where(1), { id: 'never' });
    const kept: unknown[] = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, n) => ({ n })));
  },
});

export const exit = defineJob({
  name: 'exit',
  retry: once,
  run: (code: number) => {
    process.exit(code);
  },
});

export const throwLater = defineJob({
  name: 'throwLater',
  retry: once,
  run: () => {
    setTimeout(() => {
      throw new TypeError('nobody catches this');
    }, 1);
    return new Promise<never>(() => {});
  },
});

export const listen = defineJob({
  name: 'listen',
  run: async () => {
    await local.sleep('1h');
  },
});

export const putTwo = defineJob({
  name: 'putTwo',
  run: async (n: number) => {
    const queue = local.getQueue();
    await queue.put(where(n), { id: `first-${n}` });
    await queue.put(where(n), { id: `second-${n}` });
    await local.getJob()?.setAnnotation('n', n);
    return local.getAgentName();
  },
});

export const chatty = defineJob({
  name: 'chatty',
  run: () => {
    parentPort?.postMessage({ type: 'end' });
    parentPort?.postMessage('not of this protocol');
    return 'said';
  },
});
