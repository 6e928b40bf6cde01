export type { Ending } from '../machines/job.context.ts';
export type { Json } from '../machines/json.ts';
export {
  AbortedError,
  BadStatusError,
  CancelledError,
  ChartError,
  ConflictError,
  type ErrorCode,
  type ErrorDetails,
  EventRefusedError,
  errorCodes,
  ReassignedError,
  type ShownIssue,
  ShutdownError,
  SignalboxError,
  TimeoutError,
} from './errors.ts';
export { type CompileOptions, compileChart } from './model/chart/compile.ts';
export type { Limits, ValueLimits } from './model/checks/limits.ts';
export type { DurableLogic, PreparedMachine, StoredSnapshot } from './model/durable/machine.ts';
export type { Attempt } from './model/jobs/attempts.ts';
export { type Backoff, backoffPolicy } from './model/jobs/backoff.ts';
export {
  type CommonRetryFigures,
  commonRetryPolicy,
  type GrowingWait,
  NeverRetry,
  RetryCommonForever,
  RetryCommonFourTimes,
} from './model/jobs/common-retry.ts';
export type { Priority } from './model/jobs/priority.ts';
export {
  type FailureKind,
  kindOfFailure,
  putBackAt,
  type RetryAnswer,
  type RetryCache,
  type RetryData,
  type RetryPolicy,
  type RetryTools,
} from './model/jobs/retry.ts';
export { RetryAfterError, type RetryAfterOptions, UnrecoverableError } from './model/jobs/retry-errors.ts';
export type { JobStatus } from './model/jobs/step.ts';
export type { PutResult } from './model/jobs/unique/name-answer.ts';
export { type JobInfo, JobInfos } from './model/monitoring/job-infos.ts';
export type { DispatcherHealth } from './model/monitoring/liveness.ts';
export type { PollRange } from './model/monitoring/poll-range.ts';
export {
  type AgentPoll,
  type JobName,
  PollInfo,
  Polls,
  pollInstant,
  type QueuePoll,
} from './model/monitoring/polls.ts';
export type { Statistics } from './model/monitoring/statistics.ts';
export type { FilterData, JobRecord, Selection } from './model/records/records.ts';
export type { Codec } from './model/values/codec.ts';
export { Failure, type FailureDetail } from './model/values/failure.ts';
export type { Progress } from './model/values/progress.ts';
export type {
  ActorChildState,
  ActorExplanation,
  NextActorEvent,
  WaitingMessage,
  WaitingTimer,
} from './reading/actors/actor-explanation.ts';
export {
  type ActorFate,
  type CheckedActors,
  type CheckedMachine,
  checkMachines,
} from './reading/actors/check-machines.ts';
export type {
  Condition,
  Explanation,
  KnownNames,
  Ref,
  UniqueName,
  Verdict,
} from './reading/explanation.ts';
export type { JobsFilter } from './reading/search/jobs-filter.ts';
export type { Receipt } from './runtime/actors/actor-items.ts';
export type { Pause, PauseOptions, QueuePauseOptions } from './runtime/agents/pausing.ts';
export { createSignalbox } from './runtime/box/create-signalbox.ts';
export { type Discovered, type DiscoverOptions, discoverJobs } from './runtime/box/discover-jobs.ts';
export { type AgentInstallation, installAgent } from './runtime/box/install-agent.ts';
export type { DispatcherEvent, DispatcherHook } from './runtime/box/lifecycle-listeners.ts';
export type { ActorChange, ActorView } from './runtime/box/live-actors.ts';
export { type LiveAnnotationOptions, local, type SleepOptions } from './runtime/box/local.ts';
export type { OperateOptions, Operator, RetriedAs } from './runtime/box/operator.ts';
export { Dispatcher, Signalbox } from './runtime/box/signalbox.ts';
export type { SignalboxOptions, StartOptions } from './runtime/box/signalbox-options.ts';
export { handleSignals, type SignalOptions } from './runtime/box/signals.ts';
export { BulkOperation } from './runtime/builtin-jobs/bulk/bulk-operation.ts';
export type {
  BulkAction,
  BulkCounts,
  BulkFilter,
  BulkOptions,
  BulkResult,
} from './runtime/builtin-jobs/bulk/bulk-request.ts';
export { extend, type Joined, type JoinOptions, parallel, serial } from './runtime/builtin-jobs/join.ts';
export type { CancelResult } from './runtime/callbacks/cancel-job.ts';
export {
  type AgentOptions,
  type AgentSettings,
  agent,
  type ThreadOptions,
} from './runtime/definitions/agent-settings.ts';
export { type ConditionDefinition, defineCondition } from './runtime/definitions/conditions.ts';
export type { ContextStorage, JobOptions } from './runtime/definitions/definition.ts';
export { Detached, detached } from './runtime/definitions/detached.ts';
export {
  type ChooserDefinition,
  defineChooser,
  defineFilter,
  type FilterDefinition,
} from './runtime/definitions/filters-and-choosers.ts';
export type { ConcurrencyLimit, RateLimit } from './runtime/definitions/job-limits.ts';
export type {
  InferInput,
  InferOutput,
  SchemaIssue,
  SchemaResult,
  StandardSchemaProps,
  StandardSchemaV1,
} from './runtime/definitions/standard-schema.ts';
export type { Unique } from './runtime/definitions/unique-rule.ts';
export type { DispatcherOptions, StatusInfo } from './runtime/dispatchers/dispatcher.ts';
export type { DispatcherEventName } from './runtime/dispatchers/lifecycle-hooks.ts';
export { type ConsoleLoggerOptions, consoleLogger } from './runtime/environment/console-logger.ts';
export type {
  AttemptBegin,
  AttemptEnd,
  Instrument,
  InstrumentedPut,
  Intercept,
  InterceptedAttempt,
} from './runtime/environment/instruments.ts';
export type { LogFields, Logger, LogLevel, LogStream } from './runtime/environment/logging.ts';
export {
  type IdSource,
  type ModulePort,
  mathRandom,
  type RandomSource,
  randomIds,
  type SignalName,
  type SignalPort,
  type TextFilePort,
} from './runtime/environment/ports.ts';
export { NodeReactor } from './runtime/environment/reactor/node-reactor.ts';
export type {
  Clock,
  Reactor,
  RunnableReactor,
  ScheduledCall,
} from './runtime/environment/reactor/reactor.ts';
export {
  type NodeThreadsOptions,
  nodeThreads,
  type Thread,
  type ThreadChannel,
  type ThreadData,
  type ThreadEnd,
  type ThreadListener,
  type ThreadPort,
  type ThreadStart,
} from './runtime/environment/threads.ts';
export type { JobActorRef } from './runtime/handles/actor-ref.ts';
export type { AskOptions, SendOptions } from './runtime/handles/actors/actor-commands.ts';
export { type DeadLetter, DeadLetters } from './runtime/handles/actors/dead-letters.ts';
export {
  type ActorWaitOptions,
  DurableActor,
  type DurableActorRef,
  type StartActorOptions,
} from './runtime/handles/actors/durable-actor.ts';
export type { ActorsFilter, ListedActors } from './runtime/handles/actors/list-actors.ts';
export type { PlainSnapshot } from './runtime/handles/actors/plain-snapshot.ts';
export { AgentHandle, Agents, type CompletedRange } from './runtime/handles/agents.ts';
export {
  type CallbackBranch,
  type CallbackOf,
  type CallbackPair,
  CallbackProxy,
} from './runtime/handles/callback-proxy.ts';
export { defineJob, type ResultOf } from './runtime/handles/define-job.ts';
export type { Called } from './runtime/handles/inline-call.ts';
export type { JobDefinition, JobDefinitionWithInput } from './runtime/handles/job.ts';
export { Job } from './runtime/handles/job.ts';
export type { JobOutcome } from './runtime/handles/job-attributes.ts';
export type { JobPlace } from './runtime/handles/job-commands.ts';
export {
  defineMachine,
  type ExternalEvent,
  type MachineDefinition,
  type MachineOptions,
  type StartInput,
} from './runtime/handles/machines/define-machine.ts';
export { type ChildJobOptions, fromJob, fromPromise } from './runtime/handles/machines/from-job.ts';
export { type ActionGiven, put, sendToActor } from './runtime/handles/machines/put-action.ts';
export { Queue } from './runtime/handles/queue.ts';
export { type QuotaInfo, type QuotaOptions, Quotas } from './runtime/handles/quotas.ts';
export { Representation } from './runtime/handles/representation.ts';
export { Representations } from './runtime/handles/representations.ts';
export { type ScheduleDefinition, schedule } from './runtime/handles/schedules/schedule.ts';
export { type ScheduleInfo, Schedules } from './runtime/handles/schedules/schedules.ts';
export { type FoundPage, type FoundPageOptions, JobSearch } from './runtime/handles/search/job-search.ts';
export type { Transaction } from './runtime/handles/transaction.ts';
export type { JobSettings } from './runtime/jobs/job-settings.ts';
export type { NotStored } from './runtime/jobs/not-stored.ts';
export type { PutOptions } from './runtime/jobs/put-batch.ts';
export type { Unchecked } from './runtime/jobs/storable.ts';
export type { BackfillRange } from './runtime/schedules/backfill.ts';
export type { SchedulePauseOptions } from './runtime/schedules/change-schedule.ts';
export type { ScheduleOptions } from './runtime/schedules/schedule-options.ts';
export type { ThreadCounts } from './runtime/threads/threads.ts';

export { decorateStore, type ReadCall, type StoreDecoration } from './store/decorate-store.ts';
export type { HistoryEntry } from './store/entry.ts';
export { type MemoryStoreOptions, memoryStore } from './store/in-memory/memory-store.ts';
export { recordKinds } from './store/kinds.ts';
export type { Past, StoreReader } from './store/reader.ts';
export type { OpenStore, Store } from './store/store.ts';
export { type Beginning, type Duration, durationMs, type Instant } from './time.ts';
