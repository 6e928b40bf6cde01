import type { Kind, Line } from './entry.ts';
import { ofEachKind } from './kinds.ts';

/** A record of any kind: plain JSON with its id. */
export type StoredRecord = { readonly id: string } & Readonly<Record<string, unknown>>;

/**
 * A full state: what a snapshot holds. Records are whole and never mutated, so holding this costs no copy.
 */
export interface State {
  /** Seq of the last entry that is part of it. */
  readonly seq: number;
  readonly records: Readonly<Record<Kind, readonly StoredRecord[]>>;
}

/** The state before the first entry. */
export const emptyState: State = { seq: 0, records: ofEachKind(() => []) };

/** What an opening has found. */
export interface Recovered {
  readonly storeId: string;
  /** The newest valid snapshot, or null for a new store. */
  readonly snapshot: State | null;
  /** Seq of the last entry after it. */
  readonly seq: number;
  /** False after a crash: the log writes a fresh snapshot before it serves. */
  readonly clean: boolean;
}

/** The files of a store, and how far they are synced: nothing after that may be shown. */
export interface StoreFiles {
  readonly dir: string;
  /** Generation of the newest synced line, and where that line ends in its journal. */
  readonly generation: number;
  readonly at: number;
  /** Seq of the newest synced entry. */
  readonly seq: number;
}

/** Receives what is recovered while it is read, so that nothing of it has to be held. */
export interface Recipient {
  /** Loads the newest valid snapshot; not called when there is none. */
  load(snapshot: State): void;
  /** Applies a line after it. They come oldest first, and each was checked. */
  replay(line: Line): void;
}

/** Completes a record of a state that is read: a snapshot leaves out keys with empty values. */
export type Revive = (kind: Kind, stored: StoredRecord) => { readonly id: string };

/** The reading half of a log: synced lines, and whole states between them. */
export interface LogReader {
  /** The line that holds `seq`, or null when it was dropped by retention. Only synced lines are found. */
  find(seq: number): Promise<Line | null>;
  /** Synced lines from the one that holds `seq` on, to the newest synced at the time of the call. */
  read(seq: number): AsyncIterable<Line>;
  /** Seq of the oldest entry still kept. */
  oldestSeq(): number;
  /** Seq of the newest synced entry that is not later than an instant; at least the one before the oldest that is kept. */
  seqAt(instant: number): Promise<number>;
  /**
   * Where the log can be replayed from: after these entries a whole state is kept, with every line that follows. Oldest first; 0
   * is the empty state before the first entry.
   */
  bases(): readonly number[];
  /** Reads one of these states. */
  base(seq: number, revive: Revive): Promise<State>;
}

/**
 * The durable side of a table store: an append-only sequence of lines with snapshots beside it. `append` and
 * `write` are synchronous, `sync` is not; the caller groups.
 */
export interface Log extends LogReader {
  /** Serialises one commit into the buffer of this tick. */
  append(line: Line): void;
  /**
   * Hands everything appended to the operating system, in one positioned write loop.
   * @returns false while a generation switch holds writes back; call again when `onWritable` fires.
   * @throws SignalboxError `STORE_FULL` when it did not fit: the file ends again at the last written line and
   * the buffer is empty.
   * @throws SignalboxError `STORE_IO`, `STORE_FENCED` when the log is poisoned.
   */
  write(): boolean;
  /** Called when a held-back `write` may be repeated. Set once by the caller. */
  onWritable: () => void;
  /**
   * Resolves when everything written before the call is on disk.
   * @throws SignalboxError `STORE_IO`, which poisons the log.
   */
  sync(): Promise<void>;
  /** Its files, and how far they are synced; null: it has none. */
  readonly files: (() => StoreFiles) | null;
  /** True when the journal has outgrown its snapshot. */
  wantsCheckpoint(): boolean;
  /**
   * Starts a new generation with this state as its snapshot. Call it right after `write()`, in the same tick,
   * with the state at exactly the written seq. A failed checkpoint is reported by its promise and never stops
   * commits.
   */
  checkpoint(state: State): Promise<void>;
  /** Syncs, writes the clean marker, frees the lock. */
  close(): Promise<void>;
}
