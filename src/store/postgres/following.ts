import type { Line } from '../entry.ts';
import type { FoundLine, Journal } from './journal.ts';
import type { Scheduled, SqlPort } from './sql-port.ts';
import type { Proof } from './transactions.ts';

/** What the journal is followed with. */
export interface FollowingParts {
  readonly journal: Journal;
  /** Of the opening: what it commits by itself is reported without the journal. */
  readonly epoch: number;
  readonly port: SqlPort;
  report(message: string): void;
}

/** How long after a look the next one follows: longer each time that nothing was found. */
const soonMs = 100;
const latestMs = 2000;
/** How many lines of unknown end are kept in mind before it is asked which transactions are over. */
const mostUncertain = 1000;

/** Numbers that were not seen in use. */
interface Hole {
  readonly from: number;
  readonly to: number;
  /** Of what is before the first reported line: who had not committed when this process began to follow. */
  readonly open: string | null;
  /** A transaction that began when the hole was seen: once all before it are over, the hole stays one. */
  xid: bigint | null;
}

/** Hears of lines. `isFound`: the journal had them; this process has not just committed them by itself. */
type Listener = (lines: readonly Line[], isFound: boolean) => void;

/**
 * Reports to listeners what is committed: by this process at once, by others when the journal is looked at,
 * which a notification asks for and a timer makes sure of. Each line is reported once. Those of one process
 * come in order; one whose transaction was open for long comes after others with greater numbers.
 */
export class Following {
  readonly #parts: FollowingParts;
  readonly #listeners = new Set<Listener>();
  /**
   * First numbers of lines of this process whose end it does not know, and their transactions: when the journal
   * has them, they are reported. Also from before any listener followed: one that begins while the transaction
   * is open gets its end.
   */
  readonly #uncertain = new Map<number, string>();
  #roomForUncertain = mostUncertain;
  #forgetting: Promise<void> | null = null;
  /** Counts how often a first listener began to follow: what is under way from before changes nothing any more. */
  #turn = 0;
  /** Null when it failed: the next caller begins again. */
  #beginning: Promise<void> | null = null;
  #next = 0;
  #holes: Hole[] = [];
  /** Numbers in holes that turned out to be used. */
  #told = new Set<number>();
  #timer: Scheduled | null = null;
  #delayMs = soonMs;
  #looking: Promise<void> | null = null;
  #isAsked = false;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
  }

  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#timer?.cancel();
    };
  }

  /** Reports what this process has committed. */
  tell(lines: readonly Line[]): void {
    if (this.#listeners.size > 0) this.#tell(lines, false);
  }

  /** This process has written lines in a transaction that the program ends, or whose end it does not know. */
  watch({ lines, xid }: Proof): void {
    for (const { s } of lines) this.#uncertain.set(s, xid);
    // Those who follow see each number used or its hole over.
    if (this.#listeners.size > 0 || this.#uncertain.size <= this.#roomForUncertain) return;
    this.#forgetting ??= this.#forgetOver().finally(() => {
      this.#forgetting = null;
    });
  }

  /** What is over while no listener follows is never reported. */
  async #forgetOver(): Promise<void> {
    const turn = this.#turn;
    try {
      const over = await this.#parts.journal.over([...new Set(this.#uncertain.values())]);
      // A listener has begun to follow, maybe before one of them ended.
      if (turn !== this.#turn) return;
      for (const [s, xid] of this.#uncertain) if (over.has(xid)) this.#uncertain.delete(s);
      this.#roomForUncertain = Math.max(mostUncertain, 2 * this.#uncertain.size);
    } catch {
      // The database is away: the next line asks again.
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
    await this.#forgetting;
  }

  #start(): void {
    this.#turn += 1;
    this.#holes = [];
    this.#told = new Set();
    this.#delayMs = soonMs;
    this.#beginning = null;
    // When the database is away, the timer looks again.
    this.begun().then(
      () => this.#schedule(),
      () => this.#schedule(),
    );
  }

  /**
   * Resolves when what is committed from now on will be reported, if any listener follows. Not before: what is
   * committed between a read and the beginning would never be heard of.
   * @throws SignalboxError when the database does not answer.
   */
  begun(): Promise<void> {
    if (this.#listeners.size === 0) return Promise.resolve();
    this.#beginning ??= this.#begin(this.#turn);
    return this.#beginning;
  }

  async #begin(turn: number): Promise<void> {
    try {
      const { seq, open } = await this.#parts.journal.now();
      if (turn !== this.#turn) return;
      this.#next = seq + 1;
      // There may always be one whose numbers are given and that commits after what is read from here on: a snapshot
      // does not list a transaction that is newer than all that have ended.
      this.#holes.push({ from: 0, to: seq + 1, open, xid: null });
    } catch (error) {
      if (turn === this.#turn) this.#beginning = null;
      throw error;
    }
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#listeners.size === 0) return;
    this.#timer = this.#parts.port.callLater(this.#delayMs, () => {
      this.#lookNow();
    });
    this.#delayMs = Math.min(latestMs, this.#delayMs * 2);
  }

  async #look(): Promise<void> {
    while (this.#isAsked && this.#listeners.size > 0) {
      this.#isAsked = false;
      try {
        await this.begun();
        const turn = this.#turn;
        await this.#lookAhead(turn);
        await this.#lookIntoHoles(turn);
        // A listener began meanwhile, and its request was not looked for further.
        this.#isAsked ||= turn !== this.#turn;
      } catch {
        // The database is away: the timer looks again.
      }
    }
    this.#schedule();
  }

  async #lookAhead(turn: number): Promise<void> {
    for (let isMore = true; isMore; ) {
      const { lines, isFull } = await this.#page();
      if (turn !== this.#turn) return;
      for (const { s, n } of lines) {
        if (s > this.#next) this.#holes.push({ from: this.#next, to: s, open: null, xid: null });
        this.#next = s + n;
      }
      this.#tellFound(lines);
      isMore = isFull;
    }
  }

  #page(): ReturnType<Journal['pageBut']> {
    const { journal, epoch } = this.#parts;
    return journal.pageBut(epoch, [...this.#uncertain.keys()], this.#next);
  }

  /** A transaction that is open for long, in whatever database of the server, keeps all holes: they are looked into together. */
  async #lookIntoHoles(turn: number): Promise<void> {
    const holes = this.#holes;
    if (holes.length === 0 || turn !== this.#turn) return;
    const { journal } = this.#parts;
    // Asked before the look: what was committed by then is seen.
    const oldest = await journal.oldestOpen();
    const over = new Set(holes.filter(({ xid }) => xid !== null && xid < oldest));
    const fresh = holes.filter(({ xid }) => xid === null);
    const xid = fresh.length === 0 ? null : await journal.openTransaction();
    for (const hole of fresh) hole.xid = xid;
    const lines = await this.#linesIn(holes);
    if (turn !== this.#turn) return;
    const found = lines.filter(({ s }) => !this.#told.has(s));
    for (const { s } of found) this.#told.add(s);
    this.#tellFound(found);
    for (const hole of over) this.#forget(hole);
    this.#holes = holes.filter((hole) => !over.has(hole));
    if (this.#holes.length > 0) this.#delayMs = Math.min(this.#delayMs, soonMs);
  }

  async #linesIn(holes: readonly Hole[]): Promise<readonly FoundLine[]> {
    const { journal, epoch } = this.#parts;
    const wanted = [...this.#uncertain.keys()];
    const lines: FoundLine[] = [];
    for (const { open, to } of holes)
      if (open !== null) lines.push(...(await journal.lateBut(epoch, wanted, open, to)));
    const between = holes.filter(({ open }) => open === null);
    if (between.length > 0) lines.push(...(await journal.betweenBut(epoch, wanted, between)));
    return lines;
  }

  /** What is in a hole that is over was reported, or never will be. */
  #forget({ from, to }: Hole): void {
    for (const numbers of [this.#told, this.#uncertain])
      for (const s of numbers.keys()) if (s >= from && s < to) numbers.delete(s);
  }

  /** What this process committed by itself comes without a line: it was reported at once. */
  #tellFound(found: readonly FoundLine[]): void {
    const lines = found.flatMap(({ line }) => (line === null ? [] : [line]));
    for (const { s } of lines) this.#uncertain.delete(s);
    if (lines.length === 0) return;
    this.#delayMs = soonMs;
    this.#tell(lines, true);
  }

  /** A listener that throws must not stop the reports to the others. */
  #tell(lines: readonly Line[], isFound: boolean): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(lines, isFound);
      } catch (error) {
        this.#parts.report(`a listener of the journal failed: ${String(error)}`);
      }
    }
  }
}
