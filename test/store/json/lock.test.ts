import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createKernelLock, flockMethod, nativeMethod } from '../../../src/store/json/ports/lock.ts';
import { closedStore, newPath, openStore, refusal } from './open-store.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const methods = [
  { name: 'fs-native-extensions', lock: createKernelLock([nativeMethod]) },
  { name: 'flock(1)', lock: createKernelLock([flockMethod]) },
];

/** A process that holds the lock of a store. */
async function holder(dir: string, method: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./hold-store.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, dir, method], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout ?? expect.fail(), 'data');
  return child;
}

describe.each(methods)('a lock by $name', ({ name, lock }) => {
  it('refuses a second opening in the same process, and names the holder', async () => {
    const dir = newPath();
    await openStore(dir, { lock });

    const error = await refusal(openStore(dir, { lock }));

    expect(error).toMatchObject({ code: 'STORE_LOCKED', details: { path: dir } });
    expect(error.message).toContain(`pid ${process.pid} on ${hostname()} since 1970-01-01T00:16:40.000Z`);
  });

  it('is free after close', async () => {
    const dir = newPath();
    const store = await openStore(dir, { lock });
    await store.log.close();

    expect((await openStore(dir, { lock })).recovered.clean).toBe(true);
  });

  it('refuses while another process holds it, and is free when that is killed', async () => {
    const dir = newPath();
    await closedStore(dir, ['a']);
    const child = await holder(dir, name);

    const error = await refusal(openStore(dir, { lock }));
    child.kill('SIGKILL');
    await once(child, 'exit');

    expect([error.code, error.message]).toEqual([
      'STORE_LOCKED',
      expect.stringContaining(`pid ${child.pid} `),
    ]);
    expect((await openStore(dir, { lock })).seq).toBe(2);
  });

  it('is lost with a removed lock file, and the first holder notices at its next sync', async () => {
    const dir = newPath();
    const first = await openStore(dir, { lock });
    fs.rmSync(join(dir, 'lock'));
    await openStore(dir, { lock });
    first.put('a');

    expect((await refusal(first.log.sync())).code).toBe('STORE_FENCED');
  });
});

describe('a store', () => {
  it('is refused when no kernel lock can be had, and says what was tried', async () => {
    const lock = createKernelLock([async () => ({ unavailable: 'nothing here' })]);

    const error = await refusal(openStore(newPath(), { lock }));

    expect([error.code, error.message]).toEqual(['STORE_NO_LOCK', expect.stringContaining('nothing here')]);
  });

  it('falls back to the second method when the first is not there', async () => {
    const dir = newPath();
    const lock = createKernelLock([async () => ({ unavailable: 'not installed' }), flockMethod]);
    await openStore(dir, { lock });

    expect((await refusal(openStore(dir, { lock }))).code).toBe('STORE_LOCKED');
  });

  it('shows only printable text of what others wrote into the lock file', async () => {
    const dir = newPath();
    await openStore(dir);
    fs.writeFileSync(join(dir, 'lock'), 'pid 1\u001b[31m\u009b\u202e of evil\n');

    const error = await refusal(openStore(dir));

    expect(error.message).toContain('held by pid 1 [31m  of evil.');
  });
});

describe('a lock by process number, on demand', () => {
  const lock = 'pidfile-unsafe';

  it('refuses a second opening in the same process and is free after close', async () => {
    const dir = newPath();
    const store = await openStore(dir, { lock });

    expect((await refusal(openStore(dir, { lock }))).code).toBe('STORE_LOCKED');
    await store.log.close();
    expect((await openStore(dir, { lock })).recovered.clean).toBe(true);
  });

  it('refuses while another process holds it, and is free when that is killed', async () => {
    const dir = newPath();
    await closedStore(dir, ['a']);
    const child = await holder(dir, lock);

    expect((await refusal(openStore(dir, { lock }))).code).toBe('STORE_LOCKED');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await openStore(dir, { lock })).seq).toBe(2);
  });

  it('believes a holder on another host', async () => {
    const dir = newPath();
    await closedStore(dir, ['a']);
    fs.writeFileSync(join(dir, 'lock'), 'pid 1 on elsewhere since ever\n');

    expect((await refusal(openStore(dir, { lock }))).message).toContain('pid 1 on elsewhere');
  });
});
