import type { EndingName, ExplanationView, JobStatusName } from './explanation.ts';
import type { FailureView, Tree } from './tree.ts';

/** Everything that the page of a job shows. */
export interface JobView {
  readonly id: string;
  /** Name of its definition. */
  readonly name: string;
  readonly status: JobStatusName;
  /** The leaf state of its chart: `pending`, `active.running`. */
  readonly state: string;
  /** Null while it is not over. */
  readonly ending: EndingName | null;
  /** The queue that it belongs to, through its parents if it is a callback; null: none. */
  readonly queue: string | null;
  /** The agent that holds it or has filed it. */
  readonly agent: AgentName | null;
  /** The job whose callback it is, or the system job that decides about it. */
  readonly parent: string | null;
  readonly quotas: readonly string[];
  /** How often its code was called. */
  readonly attempts: number;
  /** -9 to 9; lower is sooner. */
  readonly priority: number;
  /** How long one attempt may take; null: as long as it takes. */
  readonly timeoutMs: number | null;
  /** The instant by which it must have its outcome; null: there is none. */
  readonly deadline: number | null;
  /** How often its code has put it off. */
  readonly snoozes: number;
  /** Why its code is asked to stop, or was when it ended; null: it is not. */
  readonly stop: StopView | null;
  /** When it was put first; null: history no longer reaches back to it. */
  readonly putAt: number | null;
  readonly beginAfter: number | null;
  /** Milliseconds from its first entry that is kept to its end, or to now; null: not known. */
  readonly totalMs: number | null;
  readonly machine: MachineName;
  readonly explanation: ExplanationView;
  /** Every state of the chart, in its order, ancestors included, and those that only an older chart had. */
  readonly states: readonly StateVisits[];
  /** The edges that this job took, in the order of their first taking. */
  readonly taken: readonly TakenEdge[];
  /** What can happen next, in the order of the chart. */
  readonly next: readonly PossibleEvent[];
  /** The newest lines of its history, oldest first. */
  readonly history: HistoryView;
  readonly tries: readonly AttemptView[];
  readonly args: readonly Tree[];
  /** Null until it has one. */
  readonly outcome: OutcomeView | null;
  /** How far its code has come, as it said last; null: it has not said. */
  readonly progress: ProgressView | null;
  /** In order of name. */
  readonly annotations: readonly AnnotationView[];
  readonly callbacks: CallbacksView;
  /** The record as it is stored, with what may be shown of it. */
  readonly raw: Tree;
  /** Why values are not shown; null: they are, but for what the definition hides. */
  readonly hidden: string | null;
  /** Keys that this version cannot read; empty unless it is quarantined. */
  readonly unsound: readonly string[];
  readonly origin: OriginView;
}

/** Where a job comes from, and under what it is found. */
export interface OriginView {
  readonly tags: readonly string[];
  /** The keys of its limits: `<limit>/<key>`. */
  readonly keys: readonly string[];
  /** The schedule that put it: `<queue>/<name>`. */
  readonly schedule: string | null;
  /** The durable actor whose child it is, and what that calls it. */
  readonly actor: { readonly id: string; readonly child: string } | null;
  /** The ended job that it tries again. */
  readonly retryOf: string | null;
  /** The newest job that tries it again. */
  readonly retriedAs: string | null;
}

export interface AgentName {
  readonly name: string;
  readonly dispatcher: string;
}

export interface StopView {
  readonly cause: 'cancel' | 'timeout' | 'heartbeat' | 'deadline';
  readonly at: number;
  /** Who cancelled it: the UUID of an instance, or a person. Null for a time limit. */
  readonly by: string | null;
  readonly reason: string | null;
}

/** The chart that stepped a job last. */
export interface MachineName {
  /** Chart and version: `job@1`. */
  readonly name: string;
  /** Version and hash of the chart that made its newest entry; null: not known. */
  readonly stepped: string | null;
  /** Whether that is the chart of this process; null: not known. */
  readonly isCurrent: boolean | null;
}

/** How often a job was in a state, and for how long. */
export interface StateVisits {
  /** Path: `active`, `active.running`. */
  readonly state: string;
  readonly visits: number;
  /** Time in it until now, while the job is in it; a page lets it tick. For a state with states in it: of all of them. */
  readonly ms: number;
  /** Whether the job is in it. */
  readonly isNow: boolean;
  /** Whether today's chart has it. */
  readonly isKnown: boolean;
}

/** An edge of the chart. `source`, `event`, `guard` and `target` are those of its picture. */
export interface EdgeName {
  readonly source: string;
  readonly event: string;
  /** Null: none. */
  readonly guard: string | null;
  /** Null: it leaves no state. */
  readonly target: string | null;
}

/** An edge that a job took. */
export interface TakenEdge extends EdgeName {
  readonly count: number;
  /** Whether it is the last one that changed its state. */
  readonly isLast: boolean;
  /** Whether today's chart has it. */
  readonly isKnown: boolean;
}

/** An event that the chart has in the state of a job. */
export interface PossibleEvent extends EdgeName {
  /** The leaf state that it would lead to. */
  readonly to: string;
  /** Who can send it: you, the runtime, or the job's own code. */
  readonly by: 'operator' | 'runtime' | 'code';
  /** Whether it would be taken now. */
  readonly isOpen: boolean;
  readonly guards: readonly GuardAnswer[];
  /** What stops it besides the chart, such as a full quota; null: nothing. */
  readonly why: string | null;
}

/** What a guard says to an event. */
export interface GuardAnswer {
  /** As the chart writes it: `isCallback`, `not isCallback`. */
  readonly guard: string;
  readonly answer: boolean;
}

/** A page of the history of one job. */
export interface HistoryView {
  /** How many lines there are; at least that many when `more`. */
  readonly count: number;
  readonly lines: readonly HistoryLine[];
  /** Ask for the lines before this seq; null: there are none before. */
  readonly before: number | null;
  /** Whether older lines are no longer kept. */
  readonly isCut: boolean;
  /** Seq of the oldest entry that the store keeps. */
  readonly keptFrom: number;
}

/** One entry of the journal about this job. */
export interface HistoryLine {
  readonly seq: number;
  readonly at: number;
  /** Since the line before; null for the first that is kept. */
  readonly afterMs: number | null;
  readonly event: string;
  /** Who made it: `client`, `store`, `retention`, or the UUID of a dispatcher. */
  readonly by: string;
  /** The opening of the store in which it was made. */
  readonly epoch: number | null;
  readonly from: string | null;
  readonly to: string | null;
  /** Its ending, when this line brought it. */
  readonly ending: EndingName | null;
  /** What matters about it, in a few words; null: nothing. */
  readonly note: string | null;
  /** The edge of the chart that it took: its index in `taken`; null: none, as for the first entry of a record. */
  readonly edge: number | null;
  /** What it changed in the record; texts cut at 200 characters. */
  readonly changes: readonly ChangeView[];
}

/** The change of one key of a record. */
export interface ChangeView {
  readonly key: string;
  /** Null: it was not set, or was null. */
  readonly before: Tree | null;
  /** Null: it is cleared. */
  readonly after: Tree | null;
}

/** One call of the code of a job. */
export interface AttemptView {
  readonly n: number;
  /** When it began to wait for this attempt; null: no longer kept. */
  readonly from: number | null;
  /** How long it was held until it was due; null: not known. */
  readonly heldMs: number | null;
  /** How long it waited once it was due; null: not known. */
  readonly waitMs: number | null;
  /** How long its code ran; null while it runs. */
  readonly runMs: number | null;
  readonly startedAt: number;
  /** Null while it runs. */
  readonly ending: 'succeeded' | 'failed' | 'interrupted' | 'cancelled' | 'snoozed' | 'handedBack' | null;
  readonly failure: FailureView | null;
}

export type OutcomeView =
  | { readonly ok: true; readonly value: Tree }
  | { readonly ok: false; readonly failure: FailureView };

export interface AnnotationView {
  readonly name: string;
  readonly value: Tree;
  /** When it was set last; null: no longer kept. */
  readonly at: number | null;
}

export interface ProgressView {
  /** In units of the code's own. */
  readonly done: number;
  /** Null: the code does not say. */
  readonly total: number | null;
  readonly note: string | null;
  readonly at: number;
}

/** Callbacks, in the order in which they run. */
export interface CallbacksView {
  readonly nodes: readonly CallbackView[];
  /** How many of them are not in the list. */
  readonly more: number;
}

export type CallbackView = CallbackJobView | CallbackProxyView;

export interface CallbackJobView {
  readonly is: 'job';
  readonly id: string;
  readonly name: string;
  readonly status: JobStatusName;
  readonly state: string;
  readonly ending: EndingName | null;
  readonly outcome: OutcomeView | null;
  /** How long its code ran; null: it has not ended. */
  readonly runMs: number | null;
  readonly callbacks: CallbacksView;
}

export interface CallbackProxyView {
  readonly is: 'proxy';
  readonly id: string;
  /** In the order in which they are asked; the last one is the one without a condition. */
  readonly branches: readonly BranchView[];
}

export interface BranchView {
  /** The name of its condition; null: it is taken when no other one is. */
  readonly when: string | null;
  /** Null: the outcome is passed on. */
  readonly job: CallbackJobView | null;
  /** Null: not decided. */
  readonly isChosen: boolean | null;
}

/** The history of a job, or of an actor, as a test file. */
export interface AsTestView {
  /** What the file may be called. */
  readonly file: string;
  readonly lines: readonly string[];
}
