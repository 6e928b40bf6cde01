interface Reaction {
  readonly done: () => void;
  readonly refused: (error: Error) => void;
}

/**
 * Reactions to commits, one promise reaction for all commits of a batch: they share their promises, so what waits
 * for ten thousand of them costs one wake-up.
 */
export class TicketReactions {
  readonly #groups = new WeakMap<Promise<void>, Reaction[]>();
  readonly #failed: (error: unknown) => void;

  /** `failed` is told of a reaction that throws: the others of its batch must still be made. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  when(promise: Promise<void>, done: () => void, refused: (error: Error) => void = () => {}): void {
    const group = this.#groups.get(promise);
    if (group !== undefined) {
      group.push({ done, refused });
      return;
    }
    const reactions: Reaction[] = [{ done, refused }];
    this.#groups.set(promise, reactions);
    promise.then(
      () => {
        this.#groups.delete(promise);
        for (const reaction of reactions) this.#make(() => reaction.done());
      },
      (error: Error) => {
        this.#groups.delete(promise);
        for (const reaction of reactions) this.#make(() => reaction.refused(error));
      },
    );
  }

  #make(reaction: () => void): void {
    try {
      reaction();
    } catch (error) {
      this.#failed(error);
    }
  }
}
