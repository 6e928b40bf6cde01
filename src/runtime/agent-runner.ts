import { type Actor, type AnyActorLogic, waitFor } from 'xstate';
import { agentMachine } from '../../machines/agent.machine.ts';
import type { Outcome } from '../../machines/job.context.ts';
import type { Json } from '../../machines/json.ts';
import type { BadStatusError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { filterAcceptsLane, filterOfJob } from '../model/filter.ts';
import type { JobInfo } from '../model/job-infos.ts';
import { isDead } from '../model/liveness.ts';
import type { AgentPoll, PollInfo } from '../model/polls.ts';
import type { AgentRecord, JobRecord } from '../model/records.ts';
import { startsSynced } from '../model/retry.ts';
import { afterStep, canStepJob, stepJob, type Transition } from '../model/step.ts';
import type { Acceptance, Candidate, Change, Claimed, ClaimRequest } from '../store/store.ts';
import type { Dispatcher } from './dispatcher.ts';
import { callsHandler } from './effects.ts';
import type { Engine } from './engine.ts';
import { expiryWrapper } from './expiry.ts';
import { fiveTimes } from './five-times.ts';
import type { Job } from './job.ts';
import { LiveJobInfo } from './live-job-info.ts';
import { loaded } from './patience.ts';
import { mustSucceed } from './persistence.ts';
import { Run } from './run.ts';

/** A worker's place in an agent. */
export interface AgentSlot {
  readonly number: number;
}

type AgentActor = Actor<typeof agentMachine>;

/** A live agent: its machine decides when to claim, this carries it out and runs what was claimed. */
export class LiveAgent {
  readonly dispatcher: Dispatcher;
  readonly queue: string;
  readonly name: string;
  readonly #engine: Engine;
  readonly #actor: AgentActor;
  readonly #runs = new Set<Run>();
  readonly #freeNumbers: number[] = [];
  readonly #idleWaiters: (() => void)[] = [];
  #nextNumber = 0;
  #record: AgentRecord;
  #poll: { readonly info: PollInfo; readonly entry: AgentPoll } | null = null;
  #freeing = false;

  constructor(
    engine: Engine,
    dispatcher: Dispatcher,
    queue: string,
    record: AgentRecord,
    spawn: (id: string, logic: AnyActorLogic, input: unknown) => unknown,
  ) {
    this.#engine = engine;
    this.dispatcher = dispatcher;
    this.queue = queue;
    this.#record = record;
    this.name = record.id.slice(`${queue}/${dispatcher.uuid}/`.length);
    const logic = agentMachine.provide({ actions: { claim: () => void this.#claim() } });
    this.#actor = spawn(`agent:${record.id}`, logic, { size: record.size }) as AgentActor;
  }

  get size(): number {
    return this.#record.size;
  }

  /** Takes over changed settings. */
  configure(record: AgentRecord): void {
    const resized = record.size !== this.#record.size;
    this.#record = record;
    if (resized) this.#actor.send({ type: 'agent.resized', size: record.size });
  }

  /** Its queue may hold something for it. */
  offer(): void {
    this.#actor.send({ type: 'work.available' });
  }

  drain(): void {
    this.#actor.send({ type: 'agent.drain' });
  }

  resume(): void {
    if (this.#isDrained()) this.#actor.send({ type: 'agent.resume' });
  }

  #isDrained(): boolean {
    const snapshot = this.#actor.getSnapshot();
    return snapshot.matches('draining') || snapshot.matches('closing');
  }

  /** Claims as part of a poll, into its record. */
  async claimFor(info: PollInfo, entry: AgentPoll): Promise<void> {
    this.#poll = { info, entry };
    this.resume();
    this.#actor.send({ type: 'claim.due' });
    await waitFor(this.#actor, (snapshot) => !snapshot.matches('claiming') && !snapshot.matches('closing'));
  }

  /** A job it held is done with: at most one event for all of a tick. */
  slotFreed(): void {
    if (this.#freeing) return;
    this.#freeing = true;
    queueMicrotask(() => {
      this.#freeing = false;
      this.#heldCount().then(
        (held) => this.#actor.send({ type: 'slots.freed', held }),
        () => {},
      );
    });
  }

  /** The jobs that workers are on right now, newest first. */
  activeJobs(): { readonly id: string; readonly started: number }[] {
    return [...this.#runs]
      .filter((run) => run.info !== null && run.info.completed === null)
      .map((run) => ({ id: run.job.id, started: run.info?.started?.getTime() ?? 0 }))
      .reverse();
  }

  abortRuns(reason: unknown): void {
    for (const run of this.#runs) run.abort(reason);
  }

  /** Resolves when no worker is busy. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** False when it was not among them. */
  #dropRun(run: Run): boolean {
    const dropped = this.#runs.delete(run);
    if (this.#runs.size === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    return dropped;
  }

  #heldCount(): Promise<number> {
    return this.#engine.store.heldCount(this.queue, this.dispatcher.uuid, this.name);
  }

  async #claim(): Promise<void> {
    let held = 0;
    try {
      await this.#claimWhatFits();
      held = await this.#heldCount();
      await this.#keepFailure(null);
    } catch (error) {
      const failure = Failure.from(error);
      if (this.#poll !== null) this.#poll.entry.error = failure.text('default');
      this.#engine.log.events(
        'CRITICAL',
        () => `agent ${this.name} could not claim: ${failure.text('brief')}`,
      );
      await this.#keepFailure(failure);
      held = await this.#heldCount().catch(() => 0);
    }
    this.#actor.send({ type: 'claim.done', held });
  }

  /** Remembers on the agent why it cannot claim, for every process to see. Written only when it changes. */
  async #keepFailure(failure: Failure | null): Promise<void> {
    const engine = this.#engine;
    const { id } = this.#record;
    try {
      const now = await engine.store.get('agent', id);
      if (now === undefined || now.failure?.message === failure?.message) return;
      const change = { kind: 'agent' as const, id, event: 'agent.failed', from: null, to: null };
      const patch = { failure: (failure?.data ?? null) as Json };
      await engine.commit(
        this.dispatcher.uuid,
        [{ ...change, patch }],
        [{ what: 'rev', kind: 'agent', id, rev: now.rev }],
      ).written;
    } catch (error) {
      // The poll has it, and the next poll tries again.
      engine.log.events('ERROR', () => `agent ${this.name} could not keep its failure: ${String(error)}`);
    }
  }

  async #claimWhatFits(): Promise<void> {
    const engine = this.#engine;
    const representation = await engine.store.get('representation', `${this.queue}/${this.dispatcher.uuid}`);
    if (representation?.state !== 'activated' || isDead(representation, engine.store.now())) return;
    const room = this.size - (await this.#heldCount());
    if (room <= 0) return;
    const starts = new Map<string, Transition>();
    const claimed = await fiveTimes(async () => {
      starts.clear();
      return engine.store.claim(await this.#request(room, starts));
    });
    if (claimed.jobs.length > 0) await this.#handOut(claimed, starts);
  }

  async #request(limit: number, starts: Map<string, Transition>): Promise<ClaimRequest> {
    const { selection } = this.#record;
    const { registry } = this.#engine;
    let accepts: Acceptance = { lane: () => true, job: null };
    let choose: ClaimRequest['choose'] = null;
    if (selection.kind === 'data') {
      const { filter } = selection;
      accepts = { lane: (name, quotas) => filterAcceptsLane(filter, name, quotas), job: filterOfJob(filter) };
    } else if (selection.kind === 'filter') {
      const filter = registry.filter(selection.name);
      accepts = { lane: () => true, job: filter.accepts };
    } else if (selection.kind === 'chooser') {
      const chooser = registry.chooser(selection.name);
      const held = await this.#engine.store.held(this.queue, this.dispatcher.uuid, this.name);
      choose = (claimable) => chooser.choose(claimable, held);
    }
    return {
      queue: this.queue,
      limit,
      by: this.dispatcher.uuid,
      accepts,
      choose,
      take: (candidate) =>
        candidate.expired ? this.#takeExpired(candidate, starts) : this.#take(candidate, starts),
    };
  }

  /** ASSIGNED and ACTIVE in one line when the job may start at once; a policy that forbids a second run starts later. */
  #take({ job, quotas }: Candidate, starts: Map<string, Transition>): readonly Change[] {
    const claim = stepJob(job, {
      type: 'job.claim',
      queue: this.queue,
      dispatcher: this.dispatcher.uuid,
      agent: this.name,
      epoch: this.#engine.store.epoch,
      quotas: job.state === 'pending' ? quotas : [],
    });
    // A policy that nobody knows here may forbid a second run.
    const policy = this.#engine.registry.policyOf(job);
    const startsAtOnce = claim.to === 'assigned' && policy !== undefined && !startsSynced(policy);
    if (!startsAtOnce) return [claim];
    const start = stepJob(afterStep(job, claim), { type: 'job.start', at: this.#engine.now() });
    starts.set(job.id, start);
    return [claim, start];
  }

  /** A job that is too late leaves the queue, and a system job that fails it is handed out in its place. */
  #takeExpired({ job }: Candidate, starts: Map<string, Transition>): readonly Change[] {
    const { changes, wrapper } = expiryWrapper(this.#engine, this.queue, job);
    return [...changes, ...this.#take({ job: wrapper, expired: false, quotas: [] }, starts)];
  }

  async #handOut(claimed: Claimed, starts: ReadonlyMap<string, Transition>): Promise<void> {
    const engine = this.#engine;
    const ids = claimed.jobs.map((job) => job.id);
    const annotated = await engine.store.annotated(ids);
    const slots = claimed.jobs.map((job) => this.#prepare(job));
    engine.startable(
      claimed.startable,
      () => {
        for (const [index, job] of claimed.jobs.entries()) {
          const slot = slots[index] as Prepared;
          try {
            this.#begin(job, slot, starts.get(job.id) ?? null, annotated.has(job.id));
          } catch (error) {
            this.#escaped(slot, error);
          }
        }
      },
      (error) => {
        for (const slot of slots) this.#release(slot.slot);
        engine.log.events('ERROR', () => `a claim was not written: ${error.message}`, { err: error });
        this.slotFreed();
      },
    );
  }

  /** Makes the records of a claimed job: in the dispatcher's jobs, and in the newest poll. */
  #prepare(job: JobRecord): Prepared {
    const slot = { number: this.#freeNumbers.pop() ?? this.#nextNumber++ };
    const info = new LiveJobInfo(this, job, this.#engine.store.name);
    info.thread = `${this.name}:${slot.number}`;
    this.dispatcher.remember(job.id, info, this.#poll?.info ?? null);
    if (this.#poll !== null) {
      const { newJobs } = this.#poll.entry;
      this.#poll.entry.claimed += 1;
      newJobs.push([job.id, this.#engine.store.name]);
      if (newJobs.length > this.dispatcher.jobs.size) newJobs.shift();
    }
    return { slot, info };
  }

  #begin(job: JobRecord, prepared: Prepared, start: Transition | null, isAnnotated: boolean): void {
    const engine = this.#engine;
    const { slot, info } = prepared;
    info.started = new Date(engine.now());
    engine.log.trace('INFO', () => `starting in thread ${info.thread}: ${info.call}`, { job: job.id });
    const holder = { id: job.id, epoch: job.epoch, claim: job.claim };
    const begin = (record: JobRecord, annotations: Record<string, Json>): void => {
      const run = new Run({
        engine,
        job: record,
        agent: this,
        slot,
        holder,
        queue: this.queue,
        input: [],
        annotations,
        info,
      });
      this.#runs.add(run);
      try {
        engine.executor.execute(run);
      } catch (error) {
        this.runEscaped(run, error);
      }
    };
    if (job.state === 'assigned') this.#startSynced(job, prepared, isAnnotated, begin);
    else if (start !== null && callsHandler(start)) {
      if (isAnnotated)
        this.#annotations(job.id, info).then(
          (annotations) => begin(job, annotations),
          (error: unknown) => this.#escaped(prepared, error),
        );
      else begin(job, {});
    } else if (start === null) this.#refuse(job, prepared);
  }

  /** For a policy that forbids a second run: the start is on disk, however often that fails, before the code is called. */
  #startSynced(
    job: JobRecord,
    prepared: Prepared,
    isAnnotated: boolean,
    begin: (record: JobRecord, annotations: Record<string, Json>) => void,
  ): void {
    const engine = this.#engine;
    const { uuid } = this.dispatcher;
    const holder = { what: 'holder' as const, id: job.id, epoch: job.epoch, claim: job.claim };
    const starting = mustSucceed(
      engine,
      () => `starting ${info(prepared).call}`,
      async () => {
        const start = stepJob(job, { type: 'job.start', at: engine.now() });
        await engine.commit(uuid, [start], [holder]).synced;
        return start;
      },
    );
    starting.then(
      (start) => {
        if (!callsHandler(start)) return;
        const annotations = isAnnotated ? this.#annotations(job.id, prepared.info) : Promise.resolve({});
        annotations.then(
          (found) => begin(afterStep(job, start), found),
          (error: unknown) => this.#escaped(prepared, error),
        );
      },
      (error: Error) => {
        const what = (): string => `could not start ${info(prepared).call}: ${error.message}`;
        engine.log.events('ERROR', what, { job: job.id, err: error });
        info(prepared).reassigned = true;
        info(prepared).completed = new Date(engine.now());
        this.#release(prepared.slot);
      },
    );
  }

  /** Read before the code is called, however long the store is away. */
  async #annotations(id: string, info: JobInfo): Promise<Record<string, Json>> {
    const { store } = this.#engine;
    const records = await loaded(
      this.#engine,
      () => info.call,
      () => store.annotations(id),
    );
    return Object.fromEntries(records.map((record) => [record.id.slice(id.length + 1), record.value]));
  }

  /** A job that was handed out though it cannot be called any more. */
  #refuse(job: JobRecord, { slot, info }: Prepared): void {
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
    this.#release(slot);
    if (error === null) return;
    engine.executor
      .refuse(job, error)
      .catch((escaped: unknown) =>
        engine.log.events('ERROR', () => `${info.call} was not filed: ${String(escaped)}`, { job: job.id }),
      );
  }

  runStarted(run: Run): void {
    this.#runs.add(run);
  }

  /** The worker is done with the job. `outcome` null: it was put back. */
  runEnded(run: Run, outcome: Outcome | null): void {
    // What waited has let its worker go already.
    if (!this.#dropRun(run) || run.info === null || run.info.completed !== null) return;
    const info = run.info as LiveJobInfo;
    info.failed = outcome?.ok === false;
    info.keep(outcome);
    info.completed = new Date(this.#engine.now());
    this.#release(run.slot);
  }

  /** The worker is free, though the job waits for another job or a promise. */
  runWaits(run: Run, inner: Job<unknown> | null): void {
    if (run.info === null) {
      this.#dropRun(run);
      return;
    }
    const info = run.info as LiveJobInfo;
    info.keepText(inner === null ? 'null' : String(inner));
    info.completed = new Date(this.#engine.now());
    this.#release(run.slot);
    // A detached promise still belongs to the run, so that it is aborted with it.
    if (inner !== null) this.#dropRun(run);
    this.logCompleted(run);
  }

  /** The job is in other hands: nothing was written. */
  runLost(run: Run): void {
    if (!this.#dropRun(run) || run.info === null) return;
    run.abort(new Error('the job is in other hands'));
    const info = run.info as LiveJobInfo;
    info.reassigned = true;
    this.slotFreed();
    if (info.completed !== null) return;
    this.#release(run.slot);
    // The record tells what the store knows by now.
    void this.#engine.store
      .get('job', run.job.id)
      .then((job) => info.keep(job?.outcome ?? null))
      .catch(() => {})
      .then(() => {
        info.completed = new Date(this.#engine.now());
      });
  }

  /** Something broke that is no failure of the job: the worker is replaced, the job stays as it is until it is cleaned. */
  runEscaped(run: Run, error: unknown): void {
    if (!this.#dropRun(run) || run.info === null || run.info.completed !== null) return;
    this.#escaped({ slot: run.slot, info: run.info as LiveJobInfo }, error);
  }

  #escaped({ slot, info }: { slot: AgentSlot | null; info: LiveJobInfo }, error: unknown): void {
    const failure = Failure.from(error);
    info.failed = true;
    info.keep({ ok: false, failure: failure.data });
    info.completed = new Date(this.#engine.now());
    this.#release(slot);
    this.#engine.log.events(
      'CRITICAL',
      () => `unexpected error in worker ${info.thread}, which is replaced: ${failure.text()}`,
    );
  }

  logCompleted(run: Run): void {
    const { info } = run;
    if (info === null) return;
    this.#engine.log.trace('INFO', () => `completed in thread ${info.thread}: ${info.call}`, {
      job: run.job.id,
    });
  }

  #release(slot: AgentSlot | null): void {
    if (slot !== null && !this.#freeNumbers.includes(slot.number)) this.#freeNumbers.push(slot.number);
  }
}

interface Prepared {
  readonly slot: AgentSlot;
  readonly info: LiveJobInfo;
}

function info(prepared: Prepared): LiveJobInfo {
  return prepared.info;
}
