import type { Count } from './answer.ts';
import type { EndingName } from './explanation.ts';
import type { AgentSlots, QuotaSlots } from './overview.ts';

/** All queues. */
export interface QueuesView {
  readonly queues: readonly QueueLine[];
}

/** What is said of a queue in one line. */
export interface QueueLine extends QueueState {
  readonly lanes: Count;
  readonly quotas: readonly QuotaSlots[];
  readonly agents: readonly AgentSlots[];
  /** What blocks the first job in the order of claims; null: none waits. */
  readonly first: (BlockerView & { readonly job: string }) | null;
}

/** A pause, and whose it is. */
export interface PauseView {
  /** The pattern of the definitions that it stops; null: all, or it is of an agent. */
  readonly job: string | null;
  /** UUID of the instance, or the name of the person. */
  readonly by: string;
  readonly at: number;
  readonly reason: string | null;
  /** When it ends by itself; null: never. */
  readonly until: number | null;
}

/** A queue, and whether something happens in it. */
export interface QueueState {
  readonly name: string;
  /** `open`: an agent is at work in it; `paused`: as a whole. */
  readonly state: 'open' | 'paused' | 'no agent at work';
  /** Those that last, of the whole queue and of definitions. */
  readonly pauses: readonly PauseView[];
  readonly waiting: Count;
  readonly held: number;
  /** How long the job that has been due longest has waited; null: none is due. */
  readonly oldestMs: number | null;
  /** Attempts that began in the last minute. */
  readonly startsPerMinute: number;
}

/** The one condition that a waiting job is blocked by. */
export interface BlockerView {
  /** Its code, as in explanations; `offered`: none blocks it. */
  readonly code: string;
  /** False: it stops the job; null: it cannot be known here. */
  readonly holds: boolean | null;
  readonly text: string;
  /** The instant at which it passes by itself; null: not known. */
  readonly until: number | null;
}

/** One queue. */
export interface QueueView extends QueueState {
  readonly order: readonly WaitingRow[];
  /** How many wait in each line. */
  readonly lines: Readonly<Record<LineName, number>>;
  readonly lanes: LanesView;
  /** Those that have slots which jobs of all kinds share. */
  readonly quotas: readonly QuotaView[];
  readonly limits: readonly LimitView[];
  readonly agents: readonly AgentView[];
}

/** Jobs that were put back come first, then those that may begin merged with those that were held until then. */
export type LineName = 'putBack' | 'now' | 'held';

/** A waiting job. */
export interface WaitingRow {
  readonly id: string;
  readonly name: string;
  readonly line: LineName;
  readonly attempts: number;
  /** When it may begin; in the past for one that is due. */
  readonly dueAt: number;
  readonly blocker: BlockerView;
}

/** The lanes, longest first. */
export interface LanesView {
  /** What the columns are: agents that accept the same. */
  readonly columns: readonly LaneColumn[];
  readonly rows: readonly LaneRow[];
  /** Those that are not among the rows. */
  readonly more: { readonly lanes: number; readonly jobs: number };
  /** Whether only the first jobs of the queue were looked at. */
  readonly isCut: boolean;
}

/** Agents that accept the same jobs. */
export interface LaneColumn {
  readonly label: string;
  /** How many agents. */
  readonly count: number;
  /** What they accept, in words. */
  readonly takes: string;
}

/** Jobs that ask for the same things. */
export interface LaneRow {
  readonly name: string;
  readonly quotaNames: readonly string[];
  readonly waiting: number;
  /** One a column. */
  readonly agents: readonly LaneAnswer[];
  /** Those of its quotas that exist, full ones first. */
  readonly quotas: readonly QuotaSlots[];
}

/** `some`: each job is asked; `full`: they would take it, had they room; `gone`: none of them is at work. */
export type LaneAnswer = 'takes' | 'some' | 'full' | 'refuses' | 'unknown' | 'gone';

/** A quota with those that hold its slots. */
export interface QuotaView extends QuotaSlots {
  /** How many jobs that name it wait. */
  readonly waiting: number;
  /** Since when no slot is free; null: one is, or it is not known any more. */
  readonly fullSince: number | null;
  /** Those that have held a slot longest, longest first. */
  readonly holders: readonly QuotaHolder[];
  /** The median run of those that ended lately; null: none did. */
  readonly medianMs: number | null;
}

/** A quota that limits by keys or by rates, or that is closed. */
export interface LimitView {
  readonly name: string;
  /** What it allows. */
  readonly words: string;
  /** Until when no job begins under it, of a limit without keys; until null: until it is resumed. Null: it is open. */
  readonly closed: { readonly until: number | null } | null;
}

/** A job that holds a slot. */
export interface QuotaHolder {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** When it got the slot; null: no longer kept. */
  readonly since: number | null;
}

/** An agent of a queue. */
export interface AgentView extends AgentSlots {
  /** Null: it is not paused. */
  readonly paused: PauseView | null;
  /** What it accepts, in words. */
  readonly takes: string;
}

/** Schedules, in the order of queues and names. */
export interface SchedulesView {
  readonly schedules: readonly ScheduleRow[];
  /** How many are not listed. */
  readonly more: number;
}

/** A schedule, with the ticks that come next. */
export interface ScheduleRow {
  readonly queue: string;
  readonly name: string;
  readonly state: 'active' | 'paused' | 'ended';
  /** When it comes, in words. */
  readonly when: string;
  readonly overlap: string;
  readonly misfire: string;
  /** The definition of its jobs. */
  readonly job: string;
  /** At most ten. Of one that is paused: those that would come if it were resumed now. */
  readonly next: readonly number[];
  readonly paused: PauseView | null;
  readonly lastTick: number | null;
  readonly lastJob: string | null;
  readonly runs: number;
  readonly missed: number;
  readonly skipped: number;
  readonly setAt: number;
  readonly setBy: string;
}

/** A schedule, with what each of its last ticks became, newest first. */
export interface ScheduleView extends ScheduleRow {
  readonly last: readonly TickView[];
}

/** What a tick became. */
export interface TickView {
  readonly tick: number;
  /** When it was made. */
  readonly at: number;
  /** A job, or why there is none: `missed` stands for all ticks since the one before. */
  readonly became: 'job' | 'overlap' | 'buffered' | 'missed' | 'exists';
  readonly job: string | null;
  /** The state of that job; null: it is no longer kept. */
  readonly state: string | null;
  /** How that job ended; null: it has not, or is no longer kept. */
  readonly ending: EndingName | null;
}
