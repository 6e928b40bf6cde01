import type { Ticket } from '../../store/store.ts';

type Stage = 'written' | 'synced';
type Done = () => void;
type Refused = (error: Error) => void;

/** What waits for one promise: each reaction, and what is called instead when the commit is refused. */
interface Group {
  readonly promise: Promise<void>;
  readonly done: Done[];
  readonly refused: (Refused | null)[];
  /** Null: the promise tells for itself. */
  readonly tickets: (Ticket | null)[];
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
    this.#add(promise, null, 'written', done, refused);
  }

  /** The same for a stage of a commit. */
  whenOver(ticket: Ticket, stage: Stage, done: Done, refused: Refused | null = null): void {
    if (ticket.group === undefined) this.#add(ticket[stage], null, stage, done, refused);
    else this.#add(ticket.group[stage], ticket, stage, done, refused);
  }

  #add(
    promise: Promise<void>,
    ticket: Ticket | null,
    stage: Stage,
    done: Done,
    refused: Refused | null,
  ): void {
    const group = this.#groupOf(promise, stage);
    group.done.push(done);
    group.refused.push(refused);
    group.tickets.push(ticket);
  }

  #groupOf(promise: Promise<void>, stage: Stage): Group {
    if (this.#newest?.promise === promise) return this.#newest;
    if (this.#second?.promise === promise) return this.#second;
    const group = this.#groups.get(promise) ?? this.#open(promise, stage);
    this.#second = this.#newest;
    this.#newest = group;
    return group;
  }

  #open(promise: Promise<void>, stage: Stage): Group {
    const group: Group = { promise, done: [], refused: [], tickets: [] };
    this.#groups.set(promise, group);
    promise.then(
      () => {
        this.#close(group);
        for (const [index, done] of group.done.entries()) {
          try {
            const refusal = group.tickets[index]?.refusal?.(stage) ?? null;
            if (refusal === null) done();
            else group.refused[index]?.(refusal);
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
