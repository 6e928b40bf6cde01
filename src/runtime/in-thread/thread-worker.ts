import { mathRandom, randomIds, steadyMs } from '../environment/ports.ts';
import { NodeReactor } from '../environment/reactor/node-reactor.ts';
import { inWorkerThread } from '../environment/threads.ts';
import { serveThread } from './serve-thread.ts';

// Where a thread begins.
inWorkerThread((data, channel) => {
  const ports = { reactor: new NodeReactor(), elapsed: steadyMs, ids: randomIds, random: mathRandom };
  serveThread(data, channel, () => import(data.module) as Promise<object>, ports);
});
