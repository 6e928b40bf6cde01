import { ConflictError } from '../../errors.ts';
import { grownRules } from '../../model/values/redaction-rules.ts';
import type { OpenStore } from '../../store/store.ts';
import type { Registry } from '../definitions/registry.ts';

/** So that nothing is repeated without end: each conflict is another process that has stored its rules. */
const mostAttempts = 100;

/**
 * Stores what definitions hide, so that a viewer without their code hides it, too. What the store knows only grows. A
 * definition that it does not know has no values that a viewer shows.
 */
export class StoredRules {
  readonly #store: OpenStore;
  readonly #registry: Registry;
  /** How many definitions there were when they were stored last. */
  #stored = -1;
  #storing: Promise<void> | null = null;

  constructor(store: OpenStore, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
  }

  /** Resolves when the rules of all definitions are written; null when they are: a put pays one comparison. */
  pending(): Promise<void> | null {
    if (this.#stored === this.#registry.size) return null;
    this.#storing ??= this.#storeAll().finally(() => {
      this.#storing = null;
    });
    return this.#storing;
  }

  async #storeAll(): Promise<void> {
    for (let count = 1; ; count += 1) {
      try {
        const { size } = this.#registry;
        await this.#grow();
        this.#stored = size;
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || count === mostAttempts) throw error;
      }
    }
  }

  async #grow(): Promise<void> {
    const record = await this.#store.get('store', 'store');
    const redactions = grownRules(record?.redactions ?? {}, this.#registry.redactions());
    if (redactions === null) return;
    const subject = { kind: 'store', id: 'store' } as const;
    const change = { ...subject, event: 'redactions.set', from: null, to: null, patch: { redactions } };
    const expect = { ...subject, check: 'rev', rev: record?.rev ?? 0 } as const;
    await this.#store.commit({ by: 'store', changes: [change], expect: [expect] }).written;
  }
}
