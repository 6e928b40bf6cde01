import { decorateStore, memoryStore, type OpenStore, type StoreDecoration } from 'signalbox';
import { storeContract } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { openByHand } from './open-by-hand.ts';

const change = { kind: 'queue', id: 'q', event: 'queue.created', from: null, to: null, patch: {} } as const;
const commit = { by: 'test', changes: [change], expect: [] };

async function decoratedStore(
  decoration: StoreDecoration,
): Promise<[decorated: OpenStore, inner: OpenStore]> {
  const inner = await openByHand(memoryStore());
  return [decorateStore(inner, decoration), inner];
}

describe('A decorated store', () => {
  const same: StoreDecoration = {
    read: (call) => call(),
    record: (_kind, record) => ({ ...record }),
    change: (made) => ({ ...made }),
    entry: (entry) => ({ ...entry }),
  };

  it.each(
    storeContract.flatMap(({ name, run }) => [
      ['no hook', name, run, {}] as const,
      ['hooks that change nothing', name, run, same] as const,
    ]),
  )('with %s is what the store was: it %s', async (_hooks, _name, run, decoration) => {
    await run(() => {
      const inner = memoryStore();
      return { name: inner.name, open: async (ports) => decorateStore(await inner.open(ports), decoration) };
    });
  });

  it('shows each read to its hook, by name and arguments', async () => {
    const reads: unknown[] = [];
    const [store] = await decoratedStore({
      read(call, name, args) {
        reads.push([name, ...args]);
        return call();
      },
    });

    await store.get('queue', 'q');
    await store.heldCount('q', 'd', 'main');
    await store.settled();

    expect(reads).toEqual([['get', 'queue', 'q'], ['heldCount', 'q', 'd', 'main'], ['settled']]);
  });

  it('gives a read what its hook makes of it', async () => {
    const [store] = await decoratedStore({ read: () => Promise.reject(new Error('away')) });

    await expect(store.list('queue', '')).rejects.toThrow('away');
  });

  it('writes nothing of a commit with a change that cannot be turned', async () => {
    const [store, inner] = await decoratedStore({
      change: () => {
        throw new Error('no key');
      },
    });

    const { written, synced } = store.commit(commit);

    await expect(written).rejects.toThrow('no key');
    await expect(synced).rejects.toThrow('no key');
    expect(await inner.list('queue', '')).toEqual([]);
  });

  it('sets the pool size of the store, unless it has one of its own', async () => {
    const [shared, inner] = await decoratedStore({});
    const own = decorateStore(inner, { poolSize: 1 });

    shared.poolSize = 20;
    own.poolSize = 2;

    expect([shared.poolSize, own.poolSize, inner.poolSize]).toEqual([20, 2, 20]);
  });
});
