import type { Json } from './json.ts';

/** What happens to a tick while the last job of the schedule is not over. */
export type Overlap = 'skip' | 'buffer' | 'allow' | 'cancel';

/** What happens to ticks that are more than a minute late. */
export type Misfire = 'once' | 'all' | 'skip';

/** Why a tick has no job. */
export type SkipReason =
  /** The last job was not over. */
  | 'overlap'
  /** One job waits already behind the last. */
  | 'buffered'
  /** It was too late. */
  | 'missed'
  /** A job of this tick was put before. */
  | 'exists';

/** The figures of a schedule. Instants are epoch milliseconds, the others milliseconds. */
export interface ScheduleFigures {
  /** A pattern, read in `tz`; null: it comes `every` so long. */
  readonly cron: string | null;
  readonly tz: string;
  readonly every: number | null;
  /** The instant that `every` counts from; null for a pattern. */
  readonly from: number | null;
  readonly overlap: Overlap;
  readonly misfire: Misfire;
  /** Ticks that are later than this get no job. */
  readonly misfireWindow: number;
  /** How much later a tick may be due. */
  readonly jitter: number;
  /** The last instant at which it may come; null: it comes for ever. */
  readonly until: number | null;
  /** How many ticks get a job; null: all. */
  readonly maxRuns: number | null;
}

/** The job that each tick puts, as its definition and the program have made it when the schedule was set. */
export interface ScheduledJob {
  /** What the record of each job has: its name, its arguments, and what else it does not share with an empty job. */
  readonly content: { readonly [key: string]: Json };
  /** How long after its tick it may begin; null: at once. */
  readonly delay: number | null;
  /** The instant by which it must have its outcome, or how long after it may begin. */
  readonly deadline: { readonly at: number } | { readonly after: number } | null;
  readonly annotations: { readonly [name: string]: Json } | null;
}

/** A tick that is to come, and when it is due: later than the tick by its jitter. */
export interface NextTick {
  readonly tick: number;
  readonly at: number;
}

/** The data of a schedule. Instants are epoch milliseconds. */
export interface ScheduleContext {
  readonly figures: ScheduleFigures;
  readonly job: ScheduledJob;
  /** When its figures or its job were set last, and by whom: UUID of an instance, or a name. */
  readonly setAt: number;
  readonly setBy: string;
  readonly paused: { readonly by: string; readonly at: number; readonly reason: string | null } | null;
  /** The tick that comes next, and when it is due; null: none comes. */
  readonly nextTick: number | null;
  readonly nextAt: number | null;
  /** The latest tick that was dealt with. Ticks only grow. */
  readonly lastTick: number | null;
  /** Id of the job that it put last. */
  readonly lastJob: string | null;
  /** The latest tick without a job, and why it has none. */
  readonly lastSkip: { readonly tick: number; readonly why: SkipReason } | null;
  /** How many ticks have put a job. */
  readonly runs: number;
  /** How many came while no process was there to make them. */
  readonly missed: number;
  /** How many were left out for another reason. */
  readonly skipped: number;
}

/** Returns the context of a schedule that was never set: it does not come. */
export function newScheduleContext(): ScheduleContext {
  return {
    figures: {
      cron: null,
      tz: 'UTC',
      every: null,
      from: null,
      overlap: 'skip',
      misfire: 'once',
      misfireWindow: 0,
      jitter: 0,
      until: null,
      maxRuns: null,
    },
    job: { content: {}, delay: null, deadline: null, annotations: null },
    setAt: 0,
    setBy: '',
    paused: null,
    nextTick: null,
    nextAt: null,
    lastTick: null,
    lastJob: null,
    lastSkip: null,
    runs: 0,
    missed: 0,
    skipped: 0,
  };
}
