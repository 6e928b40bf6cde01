import { decorateStore, type Store } from '../../../index.ts';
import { jsonStore } from '../../../store/json/index.ts';
import type { StoreHost } from './host.ts';
import { SimulatedDisk, simulatedSyncs } from './simulated-disk.ts';

let directories = 0;

/**
 * A json store on a disk in memory, whose power fails in a crash: what was not synced is lost. For `createTestBox` and
 * `simulate`.
 *
 * @example
 * ```ts
 * import { defineJob, local } from 'signalbox';
 * import { createTestBox, simulatedJsonStore, VirtualReactor } from 'signalbox/testing';
 *
 * const bake = defineJob({ name: 'bake', run: () => local.sleep('1h') });
 * const reactor = new VirtualReactor();
 * const first = await createTestBox({ reactor, store: simulatedJsonStore, jobs: [bake] });
 * const job = await first.box.queue().put(bake()); // resolves when it is synced
 * await first.crash({ unsynced: 'lost' });
 * const second = await first.reopen();
 * console.log((await second.box.job(job.id ?? '').refresh()).name); // => bake
 * await second.tearDown();
 * ```
 */
export function simulatedJsonStore({ random, callLater, onCrash }: StoreHost): Store {
  const disk = new SimulatedDisk(() => random.next());
  onCrash(() => disk.cutPower());
  directories += 1;
  const store = jsonStore(`/simulated-${directories}/store`, {
    files: disk,
    syncs: simulatedSyncs(disk, (call) => void callLater(random.integer(1, 20), call)),
    // There is no file for the kernel to lock; the lock itself has tests of its own.
    lock: 'pidfile-unsafe',
    checkpointMinBytes: 16 * 1024,
  });
  return {
    name: store.name,
    // The disk has no room for the file of an instance: each process gets a UUID of its own.
    open: async (ports) => decorateStore(await store.open(ports), { directory: null, isVolatile: true }),
  };
}
