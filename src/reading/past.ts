import { invalidOption, SignalboxError } from '../errors.ts';
import type { JobRecord } from '../model/records/records.ts';
import { entriesOf, type HistoryEntry, type Kind } from '../store/entry.ts';
import type { LogReader } from '../store/log.ts';
import type { Past, Position, StoreInfo } from '../store/reader.ts';
import { comparePlaces } from '../store/rules/by-place.ts';
import { historyOf } from '../store/rules/history.ts';
import { TableQueries } from '../store/rules/table-queries.ts';
import { type Passed, Reel } from './reel.ts';

/** What a past is made of. */
export interface PastSource extends Pick<StoreInfo, 'name' | 'exclusive' | 'isVolatile' | 'now'> {
  readonly log: LogReader;
  /** Seq of the newest entry that may be shown. */
  newestSeq(): number;
  /** Lets the event loop run. */
  defer(): Promise<void>;
}

/**
 * Makes a past, at the newest entry. `reel`: records that were read up to there already; one that is empty is filled from the log.
 * @throws SignalboxError `HISTORY_CUT` when no whole state is kept, and what reading the store throws.
 */
export async function createPast(source: PastSource, reel = new Reel()): Promise<Past> {
  const past = new TablesOfPast(source, reel);
  await past.enter(source.newestSeq());
  return past;
}

/** The reads of the tables of a reel: what they hold is what was true at its moment. */
class TablesOfPast extends TableQueries implements Past {
  readonly name: string;
  readonly exclusive: boolean;
  readonly isVolatile: boolean;
  readonly #source: PastSource;
  readonly #reel: Reel;
  /** States that cannot be read. */
  readonly #damaged = new Set<number>();
  #at = 0;
  #moving: Promise<void> = Promise.resolve();

  constructor(source: PastSource, reel: Reel) {
    super(reel.tables);
    this.name = source.name;
    this.exclusive = source.exclusive;
    this.isVolatile = source.isVolatile;
    this.#source = source;
    this.#reel = reel;
  }

  get seq(): number {
    return this.#reel.seq;
  }

  get from(): number {
    return this.#source.log.bases()[0] ?? this.#reel.seq;
  }

  get to(): number {
    return this.#source.newestSeq();
  }

  override now(): number {
    return this.#reel.at ?? this.#at;
  }

  async position(): Promise<Position> {
    return { seq: this.seq, at: this.now() };
  }

  async enter(seq: number): Promise<void> {
    if (this.seq === 0) await this.#fromState(seq);
    await this.#findInstant();
  }

  moveTo(seq: number): Promise<void> {
    const move = this.#moving.then(() => this.#move(seq));
    this.#moving = move.catch(() => {});
    return move;
  }

  fork(): Promise<Past> {
    const fork = this.#moving.then(() => this.#copy());
    this.#moving = fork.then(
      () => {},
      () => {},
    );
    return fork;
  }

  async #copy(): Promise<Past> {
    const reel = new Reel(this.#reel.limits);
    const passed = { state: this.tables.state(this.seq), at: this.now() };
    for await (const _piece of reel.reload(passed)) await this.#source.defer();
    return new TablesOfPast(this.#source, reel);
  }

  async #move(seq: number): Promise<void> {
    const { to } = this;
    if (!Number.isSafeInteger(seq) || seq < 0 || seq > to)
      throw invalidOption('seq', `a whole number from ${this.from} to ${to}`, seq);
    if (seq > this.seq) await this.#moveOn(seq);
    else if (seq < this.seq) await this.#moveBack(seq);
    await this.#findInstant();
  }

  async #moveOn(seq: number): Promise<void> {
    const { entries } = this.#reel.limits;
    if (seq - this.seq > entries && this.#nearestState(seq) > this.seq + entries) return this.#fromState(seq);
    try {
      await this.#play(seq);
    } catch (error) {
      const isCut = error instanceof SignalboxError && error.code === 'HISTORY_CUT';
      if (!isCut || this.#nearestState(seq) <= this.seq) throw error;
      // The lines after this moment were dropped meanwhile; a state after the gap is kept.
      await this.#fromState(seq);
    }
  }

  async #moveBack(seq: number): Promise<void> {
    const reel = this.#reel;
    const count = this.seq - seq;
    if (!reel.canRewind(seq) || (count > reel.limits.near && count > seq - this.#nearestState(seq)))
      return this.#fromState(seq);
    for (const _piece of reel.rewind(seq)) await this.#source.defer();
  }

  /** Seq of the newest whole state at or before a seq, or -1. */
  #nearestState(seq: number): number {
    const bases = this.#source.log.bases();
    const kept = bases.findLast((base) => base <= seq && !this.#damaged.has(base)) ?? -1;
    return Math.max(kept, this.#reel.passed(seq)?.state.seq ?? -1);
  }

  /** Goes to a seq by the nearest whole state before it. */
  async #fromState(seq: number): Promise<void> {
    const reel = this.#reel;
    for await (const _piece of reel.reload(await this.#loadState(seq))) await this.#source.defer();
    this.tables = reel.tables;
    await this.#play(seq);
  }

  async #loadState(seq: number): Promise<Passed> {
    const { log } = this.#source;
    const nearest = this.#nearestState(seq);
    if (nearest < 0) throw new SignalboxError('HISTORY_CUT', { seq, ...this.#earliest() });
    const passed = this.#reel.passed(seq);
    if (passed?.state.seq === nearest) return passed;
    try {
      const state = await log.base(nearest, this.#reel.tables.revive);
      return { state, at: (await log.find(nearest))?.at ?? null };
    } catch (error) {
      if (!(error instanceof SignalboxError) || error.code !== 'STORE_CORRUPT') throw error;
      this.#damaged.add(nearest);
      if (this.#nearestState(seq) < 0) throw error;
      // An earlier state and the lines after it say the same.
      return this.#loadState(seq);
    }
  }

  #earliest(): { readonly from?: number } {
    const [from] = this.#source.log.bases();
    return from === undefined ? {} : { from };
  }

  /** Applies the journal up to a seq. */
  async #play(seq: number): Promise<void> {
    const reel = this.#reel;
    if (seq === reel.seq) return;
    for await (const line of this.#source.log.read(reel.seq + 1)) {
      if (line.s > reel.seq + 1) break;
      for (const _piece of reel.play(line, seq)) await this.#source.defer();
      if (reel.seq === seq) return;
    }
    // Retention has dropped lines since this moment was reached.
    throw new SignalboxError('HISTORY_CUT', { seq: reel.seq + 1, ...this.#earliest() });
  }

  /**
   * A state that was loaded does not say when it was. Where its last entry is not kept any more, the next one says since when
   * it was not so.
   */
  async #findInstant(): Promise<void> {
    const { log, now } = this.#source;
    if (this.#reel.at !== null) return;
    const line = (await log.find(this.seq)) ?? (await log.find(this.seq + 1));
    this.#at = line?.at ?? now();
  }

  protected override jobs(ids: Iterable<string>): JobRecord[] {
    // What was restored is the last of its set: only its place says where it belongs.
    return super.jobs(ids).sort(comparePlaces);
  }

  override async quotaHolders(quota: string): Promise<readonly string[]> {
    return this.jobs(this.tables.jobs.quotaHolders(quota)).map(({ id }) => id);
  }

  /** Nothing comes after a moment that is over. */
  follow(): () => void {
    return () => {};
  }

  onHint(): void {}

  async *history(kind: Kind, id: string, from?: number): AsyncGenerator<HistoryEntry> {
    const { seq } = this;
    const start = from ?? this.tables.get(kind, id)?.lastSeq ?? 0;
    for await (const entry of historyOf(this.#source.log, kind, id, start)) if (entry.seq <= seq) yield entry;
  }

  async *entries(from: number): AsyncGenerator<HistoryEntry> {
    const { seq } = this;
    for await (const line of this.#source.log.read(from)) {
      for (const entry of entriesOf(line, from)) {
        if (entry.seq > seq) return;
        yield entry;
      }
    }
  }

  async seqAt(instant: number): Promise<number> {
    return Math.min(this.seq, await this.#source.log.seqAt(instant));
  }

  oldestSeq(): number {
    return this.#source.log.oldestSeq();
  }
}
