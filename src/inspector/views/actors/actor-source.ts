import type { Json } from '../../../../machines/json.ts';
import type { DispatcherHealth } from '../../../model/monitoring/liveness.ts';
import type { PollInfo } from '../../../model/monitoring/polls.ts';
import type { EventLine } from '../../protocol/actors.ts';
import type { StateVisits, TakenEdge } from '../../protocol/job.ts';

/** A live machine, as its box describes it. */
export interface LiveActor {
  readonly id: string;
  readonly machine: 'supervisor' | 'dispatcher' | 'agent';
  readonly state: string;
  readonly context: { readonly [key: string]: Json };
  readonly dispatcher?: string;
  readonly queue?: string;
  readonly agent?: string;
}

/** A dispatcher of this process. */
export interface LiveDispatcher {
  readonly health: DispatcherHealth;
  readonly pollIntervalMs: number;
  readonly pollAgeMs: number | null;
  readonly uptimeMs: number | null;
  /** Newest first. */
  readonly polls: Iterable<PollInfo>;
  /** The worker threads of each of its agents that has some. */
  readonly threads: readonly {
    readonly queue: string;
    readonly agent: string;
    readonly busy: number;
    readonly idle: number;
    readonly started: number;
  }[];
}

/** What one live machine did since it is looked at. */
export interface Trace {
  readonly since: number;
  readonly states: readonly StateVisits[];
  readonly taken: readonly TakenEdge[];
  /** Newest first. */
  readonly events: readonly EventLine[];
}

/** The live machines of this process. */
export interface ActorSource {
  actors(): readonly LiveActor[];
  /** Null: it is none of this process. */
  dispatcher(uuid: string): LiveDispatcher | null;
  /** What a machine did since it is looked at: it is watched from the first call on, until no call comes any more. */
  trace(actor: LiveActor, now: number): Trace;
}
