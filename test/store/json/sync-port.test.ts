import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { expect, it } from 'vitest';
import { nodeFilePort } from '../../../src/store/json/ports/file-port.ts';
import { createInlineSyncPort, createWorkerSyncPort } from '../../../src/store/json/ports/sync-port.ts';
import { newPath } from './open-store.ts';

const ports = [
  { name: 'a worker thread', create: createWorkerSyncPort },
  { name: 'the calling thread', create: () => createInlineSyncPort(nodeFilePort) },
];

it.each(ports)('syncs a file in $name, and rejects with the errno when it cannot', async ({ create }) => {
  const fd = fs.openSync(newPath(), 'w');
  fs.writeSync(fd, 'text');
  const syncs = create();

  await Promise.all([syncs.datasync(fd), syncs.datasync(fd)]);
  fs.closeSync(fd);

  await expect(syncs.datasync(fd)).rejects.toMatchObject({ code: 'EBADF' });
  syncs.close();
});

it('makes each of more syncs than it can be asked for ahead', async () => {
  const fd = fs.openSync(newPath(), 'w');
  const syncs = createWorkerSyncPort();

  const made = await Promise.all(Array.from({ length: 300 }, (_, n) => syncs.datasync(fd).then(() => n)));
  await syncs.datasync(fd);

  expect(made).toHaveLength(300);
  syncs.close();
  fs.closeSync(fd);
});

it('rejects what is under way when it is closed, and everything after', async () => {
  const fd = fs.openSync(newPath(), 'w');
  const syncs = createWorkerSyncPort();
  const pending = syncs.datasync(fd);

  syncs.close();

  await expect(pending).rejects.toThrow('the sync thread was closed');
  await expect(syncs.datasync(fd)).rejects.toThrow('the sync thread was closed');
  fs.closeSync(fd);
});

it('keeps the process alive while a sync is under way, and no longer', () => {
  const module = new URL('../../../src/store/json/ports/sync-port.ts', import.meta.url).href;
  const script = `
    import * as fs from 'node:fs';
    const { createWorkerSyncPort } = await import(${JSON.stringify(module)});
    const fd = fs.openSync('${newPath()}', 'w');
    void createWorkerSyncPort().datasync(fd).then(() => console.log('synced'));
  `;

  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { encoding: 'utf8', timeout: 10_000 },
  );

  expect([stdout, status]).toEqual(['synced\n', 0]);
});
