export type { Ending } from '../machines/job.context.ts';
export type { Json } from '../machines/json.ts';
export {
  AbortedError,
  BadStatusError,
  ChartError,
  ConflictError,
  type ErrorCode,
  type ErrorDetails,
  errorCodes,
  ReassignedError,
  SignalboxError,
  TimeoutError,
} from './errors.ts';
export { type CompileOptions, compileChart } from './model/chart/compile.ts';
export type { Codec } from './model/coding.ts';
export { Failure, type FailureDetail } from './model/failure.ts';
export { type JobInfo, JobInfos } from './model/job-infos.ts';
export type { Limits, ValueLimits } from './model/limits.ts';
export type { DispatcherHealth } from './model/liveness.ts';
export type { PollRange } from './model/poll-range.ts';
export { type AgentPoll, type JobName, PollInfo, Polls, pollInstant, type QueuePoll } from './model/polls.ts';
export type { FilterData, JobRecord, Selection } from './model/records.ts';
export {
  type CommonRetryFigures,
  commonRetryPolicy,
  type FailureKind,
  type GrowingWait,
  kindOfFailure,
  NeverRetry,
  putBackAt,
  type RetryAnswer,
  type RetryCache,
  RetryCommonForever,
  RetryCommonFourTimes,
  type RetryData,
  type RetryPolicy,
  type RetryTools,
} from './model/retry.ts';
export type { Statistics } from './model/statistics.ts';
export type { JobStatus } from './model/step.ts';
export type { JobActorRef } from './runtime/actor-ref.ts';
export {
  AgentHandle,
  type AgentOptions,
  type AgentSettings,
  Agents,
  agent,
  type CompletedRange,
} from './runtime/agents.ts';
export type { ContextStorage } from './runtime/attempt.ts';
export { type CallbackBranch, type CallbackOf, CallbackProxy } from './runtime/callback-drafts.ts';
export type { Called } from './runtime/calling.ts';
export { type ConditionDefinition, defineCondition } from './runtime/conditions.ts';
export { createSignalbox } from './runtime/create-signalbox.ts';
export { defineJob, type JobDefinition, type JobOptions, type ResultOf } from './runtime/definitions.ts';
export { Detached, detached } from './runtime/detached.ts';
export { Dispatcher, type DispatcherOptions, type StatusInfo } from './runtime/dispatcher.ts';
export type { DispatcherEvent, DispatcherEventName, DispatcherHook } from './runtime/hooks.ts';
export { type AgentInstallation, installAgent } from './runtime/install-agent.ts';
export { Job, type JobPlace } from './runtime/job.ts';
export type { JobOutcome } from './runtime/job-attributes.ts';
export type { JobSettings } from './runtime/job-settings.ts';
export { extend, type Joined, type JoinOptions, parallel, serial } from './runtime/join.ts';
export { type LiveAnnotationOptions, local } from './runtime/local.ts';
export type { LogFields, Logger, LogLevel, LogStream } from './runtime/logging.ts';
export {
  type IdSource,
  randomIds,
  type SignalName,
  type SignalPort,
  type TextFilePort,
} from './runtime/ports.ts';
export type { PutOptions } from './runtime/put-batch.ts';
export { Queue } from './runtime/queue.ts';
export { Quotas } from './runtime/quotas.ts';
export { NodeReactor } from './runtime/reactor/node-reactor.ts';
export type { Clock, Reactor, RunnableReactor, ScheduledCall } from './runtime/reactor/reactor.ts';
export { Representation } from './runtime/representation.ts';
export { Representations } from './runtime/representations.ts';
export {
  type ChooserDefinition,
  defineChooser,
  defineFilter,
  type FilterDefinition,
} from './runtime/selections.ts';
export { Signalbox } from './runtime/signalbox.ts';
export type { SignalboxOptions, StartOptions } from './runtime/signalbox-options.ts';
export { handleSignals, type SignalOptions } from './runtime/signals.ts';
export type { Transaction } from './runtime/transaction.ts';
export { type MemoryStoreOptions, memoryStore } from './store/memory/memory-store.ts';
export type { HistoryEntry, OpenStore, Store } from './store/store.ts';
export { type Beginning, type Duration, durationMs, type Instant } from './time.ts';
