import type { Line } from '../store.ts';
import type { Journal } from './journal.ts';
import type { Scheduled, SqlPort } from './sql-port.ts';

/** What the journal is followed with. */
export interface FollowingParts {
  readonly journal: Journal;
  readonly port: SqlPort;
  report(message: string): void;
}

/** How long after a look the next one follows: longer each time that nothing was found. */
const soonMs = 100;
const latestMs = 2000;

/** Numbers that nobody has seen used. */
interface Hole {
  readonly from: number;
  readonly to: number;
  /** A transaction that began when the hole was seen: once all before it are over, the hole stays one. */
  xid: string | null;
  readonly told: Set<number>;
}

/**
 * Tells listeners what is committed: by this process at once, by others when the journal is looked at, which a
 * notification asks for and a timer makes sure of. Each line is told once. Those of one process come in order; one whose
 * transaction was open for long comes after others with greater numbers.
 */
export class Following {
  /** Resolves when what is committed from now on will be told. */
  started: Promise<void> = Promise.resolve();
  readonly #parts: FollowingParts;
  readonly #listeners = new Set<(lines: readonly Line[]) => void>();
  /** First numbers of lines that were told and not yet met in the journal. */
  readonly #own = new Set<number>();
  #next = 0;
  #holes: Hole[] = [];
  #timer: Scheduled | null = null;
  #delayMs = soonMs;
  #looking: Promise<void> | null = null;
  #isAsked = false;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
  }

  follow(listener: (lines: readonly Line[]) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#timer?.cancel();
    };
  }

  /** Tells what this process has committed. */
  tell(lines: readonly Line[]): void {
    if (this.#listeners.size === 0) return;
    for (const line of lines) this.#own.add(line.s);
    this.#tell(lines);
  }

  /** Something may have been committed elsewhere. */
  ask(): void {
    if (this.#listeners.size === 0) return;
    this.#isAsked = true;
    this.#delayMs = soonMs;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#timer?.cancel();
    await this.started.catch(() => {});
    await this.#looking?.catch(() => {});
  }

  #start(): void {
    this.#holes = [];
    this.#own.clear();
    this.#delayMs = soonMs;
    const { journal } = this.#parts;
    this.started = journal.newestSeq().then(
      (seq) => {
        this.#next = seq + 1;
        this.#schedule();
      },
      () => this.#schedule(),
    );
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#listeners.size === 0) return;
    this.#timer = this.#parts.port.callLater(this.#delayMs, () => {
      this.ask();
    });
    this.#delayMs = Math.min(latestMs, this.#delayMs * 2);
  }

  async #look(): Promise<void> {
    while (this.#isAsked && this.#listeners.size > 0) {
      this.#isAsked = false;
      try {
        await this.started;
        await this.#lookAhead();
        await this.#lookIntoHoles();
      } catch {
        // The database is away: the timer looks again.
      }
    }
    this.#schedule();
  }

  async #lookAhead(): Promise<void> {
    for (let isMore = true; isMore; ) {
      const lines = await this.#parts.journal.page(this.#next);
      for (const line of lines) {
        if (line.s > this.#next)
          this.#holes.push({ from: this.#next, to: line.s, xid: null, told: new Set() });
        this.#next = line.s + line.entries.length;
      }
      this.#tellOthers(lines);
      isMore = lines.length > 0;
    }
  }

  async #lookIntoHoles(): Promise<void> {
    if (this.#holes.length === 0) return;
    const { journal } = this.#parts;
    const kept: Hole[] = [];
    for (const hole of this.#holes) {
      // Asked before the look: what was committed by then is seen.
      const isOver = hole.xid !== null && (await journal.isOver(hole.xid));
      hole.xid ??= await journal.openTransaction();
      const found = (await journal.between(hole.from, hole.to)).filter((line) => !hole.told.has(line.s));
      for (const line of found) hole.told.add(line.s);
      this.#tellOthers(found);
      if (!isOver) kept.push(hole);
    }
    this.#holes = kept;
    if (kept.length > 0) this.#delayMs = Math.min(this.#delayMs, soonMs);
  }

  /** What this process committed by itself it has told at once. */
  #tellOthers(lines: readonly Line[]): void {
    const others = lines.filter((line) => !this.#own.delete(line.s));
    if (others.length > 0) this.#tell(others);
  }

  /** A listener that throws must not keep the others from being told. */
  #tell(lines: readonly Line[]): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(lines);
      } catch (error) {
        this.#parts.report(`a listener of the journal failed: ${String(error)}`);
      }
    }
  }
}
