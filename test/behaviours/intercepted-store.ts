import type { OpenStore, Store } from 'signalbox';

/** The error of a call that is not to reach the store, or null to let it through. */
export type Intercept = (call: string, args: readonly unknown[]) => Error | null;

/** An error as a lost connection gives it. */
export function lostConnection(): Error {
  return Object.assign(new Error('connection lost'), { code: 'ECONNRESET' });
}

/** A real store behind a line that a test can break, call by call. */
export function interceptedStore(inner: Store, intercept: Intercept): Store {
  return {
    name: inner.name,
    async open(ports) {
      const store = await inner.open(ports);
      return new Proxy(store, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            const error = intercept(String(key), args);
            if (error === null) return Reflect.apply(value, target, args) as unknown;
            return key === 'commit' ? refusedTicket(error) : Promise.reject(error);
          };
        },
        set: (target, key, value) => Reflect.set(target, key, value, target),
      });
    },
  };
}

function refusedTicket(error: Error): ReturnType<OpenStore['commit']> {
  const [written, synced] = [Promise.reject(error), Promise.reject(error)];
  written.catch(() => {});
  synced.catch(() => {});
  return { written, synced };
}
