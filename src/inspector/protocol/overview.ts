import type { Count } from './answer.ts';
import type { JobRow } from './jobs.ts';

/** Everything that the overview shows. */
export interface OverviewView {
  /** What needs a person, worst first. */
  readonly attention: readonly AttentionItem[];
  /** How many rules were asked for it. */
  readonly rules: number;
  readonly waiting: { readonly count: Count; readonly oldestMs: number | null };
  readonly slots: {
    readonly held: number;
    readonly size: number;
    readonly agents: readonly AgentSlots[];
  };
  readonly ended: EndedView;
  readonly queues: readonly QueueRow[];
  readonly dispatchers: readonly DispatcherRow[];
  /** The jobs that are held longest, longest first. */
  readonly heldLongest: readonly HeldRow[];
  readonly heldCount: Count;
  /** The failures of the last minutes, by cause and place, most first. */
  readonly failing: readonly FailureGroup[];
}

/** One thing that needs a person. */
export interface AttentionItem {
  /** The rule that found it, such as `dispatcher.dead`. */
  readonly rule: string;
  readonly level: 'fails' | 'warns';
  /** The one sentence, in parts. */
  readonly title: readonly TextPart[];
  /** The evidence. */
  readonly text: readonly TextPart[];
  /** Where to look. */
  readonly link: LinkTarget | null;
  /** How many records it is about. */
  readonly count: number;
}

/** A piece of a sentence: text, or the name of something with a page. */
export type TextPart = string | { readonly name: string; readonly link: LinkTarget | null };

/** A page, by what it is about. */
export type LinkTarget =
  | { readonly page: 'job'; readonly id: string }
  | {
      readonly page: 'jobs';
      readonly list: 'waiting' | 'held' | 'failed' | 'ended' | 'unplaced' | 'quarantined';
      readonly queue: string | null;
      /** Definition patterns. */
      readonly names: readonly string[];
    }
  | { readonly page: 'queue'; readonly name: string }
  | { readonly page: 'dispatcher'; readonly uuid: string }
  /** One durable actor, or those of a machine that are in a status. */
  | { readonly page: 'actor'; readonly id: string }
  | { readonly page: 'durable'; readonly machine: string; readonly status: string };

/** The slots of an agent. */
export interface AgentSlots {
  readonly queue: string;
  readonly dispatcher: string;
  readonly name: string;
  readonly held: number;
  readonly size: number;
  /** `dead`: its dispatcher gives no sign of life. */
  readonly state: 'at work' | 'dead' | 'not at work';
  /** Why it could not claim; null while it can. */
  readonly failure: string | null;
}

/** What ended in the last minutes. */
export interface EndedView {
  /** From this instant. */
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
  /** One number a step, oldest first. */
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  /** How many were cancelled: neither of the two. */
  readonly cancelled: number;
  /** Over the jobs that succeeded; null: there were none. */
  readonly runMs: Percentiles | null;
  /** From due to started, over all that started. */
  readonly waitMs: Percentiles | null;
  /** Whether more ended than was looked at: `from` is then later than asked. */
  readonly isCut: boolean;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

export interface QueueRow {
  readonly name: string;
  readonly waiting: Count;
  readonly held: number;
  /** How long the first job in its order that is due has waited; null: none is. */
  readonly oldestMs: number | null;
  readonly quotas: readonly QuotaSlots[];
  readonly agents: readonly AgentSlots[];
}

export interface QuotaSlots {
  readonly name: string;
  readonly taken: number;
  readonly size: number;
}

export interface DispatcherRow {
  readonly uuid: string;
  /** By its records: `at work`, `dead` without a sign of life, `deactivated`, `registered` before it has begun. */
  readonly state: 'at work' | 'dead' | 'deactivated' | 'registered';
  /** Its last sign of life: ping or activation. */
  readonly lastSignAt: number | null;
  /** How late its poll is, of a dispatcher of this process that is stuck; null: it is none, or not known. */
  readonly lateMs: number | null;
  readonly held: number;
  /** `<queue>/<agent>`. */
  readonly agents: readonly string[];
  readonly queues: readonly string[];
}

export interface HeldRow extends JobRow {
  /** How long it has been held. */
  readonly heldMs: number;
  /** How many times the median run of its definition that is; null: not known. */
  readonly timesMedian: number | null;
}

/** Failures with the same cause at the same place. */
export interface FailureGroup {
  readonly count: number;
  readonly name: string;
  readonly code: string | null;
  readonly message: string;
  /** `payments.ts:88`; null: not known. */
  readonly place: string | null;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Id of the newest. */
  readonly latest: string;
  readonly names: readonly string[];
}
