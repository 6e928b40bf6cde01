import type { EndingName } from './explanation.ts';
import type { PossibleEvent, StateVisits, TakenEdge } from './job.ts';

/** The live machines of a process, and what the records say of those of other processes. */
export interface ActorsView {
  /** Null: it is not recorded. */
  readonly supervisor: { readonly id: 'supervisor'; readonly state: string } | null;
  /** Those of this process first. */
  readonly dispatchers: readonly DispatcherNode[];
  /** Why no live machine is shown, in a sentence; null: they are. */
  readonly notLive: string | null;
}

/** What the records say of a dispatcher. */
export type DispatcherRecordState = 'at work' | 'dead' | 'deactivated' | 'registered';

/** A dispatcher in the tree. */
export interface DispatcherNode {
  /** `dispatcher:<uuid>`: the same in every process. */
  readonly id: string;
  readonly uuid: string;
  /** State of its live machine; null: it is not seen here. */
  readonly state: string | null;
  /** Null: it has no record in any queue. */
  readonly record: DispatcherRecordState | null;
  /** Of a dispatcher of this process. */
  readonly health: 'STOPPED' | 'STARTING' | 'RUNNING' | 'STUCK' | null;
  /** Its last ping or activation. */
  readonly lastSignAt: number | null;
  /** Since its last poll ended; null: not known. */
  readonly pollAgeMs: number | null;
  readonly pollIntervalMs: number | null;
  /** The newest polls, oldest first. */
  readonly polls: readonly PollCell[];
  readonly agents: readonly AgentNode[];
}

/** An agent in the tree. */
export interface AgentNode {
  /** `agent:<queue>/<dispatcher>/<name>`: the same in every process. */
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** State of its live machine; null: it is not seen here. */
  readonly state: string | null;
  readonly record: 'at work' | 'dead' | 'not at work';
  readonly held: number;
  readonly size: number;
  /** Why it could not claim; null while it can. */
  readonly failure: string | null;
  /** The jobs that it holds, longest first; null: they were not asked for. */
  readonly jobs: readonly HeldJob[] | null;
}

/** A job that an agent holds. */
export interface HeldJob {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly ending: EndingName | null;
  /** Since its code was called, or since its code ended for one with callbacks; null: it was not called. */
  readonly forMs: number | null;
  /** The job or promise that it waits for. */
  readonly waitingOn: string | null;
}

/** A poll, or a place where there should have been one. */
export interface PollCell {
  /** Null: it was missed. */
  readonly key: string | null;
  readonly at: number;
  /** Jobs that were claimed by it, and until the next one. */
  readonly claimed: number;
  /** How many agents could not be polled. */
  readonly errors: number;
}

/** What one poll found at its agents. */
export interface PollDetail {
  readonly key: string;
  readonly at: number;
  readonly agents: readonly {
    readonly queue: string;
    readonly name: string;
    readonly size: number;
    readonly active: number;
    readonly claimed: number;
    readonly error: string | null;
  }[];
  /** Queues that it skipped. */
  readonly skipped: readonly string[];
}

/** Everything that the page shows of one actor. */
export interface ActorDetail {
  readonly id: string;
  /** Null: neither a live machine nor a record has this id. */
  readonly kind: 'supervisor' | 'dispatcher' | 'agent' | null;
  /** `supervisor`, the UUID of a dispatcher, the name of an agent. */
  readonly name: string;
  readonly dispatcher: string | null;
  readonly queue: string | null;
  /** Its live machine; null: it is not seen here. */
  readonly machine: MachineNow | null;
  /** Why its machine is not seen, in a sentence; null: it is. */
  readonly notLive: string | null;
  readonly agent: AgentFacts | null;
  readonly dispatching: DispatcherFacts | null;
}

/** A live machine: where it is, what it did since the page looks, what can happen. */
export interface MachineNow {
  readonly chart: 'supervisor' | 'dispatcher' | 'agent';
  readonly version: string;
  readonly state: string;
  /** The figures are from this instant on. */
  readonly since: number;
  readonly states: readonly StateVisits[];
  readonly taken: readonly TakenEdge[];
  readonly next: readonly PossibleEvent[];
  readonly context: readonly (readonly [key: string, value: string])[];
  /** The last events from `since` on, newest first. */
  readonly events: readonly EventLine[];
}

/** An event that a live machine got. */
export interface EventLine {
  readonly n: number;
  readonly at: number;
  readonly event: string;
  /** What it brought, in a few words; empty: nothing. */
  readonly note: string;
  readonly from: string;
  readonly to: string;
  /** Whether its chart has nothing for it in that state. */
  readonly isIgnored: boolean;
}

/** What an agent has, and what its record wants. */
export interface AgentFacts {
  readonly record: AgentNode['record'];
  readonly held: number;
  readonly size: number;
  /** The size that its live machine has; null: not seen here. */
  readonly liveSize: number | null;
  /** Which jobs it takes, in words. */
  readonly selection: string;
  readonly isPinned: boolean;
  readonly failure: string | null;
  /** The jobs that it holds, longest first. */
  readonly jobs: readonly HeldJob[];
  /** Its worker threads; null: it calls code in the thread of its process. */
  readonly threads: ThreadsView | null;
}

/** The worker threads of an agent, and how they are to be. */
export interface ThreadsView {
  /** Null: its process is not this one. */
  readonly now: { readonly busy: number; readonly idle: number; readonly started: number } | null;
  /** Null: as large as Node allows. */
  readonly maxHeapMb: number | null;
  /** After so long without a job a thread ends. */
  readonly idleMs: number;
  /** After so many jobs a thread is replaced; null: never. */
  readonly maxJobs: number | null;
}

/** What a dispatcher does. */
export interface DispatcherFacts {
  readonly record: DispatcherRecordState | null;
  readonly health: DispatcherNode['health'];
  readonly pollAgeMs: number | null;
  readonly pollIntervalMs: number | null;
  readonly uptimeMs: number | null;
  readonly lastSignAt: number | null;
  /** All polls that are kept, oldest first. */
  readonly polls: readonly PollCell[];
  /** The poll that was asked for; null: none, or it is no longer kept. */
  readonly poll: PollDetail | null;
  /** Its records in the queues. */
  readonly queues: readonly {
    readonly queue: string;
    readonly state: DispatcherRecordState;
    readonly lastSignAt: number | null;
    readonly agents: number;
  }[];
}
