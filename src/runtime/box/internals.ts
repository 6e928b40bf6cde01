import { SignalboxError } from '../../errors.ts';
import type { Runtime } from './create-runtime.ts';

const runtimes = new WeakMap<object, () => Runtime>();

/** Says where the runtime of a box is found. The box calls it once, for itself. */
export function provideInternals(box: object, runtime: () => Runtime): void {
  runtimes.set(box, runtime);
}

/**
 * The runtime behind a box: for this room and for tests, outside the public type.
 * @throws SignalboxError `NOT_STARTED` while the store is not open.
 */
export function internals(box: object): Runtime {
  const runtime = runtimes.get(box);
  if (runtime === undefined) throw new SignalboxError('NOT_STARTED', { what: 'the Signalbox' });
  return runtime();
}
