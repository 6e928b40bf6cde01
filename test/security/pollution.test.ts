import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { newDirectory } from '../behaviours/stores.ts';

const child = fileURLToPath(new URL('pollution.child.ts', import.meta.url));

it('[S3] hostile keys by every public call and in the files of a store change no prototype: as it is, and without __proto__ and with a frozen Object.prototype', async () => {
  const run = async (flags: readonly string[], mode: string): Promise<unknown> => {
    const args = [
      ...flags,
      '--import',
      'tsx',
      '--conditions',
      'signalbox-source',
      child,
      join(newDirectory(), 'store'),
      mode,
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout);
  };

  const outputs = await Promise.all([run([], 'plain'), run(['--disable-proto=delete'], 'frozen')]);

  const opened = [
    'values: open',
    'a job of the snapshot: quarantined',
    'the patch of a job: quarantined',
    'the id of a job: quarantined',
    'the patch of another record: STORE_CORRUPT',
  ];
  expect(outputs).toEqual([
    { clean: true, done: 46, opened, frozen: false, proto: true },
    { clean: true, done: 46, opened, frozen: true, proto: false },
  ]);
});
