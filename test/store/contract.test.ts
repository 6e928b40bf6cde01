import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { scheduleContract, storeContract } from 'signalbox/testing';
import { afterEach, describe, expect, it } from 'vitest';

const all = [...storeContract, ...scheduleContract];
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newJsonStore(): Store {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-contract-'));
  folders.push(folder);
  return jsonStore(join(folder, 'store'));
}

describe.each([
  ['memory', () => memoryStore()],
  ['json', newJsonStore],
] as const)('A %s store', (_, makeStore) => {
  it.each(all.map((check) => [check.name, check] as const))('%s', async (_name, check) => {
    await check.run(makeStore);
  });
});

describe('The store contract', () => {
  it('names every check once', () => {
    const names = all.map((check) => check.name);

    expect(new Set(names).size).toBe(names.length);
  });
});
