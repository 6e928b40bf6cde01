import type { EventObject } from 'xstate';

type Listener = (event: EventObject) => void;

/** Listeners of what actors emit in this process. */
export class EmitListeners {
  readonly #failed: (error: unknown) => void;
  readonly #byActor = new Map<string, Set<{ readonly type: string; readonly listener: Listener }>>();

  /** `failed` is called with the error of a listener: the others are still called. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Calls a listener with each event of a type, `*` for all, until the returned function is called. */
  on(actor: string, type: string, listener: Listener): () => void {
    const listeners = this.#byActor.get(actor) ?? new Set();
    this.#byActor.set(actor, listeners);
    const entry = { type, listener };
    listeners.add(entry);
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && this.#byActor.get(actor) === listeners) this.#byActor.delete(actor);
    };
  }

  emit(actor: string, event: EventObject): void {
    for (const { type, listener } of [...(this.#byActor.get(actor) ?? [])]) {
      if (type !== '*' && type !== event.type) continue;
      try {
        listener(event);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}
