import type { Json } from '../../../machines/json.ts';
import { type BadStatusError, ReassignedError } from '../../errors.ts';
import { afterStep, canStepJob, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { AgentPoll, PollInfo } from '../../model/monitoring/polls.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Engine } from '../box/engine.ts';
import { mustLoad, mustSucceed } from '../commits/retry.ts';
import { LiveJobInfo } from '../execution/job-info.ts';
import { isSameCall, Run } from '../execution/run.ts';
import type { AtWork } from '../execution/worker-slots.ts';
import { callsHandler } from '../jobs/effects.ts';
import type { LiveAgent } from './agent-actor.ts';
import type { AgentClaim } from './claim-jobs.ts';

/** The newest poll of an agent: what it claims is noted there. */
export interface OpenPoll {
  readonly info: PollInfo;
  readonly entry: AgentPoll;
}

type Annotations = Record<string, Json>;

/** Gives what an agent claimed to its workers, each job once its claim is as durable as its start needs. */
export class HandingOut {
  readonly #engine: Engine;
  readonly #agent: LiveAgent;

  constructor(engine: Engine, agent: LiveAgent) {
    this.#engine = engine;
    this.#agent = agent;
  }

  async handOut(
    { jobs, starts, startable, annotated: known }: AgentClaim,
    poll: OpenPoll | null,
  ): Promise<void> {
    const engine = this.#engine;
    const { workers } = this.#agent;
    const ids = jobs.map((job) => job.id);
    // They are claimed, so they are begun: when this cannot be read, each is asked for its annotations.
    const annotated = known ?? (await engine.store.annotated(ids).catch(() => new Set(ids)));
    const handed = jobs.map((job) => ({ job, atWork: this.#prepare(job, poll) }));
    engine.startable(
      startable,
      () => {
        for (const { job, atWork } of handed) {
          try {
            this.#begin(job, atWork, starts.get(job.id) ?? null, annotated.has(job.id));
          } catch (error) {
            workers.replaced(atWork, error);
          }
        }
      },
      (error) => {
        for (const { atWork } of handed) workers.release(atWork.slot);
        engine.log.events('ERROR', () => `a claim was not written: ${error.message}`, { err: error });
        this.#agent.slotFreed();
      },
    );
  }

  /** Makes the records of a claimed job: in the dispatcher's jobs, and in the newest poll. */
  #prepare(job: JobRecord, poll: OpenPoll | null): AtWork {
    const { dispatcher, name, workers } = this.#agent;
    const slot = workers.take();
    const { store, registry } = this.#engine;
    const info = new LiveJobInfo(this.#agent, job, store.name, () => registry.redactorOf(job));
    info.thread = `${name}:${slot.number}`;
    dispatcher.remember(job.id, info, poll?.info ?? null);
    if (poll !== null) {
      const { newJobs } = poll.entry;
      poll.entry.claimed += 1;
      newJobs.push([job.id, this.#engine.store.name]);
      if (newJobs.length > dispatcher.jobs.size) newJobs.shift();
    }
    return { slot, info };
  }

  #begin(job: JobRecord, atWork: AtWork, start: Transition | null, isAnnotated: boolean): void {
    const engine = this.#engine;
    const { info } = atWork;
    info.started = new Date(engine.now());
    if (engine.log.isRead('INFO'))
      engine.log.trace('INFO', () => `starting in thread ${info.thread}: ${info.call}`, { job: job.id });
    // The claim of a job that starts at once has its start in it.
    if (job.state === 'assigned') this.#startSynced(job, atWork, isAnnotated);
    else if (start === null) this.#refuse(job, atWork);
    else if (callsHandler(start)) this.#call(job, atWork, isAnnotated);
  }

  /** For a policy that forbids a second run: the start is on disk, however often that fails, before the code is called. */
  #startSynced(job: JobRecord, atWork: AtWork, isAnnotated: boolean): void {
    const engine = this.#engine;
    const { info } = atWork;
    let isFirst = true;
    const starting = mustSucceed(
      engine,
      () => `starting ${info.call}`,
      () => {
        const started = isFirst ? this.#start(job) : this.#startAgain(job);
        isFirst = false;
        return started;
      },
    );
    starting.then(
      (started) => {
        if (started !== null) this.#call(started, atWork, isAnnotated);
      },
      (error: Error) => {
        const what = (): string => `could not start ${info.call}: ${error.message}`;
        engine.log.events('ERROR', what, { job: job.id, err: error });
        this.#lost(atWork);
      },
    );
  }

  /** The job as its start leaves it, once that is on disk; null when its code is not to be called. */
  async #start(job: JobRecord): Promise<JobRecord | null> {
    const { id, epoch, claim } = job;
    const start = stepJob(job, { type: 'job.start', at: this.#engine.now() });
    const holder = { what: 'holder' as const, id, epoch, claim };
    // Its arguments may be set until it has started: it is called with those that are stored then.
    const unchanged = { what: 'rev' as const, kind: 'job' as const, id, rev: job.rev };
    await this.#engine.commit(this.#agent.dispatcher.uuid, [start], [holder, unchanged]).synced;
    return callsHandler(start) ? afterStep(job, start) : null;
  }

  /**
   * After a start that failed: somebody may have ended the job, which keeps its claim, or only the answer was lost.
   * @throws ReassignedError, BadStatusError when it is not to be started here any more.
   */
  async #startAgain(job: JobRecord): Promise<JobRecord | null> {
    const { store } = this.#engine;
    const now = await store.get('job', job.id);
    if (now?.epoch !== job.epoch || now.claim !== job.claim) throw new ReassignedError({ id: job.id });
    // Nobody else starts what this claim holds, and its code was not called yet.
    const isStarted = now.state === 'active.running' && now.attempts === job.attempts + 1;
    if (!isStarted) return this.#start(now);
    await store.settled();
    return now;
  }

  /** Calls the code of a job that is ACTIVE: at once, when there is nothing to read before. */
  #call(job: JobRecord, atWork: AtWork, isAnnotated: boolean): void {
    if (!isAnnotated) this.#run(job, atWork, {});
    else {
      this.#annotations(job, atWork).then(
        (annotations) => (annotations === null ? this.#lost(atWork) : this.#run(job, atWork, annotations)),
        (error: unknown) => this.#agent.workers.replaced(atWork, error),
      );
    }
  }

  /** Read before the code is called, however long the store is away. Null when the job is in other hands by then. */
  async #annotations(job: JobRecord, { info }: AtWork): Promise<Annotations | null> {
    const engine = this.#engine;
    const [annotations, now] = await mustLoad(
      engine,
      () => info.call,
      () => Promise.all([engine.annotationsOf(job.id), engine.store.get('job', job.id)]),
    );
    return isSameCall(job, now) ? annotations : null;
  }

  /** The job is in other hands before its code was called. */
  #lost({ slot, info }: AtWork): void {
    info.reassigned = true;
    info.completed = new Date(this.#engine.now());
    this.#agent.workers.release(slot);
    this.#agent.slotFreed();
  }

  #run(job: JobRecord, { slot, info }: AtWork, annotations: Annotations): void {
    const engine = this.#engine;
    const agent = this.#agent;
    const { id, epoch, claim } = job;
    const holder = { id, epoch, claim };
    const run = new Run({
      engine,
      job,
      agent,
      slot,
      holder,
      queue: agent.queue,
      input: [],
      annotations,
      info,
    });
    agent.workers.started(run);
    try {
      engine.executor.execute(run);
    } catch (error) {
      agent.workers.broke(run, error);
    }
  }

  /** A job that was handed out though it cannot be called any more. */
  #refuse(job: JobRecord, { slot, info }: AtWork): void {
    const engine = this.#engine;
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
    info.completed = new Date(engine.now());
    this.#agent.workers.release(slot);
    if (error === null) return;
    engine.executor
      .refuse(job, error)
      .catch((escaped: unknown) =>
        engine.log.events('ERROR', () => `${info.call} was not filed: ${String(escaped)}`, { job: job.id }),
      );
  }
}
