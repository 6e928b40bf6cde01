import type { Json } from '../../../machines/json.ts';
import { type BadStatusError, ReassignedError } from '../../errors.ts';
import { afterStep, callsHandler, canStepJob, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { JobInfo } from '../../model/monitoring/job-infos.ts';
import type { AgentPoll, PollInfo } from '../../model/monitoring/polls.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Committer } from '../commits/committer.ts';
import { ifHeldBy, ifUnchanged } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import { isStoreClosed, retryRules } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { errorText } from '../environment/logging.ts';
import type { Executor } from '../execution/executor.ts';
import { LiveJobInfo } from '../execution/job-info.ts';
import { jobFields, logWorker } from '../execution/outcome-log.ts';
import { type AgentSlot, isHeldBy, isSameCall, Run, type RunAgent } from '../execution/run.ts';
import type { RunSteps } from '../execution/run-steps.ts';
import { annotationsOf } from '../jobs/annotations.ts';
import type { AgentClaim } from './claim-jobs.ts';
import type { AtWork, WorkerSlots } from './worker-slots.ts';

/** The newest poll of an agent: its claims are recorded there. */
export interface OpenPoll {
  readonly info: PollInfo;
  readonly entry: AgentPoll;
}

type Annotations = Record<string, Json>;

// What most jobs have none of is shared by them.
const noInput: readonly unknown[] = Object.freeze([]);
const noAnnotations: Annotations = Object.freeze({});

/** A job that is about to be called. */
interface Starting extends AtWork {
  /** How often its workers were aborted when it was last known to be held here: at first before it was claimed. */
  readonly aborts: number;
}

/** What a started job needs of the dispatcher. */
export interface AgentOwner {
  readonly uuid: string;
  /** Remembers a claimed job, which belongs to the given poll. */
  remember(id: string, info: JobInfo, poll: PollInfo | null): void;
  /** The remembered jobs; `size` is the maximum. */
  readonly jobs: { readonly size: number };
}

/** The agent whose jobs are started. */
export interface StartingAgent extends RunAgent {
  readonly owner: AgentOwner;
  readonly workers: WorkerSlots;
}

/** The dependencies of the starter. */
export interface StarterDeps {
  readonly committer: Committer;
  /** What runs commit through. */
  readonly work: UnitOfWork;
  readonly steps: Pick<RunSteps, 'execute'>;
  readonly executor: Pick<Executor, 'refuse'>;
}

/** Starts the jobs that an agent claimed, each once its claim is as durable as its policy asks. */
export class JobStarter {
  readonly #context: RuntimeContext;
  readonly #deps: StarterDeps;
  readonly #agent: StartingAgent;

  constructor(deps: StarterDeps, agent: StartingAgent) {
    this.#context = deps.committer.context;
    this.#deps = deps;
    this.#agent = agent;
  }

  /** `annotated`: ids of those with annotations. `aborts`: those of the workers before the claim was sent. */
  start(
    { jobs, starts, startable }: AgentClaim,
    annotated: ReadonlySet<string>,
    aborts: number,
    poll: OpenPoll | null,
  ): void {
    const { log } = this.#context;
    const { workers } = this.#agent;
    const handed = jobs.map((job) => ({ job, info: this.#remember(job, poll) }));
    workers.expect(jobs.length);
    this.#deps.committer.whenStartable(
      startable,
      () => {
        for (const { job, info } of handed) {
          const atWork = { slot: this.#takeSlot(info), info, aborts };
          try {
            this.#begin(job, atWork, starts.get(job.id) ?? null, annotated.has(job.id));
          } catch (error) {
            workers.replaced(atWork, error);
          }
        }
      },
      (error) => {
        workers.expectNoMore(jobs.length);
        log.events('ERROR', () => `a claim was not written: ${error.message}`, { err: error });
        this.#agent.slotFreed();
      },
    );
  }

  /** Makes the records of a claimed job: in the dispatcher's jobs, and in the newest poll. */
  #remember(job: JobRecord, poll: OpenPoll | null): LiveJobInfo {
    const { owner } = this.#agent;
    const { store, registry } = this.#context;
    const info = new LiveJobInfo(this.#agent, job, store.name, registry);
    owner.remember(job.id, info, poll?.info ?? null);
    if (poll !== null) {
      const { newJobs } = poll.entry;
      poll.entry.claimed += 1;
      newJobs.push([job.id, store.name]);
      if (newJobs.length > owner.jobs.size) newJobs.shift();
    }
    return info;
  }

  #takeSlot(info: LiveJobInfo): AgentSlot {
    const { name, workers } = this.#agent;
    const slot = workers.take();
    info.thread = `${name}:${slot.number}`;
    return slot;
  }

  #begin(job: JobRecord, atWork: Starting, start: Transition | null, isAnnotated: boolean): void {
    const { info } = atWork;
    info.startedAt = this.#context.now();
    logWorker(this.#context, 'starting', info.thread, job);
    // The claim of a job that starts at once has its start in it.
    if (job.state === 'assigned') this.#startSynced(job, atWork, isAnnotated);
    else if (start === null) this.#refuse(job, atWork);
    else if (callsHandler(start)) this.#call(job, atWork, isAnnotated);
  }

  /** For a policy that forbids a second run: the start is on disk, however often that fails, before the code is called. */
  #startSynced(job: JobRecord, atWork: Starting, isAnnotated: boolean): void {
    let isFirst = true;
    const starting = retryForever(
      this.#context,
      () => `starting ${jobLabel(job)}`,
      () => {
        const started = isFirst ? this.#startOnce(job) : this.#startAgain(job);
        isFirst = false;
        return started;
      },
    );
    starting.then(
      (started) => {
        if (started !== null) this.#call(started, atWork, isAnnotated);
      },
      (error: Error) => {
        const what = (): string => `could not start ${jobLabel(job)}: ${errorText(error)}`;
        this.#context.log.events('ERROR', what, { ...jobFields(job), err: error });
        this.#lost(atWork);
      },
    );
  }

  /** The job as its start leaves it, once that is on disk; null when its code is not to be called. */
  async #startOnce(job: JobRecord): Promise<JobRecord | null> {
    const start = stepJob(job, { type: 'job.start', at: this.#context.now() });
    // Unchanged, since its arguments may be set until it has started: it is called with those that are stored then.
    const expect = [ifHeldBy(job), ifUnchanged(job)];
    await this.#deps.committer.commit(this.#agent.owner.uuid, [start], expect).synced;
    return callsHandler(start) ? afterStep(job, start) : null;
  }

  /**
   * Starts a job again after a start that failed: the job may have been ended, which keeps its claim, or only the answer was
   * lost.
   * @throws ReassignedError, BadStatusError when it is not to be started here any more.
   */
  async #startAgain(job: JobRecord): Promise<JobRecord | null> {
    const { store } = this.#context;
    const now = await store.get('job', job.id);
    if (!isHeldBy(job, now)) throw new ReassignedError({ id: job.id });
    // No other process starts what this claim holds, and its code was not called yet.
    const isStarted = now.state === 'active.running' && now.attempts === job.attempts + 1;
    if (!isStarted) return this.#startOnce(now);
    await store.settled();
    return now;
  }

  /** Calls the code of a job that is ACTIVE: at once, when it has no annotations to read. */
  #call(job: JobRecord, atWork: Starting, isAnnotated: boolean): void {
    if (!isAnnotated) this.#run(job, atWork, noAnnotations);
    else {
      this.#annotations(job).then(
        (annotations) => (annotations === null ? this.#lost(atWork) : this.#run(job, atWork, annotations)),
        (error: unknown) => this.#agent.workers.replaced(atWork, error),
      );
    }
  }

  /** Reads the annotations, however long the store is away. Null when the job was reassigned by then. */
  async #annotations(job: JobRecord): Promise<Annotations | null> {
    const { store } = this.#context;
    const [annotations, now] = await retryForever(
      this.#context,
      () => `loading ${jobLabel(job)}`,
      () => Promise.all([annotationsOf(store, job.id), store.get('job', job.id)]),
      { rule: retryRules.load },
    );
    return isSameCall(job, now) ? annotations : null;
  }

  /** The job was reassigned before its code was called. */
  #lost({ slot, info }: AtWork): void {
    info.reassigned = true;
    info.completedAt = this.#context.now();
    this.#agent.workers.release(slot);
    this.#agent.slotFreed();
  }

  /** Calls the code, unless everything was aborted since the job was known to be held here: then the store is asked first. */
  #run(job: JobRecord, atWork: Starting, annotations: Annotations): void {
    const { workers } = this.#agent;
    const { aborts } = workers;
    if (aborts === atWork.aborts) {
      this.#execute(job, atWork, annotations);
      return;
    }
    const what = (): string => `looking whether ${jobLabel(job)} was reassigned`;
    retryForever(this.#context, what, () => this.#context.store.get('job', job.id)).then(
      (now) =>
        isSameCall(job, now) ? this.#run(job, { ...atWork, aborts }, annotations) : this.#lost(atWork),
      // A box that stops hands on what it holds.
      (error: unknown) => (isStoreClosed(error) ? this.#lost(atWork) : workers.replaced(atWork, error)),
    );
  }

  #execute(job: JobRecord, { slot, info }: AtWork, annotations: Annotations): void {
    const agent = this.#agent;
    const run = new Run({
      work: this.#deps.work,
      job,
      agent,
      slot,
      holder: job,
      queue: agent.queue,
      input: noInput,
      annotations,
      info,
    });
    agent.workers.started(run);
    try {
      this.#deps.steps.execute(run);
    } catch (error) {
      agent.workers.workerFailed(run, error);
    }
  }

  /** A job that was claimed although it cannot be called any more. */
  #refuse(job: JobRecord, { slot, info }: AtWork): void {
    let error: BadStatusError | null = null;
    if (!canStepJob(job, { type: 'job.start', at: 0 })) {
      try {
        stepJob(job, { type: 'job.start', at: 0 });
      } catch (refusal) {
        error = refusal as BadStatusError;
      }
    }
    info.failed = true;
    info.keep(error === null ? null : { ok: false, failure: Failure.from(error).data });
    info.completedAt = this.#context.now();
    this.#agent.workers.release(slot);
    if (error === null) return;
    this.#deps.executor
      .refuse(job, error)
      .catch((reason: unknown) =>
        this.#context.log.events(
          'ERROR',
          () => `${jobLabel(job)} was not filed: ${String(reason)}`,
          jobFields(job),
        ),
      );
  }
}
