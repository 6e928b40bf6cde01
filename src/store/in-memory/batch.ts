import type { Kind, Line, Records } from '../entry.ts';
import type { Ticket } from '../store.ts';

/** A commit that is applied in memory and not yet written. */
export interface Staged {
  readonly line: Line;
  /** The records as they were before each of its entries. */
  readonly before: readonly (Records[Kind] | undefined)[];
}

/** The commits of one tick: they are written together and share their two promises. */
export class Batch implements Ticket {
  readonly staged: Staged[] = [];
  readonly written: Promise<void>;
  readonly synced: Promise<void>;
  readonly isStaged = true;
  lastSeq = 0;
  #resolveWritten: () => void = () => {};
  #resolveSynced: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor() {
    let rejectWritten: (error: Error) => void = () => {};
    this.written = new Promise((resolve, reject) => {
      this.#resolveWritten = resolve;
      rejectWritten = reject;
    });
    this.synced = new Promise((resolve, reject) => {
      this.#resolveSynced = resolve;
      this.#reject = (error) => {
        rejectWritten(error);
        reject(error);
      };
    });
    // A caller that does not wait for its commit causes no unhandled rejection; one that waits sees it.
    this.written.catch(() => {});
    this.synced.catch(() => {});
  }

  get isEmpty(): boolean {
    return this.staged.length === 0;
  }

  get lines(): Line[] {
    return this.staged.map((staged) => staged.line);
  }

  add(staged: Staged): void {
    this.staged.push(staged);
  }

  resolveWritten(): void {
    this.#resolveWritten();
  }

  resolveSynced(): void {
    this.#resolveSynced();
  }

  reject(error: Error): void {
    this.#reject(error);
  }
}
