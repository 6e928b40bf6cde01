import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createKernelLock, flockMethod, nativeMethod } from '../../../src/store/json/ports/lock.ts';
import { lockPart } from '../../torture/lock-races.ts';
import { newPath, openStore, refusal } from './open-store.ts';

const both = createKernelLock();
const native = createKernelLock([nativeMethod]);
const flock = createKernelLock([flockMethod]);

describe('the two kinds of kernel lock', () => {
  it.each([
    { holds: 'both', first: both, has: 'flock(1) alone', second: flock },
    { holds: 'both', first: both, has: 'fs-native-extensions alone', second: native },
    { holds: 'flock(1)', first: flock, has: 'both', second: both },
    { holds: 'fs-native-extensions', first: native, has: 'both', second: both },
  ])('keep out who has $has while another holds $holds', async ({ first, second }) => {
    const dir = newPath();
    const store = await openStore(dir, { lock: first });

    expect((await refusal(openStore(dir, { lock: second }))).code).toBe('STORE_LOCKED');

    await store.log.close();
    expect((await openStore(dir, { lock: second })).recovered.clean).toBe(true);
  });

  it('do not see each other: where each process has only one of them, the first notices at its next sync', async () => {
    const dir = newPath();
    const first = await openStore(dir, { lock: native });
    await openStore(dir, { lock: flock });
    first.put('a');

    expect((await refusal(first.log.sync())).code).toBe('STORE_FENCED');
  });
});

describe('processes that race for one store', () => {
  it('hold it one at a time, whether the holder is killed, stopped, blocked or releases it', async () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));

    const { violations, figures } = await lockPart({
      root,
      rounds: 4,
      racers: 3,
      seed: 2,
      progress: () => {},
    });

    expect(violations).toEqual([]);
    expect(figures.lock).toMatchObject({ ends: { killed: expect.any(Number) } });
  });
});
