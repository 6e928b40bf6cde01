import type { HistoryEntry, Json } from '../../../../index.ts';
import type { ActorRecord } from '../../oracle/events.ts';
import type { Made } from '../../oracle/oracle.ts';
import type { ReplayedRecord } from '../replayed-record.ts';

/** One change of an actor in a line of the journal. */
export interface Step {
  readonly entry: HistoryEntry;
  /** What its machine gives; null: that is not known, or something else. */
  readonly made: Made | null;
  readonly before: ActorRecord | undefined;
  readonly after: ActorRecord | undefined;
}

/** One message that is over, as it was in its mailbox. */
export interface Ended {
  readonly entry: HistoryEntry;
  readonly message: ReplayedRecord;
}

/** Something that a step asked for, or has to have asked for. */
export interface Asked {
  readonly entry: HistoryEntry;
  isExplained: boolean;
}

/** What one line of the journal says of actors. Commits of one tick and author share a line. */
export class ActorLine {
  readonly commit: number;
  readonly steps = new Map<string, Step[]>();
  /** By actor. */
  readonly ended = new Map<string, Ended[]>();
  readonly letters: Asked[] = [];
  /** Jobs that were put. */
  readonly jobs: Asked[] = [];
  /** Jobs that have their outcome, and tell it to an actor. */
  readonly outcomes: { readonly entry: HistoryEntry; readonly reply: Reply }[] = [];

  constructor(commit: number) {
    this.commit = commit;
  }

  get actors(): ReadonlySet<string> {
    return new Set([...this.steps.keys(), ...this.ended.keys()]);
  }

  /** Whether it is not known what the steps of an actor ask for. */
  isUnknown(actor: string): boolean {
    return this.steps.get(actor)?.some(({ made }) => made === null) === true;
  }

  /** Takes the first letter that fits out of those that nothing explains yet. */
  explain(fits: (entry: HistoryEntry, patch: { readonly [key: string]: Json }) => boolean): boolean {
    return explained(this.letters, fits);
  }

  /** Takes a job likewise. */
  explainJob(fits: (entry: HistoryEntry, patch: { readonly [key: string]: Json }) => boolean): boolean {
    return explained(this.jobs, fits);
  }
}

function explained(
  asked: readonly Asked[],
  fits: (entry: HistoryEntry, patch: { readonly [key: string]: Json }) => boolean,
): boolean {
  const found = asked.find((each) => !each.isExplained && fits(each.entry, each.entry.patch ?? {}));
  if (found !== undefined) found.isExplained = true;
  return found !== undefined;
}

/** Whom a job tells its outcome. */
export interface Reply {
  readonly actor: string;
  readonly machine: string;
  readonly child: string;
  readonly run: number;
}

/** Whether an actor can take something, or be told to. */
export function isAlive(actor: Pick<ActorRecord, 'status'> | undefined): boolean {
  return actor?.status === 'active' || actor?.status === 'suspended';
}

/** The id of the message by which an actor learns how a run of a child has ended. */
export function outcomeId({ actor, child, run }: Pick<Reply, 'actor' | 'child' | 'run'>): string {
  return `${actor}#~${child}.${run}`;
}

/** Whether a message tells an actor to stop: it overtakes all others. */
export function isStop(message: string): boolean {
  return message.endsWith('#~stop');
}
