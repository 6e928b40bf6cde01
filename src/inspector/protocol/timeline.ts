import type { EndingName } from './explanation.ts';
import type { ChangeView } from './job.ts';

/** A page of the journal. */
export interface JournalPage {
  /** `newest`: the newest line is the first one. */
  readonly order: 'newest' | 'oldest';
  readonly lines: readonly JournalLine[];
  /** The entries that were looked at: all from one seq to another, both included. `from` after `to`: none. */
  readonly from: number;
  readonly to: number;
  /** How many entries were looked at. */
  readonly looked: number;
  /** Where to go on: `before` for the newest first, else `from`. Null: there are no more. */
  readonly next: number | null;
  /** Whether it ends here only because no more is looked at in one go. */
  readonly isCut: boolean;
  /** Whether seqs have no gaps: the distance of two is a number of entries. */
  readonly isDense: boolean;
  /** Seq of the oldest entry that the store keeps. */
  readonly keptFrom: number;
  /** Seq of the newest entry, and its instant. */
  readonly newest: number;
  readonly newestAt: number;
  /** Words of the filter that mean nothing. */
  readonly unknown: readonly string[];
}

/** One entry of the journal. */
export interface JournalLine {
  readonly seq: number;
  readonly at: number;
  /** Seq of the first entry of its commit. */
  readonly commit: number;
  /** Kind and id of its record. */
  readonly kind: string;
  readonly id: string;
  /** Of a job, and of the job of an annotation: its definition. Null: it is no job, or is not kept. */
  readonly name: string | null;
  readonly event: string;
  readonly from: string | null;
  /** Null: the record has no state, or is gone. */
  readonly to: string | null;
  readonly isGone: boolean;
  /** How the job ended, where this line completed it. */
  readonly ending: EndingName | null;
  /** Who made it: `client`, `store`, `retention`, or the UUID of a dispatcher. */
  readonly by: string;
  /** The opening of the store in which it was made. */
  readonly epoch: number | null;
  /** What matters about it, in a few words without values; null: nothing. */
  readonly note: string | null;
}

/** One entry, with what it changed and what was committed with it. */
export interface EntryView {
  readonly line: JournalLine | null;
  /** Why it cannot be shown; null: it is. */
  readonly missing: string | null;
  /** The charts that stepped: version and hash of each. */
  readonly charts: readonly string[];
  /** The revision of its record after it; null: not known. */
  readonly rev: number | null;
  readonly changes: readonly ChangeView[];
  /** Why the changes are not shown; null: they are. */
  readonly hidden: string | null;
  /** All entries of its commit, and how many of them are not listed. */
  readonly commit: readonly JournalLine[];
  readonly more: number;
}

/** Jobs as bars over a part of the journal. */
export interface LanesView {
  /** The part, and its instants. */
  readonly from: number;
  readonly to: number;
  readonly fromAt: number;
  readonly toAt: number;
  /** In the order in which they are first seen there. */
  readonly jobs: readonly JobLane[];
  /** How many more jobs have entries there. */
  readonly more: number;
  readonly looked: number;
  /** Whether the part is longer than what is looked at in one go. */
  readonly isCut: boolean;
  readonly keptFrom: number;
  readonly newest: number;
  readonly unknown: readonly string[];
}

/** What a job did in a part of the journal. */
export interface JobLane {
  readonly id: string;
  readonly name: string | null;
  readonly ending: EndingName | null;
  readonly parts: readonly LanePart[];
}

/** A state, and how long it lasted: what came before the part begins with it, what goes on ends with it. */
export interface LanePart {
  readonly is: LaneState;
  readonly from: number;
  readonly to: number;
  /** The entry that brought it; null: it came before the part. */
  readonly seq: number | null;
}

/** What a bar shows. */
export type LaneState =
  | 'new'
  | 'held'
  | 'pending'
  | 'assigned'
  | 'running'
  | 'waiting'
  | 'timingOut'
  | 'cancelling'
  | 'callbacks'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'other';

/** Whether a part is an end: a mark without length. */
export function isEnd(is: LaneState): boolean {
  return is === 'succeeded' || is === 'failed' || is === 'cancelled';
}

/** Who sent what to whom, about one job. */
export interface SequenceView {
  readonly id: string;
  readonly name: string;
  /** At most 8, from left to right. */
  readonly lanes: readonly SequenceLane[];
  readonly rows: readonly SequenceRow[];
  readonly bars: readonly SequenceBar[];
  /** The first and the last entry, with their instants. */
  readonly from: number;
  readonly to: number;
  readonly fromAt: number;
  readonly toAt: number;
  /** How many entries of the journal lie there, null where seqs do not say it, and how many of them are shown. */
  readonly entries: number | null;
  readonly shown: number;
  /** Whether older entries were not read, or are not kept. */
  readonly isCut: boolean;
  /** How many neighbours there was no lane for. */
  readonly more: number;
}

export interface SequenceLane {
  readonly is: 'client' | 'store' | 'dispatcher' | 'agent' | 'job';
  readonly title: string;
  /** What it is, in small print. */
  readonly note: string;
  /** Id of the job; null for the others. */
  readonly job: string | null;
}

/** A line of a sequence: a message, or what was folded. */
export type SequenceRow = SequenceMessage | SequenceFold;

export interface SequenceMessage {
  readonly is: 'message';
  readonly seq: number;
  readonly at: number;
  /** Since the entry before; null: another message of the same entry, or the first one. */
  readonly afterMs: number | null;
  /** Whether the seq and the time are written beside it: the first message of an entry. */
  readonly isFirst: boolean;
  /** Lanes. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** An answer. */
  readonly isBack: boolean;
  readonly isBad: boolean;
}

export interface SequenceFold {
  readonly is: 'fold';
  /** Silence: in which states the job was meanwhile, and for how long. Empty where repeats are folded. */
  readonly spans: readonly { readonly is: LaneState; readonly ms: number }[];
  /** Events that repeat, and how often; null: it is silence. */
  readonly repeats: { readonly events: readonly string[]; readonly times: number } | null;
  /** Entries that are not shown: of others, or of the job itself; null: not known. */
  readonly entries: number | null;
}

/** A state of a job, or an agent that holds it, on the lane from one row to another. */
export interface SequenceBar {
  readonly lane: number;
  readonly is: LaneState | 'agent';
  readonly from: number;
  /** The row at which it ends; null: it lasts. */
  readonly to: number | null;
}

/** What the time bar shows: the kept history, in steps of the same length. */
export interface TimebarView {
  /** The oldest entry that is kept, and the newest; null: there is none. */
  readonly from: Moment | null;
  readonly to: Moment | null;
  readonly stepMs: number;
  /**
   * Seq of the newest entry at the begin of each step, and of the newest of all at the end: one more than there are steps. Some
   * are reckoned from entries nearby, since the journal is not read as a whole.
   */
  readonly seqs: readonly number[];
  /** How many jobs have failed in each step, of those that are kept. */
  readonly failed: readonly number[];
  /** Seq of the newest entry not after the instant that was asked for; null: none was asked, or it is before history. */
  readonly seqAt: number | null;
  /** Why there are no steps, in words; null: there are, or nothing has happened yet. */
  readonly missing: string | null;
}

/** An entry, and its instant. */
export interface Moment {
  readonly seq: number;
  readonly at: number;
}
