import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { createTestBox, type TestBox, type TestBoxOptions, VirtualReactor } from 'signalbox/testing';
import { afterAll, afterEach } from 'vitest';
import { newPostgresStore, removeSchemas } from '../store/postgres/schemas.ts';
import { charge, length, mail, order } from './machines.ts';

const open: TestBox[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const test of open.splice(0)) if (test.box.state === 'running') await test.tearDown();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

afterAll(() => removeSchemas(), 60_000);

/** A json store in a folder of its own. */
function newJsonStore(): Store {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-actors-'));
  folders.push(folder);
  return jsonStore(join(folder, 'store'));
}

export const stores: readonly (readonly [string, () => Store])[] = [
  ['memory', () => memoryStore()],
  ['json', newJsonStore],
  ['postgres', () => newPostgresStore()],
];

/** A box in virtual time that knows the machines of these tests. */
export async function actorBox(store: Store, options: Partial<TestBoxOptions> = {}) {
  const reactor = new VirtualReactor();
  const test = await createTestBox({
    ...{ store, reactor, uuid: 'actors', jobs: [charge, mail], machines: [order, length] },
    ...options,
  } as TestBoxOptions);
  open.push(test);
  return { ...test, reactor };
}
