import type { Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import type { SimulatedHost } from 'signalbox/testing';
import { SimulatedDisk, simulatedSyncs } from './simulated-disk.ts';

let directories = 0;

/** A json store on a disk of its own, whose power fails when everything goes down. */
export function simulatedJsonStore({ random, callLater, onCrash }: SimulatedHost): Store {
  const disk = new SimulatedDisk(() => random.next());
  onCrash(() => disk.cutPower());
  directories += 1;
  return jsonStore(`/simulated-${directories}/store`, {
    files: disk,
    syncs: simulatedSyncs(disk, (call) => void callLater(random.integer(1, 20), call)),
    // There is no file for the kernel to lock; the lock itself has tests of its own.
    lock: 'pidfile-unsafe',
    checkpointMinBytes: 16 * 1024,
  });
}
