import type { Entry, Kind, Line, Records } from '../store/entry.ts';
import type { Recipient, State } from '../store/log.ts';
import { Tables } from '../store/rules/tables.ts';

/** How much is kept of what was passed. */
export interface ReelLimits {
  /** How many entries can be taken back, at least, and how many lie between two states that are kept on the way. */
  readonly entries: number;
  /** How many states are kept on the way, at most. */
  readonly states: number;
  /** How many entries are taken back one by one, although a whole state is nearer: a state takes as long to load. */
  readonly near: number;
}

const usualLimits: ReelLimits = { entries: 20_000, states: 32, near: 5000 };
/** How many entries are applied before the event loop may run: about a millisecond. */
const pieceEntries = 256;

/** What takes one entry back: the record before it, and the instant of the entry before it. */
interface Undo {
  readonly kind: Kind;
  readonly id: string;
  readonly before: Records[Kind] | undefined;
  readonly at: number | null;
}

/** A whole state that was passed. Its records are shared with the tables: to keep it costs a pointer for each. */
export interface Passed {
  readonly state: State;
  readonly at: number | null;
}

/**
 * Records and their indexes at one moment of a journal, which moves an entry at a time: on by applying entries, back by restoring
 * what stood there before. What is far away is reached from a whole state.
 */
export class Reel implements Recipient {
  readonly limits: ReelLimits;
  #tables = new Tables();
  #seq = 0;
  #at: number | null = null;
  #undos: Undo[] = [];
  #passed: Passed[] = [];

  constructor(limits: ReelLimits = usualLimits) {
    this.limits = limits;
  }

  get tables(): Tables {
    return this.#tables;
  }

  /** Seq of the newest entry that is applied. */
  get seq(): number {
    return this.#seq;
  }

  /** Its instant; null when the state was loaded and the entry was not read. */
  get at(): number | null {
    return this.#at;
  }

  /** The newest state at or before a seq that was passed and kept. */
  passed(seq: number): Passed | undefined {
    return this.#passed.findLast(({ state }) => state.seq <= seq);
  }

  load(state: State): void {
    this.#tables.load(state);
    this.#begin({ state, at: null });
  }

  /** Begins again from a whole state. Until it is loaded, all stays as it was. */
  async *reload({ state, at }: Passed): AsyncGenerator<void> {
    const tables = new Tables();
    for (const _piece of tables.loadInPieces(state)) yield;
    this.#tables = tables;
    this.#undos = [];
    this.#begin({ state, at });
  }

  #begin({ state, at }: Passed): void {
    this.#seq = state.seq;
    this.#at = at;
    this.#keep({ state, at });
  }

  replay(line: Line): void {
    for (const _piece of this.play(line, Number.POSITIVE_INFINITY));
  }

  /** Applies the entries of a line up to a seq. What was applied before is left out. Yields between pieces. */
  *play(line: Line, to: number): Generator<void> {
    for (const [index, entry] of line.entries.entries()) {
      const seq = line.s + index;
      if (seq > to) return;
      if (seq <= this.#seq) continue;
      this.#apply(entry, seq, line.at);
      if (seq % pieceEntries === 0) yield;
    }
  }

  #apply(entry: Entry, seq: number, at: number): void {
    const before = this.#tables.replayEntry(entry, seq);
    this.#undos.push({ kind: entry.kind, id: entry.id, before, at: this.#at });
    if (this.#undos.length > 2 * this.limits.entries) this.#undos = this.#undos.slice(-this.limits.entries);
    this.#seq = seq;
    this.#at = at;
    if (seq - (this.passed(seq)?.state.seq ?? 0) >= this.limits.entries)
      this.#keep({ state: this.#tables.state(seq), at });
  }

  /** Keeps a state. Of too many every second is dropped: the way back grows longer, and never too long. */
  #keep(passed: Passed): void {
    if (this.passed(passed.state.seq)?.state.seq === passed.state.seq) return;
    this.#passed.push(passed);
    this.#passed.sort((one, other) => one.state.seq - other.state.seq);
    if (this.#passed.length > this.limits.states)
      this.#passed = this.#passed.filter((_each, index) => index % 2 === 0);
  }

  /** Whether the entries after a seq can be taken back. */
  canRewind(seq: number): boolean {
    return this.#seq - seq <= this.#undos.length;
  }

  /** Takes back the entries after a seq. Yields between pieces. */
  *rewind(seq: number): Generator<void> {
    while (this.#seq > seq) {
      const undo = this.#undos.pop();
      if (undo === undefined) return;
      this.#tables.restore(undo.kind, undo.id, undo.before);
      this.#seq -= 1;
      this.#at = undo.at;
      if (this.#seq % pieceEntries === 0) yield;
    }
  }
}
