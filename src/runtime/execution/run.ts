/*
 * Room: execution.
 *
 * Owns: One attempt of a job: Executor calls the code, Completer commits the outcome, Retrier asks the
 *   policy, OutcomeWaits waits for other jobs. The four call each other through RunSteps only. A Run is what
 *   they share: the job as its start left it, its holder, and the unit that buffers what the attempt does.
 *   outcome-commit.ts decides, without effects, what the commit of an outcome holds.
 *
 * Invariant: What an attempt does is committed with its outcome or not at all, and only while the job has the
 *   holder that the run began with. `onDone` is called once.
 *
 * May import: environment, definitions, commits, jobs.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isAgentPlace, type Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { ReassignedError, SignalboxError } from '../../errors.ts';
import type { RetryCache, RetryData, RetryPolicy } from '../../model/jobs/retry.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { BufferedUnit } from '../commits/buffered-unit.ts';
import type { StagedChange } from '../commits/committer.ts';
import { type Holder, ifHeldBy } from '../commits/preconditions.ts';
import { type RetryStep, retryForever } from '../commits/retry.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { annotationsOf } from '../jobs/annotations.ts';
import type { JobLike } from '../jobs/job-like.ts';
import { ProgressWriter } from '../jobs/progress-writer.ts';
import type { CodeEnds, Given } from './given.ts';
import type { LiveJobInfo } from './job-info.ts';

/** The run that the current code belongs to: also after every await, and inside callbacks. */
export const currentRun = new AsyncLocalStorage<Run>();

/** What its unit refuses once it has ended, as errors name it. */
const jobCalls = 'local.getQueue() or local.getJob()';

/** A worker's place in an agent. */
export interface AgentSlot {
  readonly number: number;
}

/** The workers of an agent, as a run reports to them. */
export interface RunWorkers {
  /**
   * How often everything that ran here was aborted. It grows between the claim of a job and the call of its code when the job
   * may be reassigned: then the store must be asked before the call, since no abort reaches what does not run yet.
   */
  readonly aborts: number;
  /** The dispatcher stops, and hands on what it holds. */
  readonly handsOn: boolean;
  started(run: Run): void;
  /** Its code does not stop, and its job goes on without it: the worker's place stays taken until the code ends. */
  abandoned(run: Run): void;
  /** The code of an abandoned run has ended. */
  codeEnded(run: Run): void;
  /** The job waits: for a job, or for a promise when `inner` is null. */
  waits(run: Run, inner: JobLike | null): void;
  /** The worker is done with the job. `outcome` null: it was put back. */
  ended(run: Run, outcome: Outcome | null): void;
  /** The job was reassigned: nothing was written. */
  lost(run: Run): void;
  /** The worker failed, not the job. */
  workerFailed(run: Run, error: unknown): void;
  logCompleted(run: Run): void;
}

/** Runs the code of attempts somewhere else than in this thread. */
export interface CodeElsewhere {
  /** Calls the code. It has ended, or is gone, when one of the ends is called. */
  call(run: Run, ends: CodeEnds<Given>): void;
}

/** The agent whose slot a run has. */
export interface RunAgent {
  readonly name: string;
  readonly queue: string;
  /** The dispatcher. */
  readonly owner: { readonly uuid: string };
  readonly workers: RunWorkers;
  /** Its threads; null: its code runs in this one. */
  readonly threads: CodeElsewhere | null;
  /** A job it held is over: it may claim another one. */
  slotFreed(): void;
}

/** Where callbacks run: in the worker that holds the root job, or outside any agent. */
export interface CallbackContext {
  readonly agent: RunAgent | null;
  readonly slot: AgentSlot | null;
  readonly holder: Holder | null;
  readonly queue: string;
  /** Id of the job that is handed over when this process does not know a callback. Default: the holder, the root job. */
  readonly about?: string | null;
}

/** The root job was handed over to a process that knows a callback of it: the run ends here without an outcome to log. */
export class HandedOverError extends ReassignedError {}

/** A callback was stopped with its process: the run of its root job ends here, too, and the next process continues its callbacks. */
export class CallbackStoppedError extends HandedOverError {}

/** What watches over a run for some time. */
interface Timers {
  /** Takes back its timed calls for this run. */
  cancel(run: Run): void;
}

/** An outcome and its commit. */
export interface CommittedEnding {
  readonly changes: readonly StagedChange[];
  readonly expect: readonly Precondition[];
  /** The job as its outcome leaves it. */
  readonly finished: JobRecord;
  readonly outcome: Outcome;
  /** Whether the job is COMPLETED in the same commit. */
  readonly completes: boolean;
}

/** What a run is started with. */
export interface RunStart {
  /** What it commits through once its own unit is committed. */
  readonly work: UnitOfWork;
  /** The job as its start leaves it. */
  readonly job: JobRecord;
  /** The agent whose slot it has; null outside any agent. */
  readonly agent: RunAgent | null;
  readonly slot: AgentSlot | null;
  /** Null for what no agent claimed: callbacks that are added to a completed job. */
  readonly holder: Holder | null;
  readonly queue: string;
  /** See {@link CallbackContext}. */
  readonly about?: string | null;
  /** What is appended to the stored arguments: a callback's input. */
  readonly input: readonly unknown[];
  readonly annotations: Record<string, Json>;
  readonly info: LiveJobInfo | null;
}

/** Whether its job is a callback. */
export function isCallback({ job: { parent } }: Run): boolean {
  return parent !== null && ('job' in parent || 'proxy' in parent);
}

/** Only a job that an agent holds itself can be put back: no callback, and no job that no agent has claimed. */
export function isHeldByAgent({ job, holder }: Run): boolean {
  return holder?.id === job.id && job.parent !== null && isAgentPlace(job.parent);
}

/** Whether the code of a job in this state is to stop. */
export function isStopping(state: JobRecord['state']): boolean {
  return state === 'active.cancelling' || state === 'active.timingOut';
}

/** Whether a job, as it is now, is still in the call that began with this record. */
export function isSameCall(begun: JobRecord, now: JobRecord | undefined): boolean {
  return now !== undefined && now.claim === begun.claim && now.attempts === begun.attempts;
}

/** Whether a job, as it is now, still has this holder. */
export function isHeldBy({ epoch, claim }: Holder, now: JobRecord | undefined): now is JobRecord {
  return now?.epoch === epoch && now.claim === claim;
}

/** Whether a job is as a step of a call leaves it: then a commit that ended with an error was made, and only its answer was lost. */
export function isAsLeft(stepped: JobRecord, now: JobRecord | undefined): boolean {
  if (!isSameCall(stepped, now) || now?.state !== stepped.state) return false;
  return now.activeStart === stepped.activeStart && now.activeEnd === stepped.activeEnd;
}

/** Whether a step was committed although its commit ended with an error. */
export async function isCommitted(context: RuntimeContext, stepped: JobRecord): Promise<boolean> {
  const what = (): string => `reading the state of ${jobLabel(stepped)}`;
  return isAsLeft(stepped, await retryForever(context, what, () => context.store.get('job', stepped.id)));
}

/** Refuses to wait, inside a run, for a job that the run itself puts: that would be for ever. @throws SignalboxError `AWAITED_OWN_CHILD`. */
export function refuseOwnChild(id: string): void {
  const run = currentRun.getStore();
  const isOwn = run?.unit.changes.some((change) => change.kind === 'job' && change.id === id) ?? false;
  if (isOwn) throw new SignalboxError('AWAITED_OWN_CHILD', { id });
}

/** What its policy has kept of a job: a copy, without what the runtime itself keeps with it. */
function keptByPolicy({ retryData }: JobRecord): RetryData {
  const { policy: _policy, first_active: _firstActive, ...kept } = structuredClone(retryData ?? {});
  return kept;
}

const none: readonly never[] = Object.freeze([]);
const nothing = (): void => {};
const yes = (): boolean => true;

/**
 * One call of a job's code, from its start to the commit of its outcome.
 */
export class Run {
  readonly context: RuntimeContext;
  job: JobRecord;
  readonly agent: RunAgent | null;
  readonly slot: AgentSlot | null;
  readonly holder: Holder | null;
  readonly queue: string;
  readonly input: readonly unknown[];
  readonly info: LiveJobInfo | null;
  /** What the attempt puts and changes: committed with its result. */
  unit: BufferedUnit;
  /** The policy once it was asked: no other is asked during this call. */
  policy: RetryPolicy | null = null;
  /** Called once, when the worker is free: the outcome is committed, or the job waits or was put back. */
  onDone: () => void = nothing;
  /** Ends the present attempt; null when there is nothing to end. Take it with `takeTearDown`. */
  tearDown: (() => Promise<void>) | null = null;
  /** Set once the policy has answered, or was not to be asked: from then on the outcome is stored however long that takes. */
  retry: RetryStep | null = null;
  /** Immediate retries in a row between which nothing was awaited. */
  retriesInRow = 0;
  /** Whether the code has awaited something since the last retry. */
  hasAwaited: () => boolean = yes;
  /** Counts how often the store did not take the outcome; null when it never refused. */
  outage: RetryStep | null = null;
  /** The outcome that was committed while the code still ran: see `local.transaction`. */
  ended: CommittedEnding | null = null;
  /** The unit of the attempt whose transaction is open. */
  inTransaction: BufferedUnit | null = null;
  /** Settles when it is known whether that transaction has committed an outcome; null while it has none to commit. */
  ending: Promise<void> | null = null;
  /** What the run is at: its code, the question to its policy, or the commit of what follows. Only code is stopped. */
  phase: 'code' | 'policy' | 'commit' = 'commit';
  /** Its timed calls; null without any. */
  timers: Timers | null = null;
  /** The state because of which its code was asked to stop; null while it was not. */
  askedIn: JobRecord['state'] | null = null;
  /** Its code goes on although its job has ended, or was put back: nothing that it does counts. */
  isAbandoned = false;
  /** Its code, or its `tearDown`, runs in a thread, which ends it when it does not stop; null: nothing of it does. */
  thread: { stop(reason: unknown): void } | null = null;
  /** Its process stops: an attempt that throws because of that is handed back. */
  isShutDown = false;
  /** Set when a callback of the run's job was handed over, or stopped with its process: the callers of the run stop, too. */
  handedOver: HandedOverError | null = null;
  /** The job object that the code sees, as the job was when the attempt began; made by `local.getJob`. */
  view: JobLike | null = null;
  readonly #work: UnitOfWork;
  readonly #about: string | null;
  #progress: ProgressWriter | null = null;
  #cache: RetryCache | null = null;
  #annotations: Record<string, Json>;
  #abort: AbortController | null = null;
  #aborted: unknown = null;

  constructor(start: RunStart) {
    this.context = start.work.context;
    this.job = start.job;
    this.agent = start.agent;
    this.slot = start.slot;
    this.holder = start.holder;
    this.queue = start.queue;
    this.input = start.input;
    this.info = start.info;
    this.#work = start.work;
    this.#about = start.about ?? start.holder?.id ?? null;
    this.#annotations = start.annotations;
    this.unit = new BufferedUnit(start.work, jobCalls);
  }

  /** What the retry policy counts: it goes on from what was kept before this call. */
  get cache(): RetryCache {
    this.#cache ??= new Map(Object.entries(keptByPolicy(this.job)));
    return this.#cache;
  }

  /** Made on first use: most jobs never look. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#aborted !== null) this.#abort.abort(this.#aborted);
    }
    return this.#abort.signal;
  }

  /** Signals the code to stop: nothing it writes will count. */
  abort(reason: unknown): void {
    this.watch(null);
    this.#aborted = reason ?? new Error('aborted');
    // Listeners are the code's own: they may call `local`.
    currentRun.run(this, () => this.#abort?.abort(reason));
    this.thread?.stop(this.#aborted);
  }

  /** Replaces the timed calls that watch over it. */
  watch(timers: Timers | null): void {
    this.timers?.cancel(this);
    this.timers = timers;
  }

  /** Whether the record says that its code is to stop. */
  get isStopping(): boolean {
    return isStopping(this.job.state);
  }

  get isAborted(): boolean {
    return this.#aborted !== null;
  }

  /** Annotations as they were when the attempt began. */
  get annotations(): Record<string, Json> {
    return this.#annotations;
  }

  /** What ends the attempt, to be called once; null when nothing does. */
  takeTearDown(): (() => Promise<void>) | null {
    const { tearDown } = this;
    this.tearDown = null;
    return tearDown;
  }

  /** The author of its commits. */
  get by(): string {
    return this.agent?.owner.uuid ?? 'client';
  }

  /** Where the callbacks of its job run: in its own worker. */
  get callbackContext(): CallbackContext {
    const { agent, slot, holder, queue } = this;
    return { agent, slot, holder, queue, about: this.#about };
  }

  /** The preconditions of every commit of the run: a new list for each. */
  get preconditions(): Precondition[] {
    return this.holder === null ? [] : [ifHeldBy(this.holder)];
  }

  /** Writes how far its code has come. Made on first use: most jobs never say. */
  get progress(): ProgressWriter {
    const { job, by } = this;
    this.#progress ??= new ProgressWriter(this.#work.committer, {
      job: job.id,
      by,
      preconditions: () => this.preconditions,
    });
    return this.#progress;
  }

  /** What its code has said last about its progress, unless that is written: it goes with the commit that ends the attempt. */
  get lastProgress(): readonly Change[] {
    return this.#progress?.last() ?? none;
  }

  /** Reads the annotations of the job again, for another attempt. Without an answer of the store they stay as they were. */
  async reread(): Promise<void> {
    const { store } = this.context;
    this.#annotations = await annotationsOf(store, this.job.id).catch(() => this.#annotations);
  }

  /** Drops what the attempt did, for another attempt. */
  startOver(): void {
    this.unit.end();
    this.unit = new BufferedUnit(this.#work, jobCalls);
    this.view = null;
  }
}
