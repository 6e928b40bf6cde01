import type { Json } from '../../../machines/json.ts';
import { type Progress, progressAnnotation } from '../../model/values/progress.ts';
import type { Change, Precondition } from '../../store/store.ts';
import type { Committer } from '../commits/committer.ts';
import { isStoreAway } from '../commits/retry-rules.ts';
import type { ScheduledCall } from '../environment/reactor/reactor.ts';
import { annotationChange } from './annotations.ts';

/** The least time between two writes for one job. Milliseconds. */
const betweenMs = 500;

/** Whose progress is written, and by whom. */
export interface ProgressOf {
  readonly job: string;
  readonly by: string;
  /** What holds as long as the job is the writer's: a new list for each call. */
  preconditions(): readonly Precondition[];
}

const none: readonly never[] = Object.freeze([]);

/**
 * Writes how far the code of one job has come: the first time at once, then at most every half second, and only the newest. It
 * fails no job: a store that is away gets the newest one later, and a job that is lost needs none.
 *
 * The annotation counts for no limit, since a job has one of it.
 */
export class ProgressWriter {
  readonly #committer: Committer;
  readonly #of: ProgressOf;
  #newest: Progress | null = null;
  /** Runs until the next write may be made; null: it may be made now. */
  #pause: ScheduledCall | null = null;
  #isWriting = false;
  /** Whether the newest one goes with another commit. */
  #isHandedOver = false;

  constructor(committer: Committer, of: ProgressOf) {
    this.#committer = committer;
    this.#of = of;
  }

  report(progress: Progress): void {
    this.#newest = progress;
    this.#isHandedOver = false;
    this.#writeIfDue();
  }

  /** What is not written yet, for the commit that ends the attempt: then it is written with that, and not by itself. */
  last(): readonly Change[] {
    this.#pause?.cancel();
    this.#pause = null;
    this.#isHandedOver = this.#newest !== null;
    return this.#newest === null ? none : [this.#change(this.#newest)];
  }

  #writeIfDue(): void {
    if (this.#newest === null || this.#isHandedOver || this.#pause !== null || this.#isWriting) return;
    const { context } = this.#committer;
    const progress = this.#newest;
    this.#newest = null;
    this.#isWriting = true;
    this.#pause = context.reactor.callLater(betweenMs, () => {
      this.#pause = null;
      this.#writeIfDue();
    });
    const expect: Precondition[] = [{ check: 'exists', id: this.#of.job }, ...this.#of.preconditions()];
    const ticket = this.#committer.commit(this.#of.by, [this.#change(progress)], expect);
    const over = (): void => {
      this.#isWriting = false;
      this.#writeIfDue();
    };
    this.#committer.whenWritten(ticket, over, (error) => {
      // A newer one says more. After any other error the job is no longer the writer's, or the store is closed.
      if (isStoreAway(error)) this.#newest ??= progress;
      over();
    });
  }

  #change(progress: Progress): Change {
    return annotationChange(this.#of.job, progressAnnotation, progress as unknown as Json);
  }
}
