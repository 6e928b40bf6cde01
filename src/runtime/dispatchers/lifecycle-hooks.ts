import { invalidOption } from '../../errors.ts';
import type { GatheringUnit } from '../commits/unit-of-work.ts';
import type { Representation } from '../handles/representation.ts';
import type { Transaction } from '../handles/transaction.ts';

const eventNames = [
  'dispatcherRegistered',
  'dispatcherActivated',
  'dispatcherDeactivated',
  'dispatcherReactivated',
  'dispatcherUnregistered',
] as const;

/** The five events of a dispatcher's life in a queue. */
export type DispatcherEventName = (typeof eventNames)[number];

/** Called before the commit and part of it: what it does through `tx` and `representation` is committed together. */
export type DispatcherHook = (about: {
  readonly representation: Representation;
  readonly tx: Transaction;
}) => void | Promise<void>;

/** What listeners hear once the commit is synced. */
export interface DispatcherEvent {
  readonly name: DispatcherEventName;
  readonly representation: Representation;
}

/** Hooks and listeners of one Signalbox. */
export class Hooks {
  readonly #hooks = new Map<DispatcherEventName, Set<DispatcherHook>>();
  readonly #listeners = new Set<(event: DispatcherEvent) => void>();
  readonly #transactionOn: (unit: GatheringUnit) => Transaction;

  constructor(transactionOn: (unit: GatheringUnit) => Transaction) {
    this.#transactionOn = transactionOn;
  }

  /** Returns a function that takes the hook back. */
  hook(name: DispatcherEventName, hook: DispatcherHook): () => void {
    if (!eventNames.includes(name)) throw invalidOption('event', `one of ${eventNames.join(', ')}`, name);
    if (typeof hook !== 'function') throw invalidOption('hook', 'a function', hook);
    const hooks = this.#hooks.get(name) ?? new Set();
    this.#hooks.set(name, hooks);
    hooks.add(hook);
    return () => hooks.delete(hook);
  }

  /** Returns a function that takes the listener back. */
  listen(listener: (event: DispatcherEvent) => void): () => void {
    if (typeof listener !== 'function') throw invalidOption('listener', 'a function', listener);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async before(
    name: DispatcherEventName,
    representation: Representation,
    unit: GatheringUnit,
  ): Promise<void> {
    const tx = this.#transactionOn(unit);
    for (const hook of this.#hooks.get(name) ?? []) await hook({ representation, tx });
  }

  /** The commit is made, so a listener that fails stops nothing, and no other listener: `failed` is told. */
  after(name: DispatcherEventName, representation: Representation, failed: (error: unknown) => void): void {
    for (const listener of this.#listeners) {
      try {
        // One that is async may fail later.
        Promise.resolve(listener({ name, representation }) as unknown).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
