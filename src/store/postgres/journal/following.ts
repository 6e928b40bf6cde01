import type { Line } from '../../entry.ts';
import type { Parts } from '../parts.ts';
import type { Scheduled } from '../sql-port.ts';
import type { Journal } from './journal.ts';

export interface FollowingParts extends Pick<Parts, 'port' | 'report'> {
  /** Of the same opening: what it commits by itself is reported without the journal. */
  readonly journal: Journal;
}

/** How long after a look the next one follows: longer each time that nothing was found. */
const soonMs = 100;
const latestMs = 2000;

/** Hears of lines. `isFound`: the journal had them; this process has not just committed them by itself. */
type Listener = (lines: readonly Line[], isFound: boolean) => void;

/**
 * Reports to listeners what is committed: by this process as soon as it tells of it, by others when the journal is looked at,
 * which a notification asks for and a timer makes sure of. Each line is reported once. Those of one process
 * come in order; one whose transaction was open for long comes after others with greater numbers.
 */
export class Following {
  readonly #parts: FollowingParts;
  readonly #listeners = new Set<Listener>();
  /** Counts how often a first listener began to follow: what is under way from before changes nothing any more. */
  #turn = 0;
  /** Null when it failed: the next caller begins again. */
  #beginning: Promise<void> | null = null;
  /** A snapshot: what it sees was reported, or was there before anyone followed. */
  #seen: string | null = null;
  #timer: Scheduled | null = null;
  #delayMs = soonMs;
  #looking: Promise<void> | null = null;
  #isAsked = false;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
  }

  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#turn += 1;
      this.#delayMs = soonMs;
      this.#beginning = null;
      const schedule = (): void => this.#schedule();
      // When the database is away, the timer looks again.
      this.begun().then(schedule, schedule);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#timer?.cancel();
    };
  }

  get isFollowed(): boolean {
    return this.#listeners.size > 0;
  }

  /** Reports what this process has committed and synced. A listener that throws must not stop the reports to the others. */
  tell(lines: readonly Line[], isFound = false): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(lines, isFound);
      } catch (error) {
        this.#parts.report(`a listener of the journal failed: ${String(error)}`);
      }
    }
  }

  /** Something may have been committed elsewhere. */
  ask(): void {
    this.#delayMs = soonMs;
    this.#lookNow();
  }

  /** Looks, and resolves when what was committed by now is reported. */
  async caughtUp(): Promise<void> {
    this.ask();
    await this.#looking;
  }

  #lookNow(): void {
    if (this.#listeners.size === 0) return;
    this.#isAsked = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#timer?.cancel();
    await this.#beginning?.catch(() => {});
    await this.#looking?.catch(() => {});
  }

  /**
   * Resolves when what is committed from now on will be reported, if any listener follows. Not before: what is
   * committed between a read and the beginning would never be heard of.
   * @throws SignalboxError when the database does not answer.
   */
  begun(): Promise<void> {
    if (this.#listeners.size === 0) return Promise.resolve();
    const turn = this.#turn;
    this.#beginning ??= this.#parts.journal.now().then(
      (seen) => {
        if (turn === this.#turn) this.#seen = seen;
      },
      (error: unknown) => {
        if (turn === this.#turn) this.#beginning = null;
        throw error;
      },
    );
    return this.#beginning;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#listeners.size === 0) return;
    this.#timer = this.#parts.port.callLater(this.#delayMs, () => this.#lookNow());
    this.#delayMs = Math.min(latestMs, this.#delayMs * 2);
  }

  async #look(): Promise<void> {
    while (this.#isAsked && this.#listeners.size > 0) {
      this.#isAsked = false;
      try {
        const turn = this.#turn;
        await this.begun();
        while (await this.#lookOnce(turn));
        // A listener began meanwhile, and its request was not looked for further.
        this.#isAsked ||= turn !== this.#turn;
      } catch {
        // The database is away: the timer looks again.
      }
    }
    this.#schedule();
  }

  /** Whether there is more. */
  async #lookOnce(turn: number): Promise<boolean> {
    if (this.#seen === null) return false;
    const { lines, seen, isMore } = await this.#parts.journal.news(this.#seen);
    if (turn !== this.#turn) return false;
    this.#seen = seen;
    if (lines.length > 0) {
      this.#delayMs = soonMs;
      this.tell(lines, true);
    }
    return isMore;
  }
}
