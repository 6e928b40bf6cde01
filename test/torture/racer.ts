// A process that opens a store again and again as soon as it is free: `node … racer.ts DIRECTORY METHODS`.
import { createInterface } from 'node:readline';
import { SignalboxError } from 'signalbox';
import { openJsonLog } from '../../src/store/json/log/open-json-log.ts';
import { nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { createKernelLock, flockMethod, nativeMethod } from '../../src/store/json/ports/lock.ts';
import { createWorkerSyncPort } from '../../src/store/json/ports/sync-port.ts';
import { ofEachKind } from '../../src/store/kinds.ts';
import type { Log } from '../../src/store/log.ts';
import { scribe } from './ledger.ts';

const [dir = '', methods = ''] = process.argv.slice(2);
// Without the optional package there is one method less.
const lock = createKernelLock(methods === 'flock(1)' ? [flockMethod] : [nativeMethod, flockMethod]);
const tell = scribe(1);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const nothing = ofEachKind(() => []);
const holding: { log: Log | null } = { log: null };

tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ms = '0'] = JSON.parse(line).split(' ');
  if (what === 'race') void race();
  if (what === 'block') block(Number(ms));
  if (what === 'release') {
    await holding.log?.close();
    holding.log = null;
    tell('released');
  }
}

/** Opens the store when it can be had, and commits one line, so that it is on disk that it was here. */
async function race(): Promise<void> {
  for (;;) {
    try {
      holding.log = await held();
      tell('held');
      return;
    } catch (error) {
      if (!(error instanceof SignalboxError) || error.code !== 'STORE_LOCKED') {
        tell(`broken ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
      await pause(1);
    }
  }
}

async function held(): Promise<Log> {
  const { recovered, start } = await openJsonLog({
    dir,
    into: { load: () => {}, replay: () => {} },
    files: nodeFilePort,
    syncs: createWorkerSyncPort(),
    defer: () => new Promise((resolve) => setImmediate(resolve)),
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    lock,
  });
  const { seq } = recovered;
  const opened = await start({ seq, records: nothing });
  const entry = { kind: 'job', id: `held-${process.pid}`, event: 'job.put', from: null, to: null } as const;
  opened.append({
    s: seq + 1,
    at: Date.now(),
    by: 'client#1',
    mv: '1',
    entries: [{ ...entry, patch: null, gone: false, q: 0 }],
  });
  opened.write();
  await opened.sync();
  return opened;
}

/** A loop that does not turn: timers, messages and signals of Node have to wait. */
function block(ms: number): void {
  const end = performance.now() + ms;
  tell('blocked');
  while (performance.now() < end);
  tell('unblocked');
}
