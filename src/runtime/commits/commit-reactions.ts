import type { Ticket } from '../../store/store.ts';

type Done = () => void;
type Refused = (error: Error) => void;

/** What waits for one promise: each reaction, and what is called instead when the commit is refused. */
interface Group {
  readonly promise: Promise<void>;
  readonly done: Done[];
  readonly refused: (Refused | null)[];
}

/**
 * Reactions to commits, one promise reaction for all commits of a batch: they share their promises, so what waits
 * for ten thousand of them costs one wake-up.
 */
export class CommitReactions {
  readonly #groups = new WeakMap<Promise<void>, Group>();
  readonly #failed: (error: unknown) => void;
  // The batch of this tick has two promises, written and synced: nearly every call is for one of them.
  #newest: Group | null = null;
  #second: Group | null = null;

  /** `failed` is called with the error of a reaction: the others of its batch must still be called. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  when(promise: Promise<void>, done: Done, refused: Refused | null = null): void {
    const group = this.#groupOf(promise);
    group.done.push(done);
    group.refused.push(refused);
  }

  #groupOf(promise: Promise<void>): Group {
    if (this.#newest?.promise === promise) return this.#newest;
    if (this.#second?.promise === promise) return this.#second;
    const group = this.#groups.get(promise) ?? this.#open(promise);
    this.#second = this.#newest;
    this.#newest = group;
    return group;
  }

  #open(promise: Promise<void>): Group {
    const group: Group = { promise, done: [], refused: [] };
    this.#groups.set(promise, group);
    promise.then(
      () => {
        this.#close(group);
        for (const done of group.done) {
          try {
            done();
          } catch (error) {
            this.#failed(error);
          }
        }
      },
      (error: Error) => {
        this.#close(group);
        for (const refused of group.refused) {
          try {
            refused?.(error);
          } catch (reason) {
            this.#failed(reason);
          }
        }
      },
    );
    return group;
  }

  #close(group: Group): void {
    this.#groups.delete(group.promise);
    if (this.#newest === group) this.#newest = null;
    if (this.#second === group) this.#second = null;
  }
}

/** The ticket of a commit that is known to be made. */
export const committed: Ticket = { written: Promise.resolve(), synced: Promise.resolve() };
