import type { Store } from 'signalbox';

/** What is done before a call reaches its store, or null to let it through at once. */
export type Before = (call: string, args: readonly unknown[]) => Promise<unknown> | null;

/** A real store whose calls a test can hold up. Commits are never held up: they answer at once, with promises. */
export function heldStore(inner: Store, before: Before): Store {
  return {
    name: inner.name,
    async open(ports) {
      const store = await inner.open(ports);
      return new Proxy(store, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            const first = before(String(key), args);
            const call = (): unknown => Reflect.apply(value, target, args);
            return first === null ? call() : first.then(call);
          };
        },
        set: (target, key, value) => Reflect.set(target, key, value, target),
      });
    },
  };
}
