import type { Limits } from '../../model/checks/limits.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { Codec } from '../../model/values/codec.ts';
import type { Store } from '../../store/store.ts';
import type { AgentSettings } from '../definitions/agent-settings.ts';
import type { ConditionDefinition } from '../definitions/conditions.ts';
import type { ChooserDefinition, FilterDefinition } from '../definitions/filters-and-choosers.ts';
import type { MachineLike } from '../definitions/machines.ts';
import type { DispatcherOptions } from '../dispatchers/dispatcher.ts';
import type { Instrument, Intercept } from '../environment/instruments.ts';
import type { Logger } from '../environment/logging.ts';
import type { IdSource, RandomSource, TextFilePort } from '../environment/ports.ts';
import type { Clock, Reactor } from '../environment/reactor/reactor.ts';
import type { ThreadPort } from '../environment/threads.ts';
import type { JobDefinition } from '../handles/job.ts';
import type { ScheduleDefinition } from '../handles/schedules/schedule.ts';

/** Options of `createSignalbox`. */
export interface SignalboxOptions {
  readonly store: Store;
  /** The jobs that this process knows by name. */
  readonly jobs?: readonly JobDefinition<never, unknown>[];
  /** The machines whose actors this process takes messages for: see {@link defineMachine}. */
  readonly machines?: readonly MachineLike[];
  /**
   * Makes each step of a machine twice, with a context that cannot be changed in place, and compares: a guard or an assign that asks for
   * the time or a random number, or that changes an object, makes the step throw. For tests: test boxes do it. Default false.
   */
  readonly checkSteps?: boolean;
  /** Queues to make when they are missing. */
  readonly queues?: readonly string[];
  /** Schedules that `start()` sets: see {@link schedule}. */
  readonly schedules?: readonly ScheduleDefinition[];
  readonly filters?: readonly FilterDefinition[];
  readonly choosers?: readonly ChooserDefinition[];
  /** Conditions of callbacks: see `job.addConditionalCallbacks`. */
  readonly conditions?: readonly ConditionDefinition[];
  /** Policies by name; under `''` the default of jobs, under `callback` that of callbacks. */
  readonly retryPolicies?: { readonly [name: string]: RetryPolicy };
  /** Default: a new `NodeReactor`. A reactor that is also a clock is the clock, unless `clock` says otherwise. */
  readonly reactor?: Reactor & Partial<Clock>;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** Randomness of delays, such as a `SeededRandom` of `signalbox/testing`. Default: `Math.random`. */
  readonly random?: RandomSource;
  /** Default: CRITICAL entries on standard error. */
  readonly logger?: Logger;
  /** Watches puts and attempts, for a tracer for example: see {@link Instrument}. Default: nothing does. */
  readonly instrument?: Instrument;
  /** Stands between attempts and their code, in tests: see {@link Intercept}. Default: nothing does. */
  readonly intercept?: Intercept;
  /** What values may be at most, and how much may be stored. Default: see {@link Limits}. */
  readonly limits?: Partial<Limits>;
  /** Encodes what programs give before it reaches the store: encryption at rest. Default: none. */
  readonly codec?: Codec;
  /**
   * The module that defines the jobs of agents with `executor: 'thread'`: threads import it, and run the definitions that it exports.
   * A `file:` URL, such as `new URL('./jobs.js', import.meta.url)`. The module must open no box. Default: none.
   */
  readonly threadModule?: URL | string;
  /** Where threads come from, such as a `VirtualThreads` of `signalbox/testing`. Default: `nodeThreads()`. */
  readonly threads?: ThreadPort;
  /** UUID of this instance. Default: read from its file, see docs/guide.md. */
  readonly uuid?: string;
  readonly files?: TextFilePort;
}

/** Options of `start`. */
export interface StartOptions extends Omit<DispatcherOptions, 'reactor' | 'uuid'> {
  /**
   * The agent `main` of every queue: one that is stored gets these settings, unless an operator has pinned it. Default:
   * size 3 and any job, where there is none yet. Null: none.
   */
  readonly agent?: AgentSettings | null;
}
