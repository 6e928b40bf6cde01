/*
 * Room: agents.
 *
 * Owns: The way from a waiting job to running code. The machine of an agent decides when to claim; AgentActor
 *   carries it out, claim-changes.ts decides what a claim changes, JobStarter starts the jobs, DueTimer wakes
 *   agents when a job becomes due.
 *
 * Invariant: An agent never holds more jobs than its size, and code is called only once its claim is as
 *   durable as its policy asks.
 *
 * May import: environment, commits, jobs, execution, threads. Not callbacks: an agent does not know what
 *   follows an outcome.
 */
import { type Actor, type AnyActorLogic, type AnyActorRef, waitFor } from 'xstate';
import { agentMachine } from '../../../machines/agent.machine.ts';
import type { Json } from '../../../machines/json.ts';
import type { AgentPoll, PollInfo } from '../../model/monitoring/polls.ts';
import type { AgentRecord, JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Committer } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText, type LogDetails } from '../environment/logging.ts';
import { noModule } from '../threads/job-thread.ts';
import type { ThreadPool, Threads } from '../threads/threads.ts';
import { type ChartLogic, chartLogic } from './chart-logic.ts';
import type { ClaimInput } from './claim-changes.ts';
import { type Claimant, type ClaimDeps, claimInput, claimJobs } from './claim-jobs.ts';
import {
  type AgentOwner,
  JobStarter,
  type OpenPoll,
  type StarterDeps,
  type StartingAgent,
} from './job-starter.ts';
import { WorkerSlots } from './worker-slots.ts';

/** The dependencies of a live agent. */
export interface AgentDeps extends ClaimDeps, StarterDeps {
  readonly threads: Pick<Threads, 'open'>;
}

/**
 * A live agent: its machine decides when to claim, this class carries it out.
 */
export class AgentActor implements StartingAgent {
  readonly owner: AgentOwner;
  readonly queue: string;
  readonly name: string;
  readonly workers: WorkerSlots;
  readonly #starter: JobStarter;
  readonly #deps: AgentDeps;
  readonly #context: RuntimeContext;
  readonly #committer: Committer;
  readonly #claimInput: ClaimInput;
  readonly #actor: Actor<ChartLogic<typeof agentMachine>>;
  #record: AgentRecord;
  #threads: ThreadPool | null = null;
  #poll: OpenPoll | null = null;
  #freeing = false;
  /** Its next claim belongs to a poll. */
  #isPoll = false;
  /** What it held at its last claim, less what was freed since: near enough to know whether a claim is worth it. */
  #held = 0;
  #freed = 0;
  /** Claims, ever. */
  #begun = 0;
  #ended = 0;
  /** The failure in the agent's record, as far as this process has written it. */
  #failure: string | null | undefined;

  constructor(
    deps: AgentDeps,
    owner: AgentOwner,
    queue: string,
    record: AgentRecord,
    spawn: (id: string, logic: AnyActorLogic, input: unknown) => unknown,
  ) {
    this.#deps = deps;
    this.#committer = deps.committer;
    this.#context = deps.committer.context;
    this.owner = owner;
    this.queue = queue;
    this.#record = record;
    this.name = record.id.slice(`${queue}/${owner.uuid}/`.length);
    this.#claimInput = claimInput(this.#context, { queue, dispatcher: owner.uuid, agent: this.name });
    this.workers = new WorkerSlots(this.#context, () => this.slotFreed());
    this.#starter = new JobStarter(deps, this);
    this.#useThreads();
    const logic = chartLogic(agentMachine, { claim: () => void this.#claim() });
    this.#actor = spawn(`agent:${record.id}`, logic, { size: record.size }) as Actor<
      ChartLogic<typeof agentMachine>
    >;
  }

  get size(): number {
    return this.#record.size;
  }

  get threads(): ThreadPool | null {
    return this.#threads;
  }

  /** Has threads as its settings say. Those of earlier settings end with their jobs. */
  #useThreads(): void {
    const { thread } = this.#record;
    this.#threads?.close();
    const place = { queue: this.queue, agent: this.name };
    this.#threads = thread == null ? null : this.#deps.threads.open(place, thread);
  }

  /** Its size, less the places that are taken by code whose job went on without it. */
  get #room(): number {
    return Math.max(0, this.size - this.workers.abandonedCount);
  }

  /** Reads its settings, which may have been changed: its next claim has them. */
  async lookAgain(): Promise<void> {
    const record = await this.#context.store.get('agent', this.#record.id);
    if (record !== undefined) this.configure(record);
  }

  /** Takes over changed settings. */
  configure(record: AgentRecord): void {
    if (record.lastSeq < this.#record.lastSeq) return;
    const resized = record.size !== this.#record.size;
    const isSame = JSON.stringify(record.thread ?? null) === JSON.stringify(this.#record.thread ?? null);
    this.#record = record;
    if (!isSame) this.#useThreads();
    if (resized) this.#actor.send({ type: 'agent.resized', size: record.size });
  }

  /** Its queue may hold something for it. */
  offer(): void {
    this.#actor.send({ type: 'work.available' });
  }

  /** Its dispatcher stops: it claims nothing more, and what runs is handed on. */
  handOn(): void {
    this.workers.handOn();
    this.drain();
  }

  drain(): void {
    this.#actor.send({ type: 'agent.drain' });
  }

  /** Ends its threads, whatever they are at. Resolves when what ran there is handed back, or does not end. */
  async endThreads(): Promise<void> {
    await this.#threads?.shutDown();
  }

  resume(): void {
    if (this.#isDrained()) this.#actor.send({ type: 'agent.resume' });
  }

  /** Stops claiming. Resolves with its actor, which can be removed then, when nothing runs any more. */
  async ended(): Promise<AnyActorRef> {
    this.drain();
    await this.idle();
    this.#threads?.close();
    return this.#actor;
  }

  /** Resolves when no claim is under way and none of its workers is busy. */
  async idle(): Promise<void> {
    await this.#claimed();
    await this.workers.idle();
  }

  /** Resolves when no claim is under way, or when this many have ended: under load there may always be one. */
  async #claimed(enough = Number.POSITIVE_INFINITY): Promise<void> {
    await waitFor(
      this.#actor,
      ({ value }) => this.#ended >= enough || (value !== 'claiming' && value !== 'closing'),
    );
  }

  #isDrained(): boolean {
    const { value } = this.#actor.getSnapshot();
    return value === 'draining' || value === 'closing';
  }

  /** Records what it claims from now on in this poll. */
  joinPoll(info: PollInfo, entry: AgentPoll): void {
    this.#poll = { info, entry };
  }

  /** Claims as part of the poll that it has joined. */
  async claimDue(): Promise<void> {
    this.resume();
    this.#isPoll = true;
    // A claim that is under way may have looked before: the next one counts.
    const next = this.#begun + 1;
    this.#actor.send({ type: 'claim.due' });
    await this.#claimed(next);
  }

  /** A job it held is over: at most one event for all of a tick. The claim that follows counts what it still holds. */
  slotFreed(): void {
    this.#freed += 1;
    if (this.#freeing) return;
    this.#freeing = true;
    queueMicrotask(() => {
      this.#freeing = false;
      this.#actor.send({ type: 'slots.freed', held: this.#countFreed() });
    });
  }

  #countFreed(): number {
    this.#held = Math.max(0, this.#held - this.#freed);
    this.#freed = 0;
    return this.#held;
  }

  #heldCount(): Promise<number> {
    return this.#context.store.heldCount(this.queue, this.owner.uuid, this.name);
  }

  async #claim(): Promise<void> {
    this.#begun += 1;
    try {
      this.#held = await this.#claimWhatFits();
      if (this.#failure !== null) await this.#keepFailure(null);
    } catch (error) {
      const failure = Failure.from(error);
      if (this.#poll !== null) this.#poll.entry.error = failure.text('default');
      this.#context.log.events(
        'CRITICAL',
        () => `agent ${this.name} could not claim: ${errorText(failure)}`,
        { ...this.#place, err: failure.toError() },
      );
      await this.#keepFailure(failure);
      this.#held = await this.#heldCount().catch(() => 0);
    }
    this.#ended += 1;
    this.#actor.send({ type: 'claim.done', held: this.#countFreed() });
  }

  /** Writes to the agent's record why it cannot claim, for every process to see. Only when it changes. */
  async #keepFailure(failure: Failure | null): Promise<void> {
    const { store, log } = this.#context;
    const { id } = this.#record;
    if (this.#failure === (failure?.message ?? null)) return;
    this.#failure = undefined;
    try {
      const now = await store.get('agent', id);
      if (now === undefined || now.failure?.message === failure?.message) {
        this.#failure = failure?.message ?? null;
        return;
      }
      const change = { kind: 'agent' as const, id, event: 'agent.failed', from: null, to: null };
      const patch = { failure: (failure?.data ?? null) as Json };
      await this.#committer.commit(this.owner.uuid, [{ ...change, patch }], [ifUnchanged(now, 'agent')])
        .written;
    } catch (error) {
      // The poll has it, and the next poll tries again.
      log.events(
        'ERROR',
        () => `agent ${this.name} could not keep its failure: ${String(error)}`,
        this.#place,
      );
    }
  }

  /** Returns how many jobs it holds then. `slotFreed` reports the slots that are freed meanwhile. */
  async #claimWhatFits(): Promise<number> {
    const size = this.#room;
    if (this.#threads !== null && this.#context.threadModule === null) throw noModule(this.name);
    // Code that did not stop has all places of the agent.
    if (size === 0) return this.#held;
    const { aborts } = this.workers;
    const claim = await claimJobs(this.#deps, this.#claimant(), size, async () => {
      await this.lookAgain();
      return this.#claimant();
    });
    const held = claim.held ?? this.#held + claim.jobs.length;
    if (claim.jobs.length > 0) {
      const annotated = claim.annotated ?? (await this.#annotatedAmong(claim.jobs));
      this.#starter.start(claim, annotated, aborts, this.#poll);
    }
    if ((claim.jobs.length === size || claim.mayBeMore) && held < this.#room) this.offer();
    return held;
  }

  /** They are claimed, so they are started: when this cannot be read, the annotations of each are read. */
  #annotatedAmong(jobs: readonly JobRecord[]): Promise<ReadonlySet<string>> {
    const ids = jobs.map(({ id }) => id);
    return this.#context.store.annotated(ids).catch(() => new Set(ids));
  }

  get #place(): LogDetails {
    return { queue: this.queue, agent: this.name, dispatcher: this.owner.uuid };
  }

  #claimant(): Claimant {
    const { id, lastSeq, selection, paused } = this.#record;
    const isPoll = this.#isPoll;
    this.#isPoll = false;
    const own = { id, seq: lastSeq, size: this.#room, selection, paused, input: this.#claimInput };
    return isPoll ? { ...own, isPoll } : own;
  }
}
