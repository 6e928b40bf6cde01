import type { Json } from '../../../machines/json.ts';
import type { RetryCache, RetryPolicy } from '../../model/jobs/retry.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Expectation } from '../../store/store.ts';
import type { LiveAgent } from '../agents/agent-actor.ts';
import type { Engine } from '../box/engine.ts';
import type { CallbackContext } from '../callbacks/callback-runner.ts';
import { mustSucceed, type RetryStep } from '../commits/retry.ts';
import { GatheringUnit } from '../commits/unit-of-work.ts';
import { Job } from '../handles/job.ts';
import type { Ending } from './completer.ts';
import { currentRun } from './current-run.ts';
import type { LiveJobInfo } from './job-info.ts';
import type { AgentSlot } from './worker-slots.ts';

/** What its unit refuses once it has ended, as errors name it. */
const jobCalls = 'local.getQueue() or local.getJob()';

/** Who holds the root job of a run: what every write of the run is judged by. */
export interface Holder {
  readonly id: string;
  readonly epoch: number;
  readonly claim: number;
}

/** What a run is started with. */
export interface RunStart {
  readonly engine: Engine;
  /** The job as its start leaves it. */
  readonly job: JobRecord;
  /** The agent whose slot it has; null outside any agent. */
  readonly agent: LiveAgent | null;
  readonly slot: AgentSlot | null;
  /** Null for what nobody claimed: callbacks of completed jobs, run by who adds them. */
  readonly holder: Holder | null;
  readonly queue: string;
  /** What is appended to the stored arguments: a callback's input. */
  readonly input: readonly unknown[];
  readonly annotations: Record<string, Json>;
  readonly info: LiveJobInfo | null;
}

/** Whether a job, as it is now, is still at the call that began with this record. */
export function isSameCall(begun: JobRecord, now: JobRecord | undefined): boolean {
  return now !== undefined && now.claim === begun.claim && now.attempts === begun.attempts;
}

/** Whether a job is as a step of a call leaves it. When its commit ended with an error, only the answer was lost. */
export function isAsLeft(stepped: JobRecord, now: JobRecord | undefined): boolean {
  if (!isSameCall(stepped, now) || now?.state !== stepped.state) return false;
  return now.activeStart === stepped.activeStart && now.activeEnd === stepped.activeEnd;
}

/** Whether a step was made though its commit ended with an error: then nobody else goes on. */
export async function isMade(engine: Engine, stepped: JobRecord): Promise<boolean> {
  const what = (): string => `looking what became of ${engine.executor.text(stepped)}`;
  return isAsLeft(stepped, await mustSucceed(engine, what, () => engine.store.get('job', stepped.id)));
}

/** One call of a job's code, from its start to the commit of its outcome. */
export class Run {
  readonly engine: Engine;
  job: JobRecord;
  readonly agent: LiveAgent | null;
  readonly slot: AgentSlot | null;
  readonly holder: Holder | null;
  readonly queue: string;
  readonly input: readonly unknown[];
  readonly info: LiveJobInfo | null;
  /** What the attempt puts and changes: committed with its result. */
  unit: GatheringUnit;
  /** The policy once it was asked: no other is asked during this call. */
  policy: RetryPolicy | null = null;
  /** Called once, when the worker can go on: the outcome is committed, or the job waits or was put back. */
  onDone: () => void = () => {};
  /** Ends the attempt under way; null when there is nothing to end. Take it with `takeTearDown`. */
  tearDown: (() => Promise<void>) | null = null;
  /** The policy has spoken, or was not to be asked: the outcome is stored however long that takes. */
  retry: RetryStep | null = null;
  /** How often the store did not take the outcome; null when it never refused. */
  outage: RetryStep | null = null;
  #cache: RetryCache | null = null;
  #annotations: Record<string, Json>;
  /** The outcome that was committed while the code still ran: see `local.transaction`. */
  ended: Ending | null = null;
  /** The attempt whose transaction is under way, by its unit. */
  inTransaction: GatheringUnit | null = null;
  /** Settles when it is known whether that has committed an outcome; null while it has none to commit. */
  ending: Promise<void> | null = null;
  #view: Job<unknown> | null = null;
  #abort: AbortController | null = null;
  #aborted: unknown = null;

  constructor(start: RunStart) {
    this.engine = start.engine;
    this.job = start.job;
    this.agent = start.agent;
    this.slot = start.slot;
    this.holder = start.holder;
    this.queue = start.queue;
    this.input = start.input;
    this.info = start.info;
    this.#annotations = start.annotations;
    this.unit = new GatheringUnit(start.engine, jobCalls);
  }

  /** What the retry policy counts during this call. */
  get cache(): RetryCache {
    this.#cache ??= new Map();
    return this.#cache;
  }

  /** The job as it was when the attempt began. */
  get view(): Job<unknown> {
    if (this.#view === null) {
      this.#view = Job.of(this.unit, this.job);
      this.#view.setKnownAnnotations(this.#annotations);
    }
    return this.#view;
  }

  /** Made on first use: most jobs never look. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#aborted !== null) this.#abort.abort(this.#aborted);
    }
    return this.#abort.signal;
  }

  /** Tells the code to stop: nothing it writes will count. */
  abort(reason: unknown): void {
    this.#aborted = reason ?? new Error('aborted');
    // Listeners are the code's own: they may ask for the job whose end they hear of.
    currentRun.run(this, () => this.#abort?.abort(reason));
  }

  get isAborted(): boolean {
    return this.#aborted !== null;
  }

  /** An annotation as it was when the attempt began. */
  annotation(name: string): Json | undefined {
    return this.#annotations[name];
  }

  /** What ends the attempt, to be called once; null when nothing does. */
  takeTearDown(): (() => Promise<void>) | null {
    const { tearDown } = this;
    this.tearDown = null;
    return tearDown;
  }

  /** Who commits. */
  get by(): string {
    return this.agent?.dispatcher.uuid ?? 'client';
  }

  /** Where callbacks run that this run has to see to: in its own worker. */
  get callbackContext(): CallbackContext {
    return { agent: this.agent, slot: this.slot, holder: this.holder, queue: this.queue };
  }

  /** What every write of the run believes in: a list of its own for each. */
  get expectation(): Expectation[] {
    if (this.holder === null) return [];
    const { id, epoch, claim } = this.holder;
    return [{ what: 'holder', id, epoch, claim }];
  }

  /** Looks again at what the job is annotated with, for another attempt. */
  async reread(): Promise<void> {
    // What it saw before will do when the store does not answer.
    this.#annotations = await this.engine.annotationsOf(this.job.id).catch(() => this.#annotations);
  }

  /** Drops what the attempt did, for another one. */
  startOver(): void {
    this.unit.end();
    this.unit = new GatheringUnit(this.engine, jobCalls);
    this.#view = null;
  }
}
