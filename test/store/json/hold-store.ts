import { openJsonLog } from '../../../src/store/json/log/open-json-log.ts';
import { nodeFilePort } from '../../../src/store/json/ports/file-port.ts';
import { createKernelLock, flockMethod, nativeMethod } from '../../../src/store/json/ports/lock.ts';
import { createWorkerSyncPort } from '../../../src/store/json/ports/sync-port.ts';
import { emptyState } from '../../../src/store/log.ts';

// A process of its own: opens the store, commits one line, says so and stays until it is killed.
const [dir = '', method] = process.argv.slice(2);
const kernel = createKernelLock([method === 'flock(1)' ? flockMethod : nativeMethod]);
const { recovered, start } = await openJsonLog({
  dir,
  into: { load: () => {}, replay: () => {} },
  files: nodeFilePort,
  syncs: createWorkerSyncPort(),
  defer: () => new Promise((resolve) => setImmediate(resolve)),
  now: () => 0,
  newId: () => `id-${process.pid}`,
  lock: method === 'pidfile-unsafe' ? method : kernel,
});
const { seq } = recovered;
const log = await start({ seq, records: emptyState.records });
const entry = {
  kind: 'job',
  id: 'held',
  event: 'job.put',
  from: null,
  to: null,
  patch: null,
  gone: false,
  q: 0,
} as const;
log.append({ s: seq + 1, at: 0, by: 'client#1', mv: '1', entries: [entry] });
log.write();
await log.sync();
process.stdout.write('held\n');
setInterval(() => {}, 1_000);
