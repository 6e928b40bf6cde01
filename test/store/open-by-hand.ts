import { NodeReactor, type OpenStore, randomIds, type Store } from 'signalbox';

/** Opens a store without a box around it. Its clock is fixed unless the test has one that it moves. */
export function openByHand(store: Store, now: () => number = () => 1000): Promise<OpenStore> {
  const reactor = new NodeReactor();
  return store.open({
    now,
    defer: (run) => reactor.callFromThread(run),
    newId: () => randomIds.newUuid(),
    report: () => {},
  });
}
