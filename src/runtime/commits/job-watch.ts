import { ConflictError, SignalboxError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Line } from '../../store/entry.ts';
import type { OpenStore } from '../../store/store.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { withinMs } from '../environment/reactor/time-limits.ts';

/** How long to wait for a store that does not answer, after the time that the caller asked for. */
const unansweredMs = 2000;

/** What an actor is watched under: ids of jobs have no slash. */
export function actorKey(id: string): string {
  return `actor/${id}`;
}

/** Waits for jobs and actors to reach a condition, by following the journal: nothing polls. */
export class JobWatch {
  readonly #store: OpenStore;
  readonly #reactor: Reactor;
  readonly #checks = new Map<string, Set<() => void>>();
  /** Ends the following; null while there is no subscriber, since a shared store has many entries. */
  #unfollow: (() => void) | null = null;

  constructor(store: OpenStore, reactor: Reactor) {
    this.#store = store;
    this.#reactor = reactor;
    store.onFailure(() => this.lookAgain());
  }

  /** Checks all subscribers again, after the store failed or was closed: so no one of them waits for ever. */
  lookAgain(): void {
    for (const checks of [...this.#checks.values()]) for (const check of [...checks]) check();
  }

  /**
   * Calls `changed` after every synced entry of a job, given its id, or of an actor, given its `actorKey`, until the returned function
   * is called.
   */
  subscribe(key: string, changed: () => void): () => void {
    const checks = this.#checks.get(key) ?? new Set();
    checks.add(changed);
    this.#checks.set(key, checks);
    this.#unfollow ??= this.#store.follow((lines) => this.#look(lines));
    return () => {
      checks.delete(changed);
      if (checks.size === 0 && this.#checks.get(key) === checks) this.#checks.delete(key);
      if (this.#checks.size > 0) return;
      this.#unfollow?.();
      this.#unfollow = null;
    };
  }

  /**
   * The job once the condition holds and is synced, or null after the limit. A read that meets a conflict is made again;
   * any other failure of the store rejects.
   */
  until(
    id: string,
    isReached: (job: JobRecord) => boolean,
    limitMs: number | null,
  ): Promise<JobRecord | null> {
    return this.untilFound(id, () => this.#reached(id, isReached), limitMs);
  }

  /** The same for what a look at the store finds, which shows what is synced. Null: not yet. */
  untilFound<Found>(
    key: string,
    look: () => Promise<Found | null>,
    limitMs: number | null,
  ): Promise<Found | null> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      let looked: Promise<void> = Promise.resolve();
      // A condition that holds already counts, also when the store takes longer than the limit to answer.
      const giveUp = (): void =>
        void withinMs(this.#reactor, looked, unansweredMs).then(() => end(() => resolve(null)));
      const timer = limitMs === null ? null : this.#reactor.callLater(limitMs, giveUp);
      const unsubscribe = this.subscribe(key, () => void check());
      const end = (answer: () => void): void => {
        isOver = true;
        timer?.cancel();
        unsubscribe();
        answer();
      };
      const check = (): Promise<void> =>
        look().then(
          (found) => {
            if (found !== null) end(() => resolve(found));
          },
          (error: unknown) => {
            if (!(error instanceof ConflictError)) end(() => reject(error));
            else if (!isOver) this.#reactor.callFromThread(() => void check());
          },
        );
      looked = check();
    });
  }

  async #reached(id: string, isReached: (job: JobRecord) => boolean): Promise<JobRecord | null> {
    const job = await this.#store.get('job', id);
    await this.#store.settled();
    if (job === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    return isReached(job) ? job : null;
  }

  #look(lines: readonly Line[]): void {
    if (this.#checks.size === 0) return;
    const touched = new Set<string>();
    for (const line of lines) {
      for (const entry of line.entries) {
        if (entry.kind === 'job' && this.#checks.has(entry.id)) touched.add(entry.id);
        else if (entry.kind === 'actor' && this.#checks.has(actorKey(entry.id)))
          touched.add(actorKey(entry.id));
        else if (entry.kind === 'annotation') {
          const job = entry.id.slice(0, entry.id.indexOf('/'));
          if (this.#checks.has(job)) touched.add(job);
        }
      }
    }
    for (const id of touched) for (const check of [...(this.#checks.get(id) ?? [])]) check();
  }
}
