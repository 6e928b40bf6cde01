import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from '../../src/store/in-memory/memory-store.ts';
import { jsonStore } from '../../src/store/json/index.ts';
import type { OpenStore, Store, StorePorts } from '../../src/store/store.ts';

const ports: StorePorts = { now: () => 1000, defer: setImmediate, newId: () => 'id', report: () => {} };
const open: OpenStore[] = [];
const directories: string[] = [];

/** The stores with which charts are tested, by name. */
export const stores: Readonly<Record<string, () => Store>> = {
  memory: () => memoryStore(),
  json: () => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-machines-'));
    directories.push(directory);
    return jsonStore(join(directory, 'store'), { checkpointMinBytes: 64 * 1024 });
  },
};

export async function opened(store: Store): Promise<OpenStore> {
  const openStore = await store.open(ports);
  open.push(openStore);
  return openStore;
}

/** Closes every store and removes what it left. */
export async function closeStores(): Promise<void> {
  for (const store of open.splice(0)) await store.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
}
