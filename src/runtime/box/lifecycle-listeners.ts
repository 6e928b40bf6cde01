import { invalidOption } from '../../errors.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import {
  type DispatcherEventName,
  dispatcherEventNames,
  type LifecycleHooks,
} from '../dispatchers/lifecycle-hooks.ts';
import { Representation } from '../handles/representation.ts';
import { type Transaction, transactionOn } from '../handles/transaction.ts';

/** Called before the commit and part of it: what it does through `tx` and `representation` is committed together. */
export type DispatcherHook = (about: {
  readonly representation: Representation;
  readonly tx: Transaction;
}) => void | Promise<void>;

/** What listeners are called with once the commit is synced. */
export interface DispatcherEvent {
  readonly name: DispatcherEventName;
  readonly representation: Representation;
}

/** Hooks and listeners of one Signalbox. */
export class LifecycleListeners {
  readonly #hooks = new Map<DispatcherEventName, Set<DispatcherHook>>();
  readonly #listeners = new Set<(event: DispatcherEvent) => void>();

  /** Returns a function that removes the hook. */
  hook(name: DispatcherEventName, hook: DispatcherHook): () => void {
    if (!dispatcherEventNames.includes(name))
      throw invalidOption('event', `one of ${dispatcherEventNames.join(', ')}`, name);
    if (typeof hook !== 'function') throw invalidOption('hook', 'a function', hook);
    const hooks = this.#hooks.get(name) ?? new Set();
    this.#hooks.set(name, hooks);
    hooks.add(hook);
    return () => hooks.delete(hook);
  }

  /** Returns a function that removes the listener. */
  listen(listener: (event: DispatcherEvent) => void): () => void {
    if (typeof listener !== 'function') throw invalidOption('listener', 'a function', listener);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What the runtime calls. `work`: what representations given to listeners write through. */
  on(work: UnitOfWork): LifecycleHooks {
    return {
      before: async (name, record, unit) => {
        const tx = transactionOn(unit);
        const representation = new Representation(unit.handles, record);
        for (const hook of this.#hooks.get(name) ?? []) await hook({ representation, tx });
      },
      after: (name, record) => {
        const failed = (error: unknown): void =>
          work.context.log.events('ERROR', () => `a listener of ${name} failed: ${String(error)}`);
        this.#notify({ name, representation: new Representation(work, record) }, failed);
      },
    };
  }

  /** The commit is made, so a listener that fails stops nothing, and no other listener. */
  #notify(event: DispatcherEvent, failed: (error: unknown) => void): void {
    for (const listener of this.#listeners) {
      try {
        // An async listener may fail later.
        Promise.resolve(listener({ ...event }) as unknown).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
